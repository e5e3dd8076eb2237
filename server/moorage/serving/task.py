"""Answers: waitress's tasks, writing what an answer needs in as few system calls as possible.

Unlike waitress, the connection stays open after an answer that may not have a body (204, 304)
and after one in chunks; it is closed after the answer while the server drains.
"""

import json
from typing import Any

from waitress.task import ErrorTask, Task, WSGITask
from waitress.utilities import build_http_date

from moorage.serving.body import Arrival, Spooled
from moorage.serving.connection import Connection
from moorage.serving.file_body import FileBody
from moorage.serving.parser import RequestParser

_CODES = {500: "UNKNOWN", 501: "UNSUPPORTED"}


class AnswerTask(Task):  # type: ignore[misc]  # waitress has no type information
    """How status line, headers and body are put on the wire."""

    channel: Connection
    request: RequestParser
    status: str
    version: str
    response_headers: list[tuple[str, str]]
    content_length: int | None
    content_bytes_written: int
    close_on_finish: bool
    wrote_header: bool
    chunked_response: bool
    complete: bool
    start_time: float

    @property
    def is_bodyless(self) -> bool:
        """No body may follow, whatever the headers say (RFC 9112 section 6.3)."""
        return self.request.command == "HEAD" or self.status[:3] in ("204", "304") or self.status[0] == "1"

    def build_response_header(self) -> bytes:
        """The status line and the headers."""
        lines = [f"HTTP/{self.version} {self.status}"]
        names = set()
        may_have_length = self.status[:3] not in ("204", "304") and self.status[0] != "1"
        for name, value in self.response_headers:
            lower = name.lower()
            if lower == "content-length" and not may_have_length:
                continue
            names.add(lower)
            lines.append(f"{name}: {value}")
        if may_have_length and "content-length" not in names:
            lines += self._delimit()
        lines += self._connection()
        if "date" not in names:
            lines.append(f"Date: {build_http_date(self.start_time)}")
        return ("\r\n".join(lines) + "\r\n\r\n").encode("latin-1")

    def _delimit(self) -> list[str]:
        """How the client learns where the body ends, when the application did not say."""
        if self.content_length is not None:
            return [f"Content-Length: {self.content_length}"]
        if self.version == "1.1":
            self.chunked_response = not self.is_bodyless
            return ["Transfer-Encoding: chunked"]
        self.close_on_finish = True
        return []

    def _connection(self) -> list[str]:
        """Whether the connection stays open, in words if they are needed."""
        wish = self.request.headers.get("CONNECTION", "").lower()
        keep = wish == "keep-alive" if self.version == "1.0" else "close" not in wish
        if self.close_on_finish or not keep or self.request.unread or self.channel.is_last_answer:
            self.close_on_finish = True
            return ["Connection: close"]
        return ["Connection: Keep-Alive"] if self.version == "1.0" else []

    def set_close_on_finish(self) -> None:
        """waitress's verdict on a body that is shorter than it was said to be."""
        if not self.is_bodyless:
            self.close_on_finish = True

    def write(self, data: bytes) -> None:
        """Send a piece of the body, the first one together with the headers.

        An empty first piece leaves the headers waiting for what follows them.
        """
        if not self.complete:
            raise RuntimeError("start_response was not called before body written")
        head = b""
        if not self.wrote_header:
            head = self.build_response_header()
            self.wrote_header = True
            self.channel.mute = self.is_bodyless
        body = self._framed(data)
        if body:
            self.channel.write_soon(head + body)
        elif head:
            self.channel.hold(head)

    def _framed(self, data: bytes) -> bytes:
        """What of `data` may be sent, and in which form."""
        size = len(data)
        if self.is_bodyless:
            self.content_bytes_written += size
            return b""
        if self.chunked_response:
            return b"%X\r\n%b\r\n" % (size, data) if data else b""
        if self.content_length is not None:
            data = data[: self.content_length - self.content_bytes_written]
        self.content_bytes_written += len(data)
        return data

    def finish(self) -> None:
        """End the body."""
        if not self.wrote_header:
            self.write(b"")
        if self.chunked_response:
            self.channel.write_soon(b"0\r\n\r\n")
        self.channel.release()


class ApplicationTask(AnswerTask, WSGITask):  # type: ignore[misc]  # waitress has no type information
    """Runs the application for one request."""

    def execute(self) -> None:
        """Settle what becomes of the body, then ask the application."""
        body: Arrival | None = self.request.body_rcv
        if body is not None and isinstance(body.sink, Spooled) and not body.sink.decided:
            # A small upload: it waits in memory, and its file is this thread's work.
            if self.channel.admits(self.request):
                body.sink.admit()
            else:
                body.sink.refuse()
        super().execute()

    def get_environment(self) -> dict[str, Any]:
        """The WSGI environment (PEP 3333), with what is known about the body."""
        environ: dict[str, Any] = super().get_environment()
        environ["SERVER_SOFTWARE"] = "moorage"
        environ["wsgi.multiprocess"] = True
        environ["wsgi.file_wrapper"] = FileBody
        if self.request.body_rcv is not None:
            environ.update(self.request.body_rcv.sink.environ())
        return environ


class RefusalTask(AnswerTask, ErrorTask):  # type: ignore[misc]  # waitress has no type information
    """Answers a request that never reached the application, in the form both APIs use."""

    def execute(self) -> None:
        """Say what is wrong; the connection ends after it."""
        error = self.request.error
        self.status = f"{error.code} {error.reason}"
        code = _CODES.get(error.code, "BAD_REQUEST")
        body = json.dumps({"errors": [{"code": code, "message": error.body, "detail": None}]}).encode()
        self.response_headers.append(("Content-Type", "application/json"))
        self.content_length = len(body)
        self.close_on_finish = True
        self.write(body)
