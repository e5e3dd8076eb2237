"""The purge: what is beyond the limits goes, into the archive first, and nothing else."""

import multiprocessing
import os
import signal
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from moorage.audit.archive import Archive, ArchiveFile
from moorage.audit.errors import ArchiveFailedError, PurgeInvalidError
from moorage.audit.model import Entry, Query, Result
from moorage.audit.purge import Purge
from moorage.audit.search import accepts
from moorage.audit.store import AuditStore
from moorage.config.settings import AuditSettings
from moorage.db.connection import atomic, close_connection, is_postgresql, open_database
from moorage.db.connection import database as handle
from tests.support.clock import SetClock
from tests.support.fake_run import FakeRun
from tests.support.statements import counted_statements

pytestmark = pytest.mark.usefixtures("database")

NOON = datetime(2026, 3, 4, 12, tzinfo=UTC)
FORKS = multiprocessing.get_context("forkserver")


def entry(hours_ago: float, **changes: object) -> Entry:
    plain = Entry(
        id=0,
        at=NOON - timedelta(hours=hours_ago),
        request_id="req",
        actor_kind="user",
        actor="alice",
        address="192.0.2.7",
        user_agent="docker/27",
        operation="pull_artifact",
        resource_type="artifact",
        resource="dock/app:1",
        project_id=1,
        project="dock",
        repository="dock/app",
        tag=f"{hours_ago:g}",
        digest="",
        result=Result.SUCCESS,
        detail="",
    )
    return replace(plain, **changes)  # type: ignore[arg-type]  # test data by keyword


def write(*entries: Entry) -> None:
    with atomic():
        AuditStore().append(entries)


def left() -> list[str]:
    return [each.tag for each in AuditStore().page(Query(), 1000, None).entries]


def purging(folder: Path, *, batch: int = 2, step: int = 2, **kept: object) -> Purge:
    limits = {"keep_days": 0, "keep_entries": 0, **kept}
    return Purge(
        AuditStore(),
        Archive(folder),
        SetClock(NOON),
        replace(AuditSettings(), **limits),  # type: ignore[arg-type]  # settings by keyword
        batch=batch,
        step=step,
    )


def archived(folder: Path) -> list[str]:
    archive = Archive(folder)
    return [each.tag for file in archive.files() for each in archive.read(file.name)]


def test_what_is_older_than_the_limit_is_archived_and_removed(tmp_path: Path) -> None:
    write(*(entry(hours) for hours in (72, 49, 48.001, 48, 47, 0)))
    run = FakeRun()
    result = purging(tmp_path, keep_days=2).run(run)
    assert left() == ["0", "47", "48"]
    assert archived(tmp_path) == ["72", "49", "48.001"]
    (file,) = Archive(tmp_path).files()
    assert (result["removed"], result["found"], result["archives"]) == (3, 3, [file.name])
    assert result["message"] == f"3 entries removed, kept in {file.name}"
    assert run.counts == {"removed": 3}
    assert run.marks == {"archives": [file.name]}


@pytest.mark.parametrize("keep", [1, 2, 3, 4, 5, 6, 7])
def test_what_is_beyond_the_number_is_removed_whatever_its_age(tmp_path: Path, keep: int) -> None:
    write(*(entry(hours) for hours in (5, 4, 3, 2, 1, 0)))
    result = purging(tmp_path, keep_entries=keep, keep_days=1).run(FakeRun())
    assert left() == ["0", "1", "2", "3", "4", "5"][:keep]
    assert result["removed"] == max(0, 6 - keep)


def test_the_stricter_of_both_limits_counts(tmp_path: Path) -> None:
    write(*(entry(hours) for hours in (50, 49, 2, 1, 0)))
    purging(tmp_path, keep_entries=4, keep_days=2).run(FakeRun())
    assert left() == ["0", "1", "2"]
    purging(tmp_path, keep_entries=2, keep_days=2).run(FakeRun())
    assert left() == ["0", "1"]


def test_entries_of_one_moment_are_counted_one_by_one(tmp_path: Path) -> None:
    write(*(entry(1, tag=str(number)) for number in range(7)))
    purging(tmp_path, keep_entries=3).run(FakeRun())
    assert left() == ["6", "5", "4"]


def test_limits_of_nothing_keep_everything(tmp_path: Path) -> None:
    write(entry(240_000))
    for run in (FakeRun(), FakeRun({"keep_hours": 0})):
        assert purging(tmp_path).run(run)["removed"] == 0
    assert left() == ["240000"]
    assert archived(tmp_path) == []


def test_the_hours_that_are_asked_for_take_the_place_of_the_settings(tmp_path: Path) -> None:
    write(*(entry(hours) for hours in (4, 3, 2, 1)))
    purge = purging(tmp_path, keep_days=365, keep_entries=1)
    purge.run(FakeRun({"keep_hours": 3}))
    assert left() == ["1", "2", "3"]
    purge.run(FakeRun({"keep_hours": 240_000}))
    assert left() == ["1", "2", "3"]


