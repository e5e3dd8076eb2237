"""Several threads that set off at once."""

import threading
from collections.abc import Callable, Sequence
from typing import Any

from moorage.db.connection import close_connection

_SECONDS = 60


def together(actions: Sequence[Callable[[], Any]]) -> list[Any]:
    """Run each action in a thread of its own, all from one moment on.

    Returns:
        For each action what it returned, or the exception that it raised.
    """
    start = threading.Barrier(len(actions))
    results: list[Any] = [None] * len(actions)

    def run(place: int, action: Callable[[], Any]) -> None:
        start.wait(_SECONDS)
        try:
            results[place] = action()
        except Exception as error:
            results[place] = error
        finally:
            close_connection()

    threads = [threading.Thread(target=run, args=pair, daemon=True) for pair in enumerate(actions)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(_SECONDS)
    if any(thread.is_alive() for thread in threads):
        raise AssertionError("the race did not end")
    return results


def failures(results: Sequence[Any]) -> list[Exception]:
    """The exceptions among the results."""
    return [result for result in results if isinstance(result, Exception)]
