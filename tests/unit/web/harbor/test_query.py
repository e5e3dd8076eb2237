from datetime import UTC, datetime
from urllib.parse import urlencode

import falcon.testing
import pytest
from hypothesis import given
from hypothesis import strategies as st

from moorage.web.harbor import query
from moorage.web.harbor.query import Condition, Match, QueryInvalidError

EVERYTHING: query.Allowed = {name: frozenset(Match) for name in ("k", "name", "op_time")}


def asking(**parameters: str) -> falcon.Request:
    return falcon.testing.create_req(query_string=urlencode(parameters))


def parsed(text: str) -> dict[str, Condition]:
    return query.conditions(asking(q=text), EVERYTHING)


@pytest.mark.parametrize(
    ("text", "match", "values"),
    [
        ("k=v", Match.EXACT, ("v",)),
        ("k= v ", Match.EXACT, ("v",)),
        ('k="v w"', Match.EXACT, ("v w",)),
        ("k=a=b", Match.EXACT, ("a=b",)),
        ("k=robot$dock+ci", Match.EXACT, ("robot$dock+ci",)),
        ("k=~v", Match.PART, ("v",)),
        ("k=~[x]", Match.PART, ("[x]",)),
        ("k=[1~2]", Match.RANGE, ("1", "2")),
        ("k=[~2]", Match.RANGE, ("", "2")),
        ("k=[1~]", Match.RANGE, ("1", "")),
        ('k=["1"~"2"]', Match.RANGE, ("1", "2")),
        ("k={a b c}", Match.ANY, ("a", "b", "c")),
        ("k={'a'  b}", Match.ANY, ("a", "b")),
        ("k=(a b)", Match.ALL, ("a", "b")),
    ],
)
def test_every_form_of_a_condition_is_read(text: str, match: Match, values: tuple[str, ...]) -> None:
    assert parsed(text) == {"k": Condition("k", match, values)}


def test_conditions_are_joined_by_commas() -> None:
    assert parsed("k=v, name=~x,") == {
        "k": Condition("k", Match.EXACT, ("v",)),
        "name": Condition("name", Match.PART, ("x",)),
    }


def test_a_text_that_was_encoded_twice_is_read_too() -> None:
    assert parsed("k%3Dv%2Cname%3D~x") == parsed("k=v,name=~x")


@pytest.mark.parametrize("q", ["", "  ", ",", " , ,"])
def test_no_condition_asks_for_everything(q: str) -> None:
    assert parsed(q) == {}


def test_a_way_to_compare_that_the_list_does_not_know_is_refused_with_those_it_knows() -> None:
    with pytest.raises(QueryInvalidError, match=r"name=~"):
        query.conditions(asking(q="name=v"), {"name": frozenset({Match.PART})})
    with pytest.raises(QueryInvalidError, match="no conditions"):
        query.conditions(asking(q="name=v"), {})


@given(st.text(max_size=60))
def test_whatever_comes_in_is_read_or_refused(text: str) -> None:
    try:
        found = parsed(text)
    except QueryInvalidError:
        return
    assert all(condition.values and key == condition.key for key, condition in found.items())


@pytest.mark.parametrize(
    ("text", "moments"),
    [
        ("op_time=[2026-03-04~]", (datetime(2026, 3, 4, tzinfo=UTC), None)),
        ("op_time=[2026-03-04 05:06:07~]", (datetime(2026, 3, 4, 5, 6, 7, tzinfo=UTC), None)),
        ("op_time=[~2026-03-04T05:00:00+02:00]", (None, datetime(2026, 3, 4, 3, tzinfo=UTC))),
        ("op_time=[~2026-03-04T05:00:00Z]", (None, datetime(2026, 3, 4, 5, tzinfo=UTC))),
    ],
)
def test_moments_are_in_utc_unless_they_say_otherwise(
    text: str, moments: tuple[datetime | None, datetime | None]
) -> None:
    assert parsed(text)["op_time"].moments() == moments


def test_numbers_and_flags_are_checked() -> None:
    assert parsed("k=17")["k"].number() == 17
    assert parsed("k=true")["k"].flag() is True
    for text in ("-1", "1.0", "1e3", "9" * 19, "x", "\u0661"):
        with pytest.raises(QueryInvalidError):
            parsed(f"k={text}")["k"].number()
    for text in ("True", "1", "yes"):
        with pytest.raises(QueryInvalidError):
            parsed(f"k={text}")["k"].flag()


@pytest.mark.parametrize(
    ("sort", "wanted"), [("", "-at"), ("name", "title"), ("-name", "-title"), (" name ", "title")]
)
def test_an_order_is_one_of_a_few(sort: str, wanted: str) -> None:
    assert query.order(asking(sort=sort), {"name": "title"}, "-at") == wanted


@pytest.mark.parametrize("sort", ["title", "--name", "+name", "name,-name", "-", "name asc"])
def test_any_other_order_is_refused(sort: str) -> None:
    with pytest.raises(QueryInvalidError):
        query.order(asking(sort=sort), {"name": "title"}, "-at")
