"""What a check finds, and the running account of it."""

import time
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from moorage.jobs.run import Run

#: Findings of one kind that are told one by one; the rest is only counted.
_MOST_TOLD = 1000


class FindingKind(StrEnum):
    """What can be wrong."""

    ORPHAN_FILE = "orphan_file"
    MISSING_FILE = "missing_file"
    WRONG_SIZE = "wrong_size"
    CORRUPT = "corrupt"
    STRAY_FILE = "stray_file"
    ORPHAN_UPLOAD = "orphan_upload"
    CORRUPT_MANIFEST = "corrupt_manifest"
    DANGLING_EDGE = "dangling_edge"
    UNQUEUED = "unqueued"
    USAGE = "usage"
    DATABASE = "database"


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that is wrong.

    Attributes:
        what: the digest, the name of a file, the repository or the project.
        size_bytes: of the file or body; 0 where that means nothing.
        detail: more, for a person.
        done: what the check did about it, or "".
        solved: nothing is left to do.
    """

    kind: FindingKind
    what: str
    size_bytes: int = 0
    detail: str = ""
    done: str = ""
    solved: bool = False

    def __str__(self) -> str:
        size = f" ({self.size_bytes} bytes)" if self.size_bytes else ""
        rest = "".join(f"; {part}" for part in (self.detail, self.done) if part)
        return f"{self.kind}: {self.what}{size}{rest}"


class Account:
    """Counts what a run looked at and found, and where it stands.

    All of it is kept together: a run that goes on after a crash counts nothing twice.
    """

    def __init__(self, run: Run) -> None:
        self._run = run
        self._began = time.monotonic()
        kept = run.progress
        self.stage = str(kept.get("stage", ""))
        self.cursor = str(kept.get("cursor", ""))
        self._numbers: Counter[str] = Counter(_numbers(kept, _COUNTED))
        self._kinds: Counter[str] = Counter(_numbers(_mapping(kept.get("kinds")), tuple(FindingKind)))

    @property
    def repairs(self) -> bool:
        """Whether things may be changed: asked for, and the database's word can be trusted."""
        return self._run.parameters.get("repair") is True and not self._kinds[FindingKind.DATABASE]

    def expect(self, blobs: int, size_bytes: int) -> None:
        """Say how much there is in all."""
        self._numbers["total_blobs"], self._numbers["total_bytes"] = blobs, size_bytes

    def checked(self, size_bytes: int) -> None:
        """Count one blob, whatever came of it."""
        self._numbers["checked_blobs"] += 1
        self._numbers["checked_bytes"] += size_bytes

    def found(self, finding: Finding) -> None:
        """Count a finding and tell it."""
        self._kinds[finding.kind] += 1
        self._numbers["repaired"] += bool(finding.done)
        self._numbers["remaining"] += not finding.solved
        told = self._kinds[finding.kind]
        if told <= _MOST_TOLD:
            self._run.say(str(finding), level="error")
        if told == _MOST_TOLD:
            self._run.say(f"{finding.kind}: further ones are counted, not told", level="warning")

    def unreadable(self, what: str, error: OSError) -> None:
        """Count something that could not be looked at; nothing is concluded from that."""
        self._numbers["unreadable"] += 1
        if self._numbers["unreadable"] <= _MOST_TOLD:
            reason = error.strerror or type(error).__name__
            self._run.say(f"unreadable: {what}: {reason}; nothing there is changed", level="error")

    def unmoved(self, what: str, error: OSError) -> None:
        """Tell of something that should have been moved and could not be; the finding remains."""
        reason = error.strerror or type(error).__name__
        self._run.say(f"{what} could not be moved to the quarantine: {reason}", level="warning")

    def reached(self, stage: str, cursor: str = "") -> None:
        """Keep everything counted so far, with the place after which to go on."""
        self.stage, self.cursor = stage, cursor
        numbers = {name: self._numbers[name] for name in _COUNTED}
        numbers["seconds"] += round(time.monotonic() - self._began)
        self._run.mark(
            stage=stage, cursor=cursor, findings=self._kinds.total(), kinds=self._found(), **numbers
        )

    def result(self, *, complete: bool) -> Mapping[str, object]:
        """What the run came to."""
        numbers = self._numbers
        return {
            "ok": complete and not numbers["remaining"] and not numbers["unreadable"],
            "checked_blobs": numbers["checked_blobs"],
            "checked_bytes": numbers["checked_bytes"],
            "findings": self._found(),
            "repaired": numbers["repaired"],
            "remaining": numbers["remaining"],
            "unreadable": numbers["unreadable"],
            "seconds": round(numbers["seconds"] + time.monotonic() - self._began, 1),
            "message": self._message(complete=complete),
        }

    def _found(self) -> dict[str, int]:
        return {kind: self._kinds[kind] for kind in FindingKind if self._kinds[kind]}

    def _message(self, *, complete: bool) -> str:
        found = ", ".join(f"{count} {kind}" for kind, count in self._found().items()) or "nothing"
        numbers = self._numbers
        parts = [f"{numbers['checked_blobs']} blobs checked, found {found}"]
        if self._kinds:
            parts.append(f"{numbers['repaired']} repaired, {numbers['remaining']} remain")
        if numbers["unreadable"]:
            parts.append(f"{numbers['unreadable']} unreadable")
        if self._kinds[FindingKind.DATABASE]:
            parts.append("the database is damaged, so nothing was repaired")
        return "; ".join(parts if complete else [*parts, "not finished"])


_COUNTED = (
    "total_blobs",
    "total_bytes",
    "checked_blobs",
    "checked_bytes",
    "repaired",
    "remaining",
    "unreadable",
    "seconds",
)


def _mapping(value: object) -> Mapping[str, object]:
    return value if isinstance(value, Mapping) else {}


def _numbers(kept: Mapping[str, object], names: tuple[str, ...]) -> dict[str, int]:
    return {name: value for name in names if isinstance(value := kept.get(name), int)}
