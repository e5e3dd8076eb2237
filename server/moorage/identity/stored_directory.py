"""The directory that the registry is connected to at the moment."""

import logging
import threading
import time
from collections.abc import Sequence

from moorage.errors import Unavailable
from moorage.identity.connection import Connection
from moorage.identity.connections import secret_of
from moorage.identity.directory import Directory, Entry, EntryKind, NoDirectory, Person
from moorage.identity.directory_store import DirectoryStore
from moorage.identity.vcenters import Vcenters
from moorage.keyring import Keyring

_LOOK_EVERY_SECONDS = 2.0
_log = logging.getLogger(__name__)


class StoredDirectory:
    """Implements `Directory`: every process sees a change of the stored connection within seconds."""

    def __init__(self, store: DirectoryStore, keyring: Keyring, vcenters: Vcenters) -> None:
        self._store = store
        self._keyring = keyring
        self._vcenters = vcenters
        self._lock = threading.Lock()
        self._known: Connection | None = None
        self._directory: Directory = NoDirectory()
        self._look_at = 0.0

    @property
    def connected(self) -> bool:
        return self._current().connected

    def canonical(self, name: str) -> str | None:
        return self._current().canonical(name)

    def prove(self, name: str, password: str) -> Person:
        return self._current().prove(name, password)

    def person(self, name: str) -> Person | None:
        return self._current().person(name)

    def search(self, part: str, kind: EntryKind, most: int) -> Sequence[Entry]:
        return self._current().search(part, kind, most)

    def refresh(self) -> None:
        """Look at the stored connection with the next call, however short ago that was."""
        self._look_at = 0.0

    def _current(self) -> Directory:
        if time.monotonic() < self._look_at:
            return self._directory
        found = self._store.connection()
        with self._lock:
            if found != self._known:
                self._directory = self._made(found)
                self._known = found
            self._look_at = time.monotonic() + _LOOK_EVERY_SECONDS
            return self._directory

    def _made(self, connection: Connection | None) -> Directory:
        if connection is None:
            return NoDirectory()
        try:
            secret = secret_of(self._keyring, connection)
        except Unavailable as error:
            # Names are still told apart; whoever asks vCenter something is told that the password is missing.
            _log.error("the directory's service account cannot be used: %s", error.message)
            secret = ""
        return self._vcenters.directory(connection, secret)
