"""Digests: what content is called (image-spec 1.1, descriptor.md, "Digests")."""

import hashlib
import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Protocol

from moorage.errors import Invalid


class Hasher(Protocol):
    """What `hashlib` makes: a running hash."""

    @property
    def name(self) -> str:
        """The algorithm."""

    def update(self, data: bytes | bytearray | memoryview, /) -> None:
        """Take in more bytes."""

    def digest(self) -> bytes:
        """The hash of everything so far."""

    def hexdigest(self) -> str:
        """The same in lower-case hex digits."""


#: The registered algorithms that this registry stores; hex digits each of them writes.
_HEX_LENGTHS = {"sha256": 64, "sha512": 128}
ALGORITHMS = tuple(_HEX_LENGTHS)

# Content is addressed by its bytes, not for secrecy: FIPS builds need to be told.
_HASHERS: dict[str, Callable[[], Hasher]] = {
    "sha256": partial(hashlib.sha256, usedforsecurity=False),
    "sha512": partial(hashlib.sha512, usedforsecurity=False),
}
_DIGEST = re.compile(r"(sha256):([0-9a-f]{64})|(sha512):([0-9a-f]{128})").fullmatch
_SHOWN = 160


class DigestInvalidError(Invalid):
    """The text is no digest, or content does not have the digest that was promised."""

    code = "DIGEST_INVALID"


@dataclass(frozen=True, slots=True, order=True)
class Digest:
    """The digest of some content; `str` writes it as ``algorithm:hex``.

    The constructor trusts its caller (a hash object, a row that was parsed once); text from
    outside goes through `parse`.

    Attributes:
        algorithm: one of `ALGORITHMS`.
        hex: lower case, 64 or 128 digits by the algorithm.
    """

    algorithm: str
    hex: str

    @classmethod
    def parse(cls, text: str) -> "Digest":
        """Read ``sha256:<64 lower-case hex digits>`` or ``sha512:<128>``.

        Raises:
            DigestInvalidError: anything else; the message says what is wrong with it.
        """
        match = _DIGEST(text)
        if match is None:
            raise DigestInvalidError(_complaint(text), {"digest": text[:_SHOWN]})
        sha256_hex = match[2]
        return cls("sha256", sha256_hex) if sha256_hex else cls("sha512", match[4])

    @classmethod
    def read(cls, text: str) -> "Digest":
        """Read what `str` wrote into a row of ours; looks at nothing, and costs little."""
        algorithm, _, encoded = text.partition(":")
        return cls(algorithm, encoded)

    def __str__(self) -> str:
        return f"{self.algorithm}:{self.hex}"


def hasher(algorithm: str) -> Hasher:
    """A running hash object of the algorithm.

    Raises:
        DigestInvalidError: it is none of `ALGORITHMS`.
    """
    try:
        return _HASHERS[algorithm]()
    except KeyError:
        raise DigestInvalidError(_unsupported(algorithm)) from None


def digest_of(data: bytes, algorithm: str = "sha256") -> Digest:
    """The digest of `data`.

    Raises:
        DigestInvalidError: `algorithm` is none of `ALGORITHMS`.
    """
    running = hasher(algorithm)
    running.update(data)
    return Digest(algorithm, running.hexdigest())


def _unsupported(algorithm: str) -> str:
    return f"digest algorithm {algorithm[:_SHOWN]!r} is not supported; use {' or '.join(ALGORITHMS)}"


def _complaint(text: str) -> str:
    if not text:
        return "the digest is empty"
    algorithm, colon, encoded = text.partition(":")
    if not colon:
        return f"digest {text[:_SHOWN]!r} has no algorithm; it is written <algorithm>:<hex>"
    length = _HEX_LENGTHS.get(algorithm)
    if length is None:
        return _unsupported(algorithm)
    if len(encoded) != length:
        return f"a {algorithm} digest has {length} hex digits, this one {len(encoded)}"
    return f"a {algorithm} digest is written in the digits 0-9 and a-f, lower case only"
