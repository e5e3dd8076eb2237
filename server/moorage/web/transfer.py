"""How bytes come and go.

A body arrives in one of three ways: spooled by nginx, spooled by our own channel, or as a plain
stream from any other WSGI server. A blob leaves as an internal redirect that nginx follows, or as
the file itself.
"""

import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from http import HTTPStatus
from io import BytesIO
from typing import BinaryIO

import falcon

from moorage.distribution.errors import SizeMismatchError, StorageFullError
from moorage.distribution.spool import Spool, Spooled
from moorage.errors import Invalid, RangeInvalid, TooLarge, Unavailable
from moorage.oci.digest import Digest

#: Where the proxy finds blobs by what `BlobStorage.locate` says of them.
INTERNAL_PREFIX = "/_blobs/"
#: Set by our own channel: where it spooled the body, the SHA-256 it took, and why it has none:
#: "full", "error", or "refused" when the admission said no.
SPOOLED_PATH = "moorage.spooled.path"
SPOOLED_SHA256 = "moorage.spooled.sha256"
SPOOLED_FAILED = "moorage.spooled.failed"
#: Set by our own channel: the body was longer than it keeps in memory, and was dropped.
TOO_LARGE = "moorage.body.too_large"

# More digits than any disk has bytes; what lies behind them no longer matters.
_LONGEST_NUMBER = 20
_number = re.compile(r"[0-9]+").fullmatch
_RANGE = re.compile(r"bytes=[ \t]*([0-9]{0,18})-([0-9]{0,18})[ \t]*", re.IGNORECASE).fullmatch
_CHUNK = re.compile(r"(?:bytes[ =])?([0-9]{1,18})-([0-9]{1,18})(?:/(?:[0-9]{1,18}|\*))?").fullmatch


class ContentRangeInvalidError(Invalid):
    """``Content-Range`` does not say where a chunk begins and ends."""

    code = "BLOB_UPLOAD_INVALID"


class BodyLostError(Unavailable):
    """The body did not reach the spool; the same request may go well later."""


class BodyTooLargeError(TooLarge):
    """The body is longer than this route takes."""


class UnsatisfiableError(RangeInvalid):
    """Nothing of the content lies in the range."""


@dataclass(frozen=True, slots=True)
class Span:
    """`length` bytes from `start` on."""

    start: int
    length: int


class Slice:
    """A window of a file that looks like a whole file, as `wsgi.file_wrapper` needs it.

    A server that lets the kernel send files asks for `fileno` and `offset`.
    """

    def __init__(self, file: BinaryIO, span: Span) -> None:
        self._file = file
        self._span = span
        file.seek(span.start)

    def read(self, size: int | None = -1, /) -> bytes:
        left = max(self._span.length - self.tell(), 0)
        return self._file.read(left if size is None or size < 0 else min(size, left))

    def tell(self) -> int:
        return self._file.tell() - self._span.start

    def fileno(self) -> int:
        return self._file.fileno()

    def offset(self) -> int:
        """Where in the descriptor's file the next byte is read."""
        return self._file.tell()

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        base = {os.SEEK_SET: 0, os.SEEK_CUR: self.tell(), os.SEEK_END: self._span.length}[whence]
        self._file.seek(self._span.start + max(base + offset, 0))
        return self.tell()

    def seekable(self) -> bool:
        return True

    def close(self) -> None:
        self._file.close()


class Bodies:
    """Finds the body of an upload request, however it came."""

    def __init__(self, spool: Spool, *, behind_nginx: bool) -> None:
        self._spool = spool
        self._behind_nginx = behind_nginx

    @contextmanager
    def content(self, req: falcon.Request) -> Iterator[Spooled]:
        """`received`, where no body means content of no bytes."""
        with self.received(req) as body:
            if body is not None:
                yield body
                return
            empty = self._spool.receive(BytesIO())
            try:
                yield empty
            finally:
                empty.discard()

    @contextmanager
    def received(self, req: falcon.Request) -> Iterator[Spooled | None]:
        """The body as a file in the spool; None when the request has none.

        However the block ends, a file that was not taken out of the spool is removed.

        Raises:
            StorageFullError: the disk has no room for it.
            BodyLostError: it was not stored for another reason.
            SizeMismatchError: it ended before its ``Content-Length``.
            BlobUploadInvalidError: it is not where it was said to be.
        """
        body = self._find(req)
        try:
            yield body
        finally:
            if body is not None:
                body.discard()

    def were_refused(self, req: falcon.Request) -> bool:
        """Whether the admission refused the body; whoever answers says why.

        nginx says so when it hands over the request without its body.
        """
        environ = req.env
        refused = environ.get(SPOOLED_FAILED) == "refused"
        return refused or (self._behind_nginx and bool(environ.get("HTTP_X_BODY_REFUSED")))

    def declared(self, req: falcon.Request) -> int:
        """How long the client says its body is; 0 when it does not say."""
        length = req.env.get("HTTP_X_ORIGINAL_LENGTH") if self._behind_nginx else None
        return number_of_bytes(length) if length else req.content_length or 0

    def _find(self, req: falcon.Request) -> Spooled | None:
        environ = req.env
        if environ.get(SPOOLED_FAILED) == "full":
            raise StorageFullError("the registry's storage is full")
        if environ.get(SPOOLED_FAILED) is not None or self.were_refused(req):
            raise BodyLostError("the body could not be stored; send it again")
        if self._behind_nginx:
            path = environ.get("HTTP_X_BODY_FILE")
            return self._spool.adopt(path) if path else None
        path = environ.get(SPOOLED_PATH)
        if path:
            sha256 = environ.get(SPOOLED_SHA256)
            return self._spool.adopt(path, Digest("sha256", sha256) if sha256 else None)
        return self._stream(req)

    def _stream(self, req: falcon.Request) -> Spooled | None:
        declared = req.content_length
        if declared == 0 or (declared is None and not req.env.get("wsgi.input_terminated")):
            return None
        stream = req.stream if declared is None else req.bounded_stream
        body = self._spool.receive(stream)
        if declared is not None and body.size != declared:
            body.discard()
            raise SizeMismatchError(f"the body ended after {body.size} of {declared} bytes")
        return body


