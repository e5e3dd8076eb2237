"""Running a client program as a person would, away from this machine's own configuration."""

import os
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

_SECONDS = 180
_NO = ("denied", "unauthorized", "authentication required")
_PATH = "/usr/bin:/usr/sbin:/bin:/sbin:/usr/local/bin:/usr/local/sbin"


@dataclass(frozen=True, slots=True)
class Outcome:
    """How a command ended, with everything it printed."""

    command: str
    code: int
    out: str
    err: str

    @property
    def text(self) -> str:
        return self.out + self.err

    def __str__(self) -> str:
        return f"$ {self.command}\n{self.text}[exit {self.code}]"


def says_no(text: str) -> bool:
    """Whether a client tells its user that the registry did not let them."""
    return any(word in text.lower() for word in _NO)


class FailedError(AssertionError):
    """A command that had to succeed did not."""


class Program:
    """A program with the options that every command of it gets, and a home folder of its own.

    Args:
        command: the program and its leading options. Debian's own release is preferred to any
            other of the same name on the machine.
    """

    def __init__(self, *command: str | Path, home: Path, env: Mapping[str, str] | None = None) -> None:
        self._command = [str(word) for word in command]
        home.mkdir(parents=True, exist_ok=True)
        self._env = {
            "PATH": f"{_PATH}:{os.environ.get('PATH', '')}",
            "HOME": str(home),
            "XDG_RUNTIME_DIR": str(home),
            "LANG": "C.UTF-8",
            **(env or {}),
        }

    def run(self, *words: str | Path, stdin: str = "") -> Outcome:
        """Run one command to its end."""
        return self._run([str(word) for word in words], stdin)

    def ok(self, *words: str | Path, stdin: str = "") -> Outcome:
        """Run one command that has to succeed.

        Raises:
            FailedError: with everything it printed.
        """
        outcome = self.run(*words, stdin=stdin)
        if outcome.code != 0:
            raise FailedError(str(outcome))
        return outcome

    def refused(self, *words: str | Path, stdin: str = "") -> str:
        """Run one command that has to fail; returns what it printed."""
        outcome = self.run(*words, stdin=stdin)
        assert outcome.code != 0, str(outcome)
        return outcome.text

    def _run(self, words: Sequence[str], stdin: str) -> Outcome:
        done = subprocess.run(
            [*self._command, *words],
            env=self._env,
            input=stdin,
            capture_output=True,
            text=True,
            errors="replace",
            timeout=_SECONDS,
            check=False,
        )
        shown = " ".join([Path(self._command[0]).name, *words])
        return Outcome(shown, done.returncode, done.stdout, done.stderr)
