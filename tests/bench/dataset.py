"""What is stored in both registries before anything is measured: the same bytes under the same names."""

import json
import random
import sys
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from tests.bench.payload import Payload, PayloadFile
from tests.bench.push import mount_blob, push_blob, push_whole, put_manifest
from tests.bench.target import PROJECT, Target, pull, push
from tests.bench.wire import Connection

OCI_MANIFEST = "application/vnd.oci.image.manifest.v1+json"
IMAGE = f"{PROJECT}/app"
BLOBS = f"{PROJECT}/blobs"
TAGS = f"{PROJECT}/tags"
PUSHED = f"{PROJECT}/pushed"
_LAYERS = 8
_FILLERS = 8
_REPOSITORIES_A_TOKEN = 20
_EMPTY = b"{}"


@dataclass(frozen=True, slots=True)
class Sizes:
    """How much is stored and pushed.

    Attributes:
        tags: tags of the repository with many tags.
        repositories: repositories in the catalog, beside the few that the other rows use.
        huge: bytes of the blob that is read as `blob_1g`.
        big: bytes of a big push.
        garbage: blobs and manifests, half of each garbage, that a collection goes through.
        large: tags of the repository in which manifests are deleted.
    """

    tags: int = 10_000
    repositories: int = 10_000
    huge: int = 1 << 30
    big: int = 512 << 20
    garbage: tuple[int, int] = (100_000, 10_000)
    large: int = 60_000


class Dataset:
    """Fills a registry through its API, each part once and only when a row asks for it."""

    def __init__(self, payloads: PayloadFile, sizes: Sizes) -> None:
        self.sizes = sizes
        self.payloads = payloads
        self.manifest_digest = ""
        self.manifest_body = b""
        self._blobs: dict[int, Payload] = {}
        self._filled: set[tuple[str, str]] = set()
        random_layers = random.Random(20)
        self._layers = [random_layers.randbytes(4096) for _ in range(_LAYERS)]

    def blob(self, size: int) -> Payload:
        """The blob of `size` bytes that both registries hold."""
        if size not in self._blobs:
            self._blobs[size] = self.payloads.payload(size)
        return self._blobs[size]

    def fill_image(self, target: Target) -> None:
        """One image of eight layers under the tag `latest`."""
        if self._begin(target, "image"):
            config = {"architecture": "amd64", "os": "linux", "rootfs": {"type": "layers", "diff_ids": []}}
            with target.connect(push(IMAGE)) as connection:
                manifest = {
                    "schemaVersion": 2,
                    "mediaType": OCI_MANIFEST,
                    "config": _descriptor(
                        connection, "application/vnd.oci.image.config.v1+json", json.dumps(config).encode()
                    ),
                    "layers": [
                        _descriptor(connection, "application/vnd.oci.image.layer.v1.tar+gzip", layer)
                        for layer in self._layers
                    ],
                }
                answer = put_manifest(connection, IMAGE, "latest", manifest)
            self.manifest_digest, self.manifest_body = answer

    def fill_blob(self, target: Target, size: int) -> None:
        """One blob of `size` bytes."""
        if self._begin(target, f"blob {size}"):
            with target.connect(push(BLOBS)) as connection:
                push_whole(connection, BLOBS, self.blob(size))

    def fill_tags(self, target: Target) -> None:
        """One repository with very many tags of one artifact."""
        if not self._begin(target, "tags"):
            return
        with target.connect(push(TAGS)) as connection:
            push_blob(connection, TAGS, _EMPTY)

        def tag_them(connection: Connection, numbers: Sequence[int]) -> None:
            for number in numbers:
                put_manifest(connection, TAGS, f"v{number:05d}", _artifact())

        shares = [range(first, self.sizes.tags, _FILLERS) for first in range(_FILLERS)]
        _fill("tags", target, shares, lambda _: [push(TAGS)], tag_them)

    def fill_catalog(self, target: Target) -> None:
        """Very many repositories of one artifact each; its blob is mounted, not sent."""
        if not self._begin(target, "catalog"):
            return
        with target.connect(push(IMAGE)) as connection:
            digest = push_blob(connection, IMAGE, _EMPTY)

        def make_them(connection: Connection, numbers: Sequence[int]) -> None:
            for number in numbers:
                mount_blob(connection, repository(number), digest, IMAGE)
                put_manifest(connection, repository(number), "latest", _artifact())

        def scopes(numbers: Sequence[int]) -> list[str]:
            return [pull(IMAGE), *(push(repository(number)) for number in numbers)]

        step = _REPOSITORIES_A_TOKEN
        every = range(self.sizes.repositories)
        shares = [every[first : first + step] for first in range(0, len(every), step)]
        _fill("repositories", target, shares, scopes, make_them)

    def _begin(self, target: Target, part: str) -> bool:
        if (target.name, part) in self._filled:
            return False
        self._filled.add((target.name, part))
        return True


def repository(number: int) -> str:
    """The name of one of the many repositories: all directly in their project, as most projects have them.

    The peer walks folders for its catalog. Spread over a hundred folders, the same names would make its first
    page ten times as fast and leave the later pages as they are.
    """
    return f"{PROJECT}/service-{number:05d}"


def _descriptor(connection: Connection, media_type: str, data: bytes) -> dict[str, object]:
    return {"mediaType": media_type, "digest": push_blob(connection, IMAGE, data), "size": len(data)}


def _artifact() -> dict[str, object]:
    """The smallest artifact the image specification knows: one empty blob is configuration and layer."""
    empty = {
        "mediaType": "application/vnd.oci.empty.v1+json",
        "digest": "sha256:44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a",
        "size": len(_EMPTY),
    }
    return {
        "schemaVersion": 2,
        "mediaType": OCI_MANIFEST,
        "artifactType": "application/vnd.moorage.bench.v1",
        "config": empty,
        "layers": [empty],
    }


def _fill(
    what: str,
    target: Target,
    shares: Sequence[Sequence[int]],
    scopes: Callable[[Sequence[int]], list[str]],
    work: Callable[[Connection, Sequence[int]], None],
) -> None:
    """Do `work` for every share of numbers, several at a time, and say how long it took."""

    def do(numbers: Sequence[int]) -> None:
        with target.connect(*scopes(numbers)) as connection:
            work(connection, numbers)

    began = time.monotonic()
    with ThreadPoolExecutor(_FILLERS) as pool:
        list(pool.map(do, shares))
    count = sum(len(share) for share in shares)
    elapsed = time.monotonic() - began
    print(f"  {target.name}: {count} {what} in {elapsed:.1f} s", file=sys.stderr)
