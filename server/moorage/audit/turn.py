"""Who forwards: one at a time over all processes and nodes. Each kind of turn ends with its holder."""

import fcntl
import os
from contextlib import suppress
from pathlib import Path
from typing import Protocol

from moorage.audit.forward_store import ForwardStore
from moorage.db.connection import DatabaseIllError


class Turn(Protocol):
    """Taken and given by one thread."""

    def take(self) -> bool:
        """Whether it is ours now; False when another one has it."""

    def give(self) -> None:
        """Let another one have it."""


class FileTurn:
    """Between the processes of one machine."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._descriptor = -1

    def take(self) -> bool:
        descriptor = os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(descriptor)
            return False
        self._descriptor = descriptor
        return True

    def give(self) -> None:
        os.close(self._descriptor)
        self._descriptor = -1


class DatabaseTurn:
    """Between the nodes of one PostgreSQL, for as long as the thread's connection lives."""

    def __init__(self, store: ForwardStore) -> None:
        self._store = store

    def take(self) -> bool:
        return self._store.lock()

    def give(self) -> None:
        with suppress(*DatabaseIllError):  # a connection that broke has let go by itself
            self._store.unlock()