def number_of_bytes(text: str | None) -> int:
    """A length as a header has it; 0 when it is none. An absurd one stays absurdly large."""
    return 0 if text is None or _number(text) is None else int(text[:_LONGEST_NUMBER])


def small_body(req: falcon.Request, most: int) -> bytes:
    """The whole body, if it has at most `most` bytes; no more than that is ever read.

    Raises:
        BodyTooLargeError: it has more.
    """
    declared = req.content_length
    body = b""
    if not req.env.get(TOO_LARGE) and (declared is None or declared <= most):
        terminated = declared is None and req.env.get("wsgi.input_terminated")
        body = (req.stream if terminated else req.bounded_stream).read(most + 1)
        if len(body) <= most:
            return body
    raise BodyTooLargeError(f"the body is larger than {most} bytes")


def chunk_start(req: falcon.Request, size: int) -> int | None:
    """Where an uploaded chunk of `size` bytes says that it begins; None when it does not say.

    Raises:
        ContentRangeInvalidError: the header is malformed.
        SizeMismatchError: it speaks of another number of bytes than came.
    """
    header = req.get_header("Content-Range")
    if header is None:
        return None
    match = _CHUNK(header.strip())
    if match is None:
        raise ContentRangeInvalidError("Content-Range is written <first byte>-<last byte>")
    start, end = int(match[1]), int(match[2])
    if end - start + 1 != size:
        raise SizeMismatchError(f"Content-Range speaks of {end - start + 1} bytes, the body has {size}")
    return start


def is_unchanged(req: falcon.Request, etag: str) -> bool:
    """Whether ``If-None-Match`` names this (RFC 9110 section 13.1.2, weak comparison)."""
    header = req.env.get("HTTP_IF_NONE_MATCH")
    if header is None:
        return False
    return any(
        each == "*" or each.removeprefix("W/") == etag
        for each in (part.strip() for part in header.split(","))
    )


def wanted_span(req: falcon.Request, etag: str, size: int) -> Span | None:
    """The one range that the client wants; None for the whole (RFC 9110 section 14.2).

    Several ranges at once, other units and malformed headers count as no range at all.

    Raises:
        UnsatisfiableError: nothing of the content lies in it.
    """
    header = req.env.get("HTTP_RANGE")
    if header is None or req.env.get("HTTP_IF_RANGE", etag) != etag:
        return None
    match = _RANGE(header)
    if match is None or not (match[1] or match[2]):
        return None
    if not match[1]:
        start, end = max(size - int(match[2]), 0), size - 1
    else:
        start, end = int(match[1]), min(int(match[2]), size - 1) if match[2] else size - 1
        if match[2] and int(match[2]) < start:
            return None
    if start > end:
        raise UnsatisfiableError(f"the content has {size} bytes", {"size": size})
    return Span(start, end - start + 1)


def send_redirect(resp: falcon.Response, location: str) -> None:
    """Let the proxy send the file at `location`, ranges and all."""
    resp.set_header("X-Accel-Redirect", INTERNAL_PREFIX + location)


def send_file(resp: falcon.Response, file: BinaryIO, size: int, span: Span | None) -> None:
    """Send the file of `size` bytes, or a part of it; it is closed after the last byte."""
    if span is None:
        resp.set_stream(file, size)
        return
    resp.status = HTTPStatus.PARTIAL_CONTENT
    end = span.start + span.length - 1
    resp.set_header("Content-Range", f"bytes {span.start}-{end}/{size}")
    resp.set_stream(Slice(file, span), span.length)
