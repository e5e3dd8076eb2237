"""Lower priority for whatever can wait: clients come first."""

import os
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress

#: Of nice(2): with a busy machine such a thread gets a third of what others get.
_NICENESS = 5


@contextmanager
def modest() -> Iterator[None]:
    """Give this thread a lower priority for a while; Linux alone has one for each thread.

    Without privileges it stays low.
    """
    if sys.platform != "linux":
        yield
        return
    thread = threading.get_native_id()
    before = os.getpriority(os.PRIO_PROCESS, thread)
    with suppress(OSError):
        os.setpriority(os.PRIO_PROCESS, thread, max(before, _NICENESS))
    try:
        yield
    finally:
        with suppress(OSError):
            os.setpriority(os.PRIO_PROCESS, thread, before)
