"""JSON: one body means one thing, or it is refused."""

import json

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from moorage.oci.strictjson import MAX_DEPTH, JsonInvalidError, parse

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=20,
)


def nested(depth: int, opening: bytes = b"[", closing: bytes = b"]") -> bytes:
    """An object around arrays, `depth` deep altogether."""
    return b'{"a":' + opening * (depth - 1) + b"1" + closing * (depth - 1) + b"}"


@pytest.mark.parametrize(
    ("body", "document"),
    [
        (b"{}", {}),
        (b' \t\r\n{"a": 1}\n', {"a": 1}),
        (b'{"a": {"a": {"a": 1}}}', {"a": {"a": {"a": 1}}}),
        (b'{"a": 1.5e3, "b": -0, "c": null, "d": true}', {"a": 1500.0, "b": 0, "c": None, "d": True}),
        ('{"é": "日本"}'.encode(), {"é": "日本"}),
        (rb'{"a": "\ud83d\ude00"}', {"a": "\U0001f600"}),
        (rb'{"a": "\\ud800"}', {"a": "\\ud800"}),
        (rb'{"a": "[[\"[[\\"}', {"a": '[["[[\\'}),
        (b'{"a": 9223372036854775808}', {"a": 2**63}),
    ],
)
def test_plain_json_is_read(body, document):
    assert parse(body) == document


@pytest.mark.parametrize(
    ("body", "said"),
    [
        (b"", "malformed"),
        (b" ", "malformed"),
        (b"{", "malformed"),
        (b'{"a"}', "malformed"),
        (b'{"a":1,}', "malformed"),
        (b"{'a':1}", "malformed"),
        (b'{"a":01}', "malformed"),
        (b'{"a":+1}', "malformed"),
        (b'{"a":"\n"}', "malformed"),
        (b'{"a":"\x00"}', "malformed"),
        (rb'{"a":"\x41"}', "malformed"),
        (b'{"a":1}//', "malformed"),
        (b'{"a":1}{"a":1}', "Extra data"),
        (b'{"a":1}\x00', "Extra data"),
        (b'{"a":1} x', "Extra data"),
        (b"[]", "not an object"),
        (b"null", "not an object"),
        (b'"text"', "not an object"),
        (b"2", "not an object"),
        (b"\xef\xbb\xbf{}", "byte-order mark"),
        ("{}".encode("utf-16"), "not UTF-8"),
        (b"{\x00}\x00", "malformed"),
        (b'{"a":"\xff"}', "not UTF-8"),
        (b'{"a":"\xc0\xaf"}', "not UTF-8"),
        (b'{"a":"\xed\xa0\x80"}', "not UTF-8"),
        (rb'{"a":"\ud800"}', "surrogate"),
        (rb'{"a":{"b":["\uDfff"]}}', "surrogate"),
        (rb'{"\udc00":1}', "surrogate"),
        (b'{"a":1,"a":1}', "key 'a' twice"),
        (b'{"a":1,"b":2,"\\u0061":3}', "key 'a' twice"),
        (b'{"x":[{"b":1,"c":2,"b":{}}]}', "key 'b' twice"),
        (b'{"a":NaN}', "NaN"),
        (b'{"a":Infinity}', "Infinity"),
        (b'{"a":-Infinity}', "-Infinity"),
        (b'{"a":1e999}', "out of range"),
        (b'{"a":-1e999}', "out of range"),
        (b'{"a":' + b"9" * 5000 + b"}", "too many digits"),
    ],
)
def test_json_that_readers_disagree_about_is_refused(body, said):
    with pytest.raises(JsonInvalidError, match=said) as caught:
        parse(body)
    assert len(caught.value.message) < 300


def test_a_key_given_twice_is_named_and_cut_short():
    key = b"k" * 100_000
    with pytest.raises(JsonInvalidError, match="twice") as caught:
        parse(b'{"' + key + b'":1,"' + key + b'":2}')
    assert len(caught.value.message) < 200


