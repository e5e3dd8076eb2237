"""Several threads that begin in the same moment."""

import threading
from collections.abc import Callable, Sequence

from moorage.db.connection import close_connection


def at_once(*calls: Callable[[], object]) -> Sequence[object]:
    """Run all of them in threads of their own; returns what each returned or raised, in their order."""
    barrier = threading.Barrier(len(calls))
    results: list[object] = [None] * len(calls)

    def run(place: int, call: Callable[[], object]) -> None:
        barrier.wait()
        try:
            results[place] = call()
        except Exception as error:  # handed to the test, which knows which ones may come
            results[place] = error
        finally:
            close_connection()

    threads = [threading.Thread(target=run, args=(place, call)) for place, call in enumerate(calls)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return results
