"""A tiny WSGI application on our own server, as a program: ``python -m tests.support.serving_program``.

Its only argument is a JSON object, see `Options`. It prints ``ready <address> ...`` when it serves.
"""

import hashlib
import json
import logging
import os
import resource
import signal
import sys
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from io import BytesIO
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl

from moorage.config import ServerSettings
from moorage.serving.listener import ListenError
from moorage.serving.serve import serve

Environ = dict[str, Any]
Start = Callable[..., Any]


@dataclass(frozen=True)
class Options:
    """What the program is to do.

    Attributes:
        settings: of the server.
        spool: folder for uploads.
        diary: file that gets a line for each thing that happens.
        file_limit: bytes beyond which no file may grow, as on a full disk.
        worker: ``waits`` for its end, ``dies`` at once, or empty for none.
        broken: the application cannot be built.
    """

    settings: dict[str, Any]
    spool: str
    diary: str
    file_limit: int = 0
    worker: str = ""
    broken: bool = False
    extra: Mapping[str, Any] = field(default_factory=dict)


class FixtureApp:
    """Each path shows one thing."""

    def __init__(self, options: Options) -> None:
        self._options = options

    def __call__(self, environ: Environ, start: Start) -> Iterable[bytes]:
        path = environ["PATH_INFO"]
        query = dict(parse_qsl(environ["QUERY_STRING"]))
        note(self._options, f"request {environ['REQUEST_METHOD']} {path}")
        if "/blobs/uploads/" in path:
            return self._upload(environ, start)
        if path == "/file":
            return _file(environ, start, query)
        show = getattr(self, "show_" + path.strip("/").replace("-", "_"), None)
        if show is None:
            return _text(start, "404 Not Found", "nothing here")
        answer: Iterable[bytes] = show(environ, start, query)
        return answer

    def _upload(self, environ: Environ, start: Start) -> Iterable[bytes]:
        told = {name: value for name, value in environ.items() if name.startswith("moorage.")}
        told["stream"] = len(environ["wsgi.input"].read())
        told["body_file"] = environ.get("HTTP_X_BODY_FILE")
        path = told.get("moorage.spooled.path") or told["body_file"]
        if path:
            told["mode"] = oct(os.stat(path).st_mode)
            with open(path, "rb") as file:
                told["sha256"] = hashlib.file_digest(file, "sha256").hexdigest()
            if "HTTP_X_TAKE" in environ:
                os.rename(path, environ["HTTP_X_TAKE"])
        told["spool"] = os.listdir(self._options.spool)
        return _text(start, "201 Created", json.dumps(told))

    def show_hello(self, environ: Environ, start: Start, query: Mapping[str, str]) -> Iterable[bytes]:
        return _text(start, "200 OK", "hello")

    def show_pid(self, environ: Environ, start: Start, query: Mapping[str, str]) -> Iterable[bytes]:
        return _text(start, "200 OK", str(os.getpid()))

    def show_environ(self, environ: Environ, start: Start, query: Mapping[str, str]) -> Iterable[bytes]:
        plain = {name: value for name, value in environ.items() if isinstance(value, str | bool | int)}
        return _text(start, "200 OK", json.dumps(plain))

    def show_body(self, environ: Environ, start: Start, query: Mapping[str, str]) -> Iterable[bytes]:
        body = environ["wsgi.input"].read()
        told = {
            "length": len(body),
            "sha256": hashlib.sha256(body).hexdigest(),
            "content_length": environ.get("CONTENT_LENGTH"),
            "too_large": environ.get("moorage.body.too_large", False),
        }
        return _text(start, "200 OK", json.dumps(told))

    def show_status(self, environ: Environ, start: Start, query: Mapping[str, str]) -> Iterable[bytes]:
        headers = [("Content-Length", query["length"])] if "length" in query else []
        start(query["line"], headers)
        return []

    def show_chunks(self, environ: Environ, start: Start, query: Mapping[str, str]) -> Iterator[bytes]:
        start("200 OK", [])
        for number in range(int(query["count"])):
            yield b"piece %d\n" % number

    def show_much(self, environ: Environ, start: Start, query: Mapping[str, str]) -> Iterable[bytes]:
        size = int(query["bytes"])
        start("200 OK", [("Content-Length", str(size))])
        return [b"m" * size]

    def show_memory(self, environ: Environ, start: Start, query: Mapping[str, str]) -> Iterable[bytes]:
        size = int(query["bytes"])
        start("200 OK", [("Content-Length", str(size))])
        wrapped: Iterable[bytes] = environ["wsgi.file_wrapper"](BytesIO(b"m" * size))
        return wrapped

    def show_short(self, environ: Environ, start: Start, query: Mapping[str, str]) -> Iterable[bytes]:
        start("200 OK", [("Content-Length", "10")])
        return [b"short"]

    def show_raise(self, environ: Environ, start: Start, query: Mapping[str, str]) -> Iterable[bytes]:
        raise RuntimeError("secret of the application")

    def show_raise_late(self, environ: Environ, start: Start, query: Mapping[str, str]) -> Iterator[bytes]:
        start("200 OK", [])
        yield b"first"
        raise RuntimeError("secret of the application")

    def show_wait(self, environ: Environ, start: Start, query: Mapping[str, str]) -> Iterable[bytes]:
        """Answer when somebody has written into the named pipe and closed it."""
        note(self._options, f"waiting {query['pipe']}")
        return _text(start, "200 OK", Path(query["pipe"]).read_text())

    def show__admission(self, environ: Environ, start: Start, query: Mapping[str, str]) -> Iterable[bytes]:
        """What nginx asks; the verdict is in the credentials."""
        original = {name: environ.get(f"HTTP_X_ORIGINAL_{name}") for name in ("METHOD", "URI", "LENGTH")}
        note(self._options, "asked " + json.dumps(original))
        verdict = environ.get("HTTP_AUTHORIZATION")
        if verdict == "yes":
            start("204 No Content", [])
            return []
        if verdict == "no":
            return _text(start, "403 Forbidden", "no")
        return _text(start, "401 Unauthorized", "who?", ("WWW-Authenticate", 'Bearer realm="here"'))


