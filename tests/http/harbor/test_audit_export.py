"""`/auditlog-exts/export`: the log as a file."""

import csv
import io
import json
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from threading import BoundedSemaphore

import falcon
import pytest

from moorage.audit.lines import FORMS
from moorage.audit.log import PAGE_LIMIT
from moorage.audit.model import Entry, Query, Result
from moorage.audit.store import AuditStore
from moorage.db.connection import atomic
from moorage.projects.model import Project
from moorage.services import Services
from moorage.web.harbor.exports import Export, Exports, ExportsBusyError
from tests.http.harbor.portal import Portal, code_of

EXPORT = "/auditlog-exts/export"
NOON = datetime(2026, 3, 4, 12, tzinfo=UTC)
PULL = Entry(
    id=0,
    at=NOON,
    request_id="req-1",
    actor_kind="user",
    actor="alice",
    address="192.0.2.7",
    user_agent="docker",
    operation="pull_artifact",
    resource_type="artifact",
    resource="dock/app:1",
    project_id=None,
    project="dock",
    repository="dock/app",
    tag="1",
    digest="",
    result=Result.SUCCESS,
    detail="",
)


def write(*entries: Entry) -> None:
    with atomic():
        AuditStore().append(entries)


def as_json(text: str) -> list[dict[str, object]]:
    return [json.loads(line) for line in text.splitlines()]


def as_table(text: str) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(text, newline="")))


def test_the_whole_log_is_exported_newest_first_however_many_pages_it_takes(
    admin: Portal, services: Services
) -> None:
    count = 2 * PAGE_LIMIT + 7
    write(*(replace(PULL, tag=str(n), at=NOON + timedelta(seconds=n)) for n in range(count)))
    answer = admin.get(EXPORT, q="operation=pull_artifact")
    assert answer.headers["content-type"] == "application/x-ndjson"
    assert answer.headers["content-disposition"] == 'attachment; filename="audit-log.jsonl"'
    assert [each["tag"] for each in as_json(answer.text)] == [str(n) for n in reversed(range(count))]
    table = admin.get(EXPORT, q="operation=pull_artifact", format="csv")
    assert table.headers["content-type"] == "text/csv; charset=utf-8"
    assert [each["tag"] for each in as_table(table.text)] == [str(n) for n in reversed(range(count))]


def test_both_forms_hold_every_field(admin: Portal) -> None:
    write(replace(PULL, actor="zoë", detail='a, "b"', project_id=7))
    (line,) = as_json(admin.get(EXPORT, q="tag=1").text)
    (row,) = as_table(admin.get(EXPORT, q="tag=1", format="csv").text)
    assert set(line) == set(row) == set(Entry.__dataclass_fields__)
    assert (line["actor"], line["detail"], line["project_id"]) == ("zoë", 'a, "b"', 7)
    assert {name: str(value) for name, value in line.items()} == row


@pytest.mark.parametrize("start", ["=", "+", "-", "@", "\t", "\r", "\n", "\n=", " =", "\n\n@"])
def test_no_cell_is_a_formula(admin: Portal, start: str) -> None:
    formula = f"{start}cmd|' /C calc'!A0"
    write(replace(PULL, actor=formula, detail=formula, user_agent=formula))
    (row,) = as_table(admin.get(EXPORT, q="tag=1", format="csv").text)
    assert row["actor"] == row["detail"] == row["user_agent"] == f"'{formula}"
    (line,) = as_json(admin.get(EXPORT, q="tag=1").text)
    assert line["actor"] == formula


def test_an_empty_answer_is_an_empty_file(admin: Portal) -> None:
    assert admin.get(EXPORT, q="tag=none").text == ""
    assert admin.get(EXPORT, q="tag=none", format="csv").text.startswith("id,at,request_id,")


def test_everybody_exports_what_they_may_read_and_no_more(
    admin: Portal, alice: Portal, bob: Portal, nobody: Portal, dock: Project, pier: Project
) -> None:
    def projects(portal: Portal, path: str = EXPORT) -> set[object]:
        return {each["project"] for each in as_json(portal.get(path).text)}

    assert {"dock", "pier"} <= projects(admin)
    assert projects(alice) == {"dock"}
    assert projects(bob) == {"pier"}
    assert projects(alice, "/projects/dock/auditlog-exts/export") == {"dock"}
    assert bob.get("/projects/dock/auditlog-exts/export").status_code == 403
    assert nobody.get(EXPORT).status_code == 401
    assert nobody.get("/projects/dock/auditlog-exts/export").status_code == 401


@pytest.mark.parametrize(
    "parameters", [{"format": "xlsx"}, {"q": "password=x"}, {"q": "result=maybe"}, {"sort": "op_time"}]
)
def test_what_cannot_be_exported_is_refused(admin: Portal, parameters: dict[str, str]) -> None:
    assert code_of(admin.get(EXPORT, **parameters)) == "BAD_REQUEST"


def test_exports_are_few_at_a_time_and_an_end_makes_room(services: Services, admin: Portal) -> None:
    for _ in range(5):  # each gives its place back
        assert admin.get(EXPORT).status_code == 200
    places = BoundedSemaphore(1)
    places.acquire()
    export = Export(FORMS["csv"], iter([(PULL,)] * 3), places)
    assert next(export).startswith(b"id,at")
    assert not places.acquire(blocking=False)
    export.close()  # the client went away
    export.close()
    assert list(export) == []
    assert places.acquire(blocking=False)


def test_too_many_exports_are_put_off(services: Services) -> None:
    exports = Exports(services, at_once=1)
    first = falcon.Response()
    exports.send(first, FORMS["csv"], Query())
    with pytest.raises(ExportsBusyError):
        exports.send(falcon.Response(), FORMS["csv"], Query())
    first.stream.close()
    exports.send(falcon.Response(), FORMS["csv"], Query())


def test_no_more_than_a_page_is_read_ahead() -> None:
    read: list[int] = []

    def pages() -> Iterator[tuple[Entry, ...]]:
        for number in range(1000):
            read.append(number)
            yield (PULL,)

    places = BoundedSemaphore(1)
    places.acquire()
    export = Export(FORMS["jsonl"], pages(), places)
    next(export)
    assert read == [0]
