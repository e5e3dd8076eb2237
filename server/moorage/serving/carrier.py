"""Threads that move bulk bytes between sockets and files.

The event loop never touches a disk and the threads of the application never wait for a client:
a long body or a large file is handed to a carrier together with its socket, and comes back when
it is done. One carrier looks after many of them; each gets a share before its turn is over, so
that a fast client does not starve the others.
"""

import logging
import os
import select
import threading
import time
from collections import deque
from typing import Protocol

from moorage.serving.connection import Connection

_BUFFER = 256 << 10
_LOOK_SECONDS = 1.0

_log = logging.getLogger(__name__)


class Job(Protocol):
    """One body or file under way.

    Attributes:
        channel: whose socket it uses, and nobody else does until the job is done.
        events: what has to be possible on the socket: ``EPOLLIN`` or ``EPOLLOUT``.
    """

    channel: Connection
    events: int

    def begin(self) -> bool:
        """Do what comes first, off the event loop; True when nothing has to be moved after it."""
        ...

    def step(self, buffer: memoryview) -> bool:
        """Move one share; True when it was the last one.

        Raises:
            OSError: the connection or the file is broken.
        """
        ...

    def done(self) -> None:
        """Hand the channel back; the carrier knows nothing of it any more."""
        ...

    def fail(self) -> None:
        """Give up; the connection is to be closed."""
        ...


class Carrier:
    """One such thread.

    Args:
        name: of the thread.
        patience: seconds without a byte after which a client is given up.
    """

    def __init__(self, name: str, patience: float) -> None:
        self._patience = patience
        self._incoming: deque[Job] = deque()
        self._jobs: dict[int, Job] = {}
        self._epoll = select.epoll()
        self._bell = os.eventfd(0, os.EFD_NONBLOCK | os.EFD_CLOEXEC)
        self._epoll.register(self._bell, select.EPOLLIN)
        self._stopping = False
        self._buffer = memoryview(bytearray(_BUFFER))
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)

    def start(self) -> None:
        """Begin to work; not before the process has forked for the last time."""
        self._thread.start()

    def take(self, job: Job) -> None:
        """Accept a job; any thread may call this."""
        self._incoming.append(job)
        os.eventfd_write(self._bell, 1)

    def stop(self) -> None:
        """Give up whatever is under way, and end."""
        self._stopping = True
        os.eventfd_write(self._bell, 1)
        self._thread.join()
        for job in [*self._jobs.values(), *self._incoming]:
            job.fail()
        self._epoll.close()
        os.close(self._bell)

    def _run(self) -> None:
        looked = time.monotonic()
        while not self._stopping:
            for descriptor, _ in self._epoll.poll(_LOOK_SECONDS):
                if descriptor == self._bell:
                    self._welcome()
                else:
                    self._move(descriptor)
            if time.monotonic() - looked >= _LOOK_SECONDS:
                looked = time.monotonic()
                self._lose_patience()

    def _welcome(self) -> None:
        os.eventfd_read(self._bell)
        while self._incoming:
            job = self._incoming.popleft()
            try:
                finished = job.begin()
            except Exception as error:
                self._give_up(job, error)
                continue
            if finished:
                job.done()
            else:
                self._jobs[job.channel.descriptor] = job
                self._epoll.register(job.channel.descriptor, job.events)

    def _move(self, descriptor: int) -> None:
        job = self._jobs[descriptor]
        try:
            finished = job.step(self._buffer)
        except Exception as error:
            self._forget(descriptor)
            self._give_up(job, error)
            return
        if finished:
            # Forgotten first: once it is handed back, the descriptor may be closed and used anew.
            self._forget(descriptor)
            job.done()

    def _lose_patience(self) -> None:
        limit = time.time() - self._patience
        for descriptor, job in list(self._jobs.items()):
            if job.channel.last_activity < limit:
                self._forget(descriptor)
                self._give_up(job, TimeoutError("the client did not go on"))

    def _forget(self, descriptor: int) -> None:
        del self._jobs[descriptor]
        self._epoll.unregister(descriptor)

    def _give_up(self, job: Job, error: Exception) -> None:
        if isinstance(error, OSError):
            _log.info("transfer ended early: %s", error)
        else:
            _log.error("transfer failed", exc_info=error)
        job.fail()