@pytest.mark.parametrize(("opening", "closing"), [(b"[", b"]"), (b'{"a":', b"}"), (b'[{"a":', b"}]")])
def test_nesting_is_counted_exactly(opening, closing):
    levels = opening.count(b"[") + opening.count(b"{")
    rounds = (MAX_DEPTH - 1) // levels
    body = b'{"a":' + opening * rounds + b"1" + closing * rounds + b"}"
    assert parse(body, max_depth=1 + rounds * levels)
    with pytest.raises(JsonInvalidError, match="deeper than"):
        parse(body, max_depth=rounds * levels)


def test_the_limit_holds_beside_many_shallow_brackets():
    shallow = b",".join([b'{"b":[[],[]]}'] * 500)
    body = b'{"a":[' + shallow + b'],"c":' + b"[" * 31 + b"]" * 31 + b"}"
    assert parse(body)
    with pytest.raises(JsonInvalidError, match="deeper than"):
        parse(body, max_depth=31)


def test_brackets_in_texts_do_not_count():
    body = json.dumps({"a": "[" * 1000, 'b\\"[[[[': ['"[[' * 100, "\\" * 7 + "{" * 50]}).encode()
    assert parse(body)["a"] == "[" * 1000


@pytest.mark.parametrize(
    "body",
    [
        nested(100_000),
        nested(100_000, b'{"a":', b"}"),
        b'{"a":' + b"[" * 1_000_000,
        b"[" * 1_000_000,
        b'{"a":' + b'{"a":' * 200_000,
        b'{"a":' + b"[[]," * 300_000,
        b'{"a":' + (b"[" * 30 + b"]" * 29 + b",") * 10_000,
        b'{"a":' + b"[" * 100_000 + b'"' + b"]" * 100_000,
    ],
)
def test_absurd_nesting_is_refused_before_it_is_parsed(body):
    with pytest.raises(JsonInvalidError, match="deeper than"):
        parse(body)


@pytest.mark.parametrize("text", [rb"\\", rb"\"", rb"\\\"", rb"[\\\\", rb"\"[[\\"])
def test_escapes_in_texts_hide_no_brackets_behind_them(text):
    deep = b'{"a":"' + text + b'","b":' + b"[" * 9 + b"]" * 9 + b',"c":"' + text + b'"}'
    assert parse(deep, max_depth=10)
    with pytest.raises(JsonInvalidError, match="deeper than"):
        parse(deep, max_depth=9)


def test_unbalanced_brackets_are_a_syntax_error():
    for body in (b'{"a":]' + b"[]" * 100, b'{"a":' + b"]" * 100 + b"[" * 20, b'{"a":[}' + b"[]" * 50):
        with pytest.raises(JsonInvalidError, match="malformed"):
            parse(body)


@given(st.binary())
@example(b'{"a":"\\')
def test_no_bytes_break_the_parser(body):
    try:
        document = parse(body)
    except JsonInvalidError:
        return
    assert document == json.loads(body)


@given(st.dictionaries(st.text(), JSON), st.booleans())
def test_what_a_library_writes_is_read_back(document, ascii_only):
    body = json.dumps(document, ensure_ascii=ascii_only).encode()
    assert parse(body, max_depth=1000) == document


@given(st.text(alphabet='[]{}"\\,:a1 '), st.integers(1, 6))
def test_what_is_read_is_never_deeper_than_allowed(text, limit):
    try:
        document = parse(b'{"a":' + text.encode() + b"}", max_depth=limit)
    except JsonInvalidError:
        return
    assert depth(document) <= limit


@given(JSON, st.integers(1, 8))
def test_depth_alone_decides_between_valid_documents(value, limit):
    document = {"a": value}
    body = json.dumps(document).encode()
    if depth(document) > limit:
        with pytest.raises(JsonInvalidError, match="deeper than"):
            parse(body, max_depth=limit)
    else:
        assert parse(body, max_depth=limit) == document


def depth(value: object) -> int:
    if isinstance(value, dict):
        return 1 + max(map(depth, value.values()), default=0)
    if isinstance(value, list):
        return 1 + max(map(depth, value), default=0)
    return 0
