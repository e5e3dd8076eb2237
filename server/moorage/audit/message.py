"""Entries of the log as messages of syslog (RFC 5424). Pure.

    <134>1 2026-03-04T12:00:00.000000Z registry.example.com moorage - push_artifact
        [moorage@32473 id="17" actor="alice" ...] alice push_artifact dock/app:1 success

A message is one line whatever names and user agents hold, and at most so many bytes: what is too long is cut.
"""

import json
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from moorage.audit.model import Entry, Result
from moorage.audit.text import fit

FACILITIES = (
    *("kern", "user", "mail", "daemon", "auth", "syslog", "lpr", "news", "uucp", "cron", "authpriv", "ftp"),
    *("ntp", "audit", "alert", "clock", *(f"local{number}" for number in range(8))),
)
#: MSGID of what the forwarder itself has to say.
DROPPED, TEST = "entries_dropped", "test"

_WARNING, _ERROR, _INFORMATIONAL, _NOTICE = 4, 3, 6, 5
_SEVERITIES = {Result.SUCCESS: _INFORMATIONAL, Result.DENIED: _WARNING, Result.FAILED: _ERROR}
_BOM = "\N{ZERO WIDTH NO-BREAK SPACE}"
_HOST_LONGEST, _MSGID_LONGEST = 255, 32
#: No field of an entry is longer, not even with its escapes.
_LONGEST = 16_384
_SHORTEST = 16
#: What a message never goes without.
_ALWAYS = ("id", "operation", "result")
_CUT = "…"


@dataclass(frozen=True, slots=True)
class Style:
    """How messages look.

    Attributes:
        host: HOSTNAME; "-" stands for one that is not known.
        sd_id: the SD-ID of the fields.
        as_json: put the fields into the text, as JSON, and only the number into the structured data.
        max_bytes: of a message, at least 1024.
    """

    host: str
    app_name: str
    facility: str
    sd_id: str
    as_json: bool = False
    max_bytes: int = 8192


def render(style: Style, entry: Entry) -> bytes:
    """The message that tells of an entry."""
    severity = _SEVERITIES[entry.result]
    head = _head(style, severity, entry.at, entry.operation)
    fields = _fields(entry)
    if style.as_json:
        return _as_json(style, head, fields)
    about = f"{entry.resource_type} {entry.resource}".strip()
    text = " ".join(filter(None, (entry.actor or "somebody", entry.operation, about, entry.result.value)))
    if entry.detail:
        text += f": {entry.detail}"
    return _assembled(style, head, fields, text)


def notice(style: Style, moment: datetime, message_id: str, text: str, **fields: str) -> bytes:
    """A message of the forwarder itself: `DROPPED` is a warning."""
    severity = _WARNING if message_id == DROPPED else _NOTICE
    head = _head(style, severity, moment, message_id)
    if style.as_json:
        return _as_json(style, head, {"operation": message_id, **fields, "detail": text})
    return _assembled(style, head, fields, text)


def host_name(name: str) -> str:
    """HOSTNAME for a name of this machine: printable ASCII, "-" when nothing is left."""
    return "".join(each for each in name if "!" <= each <= "~")[:_HOST_LONGEST] or "-"


def _fields(entry: Entry) -> dict[str, str]:
    """What there is to say, under the names that the log's own columns have; nothing empty."""
    found = {
        "id": str(entry.id),
        "request_id": entry.request_id,
        "actor_kind": entry.actor_kind,
        "actor": entry.actor,
        "address": entry.address,
        "user_agent": entry.user_agent,
        "operation": entry.operation,
        "resource_type": entry.resource_type,
        "resource": entry.resource,
        "project_id": "" if entry.project_id is None else str(entry.project_id),
        "project": entry.project,
        "repository": entry.repository,
        "tag": entry.tag,
        "digest": entry.digest,
        "result": entry.result.value,
        "detail": entry.detail,
    }
    return {name: fit(value, _LONGEST) for name, value in found.items() if value}


def _head(style: Style, severity: int, moment: datetime, message_id: str) -> str:
    priority = FACILITIES.index(style.facility) * 8 + severity
    stamp = moment.isoformat(timespec="microseconds").replace("+00:00", "Z")
    word = "".join(each for each in message_id if "!" <= each <= "~")[:_MSGID_LONGEST] or "-"
    return f"<{priority}>1 {stamp} {style.host} {style.app_name} - {word} "


def _assembled(style: Style, head: str, fields: dict[str, str], text: str) -> bytes:
    start = head.encode()
    structured = _fitting(
        style, fields, style.max_bytes - len(start), lambda short: _structured(style, short)
    )
    told = fit(text, _LONGEST)
    said = (told if told.isascii() else _BOM + told).encode()
    room = style.max_bytes - len(start) - len(structured) - 1
    return start + structured + (b" " + _cut(said, room) if room > _SHORTEST else b"")


def _as_json(style: Style, head: str, fields: dict[str, str]) -> bytes:
    number = {"id": fields["id"]} if "id" in fields else {}
    start = head.encode() + _structured(style, number) + b" "
    return start + _fitting(style, fields, style.max_bytes - len(start), _json)


def _fitting(
    style: Style, fields: dict[str, str], room: int, written: Callable[[dict[str, str]], bytes]
) -> bytes:
    """The fields in at most `room` bytes: the longest values are cut first, all to the same length."""
    found, limit = written(fields), style.max_bytes
    while len(found) > room and limit > _SHORTEST:
        limit //= 2
        short = {name: _cut(value.encode(), limit).decode() for name, value in fields.items()}
        found = written({**short, "truncated": "true"})
    if len(found) > room:
        few = {name: fields[name] for name in _ALWAYS if name in fields}
        found = written({**few, "truncated": "true"})
    return found


def _structured(style: Style, fields: dict[str, str]) -> bytes:
    """SD-ELEMENT (RFC 5424, 6.3.3)."""
    pairs = "".join(f' {name}="{_escaped(value)}"' for name, value in fields.items())
    return f"[{style.sd_id}{pairs}]".encode()


def _json(fields: dict[str, str]) -> bytes:
    """In ASCII: no byte order mark is needed, and none irritates who reads it."""
    return json.dumps(fields, separators=(",", ":")).encode("ascii")


def _escaped(value: str) -> str:
    return value.replace("\\", "\\\\").replace('"', '\\"').replace("]", "\\]")


def _cut(text: bytes, limit: int) -> bytes:
    """At most `limit` bytes of `text`, in UTF-8, never half a letter."""
    if len(text) <= limit:
        return text
    mark = _CUT.encode()
    return text[: max(0, limit - len(mark))].decode(errors="ignore").encode() + mark
