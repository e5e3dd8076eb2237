"""Many small images, every second one without a tag: what a collector is measured on."""

import hashlib
import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from tests.bench.dataset import OCI_MANIFEST
from tests.bench.errors import BenchError
from tests.bench.target import PROJECT

_MANIFESTS_A_REPOSITORY = 100
_CONFIG = "application/vnd.oci.image.config.v1+json"
_LAYER = "application/vnd.oci.image.layer.v1.tar+gzip"
_PADDING = b"." * 180


def digest_of(data: bytes) -> str:
    """SHA-256 as registries write it."""
    return f"sha256:{hashlib.sha256(data).hexdigest()}"


@dataclass(frozen=True, slots=True)
class GarbageImage:
    """One image, that shares nothing with any other.

    Attributes:
        tag: empty for garbage.
        blobs: by digest, the configuration first.
    """

    repository: str
    tag: str
    body: bytes
    blobs: dict[str, bytes]

    @property
    def digest(self) -> str:
        """Of the manifest."""
        return digest_of(self.body)


@dataclass(frozen=True, slots=True)
class Garbage:
    """How much of it; half of all manifests and half of all blobs are garbage.

    Attributes:
        blobs: in all, the same number for each manifest.
        manifests: in all, an even number for each repository.
    """

    blobs: int = 100_000
    manifests: int = 10_000

    def __post_init__(self) -> None:
        step = 2 * _MANIFESTS_A_REPOSITORY
        if self.manifests < step or self.manifests % step or self.blobs % self.manifests:
            raise BenchError(f"{self.blobs} blobs of {self.manifests} manifests do not come out even")

    @property
    def repositories(self) -> list[str]:
        """Names, in order."""
        count = max(1, self.manifests // _MANIFESTS_A_REPOSITORY)
        return [f"{PROJECT}/garbage-{number:04d}" for number in range(count)]

    @property
    def live_blobs(self) -> int:
        """How many must be left."""
        return self.blobs // 2

    def images(self) -> Iterator[GarbageImage]:
        """All images, always the same; the live ones come first."""
        names = self.repositories
        for number in range(self.manifests):
            tag = f"v{number}" if number < self.manifests // 2 else ""
            yield self._image(number, names[number % len(names)], tag)

    def live_images(self, most: int) -> list[GarbageImage]:
        """The first images, which no collector may touch."""
        names = self.repositories
        return [
            self._image(number, names[number % len(names)], f"v{number}")
            for number in range(min(most, self.manifests // 2))
        ]

    def last_image(self) -> GarbageImage:
        """An image that every collector must remove."""
        number, names = self.manifests - 1, self.repositories
        return self._image(number, names[number % len(names)], "")

    def _image(self, number: int, repository: str, tag: str) -> GarbageImage:
        config = json.dumps({"architecture": "amd64", "os": "linux", "image": number}).encode()
        layers = [
            b"layer %d of %d " % (layer, number) + _PADDING
            for layer in range(self.blobs // self.manifests - 1)
        ]
        return image_of(repository, tag, [config, *layers])


def image_of(repository: str, tag: str, contents: Sequence[bytes], note: str = "") -> GarbageImage:
    """An image of these blobs, the configuration first; another `note` makes another manifest."""
    blobs = {digest_of(data): data for data in contents}
    first, *others = blobs
    document = {
        "schemaVersion": 2,
        "mediaType": OCI_MANIFEST,
        "config": _descriptor(_CONFIG, first, blobs[first]),
        "layers": [_descriptor(_LAYER, digest, blobs[digest]) for digest in others],
        "annotations": {"note": note},
    }
    return GarbageImage(repository, tag, json.dumps(document).encode(), blobs)


def _descriptor(media_type: str, digest: str, data: bytes) -> dict[str, object]:
    return {"mediaType": media_type, "digest": digest, "size": len(data)}
