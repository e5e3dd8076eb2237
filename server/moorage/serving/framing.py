"""Where a request body ends: by its length, or by its chunks (RFC 9112 sections 6.2 and 7.1).

Strict on purpose. Whatever two programs on the way could read differently is an error here,
for that difference is how one request is smuggled inside another. Pure: no sockets, no files.
"""

import re
from enum import Enum, auto
from typing import Protocol

_TOKEN = rb"[!#$%&'*+\-.^_`|~0-9A-Za-z]+"
_QUOTED = rb'"(?:[\t \x21\x23-\x5b\x5d-\x7e\x80-\xff]|\\[\t \x21-\x7e\x80-\xff])*"'
_SIZE_LINE = re.compile(
    rb"([0-9a-fA-F]{1,16})(?:;" + _TOKEN + rb"(?:=(?:" + _TOKEN + rb"|" + _QUOTED + rb"))?)*"
).fullmatch
_FIELD_LINE = re.compile(_TOKEN + rb":[\t \x21-\x7e\x80-\xff]*").fullmatch

_LONGEST_LINE = 1024
_LONGEST_TRAILER = 8192


class FramingError(Exception):
    """The body is not written as the standard says; the connection cannot be used any further."""


class Framing(Protocol):
    """Cuts a stream into the bytes of one body and what follows it.

    Attributes:
        completed: the body has ended.
        missing: how many bytes are still to come; None when only the sender knows.
    """

    @property
    def completed(self) -> bool: ...

    @property
    def missing(self) -> int | None: ...

    def feed(self, data: memoryview) -> tuple[list[memoryview], int]:
        """Take the next bytes from the connection.

        Returns:
            The pieces of them that belong to the content, and how many bytes were used; what is
            left over belongs to the next request.

        Raises:
            FramingError: the sender breaks the rules.
        """
        ...


class Counted:
    """A body of a length known beforehand."""

    __slots__ = ("missing",)

    missing: int

    def __init__(self, length: int) -> None:
        self.missing = length

    @property
    def completed(self) -> bool:
        return self.missing == 0

    def feed(self, data: memoryview) -> tuple[list[memoryview], int]:
        piece = data[: self.missing]
        self.missing -= len(piece)
        return [piece], len(piece)


class _Part(Enum):
    SIZE = auto()
    CONTENT = auto()
    CONTENT_END = auto()
    TRAILER = auto()
    END = auto()


class Chunked:
    """A body in chunks; extensions and trailers are checked and forgotten."""

    __slots__ = ("_left", "_line", "_part", "_trailer_bytes")

    missing = None

    def __init__(self) -> None:
        self._part = _Part.SIZE
        self._left = 0
        self._line = b""
        self._trailer_bytes = 0

    @property
    def completed(self) -> bool:
        return self._part is _Part.END

    def feed(self, data: memoryview) -> tuple[list[memoryview], int]:
        pieces = []
        at = 0
        while at < len(data) and self._part is not _Part.END:
            if self._part is _Part.CONTENT:
                piece = data[at : at + self._left]
                pieces.append(piece)
                at += len(piece)
                self._left -= len(piece)
                if not self._left:
                    self._part = _Part.CONTENT_END
            else:
                at += self._take_line(data[at : at + _LONGEST_LINE + 2])
        return pieces, at

    def _take_line(self, data: memoryview) -> int:
        """Use bytes up to the end of a line, or all of them when it does not end yet."""
        text = bytes(data)
        end = text.find(b"\n") + 1
        used = end or len(text)
        self._line += text[:used]
        if len(self._line) > _LONGEST_LINE:
            raise FramingError("line too long in a chunked body")
        if not end:
            # After a chunk nothing but CR LF may come; there is no need to wait for the LF.
            if self._part is _Part.CONTENT_END and self._line != b"\r":
                raise FramingError("chunk not properly terminated")
            return used
        line, self._line = self._line, b""
        if not line.endswith(b"\r\n") or b"\r" in line[:-2]:
            raise FramingError("bare CR or LF in a chunked body")
        self._end_line(line[:-2])
        return used

    def _end_line(self, line: bytes) -> None:
        if self._part is _Part.SIZE:
            match = _SIZE_LINE(line)
            if match is None:
                raise FramingError("invalid chunk size or extension")
            self._left = int(match[1], 16)
            self._part = _Part.CONTENT if self._left else _Part.TRAILER
        elif self._part is _Part.CONTENT_END:
            if line:
                raise FramingError("chunk not properly terminated")
            self._part = _Part.SIZE
        elif not line:
            self._part = _Part.END
        else:
            self._trailer_bytes += len(line)
            if self._trailer_bytes > _LONGEST_TRAILER or not _FIELD_LINE(line):
                raise FramingError("invalid trailer")
