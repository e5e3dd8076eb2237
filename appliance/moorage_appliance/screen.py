"""The overview as lines of text, for 80 columns and 24 rows of a console. No outside value can steer it."""

import textwrap
from collections.abc import Iterator

from moorage_appliance.network_state import Compared
from moorage_appliance.overview import Overview

WIDTH, HEIGHT = 80, 24
_KEYS = " l  log in"
_GROUPS = 16


def plain(text: object) -> str:
    """Without what a terminal would obey."""
    return "".join(letter if letter.isprintable() else "?" for letter in str(text))


def lines(shown: Overview, *, keys: bool = False, width: int = WIDTH, height: int = HEIGHT) -> list[str]:
    """At most `height` lines of at most `width` columns; problems that find no room are counted.

    Args:
        keys: say which keys there are, as the console does.
    """
    head = [*_head(shown, width), *_parts(shown, width), *map(_compared, shown.network)]
    foot = [_KEYS] if keys else []
    problems = list(_problems(shown, width))
    room = height - len(head) - len(foot)
    if len(problems) > room:
        problems = [*problems[: max(room - 1, 0)], " ... more: moorage-appliance status"]
    cut = [each[:width].rstrip() for each in (*head, *problems)]
    return [*cut, *[""] * (height - len(cut) - len(foot) if keys else 0), *foot]


def _head(shown: Overview, width: int) -> Iterator[str]:
    yield f" Moorage {plain(shown.version)}".ljust(width - 8) + ("OK" if shown.is_well else "NOT OK")
    yield "-" * width
    for name, urls in (("Portal", shown.portal), ("Registry", shown.registry)):
        yield f" {name:<12}{plain('  '.join(urls[:2])) or 'no address yet'}"
    pairs = plain(shown.fingerprint).removeprefix("SHA256:").split(":")
    if len(pairs) > _GROUPS:
        yield f" {'Fingerprint':<12}{_grouped(pairs[:_GROUPS])}"
        yield f" {'SHA-256':<12}{_grouped(pairs[_GROUPS:])}"
    if shown.first_password:
        yield f" {'First login':<12}admin  {plain(shown.first_password)}"
    yield ""


def _grouped(pairs: list[str]) -> str:
    """In groups of four digits, which two people can read to each other."""
    return " ".join("".join(pairs[at : at + 2]) for at in range(0, len(pairs), 2))


def _parts(shown: Overview, width: int) -> Iterator[str]:
    row = ""
    for name, state in shown.parts.items():
        cell = f" {name:<12}{plain(state):<12}"
        if len(row) + len(cell) > width:
            yield row
            row = ""
        row += cell
    yield row
    yield ""


def _compared(each: Compared) -> str:
    present = plain(each.present) or "none"
    if not each.wanted:
        return f" {each.name:<12}{present}"
    verdict = "ok" if each.agrees else f"DIFFERS, set is {plain(each.wanted)}"
    return f" {each.name:<12}{present}  {verdict}"


def _problems(shown: Overview, width: int) -> Iterator[str]:
    for each in sorted(shown.problems, key=lambda each: bool(each.get("warning"))):
        mark = "?" if each.get("warning") else "!"
        text = f"{each['property']}: {each['message']}" if each["property"] else each["message"]
        yield from textwrap.wrap(plain(text), width, initial_indent=f" {mark} ", subsequent_indent="   ")
        yield from textwrap.wrap(plain(each["remedy"]), width, initial_indent="   ", subsequent_indent="   ")
