"""The handle: transactions that hold, that go, and that wait for each other."""

import os
import threading
from pathlib import Path

import peewee
import pytest

from moorage.db.connection import Statement, atomic, close_connection, is_postgresql, open_database
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


def test_opening_one_database_after_the_other_leaves_no_file_open(database: str, tmp_path: Path):
    before = len(os.listdir("/proc/self/fd"))
    for number in range(5):
        open_database(f"sqlite:///{tmp_path}/{number}.sqlite")
        with atomic():
            handle.execute_sql("CREATE TABLE one (id INTEGER)")
        close_connection()
    open_database(database)
    assert len(os.listdir("/proc/self/fd")) <= before + 1


@pytest.mark.parametrize("nested", [False, True])
def test_a_full_disk_under_sqlite_is_told_as_such(tmp_path: Path, nested: bool):
    open_database(f"sqlite:///{tmp_path}/full.sqlite")
    with atomic():
        handle.execute_sql("CREATE TABLE one (id INTEGER)")

    def fail() -> None:
        handle.execute_sql("ROLLBACK")  # as SQLite does by itself
        raise peewee.OperationalError("database or disk is full")

    def fill() -> None:
        with atomic():
            handle.execute_sql("INSERT INTO one VALUES (1)")
            if nested:
                with atomic():
                    fail()
            fail()

    with pytest.raises(peewee.OperationalError, match=r"^database or disk is full$"):
        fill()
    with atomic():
        handle.execute_sql("INSERT INTO one VALUES (2)")
    assert handle.execute_sql("SELECT id FROM one").fetchall() == [(2,)]
    close_connection()
