"""`moorage-appliance console` and `status`: the overview, kept up to date or once."""

import fcntl
import json
import os
import select
import sys
import termios
import tty
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace

import click

from moorage_appliance.commands import SystemCommands
from moorage_appliance.overview import overview
from moorage_appliance.paths import Paths
from moorage_appliance.screen import lines

# Seconds. Asking systemd and the network costs something; when all is well, news can wait.
_EVERY, _EVERY_WHEN_WELL = 5.0, 30.0
Picture = tuple[list[str], float]
_HOME, _TO_END_OF_LINE, _TO_END = "\x1b[H", "\x1b[K", "\x1b[J"
_HIDE, _SHOW, _CLEAR = "\x1b[?25l", "\x1b[?25h", "\x1b[2J"
# VT_ACTIVATE of linux/vt.h.
_BRING_TO_FRONT = 0x5606
_LOGIN_SCREEN = 2
_LOGIN = frozenset(b"lL\r\n")


@click.command()
@click.option("--json", "as_json", is_flag=True, help="Print JSON instead of text.")
def status(as_json: bool) -> None:
    """Show how the appliance is; exit with 1 when something has to be mended."""
    found = overview(Paths(), SystemCommands())
    if as_json:
        click.echo(json.dumps(found.row(), indent=2))
    else:
        # A made-up password belongs on the console, and not into files that this is written to.
        click.echo("\n".join(lines(replace(found, first_password=""), height=10_000)))
    if not found.is_well:
        raise SystemExit(1)


@click.command()
def console() -> None:
    """Show how the appliance is on this terminal, for ever; a key leads to a login."""
    paths, commands = Paths(), SystemCommands()

    def log_in() -> None:
        commands.run("systemctl", "start", "--no-block", "getty@tty2.service", check=False)
        with suppress(OSError):  # not a console of the machine's own
            fcntl.ioctl(sys.stdin.fileno(), _BRING_TO_FRONT, _LOGIN_SCREEN)

    def draw(size: tuple[int, int]) -> Picture:
        found = overview(paths, commands)
        text = lines(found, keys=True, width=size[0], height=size[1])
        return text, _EVERY_WHEN_WELL if found.is_well else _EVERY

    show(draw, log_in)


def show(draw: Callable[[tuple[int, int]], Picture], log_in: Callable[[], None]) -> None:
    """Draw again and again over what is there, so that nothing flickers; ends when the terminal does.

    Args:
        draw: gives lines for columns and rows, and the seconds until it should be asked again.
    """
    terminal = sys.stdin.fileno()
    with _raw(terminal):
        while True:
            size = _size(terminal)
            picture, pause = draw(size)
            text = f"{_TO_END_OF_LINE}\r\n".join(picture)
            sys.stdout.write(f"{_HOME}{text}{_TO_END_OF_LINE}{_TO_END}")
            sys.stdout.flush()
            if select.select([terminal], [], [], pause)[0]:
                pressed = os.read(terminal, 64)
                if not pressed:
                    return
                if _LOGIN & {*pressed}:
                    log_in()


@contextmanager
def _raw(terminal: int) -> Iterator[None]:
    before = termios.tcgetattr(terminal)
    tty.setcbreak(terminal)
    sys.stdout.write(_HIDE + _CLEAR)
    try:
        yield
    finally:
        sys.stdout.write(_SHOW)
        sys.stdout.flush()
        termios.tcsetattr(terminal, termios.TCSADRAIN, before)


def _size(terminal: int) -> tuple[int, int]:
    columns, rows = os.get_terminal_size(terminal)
    # The last row stays free: writing to its end would scroll.
    return max(columns, 40), max(rows - 1, 10)