def test_only_the_operations_that_are_asked_for_go(tmp_path: Path) -> None:
    kinds = ("push_artifact", "pull_blob", "delete_artifact", "create_user", "delete_artifact")
    write(*(entry(9 - place, operation=kind, tag=kind) for place, kind in enumerate(kinds)))
    asked = {"keep_hours": 1, "operations": ["delete_artifact"]}
    assert purging(tmp_path).run(FakeRun(asked))["removed"] == 2
    assert left() == ["create_user", "pull_blob", "push_artifact"]
    purging(tmp_path).run(FakeRun({**asked, "operations": ["other"]}))
    assert left() == ["pull_blob", "push_artifact"]
    purging(tmp_path).run(FakeRun({**asked, "operations": ["other", "push_artifact"]}))
    assert left() == ["pull_blob"]
    purging(tmp_path).run(FakeRun({**asked, "operations": []}))
    assert left() == []


def test_a_dry_run_counts_and_changes_nothing(tmp_path: Path) -> None:
    write(*(entry(hours) for hours in (9, 8, 7, 1)))
    with counted_statements() as statements:
        result = purging(tmp_path / "archive").run(FakeRun({"dry_run": True, "keep_hours": 5}))
    assert (result["found"], result["removed"]) == (3, 0)
    assert "DELETE" not in str(statements)
    assert len(left()) == 4
    assert not (tmp_path / "archive").exists()


def test_without_an_archive_the_entries_are_gone(tmp_path: Path) -> None:
    write(entry(9), entry(1))
    result = purging(tmp_path / "archive", archive=False).run(FakeRun({"keep_hours": 5}))
    assert (result["removed"], result["archives"], left()) == (1, [], ["1"])
    assert not (tmp_path / "archive").exists()


@pytest.mark.parametrize(
    "parameters",
    [
        {"keep_hours": -1},
        {"keep_hours": 240_001},
        {"keep_hours": "24"},
        {"keep_hours": True},
        {"keep_hours": 24.5},
        {"dry_run": "true"},
        {"operations": "pull_artifact"},
        {"operations": [7]},
        {"operations": ["'; DROP TABLE audit_entry; --"]},
        {"operations": ["Pull_Artifact"]},
    ],
)
def test_what_makes_no_sense_removes_nothing(tmp_path: Path, parameters: dict[str, object]) -> None:
    write(entry(240_001))
    with pytest.raises(PurgeInvalidError):
        purging(tmp_path, keep_days=1).run(FakeRun(parameters))
    assert len(left()) == 1


def test_a_stop_takes_effect_after_the_batch_and_the_rest_goes_next_time(tmp_path: Path) -> None:
    write(*(entry(hours) for hours in range(20, 10, -1)))
    run = FakeRun({"keep_hours": 5}, stop_when=lambda run: run.counts.get("removed", 0) >= 4)
    assert purging(tmp_path).run(run)["removed"] == 4
    assert len(left()) == 6
    assert len(run.pauses) == 2
    again = FakeRun({"keep_hours": 5}, progress={**run.counts, **run.marks}, attempts=2)
    result = purging(tmp_path).run(again)
    assert (result["removed"], left()) == (10, [])
    assert sorted(result["archives"]) == sorted(file.name for file in Archive(tmp_path).files())  # type: ignore[call-overload]
    assert len(archived(tmp_path)) == 10


def test_a_stop_in_the_search_for_the_limit_removes_nothing(tmp_path: Path) -> None:
    write(*(entry(hours) for hours in range(9)))
    purging(tmp_path, keep_entries=5).run(FakeRun(stop_when=lambda run: True))
    assert len(left()) == 9


