"""When something runs again and again: six fields, always in UTC.

The fields are second, minute, hour, day of the month, month, day of the week, as Harbor has them.
"""

from calendar import monthrange
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import MAXYEAR, UTC, date, datetime, time, timedelta
from functools import lru_cache
from typing import Final

from moorage.jobs.errors import CronInvalidError

_MONTHS: Final = ("JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC")
_WEEKDAYS: Final = ("SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT")
_WORDS: Final = {
    "@yearly": "0 0 0 1 1 *",
    "@annually": "0 0 0 1 1 *",
    "@monthly": "0 0 0 1 * *",
    "@weekly": "0 0 0 * * 0",
    "@daily": "0 0 0 * * *",
    "@midnight": "0 0 0 * * *",
    "@hourly": "0 0 * * * *",
}
_EVERY: Final = ("*", "?")
_MAX_LETTERS = 255
#: The 29th of February is never further away than this, not even across the year 2100.
_YEARS = 8
_SUNDAY = 7


@dataclass(frozen=True, slots=True)
class _Kind:
    """What one of the fields may hold.

    Attributes:
        end: where an open range ends; the second 7 for Sunday is not in it.
        names: words for single values.
    """

    name: str
    least: int
    end: int
    most: int
    names: Mapping[str, int]


_KINDS: Final = (
    _Kind("second", 0, 59, 59, {}),
    _Kind("minute", 0, 59, 59, {}),
    _Kind("hour", 0, 23, 23, {}),
    _Kind("day", 1, 31, 31, {}),
    _Kind("month", 1, 12, 12, {name: number for number, name in enumerate(_MONTHS, 1)}),
    _Kind("weekday", 0, 6, _SUNDAY, {name: number for number, name in enumerate(_WEEKDAYS)}),
)


@dataclass(frozen=True, slots=True)
class Cron:
    """The moments that a text names.

    Attributes:
        weekdays: 0 is Sunday.
        either: a day counts when its number or its weekday fits; otherwise both must.
    """

    text: str
    seconds: tuple[int, ...]
    minutes: tuple[int, ...]
    hours: tuple[int, ...]
    days: frozenset[int]
    months: frozenset[int]
    weekdays: frozenset[int]
    either: bool

    def next_after(self, moment: datetime) -> datetime | None:
        """The first moment later than `moment` (aware); None when there never is one."""
        if moment.utctimetuple().tm_year >= MAXYEAR:
            return None
        start = moment.astimezone(UTC).replace(microsecond=0) + timedelta(seconds=1)
        for day in self._days(start.date()):
            earliest = start.time() if day == start.date() else time()
            found = self._time(earliest)
            if found is not None:
                return datetime.combine(day, found, UTC)
        return None

    def _days(self, first: date) -> Iterator[date]:
        """Every day that fits from `first` on, month by month, as far as one can be."""
        for year in range(first.year, min(first.year + _YEARS, MAXYEAR) + 1):
            for month in sorted(self.months):
                if (year, month) < (first.year, first.month):
                    continue
                begin = first.day if (year, month) == (first.year, first.month) else 1
                for number in range(begin, monthrange(year, month)[1] + 1):
                    day = date(year, month, number)
                    if self._fits(day):
                        yield day

    def _fits(self, day: date) -> bool:
        by_number, by_weekday = day.day in self.days, day.isoweekday() % _SUNDAY in self.weekdays
        return by_number or by_weekday if self.either else by_number and by_weekday

    def _time(self, earliest: time) -> time | None:
        """The first time of a day that is not before `earliest`."""
        for hour in self.hours:
            if hour < earliest.hour:
                continue
            for minute in self.minutes:
                if (hour, minute) < (earliest.hour, earliest.minute):
                    continue
                for second in self.seconds:
                    if (hour, minute, second) >= (earliest.hour, earliest.minute, earliest.second):
                        return time(hour, minute, second)
        return None


@lru_cache(maxsize=256)
def parse(text: str) -> Cron:
    """The moments that `text` names: six fields, or a word such as ``@hourly``.

    A field is ``*``, ``?`` (the same), a number, a name (``JAN``, ``SUN``), a range ``1-5``, each of
    them with a step ``/2``, or several with commas. Sunday is 0 and 7. When both the day and the
    weekday are restricted, either is enough.

    Raises:
        CronInvalidError: it is none of these; the message says why.
    """
    fields = _WORDS.get(text.strip().lower(), text).split()
    if len(text) > _MAX_LETTERS or len(fields) != len(_KINDS):
        raise CronInvalidError("a schedule has six fields: second minute hour day month weekday")
    values = [_values(kind, field) for kind, field in zip(_KINDS, fields, strict=True)]
    seconds, minutes, hours, days, months, weekdays = values
    return Cron(
        text=text,
        seconds=tuple(sorted(seconds)),
        minutes=tuple(sorted(minutes)),
        hours=tuple(sorted(hours)),
        days=frozenset(days),
        months=frozenset(months),
        weekdays=frozenset(number % _SUNDAY for number in weekdays),
        either=not _is_open(fields[3]) and not _is_open(fields[5]),
    )


def _is_open(field: str) -> bool:
    """Whether the field leaves every value open."""
    return any(part in _EVERY or part in ("*/1", "?/1") for part in field.split(","))


def _values(kind: _Kind, field: str) -> set[int]:
    return {value for part in field.split(",") for value in _part(kind, part)}


def _part(kind: _Kind, part: str) -> range:
    span, slash, by = part.partition("/")
    first, dash, last = span.partition("-")
    if span in _EVERY:
        least, most = kind.least, kind.end
    elif dash:
        least, most = _number(kind, first, part), _number(kind, last, part)
    else:
        least = _number(kind, first, part)
        most = max(kind.end, least) if slash else least
    step = _whole(by) if slash else 1
    if not step or least > most:
        raise _invalid(kind, part)
    return range(least, most + 1, step)


def _number(kind: _Kind, word: str, part: str) -> int:
    value = kind.names.get(word.upper(), _whole(word))
    if value is None or not kind.least <= value <= kind.most:
        raise _invalid(kind, part)
    return value


def _whole(word: str) -> int | None:
    return int(word) if word.isascii() and word.isdigit() and len(word) <= len("59") else None


def _invalid(kind: _Kind, part: str) -> CronInvalidError:
    shown = "".join(letter if letter.isprintable() else "?" for letter in part[:40])
    return CronInvalidError(f"{shown!r} is no {kind.name}: {kind.least} to {kind.most}, lists, ranges, steps")
