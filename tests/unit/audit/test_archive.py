import gzip
import json
import os
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from moorage.audit.archive import Archive
from moorage.audit.errors import ArchiveFailedError, ArchiveUnknownError
from moorage.audit.model import Entry, Query, Result

AT = datetime(2026, 3, 4, 5, 6, 7, 890123, tzinfo=UTC)


def entry(number: int, **changes: object) -> Entry:
    plain = Entry(
        id=number,
        at=AT + timedelta(seconds=number),
        request_id="req",
        actor_kind="user",
        actor="alice",
        address="192.0.2.7",
        user_agent="docker/27",
        operation="push_artifact",
        resource_type="artifact",
        resource=f"dock/app:{number}",
        project_id=None,
        project="dock",
        repository="dock/app",
        tag=str(number),
        digest="",
        result=Result.DENIED,
        detail='ünïcode \u2028 \\ "',
    )
    return replace(plain, **changes)  # type: ignore[arg-type]  # test data by keyword


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "audit-archive"


@pytest.fixture
def archive(folder: Path) -> Archive:
    return Archive(folder)


def keep(archive: Archive, *batches: list[Entry], run_id: int = 7) -> str:
    file = archive.begin(run_id, AT)
    for batch in batches:
        file.append(batch)
    file.close()
    return file.name


def test_what_is_archived_is_read_back_as_it_was(archive: Archive) -> None:
    entries = [entry(number) for number in range(5)]
    name = keep(archive, entries[:2], entries[2:])
    assert list(archive.read(name)) == entries


def test_other_programs_can_read_it(archive: Archive, folder: Path) -> None:
    name = keep(archive, [entry(1)], [entry(2)])
    assert name == "20260304T050607Z-7.jsonl.gz"
    lines = gzip.decompress((folder / name).read_bytes()).splitlines()
    first, second = map(json.loads, lines)
    assert (first["at"], first["actor"]) == ("2026-03-04T05:06:08.890123+00:00", "alice")
    assert (second["resource"], second["result"], second["project_id"]) == ("dock/app:2", "denied", None)


def test_only_the_server_may_read_it(archive: Archive, folder: Path) -> None:
    name = keep(archive, [entry(1)])
    assert folder.stat().st_mode & 0o777 == 0o700
    assert (folder / name).stat().st_mode & 0o777 == 0o600


def test_without_a_batch_there_is_no_file(archive: Archive, folder: Path) -> None:
    assert archive.files() == []
    archive.begin(7, AT).close()
    assert not folder.exists()


def test_no_file_is_ever_written_over(archive: Archive) -> None:
    names = [keep(archive, [entry(number)]) for number in range(3)]
    assert len(set(names)) == 3
    assert [next(archive.read(name)).id for name in names] == [0, 1, 2]


def test_a_file_is_good_up_to_where_it_was_torn(archive: Archive, folder: Path) -> None:
    name = keep(archive, [entry(1), entry(2)])
    whole = (folder / name).stat().st_size
    more = keep(archive, [entry(1), entry(2)], [entry(3), entry(4)])
    body = (folder / more).read_bytes()
    for length in range(len(body) + 1):
        (folder / more).write_bytes(body[:length])
        found = [each.id for each in archive.read(more)]
        assert found == [1, 2, 3, 4][: len(found)]
        if length >= whole:
            assert found[:2] == [1, 2]
    assert found == [1, 2, 3, 4]


def test_a_batch_that_fails_half_way_is_taken_back(archive: Archive, monkeypatch: pytest.MonkeyPatch) -> None:
    file = archive.begin(7, AT)
    file.append([entry(1)])
    write = os.write

    def half(descriptor: int, content: memoryview) -> int:
        write(descriptor, content[:10])
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(os, "write", half)
        with pytest.raises(ArchiveFailedError, match="No space left"):
            file.append([entry(2)])
    file.append([entry(3)])
    file.close()
    assert [each.id for each in archive.read(file.name)] == [1, 3]


def test_a_batch_is_on_the_medium_and_its_name_too(
    archive: Archive, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    synced: list[str] = []
    fsync: Callable[[int], None] = os.fsync

    def watch(descriptor: int) -> None:
        synced.append(os.readlink(f"/proc/self/fd/{descriptor}"))
        fsync(descriptor)

    monkeypatch.setattr(os, "fsync", watch)
    file = archive.begin(7, AT)
    file.append([entry(1)])
    assert {str(folder.parent), str(folder), str(folder / file.name)} <= set(synced)
    synced.clear()
    file.append([entry(2)])
    file.close()
    assert synced == [str(folder / file.name)]


def test_the_list_is_newest_first_and_overlooks_what_is_no_archive(archive: Archive, folder: Path) -> None:
    older = keep(archive, [entry(1)])
    file = archive.begin(8, AT + timedelta(days=1))
    file.append([entry(2)])
    file.close()
    (folder / "notes.txt").write_text("x")
    (folder / ".hidden.jsonl.gz").write_text("x")
    (folder / "link.jsonl.gz").symlink_to(folder / older)
    assert [each.name for each in archive.files()] == [file.name, older]
    assert archive.files()[0].size_bytes == (folder / file.name).stat().st_size


@pytest.mark.parametrize("name", ["", "none.jsonl.gz", "../x.jsonl.gz", "/etc/passwd", "a\x00.jsonl.gz", "."])
def test_what_is_no_file_of_the_archive_is_not_opened(archive: Archive, folder: Path, name: str) -> None:
    keep(archive, [entry(1)])
    (folder.parent / "x.jsonl.gz").write_bytes(b"")
    with pytest.raises(ArchiveUnknownError):
        archive.search(name, Query(), 10)


def test_a_search_gives_the_newest_first(archive: Archive) -> None:
    name = keep(archive, [entry(number, actor="bob" if number % 2 else "alice") for number in range(10)])
    assert [each.id for each in archive.search(name, Query(actor="bob"), 3)] == [9, 7, 5]
