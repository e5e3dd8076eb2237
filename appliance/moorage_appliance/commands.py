"""The only door to outside programs."""

import subprocess
from dataclasses import dataclass
from typing import Protocol

_SECONDS = 300


class CommandFailedError(Exception):
    """A program could not be run, or said that it failed; the text holds what it said."""


@dataclass(frozen=True, slots=True)
class Completed:
    """How a program ended."""

    code: int
    output: str
    errors: str


class Commands(Protocol):
    """Runs programs; tests may watch or bend it."""

    def run(self, *argv: str, stdin: bytes = b"", check: bool = True) -> Completed:
        """Run a program and wait for its end.

        Args:
            argv: program and arguments; never a secret, which others could read in the list of processes.
            stdin: what it gets to read.
            check: whether its failure is one of ours.

        Raises:
            CommandFailedError: it is missing, took too long, or (with `check`) did not end with 0.
        """


class SystemCommands:
    """Runs real programs.

    Args:
        seconds: how long one may take.
    """

    _seconds: float = _SECONDS

    def __init__(self, seconds: float = _SECONDS) -> None:
        self._seconds = seconds

    def run(self, *argv: str, stdin: bytes = b"", check: bool = True) -> Completed:
        try:
            done = subprocess.run(argv, input=stdin, capture_output=True, timeout=self._seconds, check=False)
        except (OSError, subprocess.TimeoutExpired) as error:
            raise CommandFailedError(f"{argv[0]}: {error}") from error
        output, errors = done.stdout.decode(errors="replace"), done.stderr.decode(errors="replace")
        if check and done.returncode:
            raise CommandFailedError(f"{argv[0]} ended with {done.returncode}: {(errors or output).strip()}")
        return Completed(done.returncode, output, errors)
