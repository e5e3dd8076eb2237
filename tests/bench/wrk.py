"""Debian's wrk: the load on everything that is read."""

import json
import shutil
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from tests.bench.errors import BenchError

# Only `done` is scripted, so wrk sends its requests without ever entering Lua.
_SCRIPT = Path(__file__).with_name("wrk_summary.lua")
_MARK = "summary "
_THREADS = 2
_PATIENCE_SECONDS = 120


@dataclass(frozen=True, slots=True)
class Load:
    """What one run of wrk saw.

    Attributes:
        requests: answers received whole.
        received: bytes received, those of unfinished answers too.
        seconds: how long it really ran.
        p50: median time of an answer in seconds.
        p99: time within which 99 of 100 answers came.
        slowest: time of the slowest answer.
        faults: what went wrong, by wrk's names, only those above zero.
    """

    requests: int
    received: int
    seconds: float
    p50: float
    p99: float
    slowest: float
    faults: Mapping[str, int]


def run_wrk(url: str, headers: Mapping[str, str], *, connections: int, seconds: float) -> Load:
    """Let wrk ask for `url` as fast as it is answered.

    Raises:
        BenchError: wrk is missing or failed, an answer had a status of 400 or above, or a connection broke.
    """
    program = shutil.which("wrk")
    if program is None:
        raise BenchError("wrk is not installed (Debian: apt-get install wrk)")
    command = [program, f"-t{min(_THREADS, connections)}", f"-c{connections}", f"-d{max(1, round(seconds))}s"]
    command += ["--timeout", f"{_PATIENCE_SECONDS}s", "-s", str(_SCRIPT)]
    for name, value in headers.items():
        command += ["-H", f"{name}: {value}"]
    done = subprocess.run(
        [*command, url], capture_output=True, text=True, timeout=seconds + 2 * _PATIENCE_SECONDS, check=False
    )
    if done.returncode != 0:
        raise BenchError(f"wrk failed: {(done.stderr or done.stdout).strip()[-300:]}")
    load = read_summary(done.stdout)
    if load.faults:
        raise BenchError("wrk saw " + ", ".join(f"{count} {name}" for name, count in load.faults.items()))
    return load


def read_summary(output: str) -> Load:
    """The figures out of what our script makes wrk print.

    Raises:
        BenchError: they are not there.
    """
    for line in output.splitlines():
        if line.startswith(_MARK):
            said = json.loads(line.removeprefix(_MARK))
            return Load(
                requests=int(said["requests"]),
                received=int(said["bytes"]),
                seconds=said["duration"] / 1e6,
                p50=said["p50"] / 1e6,
                p99=said["p99"] / 1e6,
                slowest=said["max"] / 1e6,
                faults={name: int(count) for name, count in said["errors"].items() if count},
            )
    raise BenchError(f"wrk gave no summary: {output[-300:]!r}")
