"""The way in: serve an application until a signal ends it."""

from collections.abc import Callable, Sequence
from pathlib import Path
from wsgiref.types import WSGIApplication

from moorage.config import ServerSettings
from moorage.serving.process import Program, Worker
from moorage.serving.server import Admission
from moorage.serving.supervisor import Supervisor


def _nothing(_: object = None) -> None:
    pass


def serve(
    app_factory: Callable[[], WSGIApplication],
    settings: ServerSettings,
    spool_folder: Path,
    admission_factory: Callable[[], Admission],
    worker: Worker | None = None,
    *,
    on_child_start: Callable[[int], None] = _nothing,
    on_child_stop: Callable[[], None] = _nothing,
    on_ready: Callable[[Sequence[str]], None] = _nothing,
) -> int:
    """Serve until SIGTERM or SIGINT.

    Import whatever the application needs before the call: it is shared with the processes. Open
    nothing (databases, threads) before it: that is not. To be called on the main thread of a
    process without other threads.

    In each process, in this order: `on_child_start`, `app_factory`, `admission_factory`, serving,
    `on_child_stop`. An exception there ends the process; if it happens at the first start, the
    whole program ends with code 1, later the process is started again after a growing pause.

    In the WSGI environment of a request with a body:
        ``moorage.spooled.path``, ``.sha256`` (hex), ``.length``: the body of a blob upload
            (PATCH, PUT, POST below ``/v2/<name>/blobs/uploads/``) is this file; missing when the
            body is empty. The file goes when the answer is out, unless it was taken away.
        ``moorage.spooled.failed``: the body was not kept: ``full`` (no room), ``error`` (the disk
            failed; it is logged), ``refused`` (by the admission). There is no file then.
        ``moorage.body.too_large``: the body of any other request was longer than 5 MiB and was
            dropped; ``wsgi.input`` is empty.

    Args:
        app_factory: builds the WSGI application, once in each server process.
        settings: where to listen, how many processes and threads, how long to drain.
        spool_folder: where uploads arrive: an existing folder on the storage's file system.
        admission_factory: builds the callable that is asked before the first byte of an upload is
            stored, see `Program`.
        worker: background work in a process of its own, supervised like the others; gets an event
            that is set when it is to end.
        on_child_start: called with 0, 1, 2, ... in the server processes, and with the number after
            theirs in the worker.
        on_child_stop: the last answer is out and the threads have ended.
        on_ready: called in the parent when every process serves, with the addresses as people
            write them: ``http://127.0.0.1:5000`` or ``unix:/run/moorage/0.sock``.

    Returns:
        The exit code: 0 after a clean end; 1 when the processes could not start, or had to be
        killed at the end.

    Raises:
        ListenError: an address is taken or not ours; nothing was started.
    """
    program = Program(
        app_factory=app_factory,
        admission_factory=admission_factory,
        settings=settings,
        spool_folder=spool_folder,
        worker=worker,
        on_child_start=on_child_start,
        on_child_stop=on_child_stop,
    )
    return Supervisor(program, on_ready).run()