def _file(environ: Environ, start: Start, query: Mapping[str, str]) -> Iterable[bytes]:
    if "accel" in query:
        headers = [("X-Accel-Redirect", query["accel"]), ("Docker-Content-Digest", query["digest"])]
        start("200 OK", [*headers, ("Content-Type", "application/octet-stream"), ("X-Secret", "inside")])
        return []
    path = Path(query["path"])
    file = path.open("rb", buffering=0 if "raw" in query else -1)
    file.seek(int(query.get("from", 0)))
    length = query.get("length", str(path.stat().st_size - file.tell()))
    start("200 OK", [("Content-Length", length)])
    if environ["REQUEST_METHOD"] == "HEAD" and "falcon" in query:
        return []
    wrapped: Iterable[bytes] = environ["wsgi.file_wrapper"](file)
    return wrapped


def _text(start: Start, status: str, text: str, *headers: tuple[str, str]) -> Iterable[bytes]:
    body = text.encode()
    start(status, [("Content-Type", "text/plain"), ("Content-Length", str(len(body))), *headers])
    return [body]


def note(options: Options, line: str) -> None:
    """Write a line into the diary; lines of several processes do not mix."""
    descriptor = os.open(options.diary, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
    os.write(descriptor, line.encode() + b"\n")
    os.close(descriptor)


def main() -> int:
    """Serve as the argument says."""
    options = Options(**json.loads(sys.argv[1]))
    logging.basicConfig(level="INFO", format="%(levelname)s %(name)s %(message)s", stream=sys.stdout)

    def admission(method: str, target: str, headers: Mapping[str, str], address: str) -> bool:
        asked = {"method": method, "target": target, "headers": dict(headers), "address": address}
        note(options, "asked " + json.dumps(asked))
        if headers.get("x-verdict") == "raise":
            raise RuntimeError("the judge is ill")
        return headers.get("x-verdict") != "no"

    def build() -> FixtureApp:
        if options.broken:
            raise RuntimeError("the application cannot be built")
        if options.file_limit:
            signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
            resource.setrlimit(resource.RLIMIT_FSIZE, (options.file_limit, options.file_limit))
        return FixtureApp(options)

    def work(stop: threading.Event) -> None:
        note(options, f"worker {os.getpid()} works")
        if options.worker == "dies":
            os._exit(3)
        stop.wait()
        note(options, "worker ends")

    try:
        return serve(
            build,
            ServerSettings(**options.settings),
            Path(options.spool),
            lambda: admission,
            work if options.worker else None,
            on_child_start=lambda index: note(options, f"start {index}"),
            on_child_stop=lambda: note(options, "stop"),
            on_ready=lambda addresses: print("ready", *addresses, flush=True),
        )
    except ListenError as error:
        print("error:", error, flush=True)
        return 1


if __name__ == "__main__":
    sys.exit(main())
