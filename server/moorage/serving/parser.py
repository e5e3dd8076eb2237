"""One request on its way in: waitress's parser, stricter, with our receivers for bodies."""

import re
from functools import lru_cache
from typing import Any
from urllib.parse import unquote_to_bytes

from waitress.adjustments import Adjustments
from waitress.parser import HTTPRequestParser, ParsingError, TransferEncodingNotImplemented
from waitress.utilities import BadRequest

from moorage.serving.body import HELD_LIMIT, Arrival, Held, Spooled
from moorage.serving.framing import Chunked, Counted

#: A body with no more bytes than this is gathered by the event loop itself, in memory; anything
#: longer is given to a carrier.
SMALL_BODY = 64 << 10

_UPLOAD_METHODS = frozenset({"PATCH", "PUT", "POST"})
_UPLOAD = re.compile(r"/v2/[^?]+/blobs/uploads/").match
# A target with one of these could be two paths for two readers; it is never an upload.
_AMBIGUOUS = re.compile(r"%2[fF]|%5[cC]|%00|//|\\").search

_WORD = r"[!#$%&'*+\-.^_`|~0-9A-Za-z]+"
_REQUEST_LINE = re.compile(rf"((?![^ ]*[a-z]){_WORD}) ([!-~]+) HTTP/1\.([01])").fullmatch
# A path, or a whole address as it is sent to proxies; no fragment.
_HOST = r"(?:\[[0-9A-Fa-f:.]+\]|[0-9A-Za-z._~-]+)(?::[0-9]*)?"
_TARGET = re.compile(rf"(?:https?://({_HOST}))?(/[^#]*|)", re.IGNORECASE).fullmatch
_NAME = re.compile(_WORD).fullmatch
_CONTROL = re.compile(rb"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]").search
_BARE_LF = re.compile(rb"(?<!\r)\n").search
_LENGTH = re.compile(r"[0-9]{1,18}").fullmatch
# Given twice, two readers could take one each.
_SINGLE = frozenset({"CONTENT_LENGTH", "TRANSFER_ENCODING", "HOST"})
_NAMES_REMEMBERED = 1024


@lru_cache(_NAMES_REMEMBERED)
def _key(name: str) -> str:
    """A header's name as waitress keeps it; empty for one that is read over.

    A name with an underscore could pose as another one, which servers keep from applications.
    """
    if not _NAME(name):
        raise ParsingError("Invalid header")
    return "" if "_" in name else name.upper().replace("-", "_")


