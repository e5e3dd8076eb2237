"""What one forked process does: serve a listening socket, or do the background work."""

import logging
import os
import signal
import sys
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from wsgiref.types import WSGIApplication

from moorage.config import ServerSettings
from moorage.serving.balance import Share
from moorage.serving.linux import die_with_parent, name_process
from moorage.serving.listener import Listener
from moorage.serving.server import Admission, Server
from moorage.serving.settings import adjustments

#: Runs until the event is set.
Worker = Callable[[threading.Event], None]

_log = logging.getLogger(__name__)


def _nothing(_: int) -> None:
    pass


@dataclass(frozen=True)
class Program:
    """What the processes run, given by whoever starts the supervisor.

    Everything is called in the child, after the fork, in this order: `on_child_start`,
    `app_factory`, `admission_factory`; at the end `on_child_stop`.

    Attributes:
        app_factory: builds the WSGI application.
        admission_factory: builds what is asked before the body of an upload is stored: method,
            raw request target, headers by names in lower case, address of the peer -> whether it
            is welcome. It is called from several threads, and what it raises counts as no. The
            application is asked again, with `moorage.spooled.failed` in its environment.
        settings: where and with how much to listen.
        spool_folder: where the bodies of uploads arrive; on the medium of the storage.
        worker: background work for a process of its own; called with an event that is set when
            it is to end.
        on_child_start: with the number of the process; the worker has the highest.
        on_child_stop: the last request is answered, the threads have ended.
    """

    app_factory: Callable[[], WSGIApplication]
    admission_factory: Callable[[], Admission]
    settings: ServerSettings
    spool_folder: Path
    worker: Worker | None = None
    on_child_start: Callable[[int], None] = _nothing
    on_child_stop: Callable[[], None] = field(default=lambda: None)


@dataclass(frozen=True)
class Role:
    """What one process is for.

    Attributes:
        listener: the socket it serves; None for the worker.
        share: of the connections, when the socket is not its own.
    """

    name: str
    index: int
    listener: Listener | None
    share: Share | None = None

    def run(self, program: Program, ready: Callable[[], None]) -> None:
        """Do it, in the child; returns when the process is to end."""
        name_process(f"moorage-{self.name}")
        program.on_child_start(self.index)
        try:
            if self.listener is not None:
                _serve(self.listener, self.share, program, ready)
            elif program.worker is not None:
                _work(program.worker, ready)
        finally:
            program.on_child_stop()


def _serve(listener: Listener, share: Share | None, program: Program, ready: Callable[[], None]) -> None:
    server = Server(
        program.app_factory(),
        listener.socket,
        adjustments(program.settings, listener.socket.family),
        spool=str(program.spool_folder),
        admission=program.admission_factory(),
        drain_seconds=program.settings.drain_seconds,
        share=share,
    )
    signal.signal(signal.SIGTERM, lambda *_: server.stop())
    signal.signal(signal.SIGHUP, lambda *_: server.retire())
    server.run(ready)


def _work(worker: Worker, ready: Callable[[], None]) -> None:
    stop = threading.Event()
    reader, writer = os.pipe()
    os.set_blocking(writer, False)
    # An event may not be set inside a signal handler: the thread it interrupts may hold its lock.
    signal.signal(signal.SIGTERM, lambda *_: None)
    signal.set_wakeup_fd(writer)

    def watch() -> None:
        os.read(reader, 1)
        stop.set()

    threading.Thread(target=watch, name="stop", daemon=True).start()
    ready()
    worker(stop)


def enter(role: Role, program: Program, parent: int, ready_pipe: int) -> None:
    """Be a child from here on; never returns.

    Args:
        parent: process id of the supervisor; the child does not outlive it.
        ready_pipe: gets a byte when the process does what it is for.
    """
    code = 1
    try:
        die_with_parent(parent)
        signal.set_wakeup_fd(-1)
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        # The terminal sends these to the whole group; only the supervisor acts on them.
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        signal.signal(signal.SIGHUP, signal.SIG_IGN)
        signal.pthread_sigmask(signal.SIG_SETMASK, ())
        role.run(program, lambda: _tell(ready_pipe))
        code = 0
    except BaseException:
        _log.critical("process %s failed", role.name, exc_info=True)
    finally:
        logging.shutdown()
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)  # what the parent wants done at its own exit is not the child's to do


def _tell(pipe: int) -> None:
    os.write(pipe, b"1")
    os.close(pipe)
