"""Where the bytes of a request body go, and what the application is told about them."""

import logging
from collections.abc import Sequence
from enum import StrEnum
from io import BytesIO
from typing import IO, Protocol

from waitress.buffers import OverflowableBuffer
from waitress.utilities import BadRequest

from moorage.serving.framing import Framing, FramingError
from moorage.serving.spool_file import SpoolFile, is_full

#: The longest body that an application reads from ``wsgi.input``; longer ones are dropped.
HELD_LIMIT = 5 << 20
_HELD_IN_MEMORY = 512 << 10

_log = logging.getLogger(__name__)


class Loss(StrEnum):
    """Why the bytes of an upload are not kept; the value stands in the WSGI environment."""

    FULL = "full"
    ERROR = "error"
    REFUSED = "refused"


class Sink(Protocol):
    """Takes the content of one body.

    Attributes:
        dropping: nothing is kept any more; bytes are only counted.
    """

    @property
    def dropping(self) -> bool: ...

    def take(self, pieces: Sequence[memoryview]) -> None: ...

    def environ(self) -> dict[str, object]:
        """What the application is to find in its WSGI environment."""
        ...

    def stream(self) -> IO[bytes]:
        """What the application reads as ``wsgi.input``."""
        ...

    def close(self) -> None:
        """Forget the body, and remove what is left of it."""
        ...


class Held:
    """A body for ``wsgi.input``: in memory, a large one in a nameless temporary file."""

    def __init__(self) -> None:
        self.length = 0
        self.dropping = False
        self._buffer = OverflowableBuffer(_HELD_IN_MEMORY)

    def take(self, pieces: Sequence[memoryview]) -> None:
        for piece in pieces:
            self.length += len(piece)
            if self.length > HELD_LIMIT:
                self.drop()
            if not self.dropping:
                self._buffer.append(piece)

    def drop(self) -> None:
        """Keep nothing of it: it is too large."""
        self.dropping = True
        self._buffer.close()

    def environ(self) -> dict[str, object]:
        return {"moorage.body.too_large": True} if self.dropping else {}

    def stream(self) -> IO[bytes]:
        if self.dropping:
            return BytesIO()
        stream: IO[bytes] = self._buffer.getfile()
        return stream

    def close(self) -> None:
        self._buffer.close()


class Spooled:
    """A body that becomes a file in the spool.

    Its first bytes wait in memory: nothing touches the disk before `admit` or `refuse` was called.
    """

    def __init__(self, folder: str) -> None:
        self._folder = folder
        self._waiting: list[bytes] = []
        self._file: SpoolFile | None = None
        self._decided = False
        self._loss: Loss | None = None

    @property
    def dropping(self) -> bool:
        return self._loss is not None

    @property
    def decided(self) -> bool:
        """Whether it was admitted or refused."""
        return self._decided

    def admit(self) -> None:
        """The bytes may be stored: those that wait, and all that come."""
        self._decided = True
        waiting, self._waiting = self._waiting, []
        if waiting:
            self._store(waiting)

    def refuse(self) -> None:
        """The bytes are not wanted."""
        self._decided = True
        self._lose(Loss.REFUSED)

    def take(self, pieces: Sequence[memoryview]) -> None:
        if self._loss is not None or not pieces:
            return
        if self._decided:
            self._store(pieces)
        else:
            self._waiting += [bytes(piece) for piece in pieces]

    def _store(self, pieces: Sequence[memoryview | bytes]) -> None:
        try:
            if self._file is None:
                self._file = SpoolFile(self._folder)
            self._file.write(pieces)
        except OSError as error:
            full = is_full(error)
            _log.warning("cannot spool an upload: %s", error)
            self._lose(Loss.FULL if full else Loss.ERROR)

    def _lose(self, loss: Loss) -> None:
        self._loss = loss
        self.close()

    def environ(self) -> dict[str, object]:
        if self._loss is not None:
            return {"moorage.spooled.failed": self._loss.value}
        if self._file is None:
            return {}
        self._file.close()
        return {
            "moorage.spooled.path": self._file.path,
            "moorage.spooled.sha256": self._file.sha256,
            "moorage.spooled.length": self._file.length,
        }

    def stream(self) -> IO[bytes]:
        return BytesIO()

    def close(self) -> None:
        self._waiting.clear()
        if self._file is not None:
            self._file.discard()
            self._file = None


class Arrival:
    """One body on its way in: waitress's idea of a receiver, over our framing and sinks.

    Attributes:
        error: what is wrong with the framing, as waitress answers it; None while it is sound.
        length: content bytes seen so far, kept or not.
    """

    def __init__(self, framing: Framing, sink: Sink) -> None:
        self.framing = framing
        self.sink = sink
        self.error: BadRequest | None = None
        self.length = 0

    @property
    def completed(self) -> bool:
        """The last byte was seen."""
        return self.framing.completed

    def received(self, data: bytes | memoryview) -> int:
        """Take bytes from the connection; returns how many belonged to this body."""
        try:
            pieces, used = self.framing.feed(memoryview(data))
        except FramingError as error:
            self.error = BadRequest(str(error))
            self.sink.close()
            return len(data)
        self.length += sum(map(len, pieces))
        self.sink.take(pieces)
        return used

    def __len__(self) -> int:
        return self.length

    def getfile(self) -> IO[bytes]:
        """waitress's name for the stream of the content."""
        return self.sink.stream()

    def getbuf(self) -> Sink:
        """waitress's name for what is closed with the request."""
        return self.sink
