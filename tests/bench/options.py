"""What the command line asks for."""

import argparse
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from tests.bench.dataset import Sizes
from tests.bench.rows import MIB

_BUILD = Path("build")


@dataclass(frozen=True, slots=True)
class Options:
    """One run.

    Attributes:
        only: names of rows; empty means all.
        rounds: measurements of each row and registry.
        seconds: length of one measurement.
        sizes: how much is stored.
        log: entries of the log that is searched.
        quick: a look, not figures to compare.
        keep: leave the data and logs.
        serving: `direct` or `nginx` before Moorage.
        settings: further MOORAGE_... variables for our server.
        ours_url: of a server that runs already; empty means start one.
        token: bearer token for it.
        account: `name:password` for it.
        ours_pids: its first processes.
        output: the JSON file.
        folder: data and logs of the run.
    """

    only: frozenset[str]
    rounds: int
    seconds: float
    sizes: Sizes
    log: int
    quick: bool
    keep: bool
    serving: str
    settings: dict[str, str]
    ours_url: str
    token: str
    account: str
    ours_pids: tuple[int, ...]
    output: Path
    folder: Path


def parse(arguments: Sequence[str]) -> Options:
    """Read the command line; ends the program when it makes no sense."""
    given = _parser().parse_args(arguments)
    only = frozenset(given.only)
    partial = given.quick or only or given.ours_url or given.garbage
    return Options(
        only=only,
        rounds=given.rounds or (1 if given.quick else 3),
        seconds=given.seconds or (1.0 if given.quick else 4.0),
        sizes=_sizes(given),
        log=given.log or (100_000 if given.quick else 5_000_000),
        quick=given.quick,
        keep=given.keep,
        serving=given.serving,
        settings=dict(given.set),
        ours_url=given.ours_url.rstrip("/"),
        token=given.token,
        account=given.account,
        ours_pids=tuple(given.ours_pid),
        # A part of the rows, or smaller ones, must not pass for the figures of a whole run.
        output=given.output or _BUILD / ("bench-partial.json" if partial else "bench.json"),
        folder=_BUILD / "bench",
    )


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m tests.bench",
        description="Measure Moorage side by side with Debian's docker-registry.",
    )
    parser.add_argument(
        "--only",
        action="append",
        default=[],
        metavar="NAME",
        help="only this row, or rows like 'audit_*' (repeatable)",
    )
    parser.add_argument("--rounds", type=_positive, metavar="N", help="rounds of each row (3)")
    parser.add_argument("--seconds", type=float, metavar="S", help="length of one measurement (4)")
    parser.add_argument(
        "--quick", action="store_true", help="one short round over less data, only to see it work"
    )
    parser.add_argument(
        "--garbage", type=_hundreds, metavar="MANIFESTS", help="of the collection, ten blobs each (10000)"
    )
    parser.add_argument(
        "--log", type=_positive, metavar="ENTRIES", help="of the log, for the rows audit_* (5000000)"
    )
    parser.add_argument("--keep", action="store_true", help="leave data and logs in build/bench")
    parser.add_argument(
        "--serving", choices=("direct", "nginx"), default="direct", help="what answers the clients (direct)"
    )
    parser.add_argument(
        "--set",
        action="append",
        default=[],
        type=_setting,
        metavar="KEY=VALUE",
        help="variable for our server",
    )
    parser.add_argument("--ours-url", default="", metavar="URL", help="measure a running server instead")
    proof = parser.add_mutually_exclusive_group()
    proof.add_argument("--token", default="", help="bearer token for the running server")
    proof.add_argument(
        "--account", default="", metavar="NAME:PASSWORD", help="developer there, to fetch tokens"
    )
    parser.add_argument(
        "--ours-pid",
        action="append",
        default=[],
        type=int,
        metavar="PID",
        help="its process, for the memory row",
    )
    parser.add_argument("--output", type=Path, metavar="FILE", help="JSON file (build/bench.json)")
    return parser


def _sizes(given: argparse.Namespace) -> Sizes:
    sizes = Sizes(1000, 1000, 256 * MIB, 64 * MIB, (6000, 600), 3000) if given.quick else Sizes()
    return replace(sizes, garbage=(10 * given.garbage, given.garbage)) if given.garbage else sizes


def _hundreds(text: str) -> int:
    value = _positive(text)
    if value % 200:
        raise ValueError(text)
    return value


def _positive(text: str) -> int:
    value = int(text)
    if value < 1:
        raise ValueError(text)
    return value


def _setting(text: str) -> tuple[str, str]:
    key, equals, value = text.partition("=")
    if not equals or not key.startswith("MOORAGE_"):
        raise ValueError(text)
    return key, value
