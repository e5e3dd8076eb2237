"""`make bench`: start both registries, measure row after row, print the table, write the file."""

import os
import platform
import shutil
import signal
import sys
from collections.abc import Sequence
from contextlib import ExitStack
from fnmatch import fnmatchcase
from types import FrameType
from typing import NoReturn

from tests.bench.dataset import Dataset
from tests.bench.errors import BenchError
from tests.bench.log_rows import PREFIX, log_rows
from tests.bench.measure import Result, measure
from tests.bench.options import Options, parse
from tests.bench.ours import running_ours, start_ours
from tests.bench.payload import PayloadFile
from tests.bench.peer import start_peer
from tests.bench.proxy import start_ours_behind_nginx
from tests.bench.report import table, write
from tests.bench.rows import Row
from tests.bench.suite import all_rows
from tests.bench.target import Target


def main(arguments: Sequence[str]) -> int:
    """Run; 0 when every row has an honest figure, 1 when one has none, 2 when nothing could be measured."""
    options = parse(arguments)
    signal.signal(signal.SIGTERM, _end)
    try:
        with ExitStack() as stack:
            results = _run(options, stack)
    except BenchError as error:
        print(f"bench: {error}", file=sys.stderr)
        return 2
    write(results, options.output)
    print(table(results))
    print(f"\nratio above 1: ours is better; median of {options.rounds} rounds. Written: {options.output}")
    return 1 if any(result.failure for result in results) else 0


def _run(options: Options, stack: ExitStack) -> list[Result]:
    shutil.rmtree(options.folder, ignore_errors=True)
    options.folder.mkdir(parents=True)
    if not options.keep:
        stack.callback(shutil.rmtree, options.folder, ignore_errors=True)
    dataset = Dataset(PayloadFile(options.folder / "payload", options.sizes.huge), options.sizes)
    rows = _chosen(_rows(dataset, options, stack), options.only)
    peer = start_peer(options.folder / "peer")
    stack.callback(peer.stop)
    ours = _ours(options)
    stack.callback(ours.stop)
    _say_what_is_measured(options, ours, peer)
    return [measure(row, ours, peer, options.rounds, options.seconds) for row in rows]


def _rows(dataset: Dataset, options: Options, stack: ExitStack) -> list[Row]:
    rows = all_rows(dataset, options.folder, stack, options.settings)
    if any(name.startswith(PREFIX) for name in options.only):
        rows += log_rows(options.folder / "log", stack, options.log, options.settings)
    return rows


def _chosen(rows: Sequence[Row], only: frozenset[str]) -> list[Row]:
    unknown = [each for each in only if not any(fnmatchcase(row.name, each) for row in rows)]
    if unknown:
        names = ", ".join(row.name for row in rows)
        raise BenchError(f"no such row: {', '.join(sorted(unknown))}; there are {names} and {PREFIX}*")
    return [row for row in rows if not only or any(fnmatchcase(row.name, each) for each in only)]


def _ours(options: Options) -> Target:
    if options.ours_url:
        return running_ours(options.ours_url, options.token, options.account, options.ours_pids)
    start = start_ours_behind_nginx if options.serving == "nginx" else start_ours
    return start(options.folder / "ours", options.settings)


def _say_what_is_measured(options: Options, ours: Target, peer: Target) -> None:
    machine = f"{os.cpu_count()} CPUs, {platform.system()} {platform.release()}"
    print(f"ours: {ours.title}   peer: {peer.title}")
    print(f"{machine}, Python {platform.python_version()}, load before: {os.getloadavg()[0]:.2f}")
    print(f"{options.rounds} rounds by turns, {options.seconds:g} s a measurement")
    if options.quick:
        print("quick: less data and one short round; these are not figures to compare")
    print(flush=True)


def _end(number: int, frame: FrameType | None) -> NoReturn:
    """Leave through the clean-up when someone ends us."""
    sys.exit(128 + number)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
