"""How far a run is, for whoever waits for it."""

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager

import click
from rich.console import Console
from rich.status import Status
from rich.text import Text

from moorage import sizes
from moorage.jobs.model import Execution

_EVERY_SECONDS = 5.0
_LONGEST_MARK = 40


class Progress:
    """One line that changes when standard output is a terminal; else a line now and then.

    All of it goes to standard error, so that the result alone is on standard output.
    """

    def __init__(self) -> None:
        self._begun = self._told = time.monotonic()
        self._status: Status | None = None

    @contextmanager
    def shown(self) -> Iterator[None]:
        """Show it inside the block."""
        if not sys.stdout.isatty():
            yield
            return
        with Console(stderr=True).status("") as self._status:
            yield
        self._status = None

    def watch(self, execution: Execution) -> None:
        """Take the run as it stands now."""
        now = time.monotonic()
        if self._status is not None:
            self._status.update(Text(self._line(execution)))  # text, not markup: names come from outside
        elif now - self._told >= _EVERY_SECONDS:
            self._told = now
            click.echo(self._line(execution), err=True)

    def _line(self, execution: Execution) -> str:
        known = described(execution.progress)
        seconds = int(time.monotonic() - self._begun)
        return f"{execution.kind} {execution.id}, {seconds} s{': ' if known else ''}{known}"


def described(values: object) -> str:
    """Numbers and short texts of a run on one line: ``found 5, freed 1.2 MiB``."""
    if not isinstance(values, dict):
        return ""
    return ", ".join(f"{name} {value}" for name, value in map(_pair, values.items()) if value)


def _pair(item: tuple[str, object]) -> tuple[str, str]:
    name, value = item
    if isinstance(value, int) and name.endswith("_bytes"):
        return name.removesuffix("_bytes").replace("_", " "), sizes.in_words(value)
    if isinstance(value, float):
        value = round(value, 2)
    shown = str(value) if isinstance(value, int | float | str) else ""
    return name.replace("_", " "), shown if len(shown) <= _LONGEST_MARK and shown.isprintable() else ""
