"""One request on its way in: waitress's parser, stricter, with our receivers for bodies."""

import re
from typing import Any

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
# A path, or a whole address as it is sent to proxies; visible characters, no fragment.
_TARGET = re.compile(r"(?:https?://([^/?#]+))?(/[!-\"$-~]*|)", re.IGNORECASE).fullmatch
_FRAMING_FIELDS = re.compile(rb"(?im)^(transfer-encoding|content-length|host)[ \t]*:([^\r\n]*)").findall
_LENGTH = re.compile(rb"[0-9]{1,18}").fullmatch
_BARE_LF = re.compile(rb"(?<!\r)\n").search
_FOLDED = re.compile(rb"\r\n[ \t]").search


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
    version: str
    headers: dict[str, str]
    header_plus: bytes
    headers_finished: bool
    chunked: bool
    content_length: int
    completed: bool
    empty: bool
    error: Any
    connection_close: bool
    expect_continue: bool
    body_rcv: Arrival | None

    def __init__(self, adj: Adjustments, spool: str) -> None:
        super().__init__(adj)
        self._spool = spool
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
        if _FOLDED(header_plus):
            raise ParsingError("Folded header line")
        found = [(name.lower(), value.strip(b" \t")) for name, value in _FRAMING_FIELDS(header_plus)]
        codings = [value for name, value in found if name == b"transfer-encoding"]
        hosts = [value for name, value in found if name == b"host"]
        _check_framing(codings, [value for name, value in found if name == b"content-length"])
        try:
            super().parse_header(header_plus)
        except ValueError as error:
            raise ParsingError("Bad URI") from error
        self._check_version(codings, hosts)
        self._normalise_target()
        self._prepare_body()

    def _check_version(self, codings: list[bytes], hosts: list[bytes]) -> None:
        if self.version not in ("1.0", "1.1"):
            raise ParsingError("Unknown HTTP version")
        if codings and self.version == "1.0":
            raise ParsingError("Transfer-Encoding in an HTTP/1.0 message")
        if len(hosts) > 1 or (not hosts and self.version == "1.1"):
            raise ParsingError("Exactly one Host header is needed")

    def _normalise_target(self) -> None:
        """Bring the request target into its usual form, a path (RFC 9112 section 3.2)."""
        match = _TARGET(self.request_uri)
        if match is None or not (match[1] or match[2]):
            raise ParsingError("Bad URI")
        if match[1]:
            self.headers["HOST"] = match[1]
        self.request_uri = match[2] or "/"
        self.path = self.path or "/"

    def _prepare_body(self) -> None:
        if self.body_rcv is None:
            return
        framing = Chunked() if self.chunked else Counted(self.content_length)
        if self._is_upload():
            self.body_rcv = Arrival(framing, Spooled(self._spool))
        else:
            held = Held()
            if self.content_length > HELD_LIMIT:
                held.drop()
            self.body_rcv = Arrival(framing, held)
        self.continues = bool(self.expect_continue)
        self.expect_continue = False  # waitress would answer before anyone was asked

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


def _check_framing(codings: list[bytes], lengths: list[bytes]) -> None:
    """Refuse whatever leaves two ways to tell where the body ends (RFC 9112 section 6.3)."""
    if len(codings) > 1 or len(lengths) > 1 or (codings and lengths):
        raise ParsingError("The length of the body is given more than once")
    if lengths and not _LENGTH(lengths[0]):
        raise ParsingError("Content-Length is invalid")
    if codings and codings[0].lower() != b"chunked":
        if not codings[0] or b"chunked" in codings[0].lower():
            raise ParsingError("Transfer-Encoding is invalid")
        raise TransferEncodingNotImplemented("Transfer-Encoding requested is not supported.")
