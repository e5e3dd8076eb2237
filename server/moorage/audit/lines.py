"""Entries of the log as lines of text: JSON, one object a line, and CSV for spreadsheets. Pure."""

import csv
import io
import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, fields
from datetime import datetime

from moorage.audit.model import Entry, Result

_NAMES = tuple(field.name for field in fields(Entry))
_FORMULA = frozenset("=+-@\t\r\n")


@dataclass(frozen=True, slots=True)
class Form:
    """A form that the log is exported in.

    Attributes:
        head: what comes before the first entry.
        lines: entries as text, each with its line break.
    """

    name: str
    media_type: str
    head: bytes
    lines: Callable[[Iterable[Entry]], bytes]


def plain(entry: Entry) -> dict[str, object]:
    """An entry as JSON can hold it; `restored` reads it back."""
    values: dict[str, object] = {name: getattr(entry, name) for name in _NAMES}
    values["at"] = entry.at.isoformat(timespec="microseconds")
    values["result"] = entry.result.value
    return values


def restored(values: dict[str, object]) -> Entry:
    """The entry that `plain` was made of.

    Raises:
        KeyError, TypeError, ValueError: the values are not of an entry.
    """
    known = {
        **values,
        "at": datetime.fromisoformat(str(values["at"])),
        "result": Result(str(values["result"])),
    }
    return Entry(**known)  # type: ignore[arg-type]  # from a file: its shape is checked by its use


def json_lines(entries: Iterable[Entry]) -> bytes:
    """One JSON object a line."""
    return b"".join(json.dumps(plain(each)).encode() + b"\n" for each in entries)


def csv_lines(entries: Iterable[Entry]) -> bytes:
    """Comma-separated values (RFC 4180); no cell is a formula to any spreadsheet."""
    return _csv([_cell(value) for value in plain(each).values()] for each in entries)


def _csv(rows: Iterable[Iterable[str]]) -> bytes:
    text = io.StringIO(newline="")
    csv.writer(text).writerows(rows)
    return text.getvalue().encode()


def _cell(value: object) -> str:
    text = "" if value is None else str(value)
    # Some spreadsheets skip blanks in front of a formula.
    if text[:1] in _FORMULA or text.lstrip()[:1] in _FORMULA:
        return f"'{text}"
    return text


_FORMS = (
    Form("jsonl", "application/x-ndjson", b"", json_lines),
    Form("csv", "text/csv; charset=utf-8", _csv([_NAMES]), csv_lines),
)
#: Every form by its name.
FORMS: Mapping[str, Form] = {form.name: form for form in _FORMS}
