"""What the boot did and what is wrong, for the console, the landing page and `moorage-appliance status`."""

import fcntl
import json
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import asdict
from datetime import UTC, datetime
from typing import Any, Literal

from moorage_appliance.files import put
from moorage_appliance.paths import Paths
from moorage_appliance.problem import Problem

State = Literal["done", "failed", "waiting"]


class StatusFile:
    """``status.json`` of this boot; every write takes a lock, and what others wrote stays."""

    def __init__(self, paths: Paths) -> None:
        self._path = paths.run / "status.json"

    def phase(self, name: str, state: State, message: str = "") -> None:
        """How far a phase is."""
        entry = {"name": name, "state": state, "message": message, "at": datetime.now(UTC).isoformat()}
        with self._changed() as found:
            phases = found.setdefault("phases", [])
            phases[:] = [each for each in phases if each["name"] != name] + [entry]

    def problems(self, step: str, problems: Iterable[Problem]) -> None:
        """What is wrong by the word of one step, instead of what it said before."""
        with self._changed() as found:
            others = [each for each in found.setdefault("problems", []) if each["step"] != step]
            found["problems"] = others + [{"step": step, **asdict(each)} for each in problems]

    def facts(self, **facts: object) -> None:
        """Whatever else is known: addresses, fingerprint, version."""
        with self._changed() as found:
            found.update(facts)

    def read(self) -> dict[str, Any]:
        """All of it; empty before the first write."""
        try:
            found = json.loads(self._path.read_text())
        except (OSError, ValueError):
            return {}
        return found if isinstance(found, dict) else {}

    @contextmanager
    def _changed(self) -> Iterator[dict[str, Any]]:
        self._path.parent.mkdir(parents=True, exist_ok=True)
        with self._path.with_suffix(".lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            found = self.read()
            yield found
            put(self._path, json.dumps(found, indent=1) + "\n")
