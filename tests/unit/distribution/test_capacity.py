"""Two marks and a reserve: what may come, what health says, what is logged."""

import logging

import pytest

from moorage.distribution.capacity import Capacity
from moorage.distribution.errors import StorageFullError
from moorage.distribution.storage import Space
from moorage.health import DegradedError

TOTAL = 10_000


class Disk:
    """As much of a storage as the capacity asks for."""

    def __init__(self, free):
        self.free = free
        self.asked = 0

    def space(self):
        self.asked += 1
        return Space(TOTAL, self.free)


@pytest.fixture
def now():
    return [100.0]


def capacity_of(disk, now, reserve=100, warn=100.0, full=100.0):
    return Capacity(disk, reserve, warn_percent=warn, full_percent=full, ticks=lambda: now[0])


@pytest.mark.parametrize("declared", [0, 1, 900])
def test_what_leaves_the_reserve_alone_may_come(now, declared):
    capacity_of(Disk(1000), now).check(declared)


@pytest.mark.parametrize(("free", "declared"), [(1000, 901), (99, 0), (0, 0)])
def test_what_would_use_up_the_reserve_is_refused(now, free, declared):
    with pytest.raises(StorageFullError, match="100 bytes are kept in reserve"):
        capacity_of(Disk(free), now).check(declared)


@pytest.mark.parametrize(("free", "refused"), [(501, False), (500, True), (499, True)])
def test_from_the_second_mark_on_nothing_comes(now, free, refused):
    capacity = capacity_of(Disk(free), now, warn=80.0, full=95.0)
    if refused:
        with pytest.raises(StorageFullError, match="at most 95 % may be"):
            capacity.check(0)
    else:
        capacity.check(0)


def test_with_the_mark_at_100_only_the_reserve_counts(now):
    capacity_of(Disk(100), now, reserve=100).check(0)
    capacity_of(Disk(0), now, reserve=0).check(0)


def test_the_disk_is_asked_once_a_second(now):
    disk = Disk(1000)
    capacity = capacity_of(disk, now)
    for _ in range(10):
        capacity.check(0)
    assert disk.asked == 1
    disk.free = 0
    now[0] += 0.9
    capacity.check(0)
    now[0] += 0.2
    with pytest.raises(StorageFullError):
        capacity.check(0)


def test_health_warns_from_the_first_mark_and_names_the_second(now):
    disk = Disk(2001)
    capacity = capacity_of(disk, now, warn=80.0, full=95.0)
    assert capacity.probe() is None
    disk.free = 2000
    warning = capacity.probe()
    assert warning is not None
    assert "80.0 %" in warning
    assert "95 %" in warning
    disk.free = 500
    with pytest.raises(DegradedError, match="uploads are refused"):
        capacity.probe()


def test_health_says_when_the_reserve_is_touched(now):
    with pytest.raises(DegradedError, match="kept in reserve"):
        capacity_of(Disk(99), now).probe()


def test_each_crossing_is_logged_once(now, caplog):
    caplog.set_level(logging.INFO)
    disk = Disk(5000)
    capacity = capacity_of(disk, now, warn=80.0, full=95.0)
    levels = []
    for free in (5000, 4000, 1900, 1500, 400, 300, 1000, 900, 5000, 6000):
        disk.free = free
        caplog.clear()
        capacity.watch()
        levels.append([record.levelname for record in caplog.records])
    assert levels == [[], [], ["WARNING"], [], ["ERROR"], [], ["WARNING"], [], ["INFO"], []]


def test_a_storage_without_any_room_is_full():
    assert Space(0, 0).used_percent == 100
