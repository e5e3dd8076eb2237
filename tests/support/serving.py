"""Starts `serving_program` for a test and looks over its shoulder."""

import json
import os
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from tests.support.child import Child
from tests.support.raw_http import RawClient

_ROOT = Path(__file__).parents[2]
_SECONDS = 20.0


class Serving:
    """The fixture application behind our own server, in child processes.

    Args:
        settings: of the server; by default one process on a free port.
        options: further fields of `serving_program.Options`.
    """

    def __init__(self, folder: Path, settings: dict[str, Any] | None = None, **options: Any) -> None:
        self.folder = folder
        self.spool = folder / "spool"
        self.spool.mkdir(parents=True, exist_ok=True)
        self.diary_file = folder / "diary"
        self.diary_file.touch()
        self._argument = {
            "settings": {"port": 0, "processes": 1, "drain_seconds": 20, **(settings or {})},
            "spool": str(self.spool),
            "diary": str(self.diary_file),
            **options,
        }
        self.addresses: list[str] = []
        command = [sys.executable, "-m", "tests.support.serving_program", json.dumps(self._argument)]
        path = os.pathsep.join([str(_ROOT / "server"), str(_ROOT)])
        self.child = Child(command, folder / "serving.log", env={**os.environ, "PYTHONPATH": path})

    def wait_until_ready(self) -> "Serving":
        self.addresses = self.child.wait_for(r"^ready (.*)").group(1).split()
        return self

    @property
    def address(self) -> str:
        return self.addresses[0]

    def connect(self, **how: Any) -> RawClient:
        """A new connection to the first address."""
        return RawClient(self.address, **how)

    def diary(self) -> list[str]:
        """What has happened, oldest first."""
        return self.diary_file.read_text().splitlines()

    def noted(self, word: str) -> list[str]:
        """What follows the word in the lines that begin with it."""
        return [line.removeprefix(word + " ") for line in self.diary() if line.startswith(word)]

    def wait_for_note(self, word: str, count: int = 1) -> None:
        """Wait until so many lines begin with the word."""
        wait_until(lambda: len(self.noted(word)) >= count, f"{word!r} is not in {self.diary()}")

    def spooled(self) -> list[Path]:
        """What lies in the spool right now."""
        return sorted(self.spool.iterdir())

    def pids(self) -> list[int]:
        """Of the processes that the supervisor started and that live."""
        children = Path(f"/proc/{self.child.pid}/task/{self.child.pid}/children")
        return [int(word) for word in children.read_text().split()]


def wait_until(holds: Callable[[], bool], otherwise: str, seconds: float = _SECONDS) -> None:
    """Wait for something that nobody announces."""
    deadline, pause = time.monotonic() + seconds, threading.Event()
    while not holds():
        if time.monotonic() > deadline:
            raise AssertionError(otherwise)
        pause.wait(0.02)


def process_is_gone(pid: int) -> bool:
    """Whether the process has ended, even if nobody has waited for it yet."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z"
    except (FileNotFoundError, ProcessLookupError):
        return True
