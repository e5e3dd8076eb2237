"""What a setting may hold, beyond its type.

The checks take what the operator wrote and return what the program uses; a `ValueError` says
what is wrong, without the value, which may hold a password or be one in the wrong place.
"""

import os
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final
from urllib.parse import urlsplit

from moorage.outbound.policy import Policy

_KEY: Final = "rule"
#: Linux gives a socket's path 108 bytes with its end; ``/255.sock`` is ours.
_SOCKET_FOLDER_BYTES = 98
_HIGHEST_PORT = 65535

_host = re.compile(r"[A-Za-z0-9_.:%-]{1,255}").fullmatch
_service = re.compile(r"[A-Za-z0-9_.:/-]{1,255}").fullmatch
# Printable ASCII without the space: `urlsplit` drops line ends silently.
_url_letters = re.compile(r"[!-~]+").fullmatch


@dataclass(frozen=True, slots=True)
class Rule:
    """What is known of one setting.

    Attributes:
        doc: for the operator, Markdown, whole sentences.
        between: the least and the greatest number allowed.
        check: of a text; see the module.
        short: a second, shorter name in the environment.
    """

    doc: str
    between: tuple[float, float] | None = None
    check: Callable[[str], str] | None = None
    short: str = ""


def about(
    doc: str,
    *,
    between: tuple[float, float] | None = None,
    check: Callable[[str], str] | None = None,
    short: str = "",
) -> Mapping[str, Rule]:
    """The metadata of a setting's field, read back by `rule_of`."""
    return {_KEY: Rule(doc, between, check, short)}


def rule_of(metadata: Mapping[str, Rule]) -> Rule:
    """The rule that `about` put there."""
    return metadata[_KEY]


def host(text: str) -> str:
    """An address or host name to listen on."""
    if _host(text) is None:
        raise ValueError("must be an IP address or a host name; 0.0.0.0 or :: listens everywhere")
    return text


def service(text: str) -> str:
    """A name that stands in headers and tokens."""
    if _service(text) is None:
        raise ValueError("must have 1 to 255 letters, digits or _ . : / -")
    return text


def external_url(text: str) -> str:
    """Scheme and host that clients use; a last slash is taken off."""
    if not text:
        return text
    if _url_letters(text) is None:
        raise ValueError("must be a URL of printable ASCII without spaces")
    try:
        parts = urlsplit(text)
        port = parts.port
    except ValueError:
        raise ValueError("must be a URL; its host or port is malformed") from None
    if parts.scheme not in {"http", "https"} or not parts.hostname or port == 0:
        raise ValueError("must begin with http:// or https:// and a host")
    if parts.username is not None or parts.password is not None:
        raise ValueError("must not name a user")
    if parts.path not in {"", "/"} or "?" in text or "#" in text:
        raise ValueError("must end after host and port: the registry lives at the root of its host")
    return text.removesuffix("/")


def destinations(text: str) -> str:
    """What else than public addresses the server may call."""
    Policy(text)
    return text


def readable_file(text: str) -> str:
    """A file that can be read, made absolute; "" for none."""
    if not text:
        return text
    path = os.path.abspath(os.path.expanduser(text)) if "\0" not in text else ""
    if not os.path.isfile(path) or not os.access(path, os.R_OK):
        raise ValueError("must be the path of a file that can be read")
    return path


def database_url(text: str) -> str:
    """A database the program can open; a relative SQLite path becomes absolute."""
    if not text:
        return text
    if text.startswith("sqlite:"):
        return _sqlite_url(text)
    if not text.startswith(("postgresql://", "postgres://")):
        raise ValueError("must begin with sqlite:/// or postgresql://")
    if _url_letters(text) is None:
        raise ValueError("must be printable ASCII without spaces; write other letters as %XX")
    try:
        parts = urlsplit(text)
        # libpq takes several hosts, which no other URL has.
        port = 1 if "," in parts.netloc else parts.port
    except ValueError:
        raise ValueError("has a malformed host or port; write / ? # [ ] @ : in a password as %XX") from None
    if port == 0 or len(parts.path) <= 1:
        raise ValueError("must name the database after the host: postgresql://user@host:5432/name")
    return text


#: The port that each way to a syslog server has by itself (RFC 5426, RFC 5425; for TCP by custom).
SYSLOG_PORTS: Final = {"udp": 514, "tcp": 514, "tls": 6514}
_app_name = re.compile(r"[!-~]{1,48}").fullmatch
_sd_id = re.compile(r"[!#-<>-?A-\\^-~]{1,21}@[0-9]{1,9}(?:\.[0-9]{1,9})*").fullmatch
_SD_ID_LONGEST = 32


