"""How many connections each process has: processes that share a listening socket see to it that
none of them takes all.

The kernel wakes every process for a new connection and whoever is quickest gets it; clients keep
their connections, so what the quickest one takes at the start it keeps.
"""

import mmap
from dataclasses import dataclass

_CELL_BYTES = 4
#: Of a process that is not there.
_ABSENT = 2**31 - 1


class Balance:
    """A number for each process, in memory that is shared through fork."""

    def __init__(self, processes: int) -> None:
        self._cells = memoryview(mmap.mmap(-1, _CELL_BYTES * processes)).cast("i")
        for index in range(processes):
            self.forget(index)

    def forget(self, index: int) -> None:
        """The process is gone, or not ready yet."""
        self._cells[index] = _ABSENT

    def report(self, index: int, connections: int) -> None:
        """The process has so many."""
        self._cells[index] = connections

    def excess(self, index: int) -> int:
        """How many more the process has than the one with the fewest."""
        return self._cells[index] - min(self._cells)


@dataclass(frozen=True, slots=True)
class Share:
    """One process's part in a `Balance`."""

    balance: Balance
    index: int

    def report(self, connections: int) -> None:
        """This process has so many connections."""
        self.balance.report(self.index, connections)

    @property
    def excess(self) -> int:
        """How many more connections this process has than the one with the fewest."""
        return self.balance.excess(self.index)

    def leave(self) -> None:
        """This process is gone."""
        self.balance.forget(self.index)
