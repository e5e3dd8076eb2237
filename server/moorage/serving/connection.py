"""What tasks and carriers ask of a connection; `channel.Channel` is the one that answers."""

from socket import socket as Socket
from typing import Protocol

from moorage.serving.file_body import FileBody
from moorage.serving.parser import RequestParser


class Connection(Protocol):
    """One connection, as those see it that work for it.

    Attributes:
        socket: not blocking; only the owner of the connection reads from it.
        mute: the answer under way may not have a body.
        last_activity: when the client last took or sent something, in seconds since 1970.
    """

    socket: Socket
    mute: bool
    last_activity: float

    @property
    def descriptor(self) -> int:
        """Of the socket; -1 when it is closed."""
        ...

    @property
    def is_last_answer(self) -> bool:
        """Whether the connection has to end after the present answer, for the server ends."""
        ...

    def touch(self) -> None:
        """The client is alive."""
        ...

    def admits(self, request: RequestParser) -> bool:
        """Whether the body of an upload may be stored."""
        ...

    # for tasks

    def hold(self, head: bytes) -> None:
        """Keep headers back until something follows them, or `release` is called."""
        ...

    def release(self) -> None:
        """Send headers that nothing followed."""
        ...

    def write_soon(self, data: bytes | FileBody) -> int:
        """Send, or keep for sending, the next part of the answer."""
        ...

    # for carriers

    def body_arrived(self, rest: bytes) -> None:
        """The body of the current request has come; `rest` came after it."""
        ...

    def file_sent(self) -> None:
        """The file of the current answer is out."""
        ...

    def lost(self) -> None:
        """The client is gone, or of no use any more."""
        ...
