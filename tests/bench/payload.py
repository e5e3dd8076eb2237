"""The bytes that are pushed: incompressible, cheap to make, never the same twice."""

import hashlib
import mmap
import os
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from tests.bench.wire import Pieces

# What Go's io.Copy writes at a time: docker's layers arrive in chunks of this size.
DOCKER_CHUNK = 32 * 1024
_CHUNKS_AT_ONCE = 32
_BLOCK = 64 << 20
_HEAD = 4096


@dataclass(frozen=True, slots=True)
class Payload:
    """One blob: a fresh head, then bytes of the shared file.

    Attributes:
        head: the first bytes, which make it unlike every other payload.
        tail: the rest, not copied.
        digest: of head and tail, as the registry is told it.
    """

    head: bytes
    tail: memoryview
    digest: str

    @property
    def size(self) -> int:
        """Bytes in all."""
        return len(self.head) + len(self.tail)

    def plain(self) -> Iterator[Pieces]:
        """The bytes as they are, 1 MiB at a time."""
        yield [self.head]
        step = DOCKER_CHUNK * _CHUNKS_AT_ONCE
        for start in range(0, len(self.tail), step):
            yield [self.tail[start : start + step]]

    def chunked(self) -> Iterator[Pieces]:
        """The bytes as a chunked body in docker's chunk size, with the end mark."""
        yield [b"%x\r\n" % len(self.head), self.head, b"\r\n"]
        group: list[bytes | memoryview] = []
        for start in range(0, len(self.tail), DOCKER_CHUNK):
            piece = self.tail[start : start + DOCKER_CHUNK]
            group += (b"%x\r\n" % len(piece), piece, b"\r\n")
            if len(group) == 3 * _CHUNKS_AT_ONCE:
                yield group
                group = []
        yield [*group, b"0\r\n\r\n"]


class PayloadFile:
    """Random bytes on disk from which payloads of any size up to the file's are cut."""

    def __init__(self, path: Path, size: int) -> None:
        self._path = path
        self._size = size

    @cached_property
    def _view(self) -> memoryview:
        """The file's bytes; it is written when the first payload is wanted."""
        block = bytearray(os.urandom(min(self._size, _BLOCK)))
        with self._path.open("w+b") as file:
            for start in range(0, self._size, _BLOCK):
                block[:8] = start.to_bytes(8, "big")
                file.write(block[: self._size - start])
            file.flush()
            return memoryview(mmap.mmap(file.fileno(), self._size, access=mmap.ACCESS_READ))

    def payload(self, size: int) -> Payload:
        """A payload of `size` bytes that nobody has pushed before."""
        head = os.urandom(min(size, _HEAD))
        tail = self._view[len(head) : size]
        algorithm = hashlib.sha256(head)
        algorithm.update(tail)
        return Payload(head, tail, f"sha256:{algorithm.hexdigest()}")
