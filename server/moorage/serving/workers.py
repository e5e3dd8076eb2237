"""The threads that run the application."""

import logging
import threading
import time
from queue import SimpleQueue
from typing import Protocol

_log = logging.getLogger(__name__)


class Servant(Protocol):
    """Something with one request to serve."""

    def service(self) -> None: ...


class Workers:
    """A fixed number of threads over one queue: what waitress calls a task dispatcher.

    waitress's own wakes its threads through a condition written in Python, which costs more than
    many of our answers.
    """

    def __init__(self, count: int) -> None:
        self._queue: SimpleQueue[Servant | None] = SimpleQueue()
        self._threads = [
            threading.Thread(target=self._work, name=f"worker-{number}", daemon=True)
            for number in range(count)
        ]

    def start(self) -> None:
        """Begin to work; not before the process has forked for the last time."""
        for thread in self._threads:
            thread.start()

    def add_task(self, servant: Servant) -> None:
        """Have one of the threads serve it."""
        self._queue.put(servant)

    def stop(self, seconds: float) -> bool:
        """Let every thread end after what it is doing; False when one is still at it."""
        for _ in self._threads:
            self._queue.put(None)
        deadline = time.monotonic() + seconds
        for thread in self._threads:
            thread.join(max(deadline - time.monotonic(), 0))
        return not any(thread.is_alive() for thread in self._threads)

    def _work(self) -> None:
        while (servant := self._queue.get()) is not None:
            try:
                servant.service()
            except BaseException:
                _log.exception("a connection could not be served")
