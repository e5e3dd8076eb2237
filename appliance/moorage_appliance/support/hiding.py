"""Takes secrets out of text: those that are known, and whatever looks like one."""

import html
import json
import re
from collections.abc import Iterable, Iterator
from urllib.parse import quote, quote_plus

HIDDEN = "[hidden]"
#: To take a shorter one out everywhere would leave nothing; where it is named, it goes all the same.
_LEAST = 4
_VALUE = r"(?:\\\"(?:(?!\\\").)*\\\"|\"(?:[^\"\\]|\\.)*\"|'[^']*'|[^\s,;&}\"']+)"
_PATTERNS: tuple[tuple[re.Pattern[str], str], ...] = (
    (
        re.compile(r"-----BEGIN [A-Z ]*PRIVATE KEY-----.*?(?:-----END [A-Z ]*PRIVATE KEY-----|\Z)", re.S),
        HIDDEN,
    ),
    # Headers: all of the value, up to the quote or the end of the line.
    (
        re.compile(
            r"\b((?:proxy-)?authorization|(?:set-)?cookie|x-registry-auth|x-csrf-token)"
            r"(\\?[\"']?\s*[:=]\s*\\?[\"']?)[^\"'\r\n]+",
            re.I,
        ),
        rf"\1\2{HIDDEN}",
    ),
    (re.compile(r"\b(bearer|basic)\s+[\w.~+/=-]{6,}", re.I), rf"\1 {HIDDEN}"),
    # A signed token, by how its header begins.
    (re.compile(r"eyJ[\w-]{6,}(?:\.[\w-]*){0,4}"), HIDDEN),
    (re.compile(r"moor_pat_[\w-]+"), HIDDEN),
    (re.compile(r"\bmoorage_session=[^\s;\"']+"), f"moorage_session={HIDDEN}"),
    (re.compile(r"([a-z][a-z0-9+.-]*://)[^\s/\"'<>@]*@", re.I), rf"\1{HIDDEN}@"),
    (
        re.compile(
            r"([\w.-]*(?:password|passwd|passphrase|secret|token|credential|api[_-]?key|private[_-]?key)"
            rf"\\?[\"']?\s*[:=]\s*){_VALUE}",
            re.I,
        ),
        rf"\1{HIDDEN}",
    ),
    # Hashes of passwords, as in /etc/shadow and in databases.
    (re.compile(r"\$(?:[1256y]|2[abxy]|argon2\w*|pbkdf2[\w-]*|scrypt)\$[^\s:\"',]+"), HIDDEN),
)


class Hiding:
    """Knows what may not be seen.

    Args:
        secrets: that are known; each is found as it is and as JSON, HTML and URLs write it.
    """

    def __init__(self, secrets: Iterable[str]) -> None:
        written = {each for secret in secrets for each in _written(secret) if len(each) >= _LEAST}
        # The longest first: a part of one may be another.
        ordered = sorted(written, key=len, reverse=True)
        self._known = re.compile("|".join(map(re.escape, ordered))) if ordered else None

    def hide(self, text: str) -> str:
        """The text without secrets."""
        if self._known is not None:
            text = self._known.sub(HIDDEN, text)
        for pattern, instead in _PATTERNS:
            text = pattern.sub(instead, text)
        return text


def _written(secret: str) -> Iterator[str]:
    yield secret
    yield json.dumps(secret)[1:-1]
    yield json.dumps(secret, ensure_ascii=False)[1:-1]
    yield html.escape(secret)
    yield quote(secret, safe="")
    yield quote(secret)
    yield quote_plus(secret)
