"""Starting, awaiting, weighing and stopping the servers under test."""

import os
import signal
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path

from tests.bench.errors import BenchError
from tests.bench.wire import Connection

_POLL_SECONDS = 0.1


class Program:
    """One started server with everything it forks, its output in a file."""

    def __init__(self, name: str, command: Sequence[str], environment: Mapping[str, str], log: Path) -> None:
        self._name = name
        self._log = log
        with log.open("ab") as output:
            self._process = subprocess.Popen(
                list(command), env=dict(environment), stdout=output, stderr=output, start_new_session=True
            )

    @property
    def pid(self) -> int:
        """The first process; its descendants belong to the server too."""
        return self._process.pid

    def await_word(self, word: str, seconds: float) -> None:
        """Wait until the program has written `word` into its log.

        Raises:
            BenchError: the program ended, or did not say so in `seconds`.
        """
        self._await(lambda: word in self._log.read_text(errors="replace"), f"say {word!r}", seconds)

    def await_answer(self, url: str, path: str, seconds: float) -> None:
        """Wait until `path` answers 200.

        Raises:
            BenchError: the program ended, or did not answer in `seconds`.
        """

        def answers() -> bool:
            try:
                with Connection(url) as connection:
                    return connection.request("GET", path).status == 200
            except (OSError, BenchError):
                return False

        self._await(answers, f"answer {path}", seconds)

    def stop(self, seconds: float = 90.0) -> None:
        """End the server and all its descendants; those that do not listen are killed."""
        if self._process.poll() is None:
            self._process.terminate()
            try:
                self._process.wait(seconds)
            except subprocess.TimeoutExpired:
                print(f"{self._name} did not stop in {seconds:.0f} s and was killed")
        with suppress(ProcessLookupError):
            os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait()

    def _await(self, done: Callable[[], bool], what: str, seconds: float) -> None:
        deadline = time.monotonic() + seconds
        while not done():
            if self._process.poll() is not None:
                raise BenchError(f"{self._name} ended with {self._process.returncode}:\n{self._last_words()}")
            if time.monotonic() > deadline:
                raise BenchError(f"{self._name} did not {what} in {seconds} s:\n{self._last_words()}")
            time.sleep(_POLL_SECONDS)

    def _last_words(self) -> str:
        return "\n".join(self._log.read_text(errors="replace").splitlines()[-15:])


def family(pid: int) -> list[int]:
    """The process `pid` and all its living descendants."""
    children: dict[int, list[int]] = {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                fields = (entry / "stat").read_text().rpartition(")")[2].split()
            except OSError:
                continue
            children.setdefault(int(fields[1]), []).append(int(entry.name))
    found, waiting = [], [pid]
    while waiting:
        found.append(current := waiting.pop())
        waiting.extend(children.get(current, ()))
    return found


def proportional_memory(pids: Sequence[int]) -> int:
    """Bytes of memory of these processes, shared pages divided among their users (PSS)."""
    total = 0
    for pid in pids:
        for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines():
            if line.startswith("Pss:"):
                total += int(line.split()[1]) * 1024
    return total
