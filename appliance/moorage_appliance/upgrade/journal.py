"""How far an upgrade is, as the next boot finds it."""

import json
import os
from dataclasses import asdict, dataclass, field
from enum import StrEnum
from pathlib import Path

from moorage_appliance.files import put
from moorage_appliance.paths import Paths

_JOURNAL = "journal.json"


class State(StrEnum):
    """What has happened."""

    #: Files are exchanged, or the new release is looked at: a machine that stops here goes back.
    SWITCHING = "switching"
    #: The new release serves; the one before is kept.
    DONE = "done"


@dataclass(frozen=True, slots=True)
class Journal:
    """An upgrade.

    Attributes:
        version, before: the releases.
        units: those that only the new release has.
        began_at: in UTC, as ISO 8601 has it.
    """

    version: str
    before: str
    state: State
    began_at: str
    units: list[str] = field(default_factory=list)

    @property
    def name(self) -> str:
        """Of its folders."""
        return f"{self.before}-to-{self.version}"


class JournalFile:
    """The journal and the folders that belong to it."""

    def __init__(self, paths: Paths) -> None:
        self.root = paths.system_state / "upgrade"
        self._path = self.root / _JOURNAL

    def read(self) -> Journal | None:
        """The last upgrade, unless it was undone."""
        try:
            said = json.loads(self._path.read_text())
        except FileNotFoundError:
            return None
        return Journal(**{**said, "state": State(said["state"])})

    def write(self, journal: Journal) -> None:
        """Durable on return."""
        put(self._path, json.dumps(asdict(journal)), 0o600)
        _sync(self.root)

    def forget(self) -> None:
        """There was none."""
        self._path.unlink(missing_ok=True)
        _sync(self.root)

    def folder(self, name: str) -> Path:
        """What belongs to the upgrade of that name."""
        return self.root / name


def _sync(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
