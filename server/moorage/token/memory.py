"""A bounded memory for a hot path: reads take no lock."""

import threading
from collections.abc import Hashable
from typing import Generic, TypeVar

Key = TypeVar("Key", bound=Hashable)
Value = TypeVar("Value")


class Memory(Generic[Key, Value]):
    """Keeps at least the `most // 2` entries used last, and at most `most`.

    Two dictionaries: new entries, and old ones that are used again, go into the young one; when it
    is full it becomes the old one and the old one is forgotten. Reading and writing one key of a
    dictionary is atomic in Python; only the change of dictionaries takes the lock.
    """

    def __init__(self, most: int) -> None:
        self._half = max(1, most // 2)
        self._lock = threading.Lock()
        self._young: dict[Key, Value] = {}
        self._old: dict[Key, Value] = {}

    def get(self, key: Key) -> Value | None:
        """What was put there, or None."""
        value = self._young.get(key)
        if value is None:
            value = self._old.get(key)
            if value is not None:
                self.put(key, value)
        return value

    def put(self, key: Key, value: Value) -> None:
        """Remember `value` under `key`."""
        with self._lock:
            if len(self._young) >= self._half:
                self._old, self._young = self._young, {}
            self._young[key] = value
