"""While a backup is made the collector removes nothing, and afterwards it goes on."""

import fcntl
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from moorage.config.settings import GcSettings
from tests.support.collection import AT_ONCE, Yard

LAYER = b"layer"


@pytest.fixture
def yard(database, tmp_path, clock):
    return Yard(tmp_path, clock)


@contextmanager
def backup(path: Path) -> Iterator[None]:
    """Holds what a backup holds."""
    with path.open("r+b") as file:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        yield


def test_a_blob_whose_time_is_over_stays_until_the_backup_has_ended(yard, clock):
    yard.push_blob(LAYER)
    clock.forward(hours=25)
    with backup(yard.collecting_lock):
        held = yard.collect()
        assert held.marks["blobs"] == 0
        assert len(yard.files()) == 1
    assert held.texts == ["a backup is under way: what is left is removed by a later run"]
    assert "waits for the end of a backup" in held.marks["message"]
    assert yard.collect().marks["blobs"] == 1
    assert yard.files() == set()


def test_the_trash_stays_also_when_the_disk_is_full(yard, clock, tmp_path):
    digest = yard.push_blob(LAYER)
    clock.forward(hours=25)
    yard.collection = yard.with_settings(GcSettings(**{**_plain(AT_ONCE), "trash_hours": 1}))
    yard.collect()
    assert [each.digest for each in yard.storage.trashed()] == [digest]
    yard.is_full = lambda: True
    with backup(yard.collecting_lock):
        yard.collect()
        assert [each.digest for each in yard.storage.trashed()] == [digest]
    yard.collect()
    assert list(yard.storage.trashed()) == []


def test_no_backup_begins_while_a_batch_is_removed(yard):
    with yard.collection._gate.passing() as is_open:
        assert is_open
        with pytest.raises(BlockingIOError), backup(yard.collecting_lock):
            pass
    with backup(yard.collecting_lock):
        pass


def _plain(settings: GcSettings) -> dict[str, object]:
    return {name: getattr(settings, name) for name in settings.__dataclass_fields__}
