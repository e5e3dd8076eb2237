"""The quarantine: things come in whole, are listed as they were named, and go when they are old."""

import os
from datetime import timedelta
from pathlib import Path

import pytest

from moorage.distribution.quarantine import Quarantine, printable
from moorage.events import SYSTEM, Events
from tests.support.clock import SetClock


@pytest.fixture
def quarantine(database: str, tmp_path: Path, clock: SetClock) -> Quarantine:
    return Quarantine(tmp_path, Events(), clock)


def put(folder: Path, name: str, data: bytes = b"data") -> str:
    path = os.path.join(folder, name)
    Path(path).write_bytes(data)
    return path


def test_nothing_is_there_before_anything_was_taken(quarantine, tmp_path):
    assert quarantine.list() == []
    assert quarantine.empty(SYSTEM, timedelta(0)) == (0, 0)
    assert not (tmp_path / "quarantine").exists()


def test_what_was_taken_is_listed_the_oldest_first(quarantine, tmp_path, clock):
    assert quarantine.take(put(tmp_path, "one", b"1"), "corrupt")
    first = clock()
    clock.forward(hours=1)
    assert quarantine.take(put(tmp_path, "two", b"22"), "orphan_file")
    found = [(thing.name, thing.why, thing.size_bytes, thing.at) for thing in quarantine.list()]
    assert found == [("one", "corrupt", 1, first), ("two", "orphan_file", 2, clock())]
    assert [Path(thing.path).read_bytes() for thing in quarantine.list()] == [b"1", b"22"]


def test_two_things_of_one_name_do_not_meet(quarantine, tmp_path):
    for data in (b"1", b"22"):
        quarantine.take(put(tmp_path, "same", data), "stray_file")
    assert sorted(thing.size_bytes for thing in quarantine.list()) == [1, 2]


def test_what_is_gone_is_not_taken_and_leaves_nothing_behind(quarantine, tmp_path):
    assert not quarantine.take(str(tmp_path / "gone"), "stray_file")
    assert list((tmp_path / "quarantine").iterdir()) == []


def test_a_folder_is_taken_with_everything_in_it(quarantine, tmp_path):
    (tmp_path / "a" / "b").mkdir(parents=True)
    put(tmp_path / "a", "x", b"123")
    put(tmp_path / "a" / "b", "y", b"4567")
    assert quarantine.take(str(tmp_path / "a"), "orphan_upload")
    assert [(thing.name, thing.size_bytes) for thing in quarantine.list()] == [("a", 7)]
    assert quarantine.empty(SYSTEM, timedelta(0)) == (1, 7)


def test_a_link_is_taken_and_not_what_it_names(quarantine, tmp_path):
    target = put(tmp_path, "target")
    (tmp_path / "link").symlink_to(target)
    assert quarantine.take(str(tmp_path / "link"), "stray_file")
    assert quarantine.empty(SYSTEM, timedelta(0))[0] == 1
    assert Path(target).read_bytes() == b"data"


def test_only_what_is_old_goes(quarantine, tmp_path, clock):
    quarantine.take(put(tmp_path, "old", b"1"), "corrupt")
    clock.forward(days=2)
    quarantine.take(put(tmp_path, "new", b"22"), "corrupt")
    assert quarantine.empty(SYSTEM, timedelta(days=3)) == (0, 0)
    assert quarantine.empty(SYSTEM, timedelta(days=2)) == (1, 1)
    assert [thing.name for thing in quarantine.list()] == ["new"]


def test_what_others_put_there_is_left_alone(quarantine, tmp_path):
    quarantine.take(put(tmp_path, "ours"), "corrupt")
    put(tmp_path / "quarantine", "README")
    assert quarantine.empty(SYSTEM, timedelta(0)) == (1, 4)
    assert [path.name for path in (tmp_path / "quarantine").iterdir()] == ["README"]


@pytest.mark.parametrize(
    ("name", "shown"),
    [("plain", "plain"), ("ä", "ä"), ("\udcff", "\\xff"), ("a\nb", "a\\nb"), ("\x1b[31m", "\\x1b[31m")],
)
def test_any_name_can_be_shown(quarantine, tmp_path, name, shown):
    quarantine.take(put(tmp_path, name), "stray_file")
    assert [thing.name for thing in quarantine.list()] == [shown] == [printable(name)]
