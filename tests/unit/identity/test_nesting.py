"""Groups in groups, read in rounds: what is sure before a round is over, and what is not."""

from collections.abc import Iterable

import pytest

from moorage.identity.nesting import Nesting, Reach

#: A time that is over before it begins: one group is read in each call.
NO_TIME = -1.0


class Groups:
    """Who is directly in which group, and what was asked."""

    def __init__(self, **inside: tuple[str, ...]) -> None:
        self.inside = inside
        self.asked: list[str] = []

    def names(self) -> Iterable[str]:
        return list(self.inside)

    def look(self, name: str) -> Iterable[str]:
        self.asked.append(name)
        return self.inside[name]

    def around(self, nesting: Nesting, *direct: str, seconds: float = 10.0) -> Reach:
        return nesting.around(direct, self.names, self.look, seconds)


@pytest.fixture
def groups() -> Groups:
    """The crew is staff, and staff are everybody; the guests are in no other."""
    return Groups(crew=(), everybody=("staff",), guests=(), staff=("crew",))


def test_what_was_wholly_read_is_sure(groups: Groups) -> None:
    found = groups.around(Nesting(10, 60), "crew")
    assert found == Reach(frozenset({"crew", "staff", "everybody"}))


def test_until_all_is_read_what_may_hold_the_rest_is_unsure(groups: Groups) -> None:
    nesting = Nesting(10, 60)
    found = groups.around(nesting, "crew", seconds=NO_TIME)
    assert found.groups <= {"crew", "staff", "everybody"}
    assert found.groups | found.unsure >= {"staff", "everybody"}
    for _ in groups.inside:
        found = groups.around(nesting, "crew", seconds=NO_TIME)
    assert found == Reach(frozenset({"crew", "staff", "everybody"}))
    assert sorted(groups.asked) == sorted(groups.inside)  # each of them once


def test_a_group_around_an_unread_one_is_unsure_too(groups: Groups) -> None:
    nesting = Nesting(10, 0)
    groups.around(nesting, "crew")
    groups.inside["staff"] = ()  # the crew is staff no more, which nobody has read yet
    found = groups.around(nesting, "guests", seconds=NO_TIME)
    while "staff" not in groups.asked[4:]:
        assert {"staff", "everybody"} <= found.unsure
        found = groups.around(nesting, "guests", seconds=NO_TIME)


def test_a_group_that_holds_nothing_unread_is_sure_at_once() -> None:
    flat = Groups(crew=(), guests=(), staff=())
    nesting = Nesting(10, 60)
    found = flat.around(nesting, "crew", seconds=NO_TIME)
    (read,) = flat.asked
    assert found.unsure == {"crew", "guests", "staff"} - {read, "crew"}


def test_a_group_that_was_left_is_left_when_the_round_is_over(groups: Groups) -> None:
    nesting = Nesting(10, 0)
    groups.around(nesting, "crew")
    groups.inside["staff"] = ()
    while "staff" in (found := groups.around(nesting, "crew", seconds=NO_TIME)).groups:
        assert not found.unsure & found.groups
    assert "staff" not in found.unsure
    while found.unsure:
        found = groups.around(nesting, "crew", seconds=NO_TIME)
    assert found.groups == {"crew"}


def test_without_time_to_believe_it_a_slow_round_comes_to_its_end(groups: Groups) -> None:
    nesting = Nesting(10, 0)
    found = [groups.around(nesting, "crew", seconds=NO_TIME) for _ in groups.inside]
    assert found[-1].unsure == frozenset()


def test_an_error_while_reading_loses_nothing_that_was_read(groups: Groups) -> None:
    nesting = Nesting(10, 60)

    def broken(name: str) -> Iterable[str]:
        if len(groups.asked) == 2:
            raise ConnectionError
        return groups.look(name)

    with pytest.raises(ConnectionError):
        nesting.around(["crew"], groups.names, broken, 10)
    assert groups.around(nesting, "crew").groups == {"crew", "staff", "everybody"}
    assert sorted(groups.asked) == sorted(groups.inside)


def test_a_group_that_can_never_be_read_is_not_in_the_way_of_the_others(groups: Groups) -> None:
    nesting = Nesting(10, 60)

    def broken(name: str) -> Iterable[str]:
        if name == "guests":
            raise ConnectionError
        return groups.look(name)

    with pytest.raises(ConnectionError):  # once, for it may be vCenter that is away
        nesting.around(["crew"], groups.names, broken, 10)
    found = nesting.around(["crew"], groups.names, broken, 10)
    assert found == Reach(frozenset({"crew", "staff", "everybody"}), frozenset({"guests"}))
    assert nesting.around(["crew"], groups.names, broken, 10) == found


def test_a_group_that_was_given_up_is_asked_in_the_next_round(groups: Groups) -> None:
    nesting = Nesting(10, 0)

    def broken(_: str) -> Iterable[str]:
        raise ConnectionError

    for _ in groups.inside:
        with pytest.raises(ConnectionError):
            nesting.around(["crew"], groups.names, broken, NO_TIME)
    nesting.around(["crew"], groups.names, broken, 10)
    assert groups.around(nesting, "crew") == Reach(frozenset({"crew", "staff", "everybody"}))


def test_beyond_the_most_the_same_groups_are_followed_in_whatever_order_they_come(groups: Groups) -> None:
    nesting = Nesting(2, 0)
    groups.around(nesting, "crew")
    groups.inside = dict(reversed(groups.inside.items()))
    groups.around(nesting, "crew")
    assert sorted(groups.asked) == ["crew", "crew", "everybody", "everybody"]
