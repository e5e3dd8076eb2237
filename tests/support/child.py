"""A program started by a test: its output, its end, and that it never outlives the test run."""

import contextlib
import ctypes
import os
import re
import signal
import subprocess
import threading
from collections.abc import Mapping, Sequence
from pathlib import Path

_PR_SET_PDEATHSIG = 1
_LIBC = ctypes.CDLL(None, use_errno=True)


class ChildEndedError(AssertionError):
    """The program ended, or stayed silent, while the test waited for a line of it."""


def _die_with_parent() -> None:
    _LIBC.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)


class Child:
    """One running program in a process group of its own, with stdout and stderr gathered as one text.

    Args:
        log: where the gathered output is kept, for a look after a failed test.
    """

    def __init__(
        self,
        command: Sequence[str | Path],
        log: Path,
        *,
        env: Mapping[str, str] | None = None,
        cwd: Path | None = None,
    ) -> None:
        self.command = [str(word) for word in command]
        self.log = log
        self._lines: list[str] = []
        self._changed = threading.Condition()
        self._silent = False
        self.process = subprocess.Popen(
            self.command,
            env=None if env is None else dict(env),
            cwd=cwd,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
            start_new_session=True,
            preexec_fn=_die_with_parent,  # noqa: PLW1509 - nothing but one system call
        )
        self._reader = threading.Thread(target=self._gather, daemon=True)
        self._reader.start()

    def _gather(self) -> None:
        assert self.process.stdout is not None
        with self.log.open("a") as log, self.process.stdout as stream:
            for line in stream:
                log.write(line)
                log.flush()
                with self._changed:
                    self._lines.append(line.rstrip("\n"))
                    self._changed.notify_all()
        with self._changed:
            self._silent = True
            self._changed.notify_all()

    @property
    def pid(self) -> int:
        return self.process.pid

    @property
    def output(self) -> str:
        """Everything said so far."""
        with self._changed:
            return "\n".join(self._lines)

    def wait_for(self, pattern: str, seconds: float = 30) -> re.Match[str]:
        """The first line that matches; waits for it.

        Raises:
            ChildEndedError: the program ended first, or the time is up.
        """
        wanted = re.compile(pattern)
        seen = 0

        def found() -> re.Match[str] | None:
            nonlocal seen
            while seen < len(self._lines):
                match = wanted.search(self._lines[seen])
                seen += 1
                if match:
                    return match
            return None

        match: re.Match[str] | None = None

        def settled() -> bool:
            nonlocal match
            match = match or found()
            return match is not None or self._silent

        with self._changed:
            self._changed.wait_for(settled, timeout=seconds)
        if match is None:
            state = "ended" if self._silent else f"said nothing like it for {seconds} s"
            raise ChildEndedError(f"{self.command[0]} {state} ({pattern!r}):\n{self.output[-4000:]}")
        return match

    def stop(self, how: signal.Signals = signal.SIGTERM, seconds: float = 30) -> int:
        """Signal the program (not its group, as a terminal or systemd would) and return its exit code."""
        if self.process.poll() is None:
            self.process.send_signal(how)
        return self.ended(seconds)

    def ended(self, seconds: float = 30) -> int:
        """Wait until the program ended by itself; one that does not is killed and the test fails."""
        try:
            code = self.process.wait(seconds)
        except subprocess.TimeoutExpired as error:
            self.kill()
            raise ChildEndedError(
                f"{self.command[0]} did not end in {seconds} s:\n{self.output[-4000:]}"
            ) from error
        self._reader.join(5)
        return code

    def kill(self) -> None:
        """End the program and everything it started, at once."""
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()
        self._reader.join(5)
