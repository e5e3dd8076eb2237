import threading

import pytest

from moorage.db.connection import IntegrityError, atomic, is_postgresql
from moorage.distribution.changes import change
from moorage.projects.tables import ProjectRow
from tests.support.distribution import EPOCH
from tests.support.race import together

pytestmark = pytest.mark.usefixtures("database")


def project(name):
    return ProjectRow.create(name=name, created_at=EPOCH, updated_at=EPOCH)


def names():
    return sorted(row.name for row in ProjectRow.select())


def test_a_change_is_kept_whole_or_not_at_all():
    def both():
        project("one")
        raise RuntimeError("no")

    with pytest.raises(RuntimeError, match="no"):
        change(both)
    assert names() == []
    assert change(lambda: project("one").name) == "one"
    assert names() == ["one"]


def test_a_change_that_met_another_begins_again():
    project("taken")
    tries = []

    def once_too_often():
        tries.append(1)
        project("taken" if len(tries) == 1 else "free")
        return len(tries)

    assert change(once_too_often) == 2
    assert names() == ["free", "taken"]


def test_a_change_that_can_never_succeed_ends_with_its_error():
    project("taken")
    with pytest.raises(IntegrityError):
        change(lambda: project("taken"))
    assert names() == ["taken"]


def test_a_change_inside_a_transaction_is_a_part_of_it():
    tries = []

    def fail():
        tries.append(1)
        project("taken")

    project("taken")
    with atomic():
        with pytest.raises(IntegrityError):
            change(fail)
        change(lambda: project("inside"))
    assert tries == [1]
    assert names() == ["inside", "taken"]


def test_two_changes_that_wait_for_each_other_both_end_well():
    first, second = project("first").id, project("second").id
    meet = threading.Barrier(2)

    def swap(one, other):
        tries = []

        def action():
            tries.append(1)
            for place, number in enumerate((one, other)):
                if place == 1 and len(tries) == 1 and is_postgresql():
                    meet.wait(30)  # each has a row that the other one wants
                ProjectRow.update(public=True).where(ProjectRow.id == number).execute()

        return lambda: change(action)

    assert together([swap(first, second), swap(second, first)]) == [None, None]
    assert all(row.public for row in ProjectRow.select())
