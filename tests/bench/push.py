"""The pushing client, the same for both registries."""

import hashlib
import json
import multiprocessing
import os
import time
from collections.abc import Mapping
from dataclasses import dataclass
from multiprocessing.connection import Connection as Pipe
from multiprocessing.synchronize import Barrier
from urllib.parse import quote

from tests.bench.errors import BenchError
from tests.bench.payload import Payload
from tests.bench.wire import Connection, Response

OCTETS = {"Content-Type": "application/octet-stream"}
_START_SECONDS = 60.0


def push_blob(connection: Connection, repository: str, data: bytes) -> str:
    """Push a small blob in two requests, POST and PUT; gives its digest."""
    digest = f"sha256:{hashlib.sha256(data).hexdigest()}"
    started = connection.request("POST", f"/v2/{repository}/blobs/uploads/").expect(202)
    connection.request("PUT", _closing(started, digest), OCTETS, data).expect(201)
    return digest


def push_streamed(connection: Connection, repository: str, payload: Payload) -> None:
    """Push a large blob as docker does: POST, one PATCH of unknown length in chunks, PUT without a body."""
    started = connection.request("POST", f"/v2/{repository}/blobs/uploads/").expect(202)
    sent = connection.stream("PATCH", _location(started), OCTETS, payload.chunked(), None).expect(202)
    connection.request("PUT", _closing(sent, payload.digest)).expect(201)


def push_whole(connection: Connection, repository: str, payload: Payload) -> None:
    """Push a large blob as oras does: POST, then a PUT that has its length and all its bytes."""
    started = connection.request("POST", f"/v2/{repository}/blobs/uploads/").expect(202)
    target = _closing(started, payload.digest)
    connection.stream("PUT", target, OCTETS, payload.plain(), payload.size).expect(201)


def mount_blob(connection: Connection, repository: str, digest: str, source: str) -> None:
    """Link a blob of another repository.

    Raises:
        BenchError: the registry wanted the bytes instead.
    """
    query = f"mount={quote(digest)}&from={quote(source, safe='')}"
    connection.request("POST", f"/v2/{repository}/blobs/uploads/?{query}").expect(201)


def put_manifest(
    connection: Connection, repository: str, reference: str, manifest: Mapping[str, object]
) -> tuple[str, bytes]:
    """Push a manifest that names its own media type; gives its digest and its bytes."""
    body = json.dumps(manifest, indent=3).encode()
    kind = {"Content-Type": str(manifest["mediaType"])}
    connection.request("PUT", f"/v2/{repository}/manifests/{reference}", kind, body).expect(201)
    return f"sha256:{hashlib.sha256(body).hexdigest()}", body


def _location(response: Response) -> str:
    location = response.headers.get("location", "")
    if not location:
        raise BenchError("the registry said nowhere to go on")
    return location


def _closing(response: Response, digest: str) -> str:
    location = _location(response)
    return f"{location}{'&' if '?' in location else '?'}digest={digest}"


@dataclass(frozen=True, slots=True)
class _Errand:
    """What each pushing process has to do."""

    url: str
    headers: Mapping[str, str]
    repository: str
    seconds: float
    size: int


@dataclass(frozen=True, slots=True)
class _Share:
    """What one pushing process did.

    Attributes:
        pushed: blobs acknowledged.
        began: monotonic seconds, the same clock in all processes.
        ended: when the last of them was acknowledged.
        failure: empty when all went well.
    """

    pushed: int
    began: float
    ended: float
    failure: str


def small_pushes(
    url: str, headers: Mapping[str, str], repository: str, *, workers: int, seconds: float, size: int
) -> float:
    """Push random blobs from several processes, each on its own connection; gives pushes a second.

    Raises:
        BenchError: a push failed, or a process died.
    """
    context = multiprocessing.get_context("fork")
    barrier = context.Barrier(workers)
    errand = _Errand(url, dict(headers), repository, seconds, size)
    started = []
    for _ in range(workers):
        mine, theirs = context.Pipe(duplex=False)
        process = context.Process(target=_push_for, args=(errand, barrier, theirs), daemon=True)
        process.start()
        theirs.close()
        started.append((process, mine))
    shares: list[_Share] = []
    for process, mine in started:
        try:
            shares.append(mine.recv())
        except EOFError:
            raise BenchError("a pushing process died") from None
        process.join()
    failures = [share.failure for share in shares if share.failure]
    if failures:
        raise BenchError(failures[0])
    elapsed = max(share.ended for share in shares) - min(share.began for share in shares)
    return sum(share.pushed for share in shares) / elapsed


def _push_for(errand: _Errand, barrier: Barrier, out: Pipe) -> None:
    pushed, failure = 0, ""
    began = ended = time.monotonic()
    try:
        with Connection(errand.url, errand.headers) as connection:
            connection.request("GET", "/v2/").expect(200)
            barrier.wait(_START_SECONDS)
            began = ended = time.monotonic()
            while ended < began + errand.seconds:
                push_blob(connection, errand.repository, os.urandom(errand.size))
                pushed += 1
                ended = time.monotonic()
    except Exception as error:  # the parent must hear of whatever it was
        barrier.abort()
        failure = f"{type(error).__name__}: {error}"
    out.send(_Share(pushed, began, ended, failure))
