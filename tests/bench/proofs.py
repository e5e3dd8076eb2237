"""Looking at one real answer before thousands of them are counted."""

import hashlib
import json
import re
from collections.abc import Iterator, Mapping

from tests.bench.errors import BenchError
from tests.bench.wire import Connection

_NEXT = re.compile(r'<([^>]+)>\s*;\s*rel="?next"?')


def prove_bytes(connection: Connection, path: str, headers: Mapping[str, str], expected: bytes) -> None:
    """See that `path` answers 200 with exactly these bytes.

    Raises:
        BenchError: it does not.
    """
    answer = connection.request("GET", path, headers).expect(200)
    if answer.body != expected:
        raise BenchError(f"{path} answered other bytes than were pushed")


def prove_digest(connection: Connection, path: str, digest: str, size: int) -> None:
    """See that `path` answers 200 with `size` bytes of this SHA-256 digest.

    Raises:
        BenchError: it does not.
    """
    algorithm, received = hashlib.sha256(), 0

    def take(piece: memoryview) -> None:
        nonlocal received
        algorithm.update(piece)
        received += len(piece)

    connection.request("GET", path, sink=take).expect(200)
    if (received, f"sha256:{algorithm.hexdigest()}") != (size, digest):
        raise BenchError(f"{path} answered {received} bytes, not the {size} that were pushed")


def prove_list(connection: Connection, start: str, key: str, at_least: int) -> str:
    """See that a list has enough names, each once; says in how many pages and whether they are in order.

    Raises:
        BenchError: it has not.
    """
    pages = [json.loads(body)[key] for body in walk(connection, start)]
    names = [name for page in pages for name in page]
    if len(names) < at_least:
        raise BenchError(f"{start} listed {len(names)} names of {at_least}")
    if len(names) != len(set(names)):
        raise BenchError(f"{start} listed names twice")
    order = "" if names == sorted(names) else ", not in order"
    return f"{len(pages)} page{'s' if len(pages) > 1 else ''}{order}"


def walk(connection: Connection, start: str) -> Iterator[bytes]:
    """The bodies of a list's pages, following the links to the next.

    Raises:
        BenchError: a page was not answered 200.
    """
    path = start
    while path:
        answer = connection.request("GET", path).expect(200)
        yield answer.body
        link = _NEXT.search(answer.headers.get("link", ""))
        path = link.group(1) if link else ""
