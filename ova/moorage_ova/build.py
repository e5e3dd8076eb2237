"""Stage 3: Packer starts the disk and has Ansible configure it. The only file that knows packerpy."""

import os
import re
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path

from packerpy import PackerExecutable

from moorage_ova import programs
from moorage_ova.errors import OvaError

_SOURCE = "qemu.appliance"
_TASK = re.compile(r"(?:TASK|PLAY) \[(?P<name>.+?)\] \*")
_COLOURS = re.compile(r"\x1b\[[0-9;]*m")
_LAST_LINES = 25
_STOP_SECONDS = 60


def validate(folder: Path, values: Mapping[str, str]) -> None:
    """Have Packer check its sources with these variables.

    Raises:
        OvaError: it objects.
    """
    code, output, errors = _packer({}).validate(str(folder), var=dict(values))
    if code:
        raise OvaError(
            f"packer does not take {folder}:\n{(output + errors).decode(errors='replace').strip()}"
        )


def configure(folder: Path, values: Mapping[str, str], log: Path, tell: Callable[[str], None]) -> None:
    """Build the machine.

    Args:
        folder: Packer's sources.
        values: their variables.
        log: file that gets every line of Packer's and Ansible's.
        tell: called with the name of each step when it begins.

    Raises:
        OvaError: it failed; with the last lines of the log.
    """
    cache = log.parent / "packer-cache"
    with _following(log, tell) as (descriptor, lines), _environment({"PACKER_CACHE_DIR": str(cache)}):
        packer = _packer({"stdout": descriptor, "stderr": subprocess.STDOUT})
        try:
            code, _, _ = packer.build(
                str(folder), only=_SOURCE, force=True, color="false", on_error="cleanup", var=dict(values)
            )
        except BaseException:
            _stop_packer()
            raise
    if code:
        raise OvaError(f"packer ended with {code}:\n" + "\n".join(lines[-_LAST_LINES:]))


def _packer(streams: Mapping[str, object]) -> PackerExecutable:
    return PackerExecutable(programs.find("packer"), machine_readable=False, config=dict(streams))


def _stop_packer() -> None:
    """Have Packer switch its machine off and end; packerpy leaves it alone when it is interrupted itself."""
    # A terminal's Ctrl-C reaches it too, and a second one would end it before it has cleaned up.
    told = sys.stdin is not None and sys.stdin.isatty() and os.tcgetpgrp(sys.stdin.fileno()) == os.getpgrp()
    for pid in _children("packer"):
        for each in (0 if told else signal.SIGINT, signal.SIGINT, signal.SIGKILL):
            with suppress(ProcessLookupError):
                os.kill(pid, each)
            if _ended(pid):
                break


def _ended(pid: int) -> bool:
    end = time.monotonic() + _STOP_SECONDS
    while time.monotonic() < end:
        try:
            if os.waitpid(pid, os.WNOHANG)[0]:
                return True
        except ChildProcessError:
            return True
        time.sleep(0.1)  # there is no wait with a limit for a child that another module started
    return False


def _children(name: str) -> list[int]:
    """Processes of ours that run a program of this name."""
    found = []
    for each in Path("/proc/self/task").glob("*/children"):
        for pid in each.read_text().split():
            with suppress(OSError):
                if Path(f"/proc/{pid}/comm").read_text().strip() == name:
                    found.append(int(pid))
    return found


@contextmanager
def _following(log: Path, tell: Callable[[str], None]) -> Iterator[tuple[int, list[str]]]:
    """A pipe for a program to write to; its lines go into the log, and the names of steps to `tell`."""
    reading, writing = os.pipe()
    lines: list[str] = []

    def follow() -> None:
        with os.fdopen(reading, encoding="utf-8", errors="replace") as source, log.open("w") as kept:
            for raw in source:
                line = _COLOURS.sub("", raw).rstrip()
                lines.append(line)
                kept.write(line + "\n")
                kept.flush()
                step = _TASK.search(line)
                if step is not None:
                    tell(step["name"])

    follower = threading.Thread(target=follow)
    follower.start()
    try:
        yield writing, lines
    finally:
        os.close(writing)
        follower.join()


@contextmanager
def _environment(more: Mapping[str, str]) -> Iterator[None]:
    """Packer takes a setting from the environment only, and packerpy passes ours."""
    before = {name: os.environ.get(name) for name in more}
    os.environ.update(more)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value