def syslog_url(text: str) -> str:
    """Where a syslog server listens, or nothing; the port is added when it is left out."""
    if not text:
        return text
    if _url_letters(text) is None:
        raise ValueError("must be a URL of printable ASCII without spaces")
    try:
        parts = urlsplit(text)
        port = parts.port
    except ValueError:
        raise ValueError("must be a URL; its host or port is malformed") from None
    if parts.scheme not in SYSLOG_PORTS or not parts.hostname or port == 0:
        raise ValueError("must begin with udp://, tcp:// or tls:// and a host")
    if parts.username is not None or parts.password is not None:
        raise ValueError("must not name a user")
    if parts.path not in {"", "/"} or "?" in text or "#" in text or "%" in text:
        raise ValueError("must end after host and port")
    host = f"[{parts.hostname}]" if ":" in parts.hostname else parts.hostname
    return f"{parts.scheme}://{host}:{port or SYSLOG_PORTS[parts.scheme]}"


def syslog_app_name(text: str) -> str:
    """APP-NAME of RFC 5424."""
    if _app_name(text) is None:
        raise ValueError("must have 1 to 48 printable ASCII letters, without spaces")
    return text


def syslog_sd_id(text: str) -> str:
    """An SD-ID of RFC 5424 that is nobody else's: a name, `@` and a private enterprise number."""
    if len(text) > _SD_ID_LONGEST or _sd_id(text) is None:
        raise ValueError("must be a name, @ and an enterprise number, 32 letters in all")
    return text


def folder(text: str) -> str:
    """A folder that exists and is writable, or whose nearest existing parent is; made absolute."""
    path, existing = _reachable(text)
    if not os.access(existing, os.W_OK | os.X_OK):
        raise ValueError(f"is unreachable: {existing!r} is not writable")
    return path


def socket_folder(text: str) -> str:
    """A folder for sockets, whose names must fit into what Linux gives them; "" for none.

    It may be another account's: only what serves writes there, and each half of a server in a folder
    of its own below it, which the one who starts it may have made.
    """
    if not text:
        return text
    path, _ = _reachable(text)
    if len(os.fsencode(path)) > _SOCKET_FOLDER_BYTES:
        raise ValueError(f"is too long for sockets: at most {_SOCKET_FOLDER_BYTES} bytes")
    return path


def _reachable(text: str) -> tuple[str, str]:
    """The absolute path of a folder, and the nearest folder on the way to it that is there."""
    if not text or "\0" in text:
        raise ValueError("must be the path of a folder")
    path = os.path.abspath(os.path.expanduser(text))
    existing = path
    while not os.path.lexists(existing) and existing != os.path.dirname(existing):
        existing = os.path.dirname(existing)
    if not os.path.isdir(existing):
        raise ValueError(f"is unreachable: {existing!r} is not a folder")
    return path, existing


def _sqlite_url(text: str) -> str:
    path = text.removeprefix("sqlite:///")
    if path == text:
        raise ValueError("must begin with sqlite:/// and the path of a file")
    if path.startswith(":memory:") or "\0" in path or not os.path.basename(path):
        raise ValueError("must name a file that all processes share")
    path = os.path.abspath(path)
    if os.path.isdir(path):
        raise ValueError(f"must name a file; {path!r} is a folder")
    folder(os.path.dirname(path))
    return f"sqlite:///{path}"


_CRON_WORDS = frozenset({"@yearly", "@annually", "@monthly", "@weekly", "@daily", "@midnight", "@hourly"})
_MONTHS = ("JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC")
_WEEKDAYS = ("SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT")
#: Each field's least and greatest number, and the names that stand for its first numbers.
_CRON_FIELDS: Final = (
    (0, 59, ()),
    (0, 59, ()),
    (0, 23, ()),
    (1, 31, ()),
    (1, 12, _MONTHS),
    (0, 7, _WEEKDAYS),
)
_MAX_CRON = 255
_cron_part = re.compile(r"(?:[*?]|([0-9A-Za-z]{1,3})(?:-([0-9A-Za-z]{1,3}))?)(?:/([0-9]{1,2}))?").fullmatch


def cron(text: str) -> str:
    """When something runs, or nothing; takes exactly what schedules take later."""
    fields = text.split()
    if not text or text.strip().lower() in _CRON_WORDS:
        return text
    if len(text) > _MAX_CRON or len(fields) != len(_CRON_FIELDS):
        raise ValueError("must have six fields: second minute hour day month weekday")
    for number, (field, limits) in enumerate(zip(fields, _CRON_FIELDS, strict=True), 1):
        if not all(_is_cron_part(part, *limits) for part in field.split(",")):
            least, most, _ = limits
            raise ValueError(f"must have numbers {least} to {most}, ranges, steps or lists in field {number}")
    return text


def _is_cron_part(part: str, least: int, most: int, names: tuple[str, ...]) -> bool:
    found = _cron_part(part)
    if found is None or (found[3] is not None and int(found[3]) == 0):
        return False
    numbers = [_cron_number(word, least, names) for word in (found[1], found[2]) if word is not None]
    return all(least <= number <= most for number in numbers) and numbers == sorted(numbers)


def _cron_number(word: str, least: int, names: tuple[str, ...]) -> int:
    if word.upper() in names:
        return names.index(word.upper()) + least
    return int(word) if word.isdigit() and len(word) <= len("59") else -1
