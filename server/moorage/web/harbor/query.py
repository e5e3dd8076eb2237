"""Harbor's ``q`` and ``sort``: which entries of a list, and in which order.

``q`` holds conditions joined by commas: ``k=v`` exactly, ``k=~v`` a part, ``k=[a~b]`` from a to b with
either end open, ``k={a b}`` any of these, ``k=(a b)`` all of these. What a list cannot be asked for is
refused with the names of what it can; nothing of either text ever becomes part of a statement.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import Enum
from urllib.parse import unquote_plus

import falcon

from moorage.errors import Invalid
from moorage.identity.text import is_storable

MAX_LENGTH = 4096
_SHOWN = 80
_FLAGS = {"": None, "true": True, "1": True, "false": False, "0": False}


class QueryInvalidError(Invalid):
    """A condition or an order that this list does not know."""


class Match(Enum):
    """How a condition compares."""

    EXACT = "="
    PART = "=~"
    RANGE = "=[a~b]"
    ANY = "={a b}"
    ALL = "=(a b)"


@dataclass(frozen=True, slots=True)
class Condition:
    """One condition of a ``q``.

    Attributes:
        values: one of them; two for a range, where "" leaves that end open; more for `ANY`, `ALL`.
    """

    key: str
    match: Match
    values: tuple[str, ...]

    @property
    def value(self) -> str:
        """The first value, which is the only one of an exact condition and of a part."""
        return self.values[0]

    def flag(self) -> bool:
        """The value of a yes-or-no condition.

        Raises:
            QueryInvalidError: it is neither true nor false.
        """
        if self.value not in ("true", "false"):
            raise QueryInvalidError(f"q: {self.key!r} is true or false")
        return self.value == "true"

    def number(self) -> int:
        """The value of a condition on a number.

        Raises:
            QueryInvalidError: it is none.
        """
        return whole_number(self.value, f"q: {self.key!r}")

    def moments(self) -> tuple[datetime | None, datetime | None]:
        """Both ends of a range of time; None for an open one.

        Raises:
            QueryInvalidError: an end is no date.
        """
        first, last = self.values
        return _moment(self.key, first), _moment(self.key, last)

    def numbers(self) -> tuple[int, ...]:
        """The values of a condition on numbers.

        Raises:
            QueryInvalidError: one is none.
        """
        return tuple(whole_number(each, f"q: {self.key!r}") for each in self.values)


Allowed = Mapping[str, frozenset[Match]]
EXACT = frozenset({Match.EXACT})
PART = frozenset({Match.EXACT, Match.PART})
ANY = frozenset({Match.EXACT, Match.ANY})
RANGE = frozenset({Match.RANGE})


def conditions(req: falcon.Request, allowed: Allowed) -> dict[str, Condition]:
    """The conditions of the request's ``q`` by their key.

    Args:
        allowed: which keys the list knows, and which ways to compare them.

    Raises:
        QueryInvalidError: the text is malformed, or asks what the list does not know.
    """
    text = req.get_param("q") or ""
    if len(text) > MAX_LENGTH:
        raise QueryInvalidError(f"'q' has more than {MAX_LENGTH} characters")
    if "=" not in text and "%3d" in text.lower():  # encoded twice, as some clients send it
        text = unquote_plus(text)
    if not is_storable(text):
        raise QueryInvalidError("'q' has a character that nothing can be named with")
    found: dict[str, Condition] = {}
    for part in filter(None, (part.strip() for part in text.split(","))):
        condition = _parsed(part)
        if condition.match not in allowed.get(condition.key, ()):
            raise QueryInvalidError(f"q: {part[:_SHOWN]!r} cannot be asked for here; {_known(allowed)}")
        if condition.key in found:
            raise QueryInvalidError(f"q: {condition.key!r} is there twice")
        found[condition.key] = condition
    return found


def order(req: falcon.Request, allowed: Mapping[str, str], default: str) -> str:
    """The order that ``sort`` asks for: a value of `allowed`, with ``-`` in front for downwards.

    Args:
        allowed: Harbor's name of each field that the list can be sorted by, and ours.

    Raises:
        QueryInvalidError: the list cannot be sorted like that.
    """
    asked = [name for name in (part.strip() for part in (req.get_param("sort") or "").split(",")) if name]
    if not asked:
        return default
    if len(asked) > 1:
        raise QueryInvalidError("'sort' names one field")
    name = asked[0].removeprefix("-")
    if not allowed:
        raise QueryInvalidError("this list has one order, and takes no 'sort'")
    if name not in allowed:
        fields = ", ".join(sorted(allowed))
        raise QueryInvalidError(f"sort: {asked[0][:_SHOWN]!r} is not a field to sort by; these are: {fields}")
    return ("-" if asked[0].startswith("-") else "") + allowed[name]


def flag_parameter(req: falcon.Request, name: str) -> bool | None:
    """The parameter `name`, which is true or false; None when it is not given.

    Raises:
        QueryInvalidError: it is neither.
    """
    text = (req.get_param(name) or "").lower()
    if text not in _FLAGS:
        raise QueryInvalidError(f"{name!r} is true or false")
    return _FLAGS[text]


def whole_number(text: str, what: str) -> int:
    """`text` as a number that can be the id of something.

    Raises:
        QueryInvalidError: it cannot.
    """
    if not (text.isascii() and text.isdigit() and len(text) <= 18):  # noqa: PLR2004 - fits 64 bits
        raise QueryInvalidError(f"{what} is a whole number")
    return int(text)


def _parsed(part: str) -> Condition:
    key, equals, value = part.partition("=")
    key, value = key.strip(), value.strip()
    if not key or not equals or not value:
        raise QueryInvalidError(f"q: {part[:_SHOWN]!r} is not of the form key=value")
    first, last = value[0], value[-1]
    if first == "~":
        return Condition(key, Match.PART, (_plain(value[1:], part),))
    if first == "[" and last == "]":
        low, tilde, high = value[1:-1].partition("~")
        if not tilde or "~" in high:
            raise QueryInvalidError(f"q: {part[:_SHOWN]!r} is not of the form key=[from~to]")
        return Condition(key, Match.RANGE, (_unquoted(low.strip()), _unquoted(high.strip())))
    for opening, closing, match in (("{", "}", Match.ANY), ("(", ")", Match.ALL)):
        if first == opening and last == closing:
            values = tuple(_unquoted(each) for each in value[1:-1].split())
            if not values:
                raise QueryInvalidError(f"q: {part[:_SHOWN]!r} names no value")
            return Condition(key, match, values)
    if first in "[{(":
        raise QueryInvalidError(f"q: {part[:_SHOWN]!r} has a bracket that is never closed")
    return Condition(key, Match.EXACT, (_plain(value, part),))


def _plain(value: str, part: str) -> str:
    text = _unquoted(value)
    if not text:
        raise QueryInvalidError(f"q: {part[:_SHOWN]!r} has no value")
    return text


def _unquoted(value: str) -> str:
    for quote in ('"', "'"):
        if len(value) > 1 and value[0] == quote and value[-1] == quote:
            return value[1:-1]
    return value


def _known(allowed: Allowed) -> str:
    if not allowed:
        return "this list takes no conditions"
    forms = sorted(key + match.value for key, matches in allowed.items() for match in matches)
    return "this list knows " + ", ".join(forms)


def _moment(key: str, text: str) -> datetime | None:
    if not text:
        return None
    try:
        found = datetime.fromisoformat(text)
    except ValueError as error:
        raise QueryInvalidError(f"q: {key!r} has {text[:_SHOWN]!r}, which is no date") from error
    try:
        return found.replace(tzinfo=UTC) if found.tzinfo is None else found.astimezone(UTC)
    except OverflowError as error:
        raise QueryInvalidError(f"q: {key!r} has {text[:_SHOWN]!r}, which is no date") from error
