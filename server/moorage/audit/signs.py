"""Signs: numbers of 32 bits that stand for what an entry says. Pure.

A question has signs too, and no entry answers it that lacks one of them. The converse does not hold: two
texts may share a sign, so whatever has all signs is asked itself.

A part of a text is found by every three bytes of it. Three hexadecimal digits have no sign: every digest is
full of them. A number, a digest's or any other, has signs for its first digits instead, together with the
character before it.
"""

import re
from collections.abc import Iterable, Sequence
from zlib import crc32

from moorage.audit.model import Query

#: The columns that signs are made of, in the order that `block_signs` wants them.
COLUMNS = (
    *("request_id", "actor_kind", "actor", "address", "operation", "resource_type", "resource", "project_id"),
    *("project", "repository", "tag", "digest", "result", "detail"),
)
#: More alternatives than these are not looked up; every entry may be among them.
MOST_ALTERNATIVES = 64

_EXACT = tuple((number, name) for number, name in enumerate(COLUMNS) if name != "detail")
_SEARCHED = tuple(COLUMNS.index(name) for name in ("resource", "actor", "address", "detail"))
_OPERATION = COLUMNS.index("operation")
_MOST_RUNS = 12
_MOST_NUMBERS = 4
_SPREAD = 0x9E3779B1  # odd, so that no two runs share a sign
_MASK = 0xFFFFFFFF
_HEXADECIMAL = frozenset(b"0123456789abcdef")
_LONG = re.compile(rb"([0-9a-f]{2})[0-9a-f]{2,}([0-9a-f]{2})")
_NUMBERS = re.compile(rb"[^0-9a-f][0-9a-f]{3,8}")
_BEGINNINGS = (4, 5, 7, 9)


def folded(text: str) -> bytes:
    """The text as parts are compared: the letters A to Z become small ones, all others stay as they are."""
    return text.encode().lower()


def block_signs(rows: Sequence[Sequence[object]]) -> set[int]:
    """Every sign of the rows, whose values are those of `COLUMNS`."""
    columns = list(zip(*rows, strict=True))
    signs = {_exact(name, value) for number, name in _EXACT for value in set(columns[number])}
    for operation in set(columns[_OPERATION]):
        signs.update(_verb(verb) for verb in _verbs(str(operation)))
    texts = {str(value) for number in _SEARCHED for value in columns[number]}
    signs.update(_part_signs(b"\n".join(folded(text) for text in texts)))
    return signs


def query_signs(query: Query) -> list[tuple[int, ...]]:
    """What an answer needs: of each tuple at least one."""
    needed: list[tuple[int, ...]] = [
        (_exact(name, getattr(query, name)),)
        for _, name in _EXACT
        if name != "operation" and getattr(query, name) is not None
    ]
    if query.operations or query.verbs:
        exact = (_exact("operation", name) for name in query.operations)
        needed.append((*exact, *(_verb(verb) for verb in query.verbs)))
    if query.project_ids is not None:
        needed.append(tuple(_exact("project_id", each) for each in query.project_ids))
    for part in (query.actor_part, query.resource_part, query.text):
        if part is not None:
            needed += [(sign,) for sign in _asked_signs(folded(part))]
    return [each for each in needed if len(each) <= MOST_ALTERNATIVES]


def _exact(name: str, value: object) -> int:
    return crc32(f"{name}={value}".encode())


def _verb(verb: str) -> int:
    return crc32(b"verb=" + folded(verb))


def _verbs(operation: str) -> Iterable[str]:
    """Everything that may stand before one of the underscores."""
    return (operation[:place] for place, letter in enumerate(operation) if letter == "_")


def _part_signs(text: bytes) -> set[int]:
    signs = _run_signs(text)
    for number in set(_NUMBERS.findall(text)):
        signs.update(crc32(number[:length]) for length in _BEGINNINGS if length <= len(number))
    return signs


def _asked_signs(text: bytes) -> list[int]:
    """Those of the signs of a part that tell most."""
    signs = sorted(_run_signs(text))
    numbers = [
        crc32(number[: max(length for length in _BEGINNINGS if length <= len(number))])
        for number in _NUMBERS.findall(text)
    ]
    return [*numbers[:_MOST_NUMBERS], *signs[:: len(signs) // _MOST_RUNS + 1]]


def _run_signs(text: bytes) -> set[int]:
    # The middle of a long number has no sign. No text has a NUL, so it marks where something was taken out.
    text = _LONG.sub(rb"\1\0\2", text)
    return {
        ((run[0] << 16 | run[1] << 8 | run[2]) * _SPREAD) & _MASK
        for run in set(zip(text, text[1:], text[2:], strict=False))
        if 0 not in run and not _HEXADECIMAL.issuperset(run)
    }
