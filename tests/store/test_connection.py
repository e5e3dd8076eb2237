"""The handle: transactions that hold, that go, and that wait for each other."""

import threading

import pytest

from moorage.db.connection import Statement, atomic, close_connection, is_postgresql
from moorage.db.connection import database as handle

_insert = Statement("INSERT INTO login_failure (subject, failures, first_at) VALUES (?, 1, 0)")
_subjects = Statement("SELECT subject FROM login_failure ORDER BY subject")
_count = Statement("UPDATE login_failure SET failures = failures + 1 WHERE subject = ?")
_failures = Statement("SELECT failures FROM login_failure WHERE subject = ?")


def subjects() -> list[str]:
    return [subject for (subject,) in _subjects.all()]


def insert_and_fail(subject: str, *, durable: bool) -> None:
    with atomic(durable=durable):
        _insert.run(subject)
        raise RuntimeError


@pytest.mark.parametrize("durable", [True, False])
def test_a_change_that_fails_is_undone_as_a_whole(database: str, durable: bool):
    with pytest.raises(RuntimeError):
        insert_and_fail("half", durable=durable)
    assert subjects() == []


@pytest.mark.parametrize("durable", [True, False])
def test_a_nested_change_that_fails_leaves_the_outer_one(database: str, durable: bool):
    with atomic(durable=durable):
        _insert.run("outer")
        with pytest.raises(RuntimeError):
            insert_and_fail("inner", durable=True)
    assert subjects() == ["outer"]


def test_the_next_change_after_a_hasty_one_is_synced_again(database: str):
    if is_postgresql():
        asked = Statement("SHOW synchronous_commit")
        usual = asked.one()
        with atomic(durable=False):
            assert asked.one() == ("off",)
        assert asked.one() == usual
    else:
        full, normal = 2, 1
        with atomic(durable=False):
            assert handle.obj.synchronous == normal
        assert handle.obj.synchronous == full
        with pytest.raises(RuntimeError):
            insert_and_fail("undone", durable=False)
        assert handle.obj.synchronous == full


def test_changes_of_many_threads_all_count(database: str):
    with atomic():
        _insert.run("counted")

    def work() -> None:
        for _ in range(25):
            with atomic():
                (now,) = _failures.one("counted")
                assert now >= 1
                _count.run("counted")
        close_connection()

    threads = [threading.Thread(target=work) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert _failures.one("counted") == (201,)


def test_a_question_mark_in_a_value_is_only_a_value(database: str):
    _insert.run("what? 100%s")
    assert subjects() == ["what? 100%s"]