class RequestParser(HTTPRequestParser):  # type: ignore[misc]  # waitress has no type information
    """Gathers one request; waitress's tasks read the attributes that it documents.

    Args:
        spool: folder for the bodies of blob uploads.

    Attributes:
        continues: the client waits for ``100 Continue`` before it sends the body.
        unread: the answer leaves before the body has come; the connection ends after it.
    """

    # Empty until the request line is understood.
    command = ""
    request_uri = ""
    path = ""
    query = ""
    version: str
    headers: dict[str, str]
    header_plus: bytes
    headers_finished: bool
    chunked: bool
    content_length: int
    completed: bool
    empty: bool
    error: Any
    body_rcv: Arrival | None

    def __init__(self, adj: Adjustments, spool: str) -> None:
        super().__init__(adj)
        self._spool = spool
        self._authority = ""
        self.continues = False
        self.unread = False

    def received(self, data: bytes) -> int:
        """Take bytes from the connection; returns how many belonged to this request."""
        used: int = super().received(data)
        if not self.headers_finished and not self.completed and _BARE_LF(self.header_plus):
            # The end of the headers that waitress waits for will never come from such a sender.
            self.error = BadRequest("Bare LF found in HTTP message")
            self.completed = True
        return used

    def parse_header(self, header_plus: bytes) -> None:
        """Read the request line and the headers, and decide where the body will go.

        Raises:
            ParsingError: the request is malformed, or could be read in two ways.
            TransferEncodingNotImplemented: a transfer coding other than ``chunked``.
        """
        line, *lines = _lines(header_plus)
        self._read_request_line(line)
        self._read_headers(lines)
        if "HOST" not in self.headers and self.version == "1.1":
            raise ParsingError("The Host header is missing")
        self.url_scheme = self.adj.url_scheme
        self._prepare_body(self._framing())

    def _read_request_line(self, line: str) -> None:
        match = _REQUEST_LINE(line)
        target = match and _TARGET(match[2])
        if not match or not target or not (target[1] or target[2]):
            raise ParsingError("Start line is invalid")
        self.command = match[1]
        self.version = "1." + match[3]
        if target[1]:
            self._authority = target[1]
        # Whatever form the client chose, it is a path from here on (RFC 9112 section 3.2).
        self.request_uri = target[2] or "/"
        path, _, self.query = self.request_uri.partition("?")
        self.path = unquote_to_bytes(path).decode("latin-1") if "%" in path else path

    def _read_headers(self, lines: list[str]) -> None:
        headers = self.headers
        for line in lines:
            name, colon, value = line.partition(":")
            if not colon:
                raise ParsingError("Invalid header")
            key = _key(name)
            if key in headers:
                if key in _SINGLE:
                    raise ParsingError(f"{name} is given more than once")
                headers[key] += ", " + value.strip(" \t")
            elif key:
                headers[key] = value.strip(" \t")
        if self._authority:
            headers["HOST"] = self._authority

    def _framing(self) -> Chunked | Counted | None:
        """How the end of the body is found (RFC 9112 section 6.3); None when there is no body."""
        coding = self.headers.pop("TRANSFER_ENCODING", None)
        length = self.headers.get("CONTENT_LENGTH")
        if coding is not None:
            if length is not None:
                raise ParsingError("Transfer-Encoding and Content-Length are both given")
            if self.version == "1.0":
                raise ParsingError("Transfer-Encoding in an HTTP/1.0 message")
            self.chunked = _is_chunked(coding)
            return Chunked()
        if length is not None:
            if not _LENGTH(length):
                raise ParsingError("Content-Length is invalid")
            self.content_length = int(length)
        return Counted(self.content_length) if self.content_length else None

    def _prepare_body(self, framing: Chunked | Counted | None) -> None:
        if framing is None:
            return
        if self._is_upload():
            self.body_rcv = Arrival(framing, Spooled(self._spool))
        else:
            held = Held()
            if self.content_length > HELD_LIMIT:
                held.drop()
            self.body_rcv = Arrival(framing, held)
        # waitress's own mark for it stays off: it would answer before anyone was asked.
        self.continues = self.version == "1.1" and self.headers.get("EXPECT", "").lower() == "100-continue"

    def _is_upload(self) -> bool:
        return (
            self.command in _UPLOAD_METHODS
            and _UPLOAD(self.request_uri) is not None
            and _AMBIGUOUS(self.request_uri.partition("?")[0]) is None
        )

    @property
    def is_bulky(self) -> bool:
        """Whether the rest of the body is a carrier's work."""
        body = self.body_rcv
        if body is None or self.completed:
            return False
        missing = body.framing.missing
        return self.continues or missing is None or missing > SMALL_BODY

    def finish(self, *, unread: bool = False) -> None:
        """The request is ready for the application.

        Args:
            unread: without the rest of the body, which nobody wants.
        """
        body = self.body_rcv
        if body is not None:
            self.error = body.error
        self.unread = unread
        self.completed = True
        if body is not None and self.chunked and not unread:
            # The application sees a plain body of known length, as waitress has it.
            self.headers["CONTENT_LENGTH"] = str(len(body))

    def headers_by_name(self) -> dict[str, str]:
        """The headers by their names in lower case, for whoever decides on admission."""
        return {name.replace("_", "-").lower(): value for name, value in self.headers.items()}


def _lines(block: bytes) -> list[str]:
    """The request line and the headers, with no byte in them that could be read differently."""
    if _CONTROL(block):
        raise ParsingError("Control character in HTTP message")
    ends = block.count(b"\r\n")
    if ends != block.count(b"\n") or ends != block.count(b"\r"):
        raise ParsingError("Bare CR or LF found in HTTP message")
    return block.decode("latin-1").rstrip("\r\n").split("\r\n")


def _is_chunked(coding: str) -> bool:
    """True, or an error: there is no other transfer coding here.

    Raises:
        ParsingError: it is close to ``chunked``, which another reader might take for it.
        TransferEncodingNotImplemented: it is another one.
    """
    if coding.lower() == "chunked":
        return True
    if not coding or "chunked" in coding.lower():
        raise ParsingError("Transfer-Encoding is invalid")
    raise TransferEncodingNotImplemented("Transfer-Encoding requested is not supported.")
