import pytest

from moorage.distribution.capacity import Capacity
from moorage.distribution.errors import StorageFullError


class Disk:
    """As much of a storage as the capacity asks for."""

    def __init__(self, free):
        self.free = free
        self.asked = 0

    def free_bytes(self):
        self.asked += 1
        return self.free


@pytest.fixture
def now():
    return [100.0]


def capacity_of(disk, now, reserve=100):
    return Capacity(disk, reserve, lambda: now[0])


@pytest.mark.parametrize("declared", [0, 1, 900])
def test_what_leaves_the_reserve_alone_may_come(now, declared):
    capacity_of(Disk(1000), now).check(declared)


@pytest.mark.parametrize(("free", "declared"), [(1000, 901), (99, 0), (0, 0)])
def test_what_would_use_up_the_reserve_is_refused(now, free, declared):
    with pytest.raises(StorageFullError):
        capacity_of(Disk(free), now).check(declared)


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
