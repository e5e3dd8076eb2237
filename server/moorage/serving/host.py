"""What a channel asks of the server it belongs to; `server.Server` is the one that answers."""

from collections.abc import Callable
from typing import Protocol

from moorage.serving.carrier import Carrier
from moorage.serving.event_loop import EventLoop
from moorage.serving.parser import RequestParser
from moorage.serving.workers import Servant


class Host(Protocol):
    """What a channel asks of the server it belongs to.

    Attributes:
        spool: folder for the bodies of blob uploads.
        draining: every answer is the last one of its connection.
    """

    loop: EventLoop
    uploads: Carrier
    downloads: Carrier
    spool: str
    draining: bool

    def add_task(self, task: Servant) -> None:
        """Have a worker call its `service`."""
        ...

    def call(self, thunk: Callable[[], None]) -> None:
        """Run something on the event loop's thread."""
        ...

    def report(self) -> None:
        """A connection is gone."""
        ...

    def admits(self, request: RequestParser, address: str) -> bool:
        """Whether the body of this upload may be stored."""
        ...