def test_an_archive_that_cannot_be_written_keeps_the_log(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(*(entry(hours) for hours in (9, 8, 7, 6)))
    appended = ArchiveFile.append

    def full(self: ArchiveFile, entries: list[Entry]) -> None:
        if entries[0].tag == "7":
            raise ArchiveFailedError("no room")
        appended(self, entries)

    monkeypatch.setattr(ArchiveFile, "append", full)
    with pytest.raises(ArchiveFailedError):
        purging(tmp_path).run(FakeRun({"keep_hours": 1}))
    assert left() == ["6", "7"]
    assert archived(tmp_path) == ["9", "8"]


def test_an_entry_that_arrives_late_stays_until_it_is_archived_itself(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(entry(9), entry(7))
    appended = ArchiveFile.append

    def late(self: ArchiveFile, entries: list[Entry]) -> None:
        appended(self, entries)
        if entries[0].tag == "9":
            write(entry(8))

    monkeypatch.setattr(ArchiveFile, "append", late)
    purging(tmp_path).run(FakeRun({"keep_hours": 1}))
    assert left() == ["8"]
    purging(tmp_path).run(FakeRun({"keep_hours": 1}))
    assert sorted(archived(tmp_path)) == ["7", "8", "9"]


def test_nothing_is_read_from_end_to_end(tmp_path: Path) -> None:
    write(*(entry(hours) for hours in range(200)))
    if is_postgresql():
        handle.execute_sql("ANALYZE audit_entry")
        handle.execute_sql("SET enable_seqscan TO off")
    with counted_statements() as statements:
        purging(tmp_path, keep_entries=150, batch=10, step=40).run(FakeRun({"keep_hours": None}))
        purging(tmp_path, keep_entries=140, batch=10, step=40).run(FakeRun({"dry_run": True}))
    assert len(left()) == 150
    for number, text in enumerate(str(statements).splitlines()):
        if text.startswith(("SELECT", "DELETE")):
            plan = statements.plan(number)
            assert "Seq Scan" not in plan, plan
            # From one end of an index on, but only as far as so many entries.
            assert "SCAN " not in plan or ("USING COVERING INDEX" in plan and "LIMIT" in text), plan


def _dies(url: str, folder: str, moment: str) -> None:
    """A process that purges and is killed at a moment of its second batch."""
    open_database(url)
    batches = 0

    def reach(name: str) -> None:
        if name == moment and batches == 2:
            os.kill(os.getpid(), signal.SIGKILL)

    class Dying(ArchiveFile):
        def append(self, entries: object) -> None:
            nonlocal batches
            batches += 1
            reach("read")
            super().append(entries)  # type: ignore[arg-type]
            reach("archived")

        def _write(self, content: memoryview) -> int:
            if batches == 2 and moment == "half":
                os.write(self._descriptor, content[: len(content) // 2])
                os.kill(os.getpid(), signal.SIGKILL)
            return super()._write(content)

    class DyingArchive(Archive):
        def begin(self, run_id: int, moment: datetime) -> ArchiveFile:
            return Dying(self._folder, f"killed-{run_id}")

    class DyingStore(AuditStore):
        def remove(self, ids: object) -> None:
            super().remove(ids)  # type: ignore[arg-type]
            reach("removed")

    def between_batches(run: FakeRun) -> bool:
        reach("committed")
        return False

    run = FakeRun({"keep_hours": 1}, stop_when=between_batches)
    limits = replace(AuditSettings(), keep_days=0, keep_entries=0)
    Purge(DyingStore(), DyingArchive(Path(folder)), SetClock(NOON), limits, batch=3).run(run)


@pytest.mark.parametrize("moment", ["read", "half", "archived", "removed", "committed"])
def test_killed_at_any_moment_no_entry_is_lost(database: str, tmp_path: Path, moment: str) -> None:
    write(*(entry(hours) for hours in range(20, 10, -1)), entry(0))
    close_connection()
    process = FORKS.Process(target=_dies, args=(database, str(tmp_path), moment))
    process.start()
    process.join(60)
    assert process.exitcode == -signal.SIGKILL
    everything = {str(hours) for hours in range(20, 10, -1)}
    assert set(archived(tmp_path)) | set(left()) == everything | {"0"}
    purging(tmp_path).run(FakeRun({"keep_hours": 1}, attempts=2))
    assert left() == ["0"]
    assert set(archived(tmp_path)) == everything
    assert len(archived(tmp_path)) <= len(everything) + 3


words = st.sampled_from(["alice", "ALICE", "bob", "push_artifact", "pull_artifact", "dock", "x_%", ""])
questions = st.builds(
    Query,
    operations=st.lists(words, max_size=2).map(tuple),
    verbs=st.lists(st.sampled_from(["push", "pull"]), max_size=1).map(tuple),
    actor=st.none() | words,
    actor_part=st.none() | words,
    project_id=st.none() | st.integers(1, 2),
    project_ids=st.none() | st.lists(st.integers(1, 2), min_size=1, max_size=2).map(tuple),
    result=st.none() | st.sampled_from(Result),
    since=st.none() | st.integers(0, 5).map(lambda hours: NOON - timedelta(hours=hours)),
    until=st.none() | st.integers(0, 5).map(lambda hours: NOON - timedelta(hours=hours)),
    text=st.none() | words,
    resource_part=st.none() | words,
)


@pytest.fixture
def varied() -> list[Entry]:
    write(
        *(
            entry(
                place % 6,
                tag=str(place),
                actor=("alice", "Alice", "bob", "x_%y")[place % 4],
                operation=("push_artifact", "pull_artifact", "login_user")[place % 3],
                project_id=(None, 1, 2)[place % 3],
                result=list(Result)[place % 3],
                resource=("dock/app", "DOCK/x_%", "pier")[place % 3],
            )
            for place in range(48)
        )
    )
    return list(AuditStore().page(Query(), 1000, None).entries)


@given(question=questions)
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=150, deadline=None)
def test_an_archive_answers_what_the_log_would_have_answered(varied: list[Entry], question: Query) -> None:
    found = AuditStore().page(question, 1000, None).entries
    assert [each for each in varied if accepts(question, each)] == list(found)
