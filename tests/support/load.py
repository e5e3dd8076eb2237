"""Clients that never rest, and what went wrong for them."""

import threading
from collections import Counter
from collections.abc import Callable

from tests.support.raw_http import Answer, NoAnswerError, RawClient


class Load:
    """Requests from several threads over connections that are kept, until told to stop.

    A connection that is closed while it is idle is opened again: every HTTP client does so. Any
    other loss is a failure. A refused connection ends the client that meets it.

    Args:
        ask: makes one request on a connection.
    """

    def __init__(self, address: str, ask: Callable[[RawClient], Answer], clients: int = 8) -> None:
        self.failures: list[str] = []
        self.answers: Counter[str] = Counter()
        self.refused = 0
        self._address = address
        self._ask = ask
        self._stopping = False
        self._changed = threading.Condition()
        self._threads = [threading.Thread(target=self._run, daemon=True) for _ in range(clients)]
        for thread in self._threads:
            thread.start()

    def wait_for_answers(self, count: int) -> None:
        """Wait until so many more answers have come."""
        with self._changed:
            wanted = self.answers.total() + count
            assert self._changed.wait_for(lambda: self.answers.total() >= wanted, 30), self.failures

    def wait_for_end(self) -> None:
        """Wait until every client was refused."""
        for thread in self._threads:
            thread.join(30)
            assert not thread.is_alive()

    def stop(self) -> None:
        """Have the clients end after their present request."""
        self._stopping = True
        self.wait_for_end()

    def _run(self) -> None:
        while not self._stopping:
            try:
                client = RawClient(self._address)
            except (ConnectionRefusedError, FileNotFoundError):
                self.refused += 1
                return
            with client:
                self._use(client)

    def _use(self, client: RawClient) -> None:
        """Make requests until the connection ends."""
        used = False
        while not self._stopping:
            try:
                answer = self._ask(client)
            except (OSError, NoAnswerError) as error:
                # Nothing of an answer on a connection that was idle before: it was closed meanwhile.
                if not (used and client.heard_nothing):
                    with self._changed:
                        self.failures.append(f"{'kept' if used else 'new'}: {error!r}")
                return
            with self._changed:
                self.answers[f"{answer.status} {answer.text}"] += 1
                self._changed.notify_all()
            used = True
            if answer.headers.get("connection") == "close":
                return
