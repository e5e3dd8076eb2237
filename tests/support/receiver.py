"""A real HTTP or HTTPS receiver on loopback, which does what the test tells it to."""

import ssl
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

_SECONDS = 20.0


@dataclass(frozen=True)
class Got:
    """A request as it came in; names of headers in lower case."""

    method: str
    path: str
    headers: Mapping[str, str]
    body: bytes


@dataclass(frozen=True)
class Says:
    """What is answered.

    Attributes:
        wait: before anything is said.
        drip: seconds between the bytes of the body.
    """

    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b"ok"
    wait: float = 0.0
    drip: float = 0.0


Script = Callable[[Got], Says]


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 128

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Clients that go away, or do not trust us, are what the tests are about."""


class Receiver:
    """Listens until the test ends; use it with ``with``.

    Attributes:
        got: every request, oldest first.
        script: makes the answer; change it at any time.
    """

    def __init__(self, script: Script | None = None, certificate: tuple[Path, Path] | None = None) -> None:
        self.got: list[Got] = []
        self.script: Script = script or (lambda got: Says())
        self._changed = threading.Condition()
        self._over = threading.Event()
        self._server = _Server(("127.0.0.1", 0), self._handler())
        self._scheme = "http"
        if certificate is not None:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(*certificate)
            self._server.socket = context.wrap_socket(
                self._server.socket, server_side=True, do_handshake_on_connect=False
            )
            self._scheme = "https"
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True)

    @property
    def port(self) -> int:
        return int(self._server.server_address[1])

    def url(self, path: str = "/hook", host: str = "127.0.0.1") -> str:
        return f"{self._scheme}://{host}:{self.port}{path}"

    def __enter__(self) -> "Receiver":
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._server.shutdown()
        self._server.server_close()

    def wait_for(self, count: int, seconds: float = _SECONDS) -> list[Got]:
        """The requests, once there are so many."""
        with self._changed:
            assert self._changed.wait_for(lambda: len(self.got) >= count, seconds), self.got
            return list(self.got)

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        receiver = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def _any(self) -> None:
                length = int(self.headers.get("Content-Length", 0))
                headers = {name.lower(): value for name, value in self.headers.items()}
                got = Got(self.command, self.path, headers, self.rfile.read(length))
                says = receiver.script(got)
                with receiver._changed:
                    receiver.got.append(got)
                    receiver._changed.notify_all()
                if says.wait and receiver._over.wait(says.wait):
                    return
                self.send_response(says.status)
                for name, value in says.headers.items():
                    self.send_header(name, value)
                self.send_header("Content-Length", str(len(says.body)))
                self.send_header("Connection", "close")
                self.end_headers()
                self._body(says)

            def _body(self, says: Says) -> None:
                if not says.drip:
                    self.wfile.write(says.body)
                    return
                for byte in says.body:
                    self.wfile.write(bytes([byte]))
                    if receiver._over.wait(says.drip):
                        return

            do_GET = do_POST = _any

            def log_message(self, format: str, *args: Any) -> None:
                """Say nothing."""

        return Handler
