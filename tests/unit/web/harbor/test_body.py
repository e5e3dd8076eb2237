import pytest
from hypothesis import given
from hypothesis import strategies as st

from moorage.web.harbor.body import Body, BodyInvalidError

KNOWN = {"text", "flag", "number", "part", "parts"}


def body(**values: object) -> Body:
    return Body(values, known=KNOWN)


def test_values_of_the_right_kind_are_handed_out() -> None:
    found = body(text="a", flag=False, number=-5, part={"text": "b"}, parts=[{"text": "c"}])
    assert (found.text("text"), found.flag("flag"), found.number("number")) == ("a", False, -5)
    part = found.part("part", known={"text"})
    assert part is not None
    assert part.text("text") == "b"
    assert [each.text("text") for each in found.parts("parts", known={"text"}, most=1)] == ["c"]


def test_null_is_the_same_as_nothing() -> None:
    found = body(text=None, flag=None, number=None, part=None, parts=None)
    assert "text" not in found
    assert (found.text("text", "x"), found.flag("flag", True), found.number("number", 3)) == ("x", True, 3)
    assert found.part("part", known=()) is None
    assert found.parts("parts", known=(), most=1) == []


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("text", 1),
        ("text", True),
        ("text", ["a"]),
        ("flag", 1),
        ("flag", "true"),
        ("number", True),
        ("number", 1.5),
        ("number", 1e300),
        ("number", "1"),
        ("number", 2**60),
    ],
)
def test_a_value_of_a_wrong_kind_is_refused_by_name(name: str, value: object) -> None:
    found = body(**{name: value})
    with pytest.raises(BodyInvalidError, match=name):
        getattr(found, name)(name)


def test_a_whole_number_may_be_written_with_a_point() -> None:
    found = body(number=25.0).number("number")
    assert (found, type(found)) == (25, int)


def test_what_is_required_and_missing_is_named() -> None:
    with pytest.raises(BodyInvalidError, match="text is missing"):
        body().text("text")


def test_places_inside_the_body_are_named_in_full() -> None:
    found = body(part={"text": 1}, parts=[{"text": "a"}, {"other": 1}, 5])
    inner = found.part("part", known={"text"})
    assert inner is not None
    with pytest.raises(BodyInvalidError, match=r"^part\.text is not"):
        inner.text("text")
    with pytest.raises(BodyInvalidError, match=r"^parts\[1\]\.other: no such field"):
        found.parts("parts", known={"text"}, most=9)
    with pytest.raises(BodyInvalidError, match=r"^parts\[2\] is not an object"):
        found.parts("parts", known={"text", "other"}, most=9)
    with pytest.raises(BodyInvalidError, match=r"^parts is not a list of at most 2"):
        found.parts("parts", known={"text"}, most=2)


def test_a_field_that_clients_send_along_is_overlooked_and_never_handed_out() -> None:
    found = Body({"text": "a", "admin": True}, known={"text"}, overlooked={"admin"})
    assert "admin" not in found
    with pytest.raises(BodyInvalidError):
        found.flag("admin")


@given(st.dictionaries(st.text(max_size=20), st.none() | st.integers() | st.text(max_size=5), max_size=5))
def test_no_key_gets_through_that_a_call_does_not_know(values: dict[str, object]) -> None:
    strangers = set(values) - KNOWN
    if strangers:
        with pytest.raises(BodyInvalidError, match="no such field"):
            Body(values, known=KNOWN)
    else:
        Body(values, known=KNOWN)
