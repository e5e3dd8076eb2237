"""Messages of syslog: well formed whatever an entry holds, and never too long."""

import json
import re
from dataclasses import replace
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from moorage.audit.message import DROPPED, FACILITIES, Style, host_name, notice, render
from moorage.audit.model import Entry, Result

STYLE = Style("registry.example.com", "moorage", "local0", "moorage@32473")
ENTRY = Entry(
    id=17,
    at=datetime(2026, 3, 4, 12, 0, 0, 250, tzinfo=UTC),
    request_id="req-1",
    actor_kind="user",
    actor="alice",
    address="192.0.2.7",
    user_agent="docker/27",
    operation="push_artifact",
    resource_type="artifact",
    resource="dock/app:1",
    project_id=3,
    project="dock",
    repository="dock/app",
    tag="1",
    digest="sha256:" + "a" * 64,
    result=Result.SUCCESS,
    detail="",
)
#: RFC 5424, section 6, for what this program writes.
WELL_FORMED = re.compile(
    rb"<([0-9]{1,3})>1 "
    rb"\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}\.\d{6}Z "
    rb"([!-~]{1,255}) ([!-~]{1,48}) - ([!-~]{1,32}) "
    rb"\[([!-~]+)((?: [a-z_]{1,32}=\"(?:[^\"\\\]]|\\.)*\")*)\]"
    rb"(?: (.*))?",
    re.DOTALL,
)
PARAMETER = re.compile(r'([a-z_]+)="((?:[^"\\\]]|\\.)*)"')
TEXTS = st.text(st.characters(), max_size=1100)


def parsed(message: bytes) -> tuple[dict[str, str], str]:
    """The parameters, without their escapes, and the text."""
    found = WELL_FORMED.fullmatch(message)
    assert found is not None, message
    pairs = PARAMETER.findall(found[6].decode())
    assert len({name for name, _ in pairs}) == len(pairs)
    return {name: re.sub(r'\\(["\\\]])', r"\1", value) for name, value in pairs}, (found[7] or b"").decode()


def test_an_entry_is_told_with_all_its_fields() -> None:
    assert render(STYLE, ENTRY).decode() == (
        "<134>1 2026-03-04T12:00:00.000250Z registry.example.com moorage - push_artifact "
        '[moorage@32473 id="17" request_id="req-1" actor_kind="user" actor="alice" address="192.0.2.7" '
        'user_agent="docker/27" operation="push_artifact" resource_type="artifact" resource="dock/app:1" '
        f'project_id="3" project="dock" repository="dock/app" tag="1" digest="sha256:{"a" * 64}" '
        'result="success"] alice push_artifact artifact dock/app:1 success'
    )


@pytest.mark.parametrize(("result", "severity"), [("success", 6), ("denied", 4), ("failed", 3)])
@pytest.mark.parametrize("facility", FACILITIES)
def test_the_priority_tells_facility_and_result(facility: str, result: str, severity: int) -> None:
    message = render(replace(STYLE, facility=facility), replace(ENTRY, result=Result(result)))
    found = WELL_FORMED.fullmatch(message)
    assert found is not None
    assert int(found[1]) == FACILITIES.index(facility) * 8 + severity


def test_quotes_brackets_and_backslashes_are_escaped() -> None:
    message = render(STYLE, replace(ENTRY, user_agent='a"b]c\\d[e'))
    assert rb'user_agent="a\"b\]c\\d[e"' in message
    assert parsed(message)[0]["user_agent"] == 'a"b]c\\d[e'


@pytest.mark.parametrize(
    "evil",
    [
        "a\nb",
        "a\r\n<13>1 - - - - - - forged",
        "a\0b",
        "a\x1b[2Jb",
        "a\x7fb",
        "a\u2028b",
        "a\u202eb",
        "\ud800",
    ],
)
def test_nothing_breaks_the_line_or_steers_a_terminal(evil: str) -> None:
    entry = replace(ENTRY, actor=evil, user_agent=evil, resource=evil, detail=evil, operation=evil)
    for style in (STYLE, replace(STYLE, as_json=True)):
        message = render(style, entry)
        assert message.decode().isprintable()
        parsed(message)


def test_text_in_letters_of_the_world_begins_with_a_byte_order_mark() -> None:
    message = render(STYLE, replace(ENTRY, actor="Jürgen"))
    fields, text = parsed(message)
    assert fields["actor"] == "Jürgen"
    assert text == "\ufeffJürgen push_artifact artifact dock/app:1 success"
    assert "\ufeff" not in parsed(render(STYLE, ENTRY))[1]


def test_json_is_ascii_and_holds_every_field() -> None:
    message = render(replace(STYLE, as_json=True), replace(ENTRY, actor="Jürgen", detail="x"))
    fields, text = parsed(message)
    assert fields == {"id": "17"}
    assert text.isascii()
    told = json.loads(text)
    assert (told["id"], told["actor"], told["detail"], told["result"]) == ("17", "Jürgen", "x", "success")


@pytest.mark.parametrize("as_json", [False, True])
@pytest.mark.parametrize("limit", [1024, 2048, 8192])
@pytest.mark.parametrize("letter", ["x", "ü", "💥", '"', "\\", "\n"])
def test_a_long_entry_is_cut_to_the_limit(letter: str, limit: int, as_json: bool) -> None:
    long = {
        name: letter * 1024 for name in ("actor", "user_agent", "resource", "detail", "repository", "tag")
    }
    style = replace(STYLE, max_bytes=limit, as_json=as_json, host="h" * 255)
    message = render(style, replace(ENTRY, **long))  # type: ignore[arg-type]  # fields by name
    assert len(message) <= limit
    fields, text = parsed(message)
    told = json.loads(text) if as_json else fields
    assert (told["id"], told["operation"], told["result"]) == ("17", "push_artifact", "success")
    if limit < 8192:
        assert told["truncated"] == "true"


def test_the_text_is_cut_between_two_letters() -> None:
    for length in range(1, 40):
        entry = replace(ENTRY, resource="", detail="e" * length + "ü💥" * 500)
        message = render(replace(STYLE, max_bytes=1500), entry)
        assert len(message) <= 1500
        message.decode()


@given(st.lists(TEXTS, min_size=8, max_size=8), st.booleans(), st.sampled_from([1024, 1500, 8192]))
def test_any_entry_makes_one_well_formed_message(texts: list[str], as_json: bool, limit: int) -> None:
    names = ("actor", "address", "user_agent", "operation", "resource", "repository", "tag", "detail")
    style = replace(STYLE, as_json=as_json, max_bytes=limit)
    message = render(style, replace(ENTRY, **dict(zip(names, texts, strict=True))))  # type: ignore[arg-type]
    assert len(message) <= limit
    assert message.decode().isprintable() or "\ufeff" in message.decode()
    fields, text = parsed(message)
    assert fields["id"] == "17"
    if as_json:
        assert json.loads(text)["id"] == "17"


def test_the_forwarder_tells_of_what_was_dropped() -> None:
    message = notice(STYLE, ENTRY.at, DROPPED, "3 entries were dropped", dropped="3")
    assert message.startswith(b"<132>1 ")
    assert message.endswith(b' - entries_dropped [moorage@32473 dropped="3"] 3 entries were dropped')


def test_a_host_without_a_usable_name_is_a_dash() -> None:
    assert host_name("reg istry\n.example") == "registry.example"
    assert host_name("ü ") == "-"
    assert len(host_name("h" * 300)) == 255
