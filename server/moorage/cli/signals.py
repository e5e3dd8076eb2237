"""SIGTERM and SIGINT, told to a thread.

A handler of Python interrupts the main thread wherever it is, perhaps while that holds a lock which
the handler would need. So the signals go through a pipe.
"""

import os
import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

_SIGNALS = (signal.SIGTERM, signal.SIGINT)


@contextmanager
def heard(tell: Callable[[signal.Signals], None]) -> Iterator[None]:
    """Call `tell` for each of the two signals, in a thread of its own; only on the main thread."""
    reader, writer = os.pipe()
    os.set_blocking(writer, False)
    before = {each: signal.signal(each, lambda *_: None) for each in _SIGNALS}
    pipe_before = signal.set_wakeup_fd(writer, warn_on_full_buffer=False)
    thread = threading.Thread(target=_listen, args=(reader, tell), name="signals", daemon=True)
    thread.start()
    try:
        yield
    finally:
        signal.set_wakeup_fd(pipe_before)
        for each, handler in before.items():
            signal.signal(each, handler)
        os.close(writer)
        thread.join(1.0)


def _listen(reader: int, tell: Callable[[signal.Signals], None]) -> None:
    while heard_of := os.read(reader, 1):
        if heard_of[0] in _SIGNALS:
            tell(signal.Signals(heard_of[0]))
    os.close(reader)
