"""Tiny images, indexes and artifacts, each different from every other, for tests to push."""

import gzip
import hashlib
import io
import json
import os
import tarfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

OCI_MANIFEST = "application/vnd.oci.image.manifest.v1+json"
OCI_INDEX = "application/vnd.oci.image.index.v1+json"
OCI_CONFIG = "application/vnd.oci.image.config.v1+json"
OCI_LAYER = "application/vnd.oci.image.layer.v1.tar+gzip"
OCI_EMPTY = "application/vnd.oci.empty.v1+json"
DOCKER_MANIFEST = "application/vnd.docker.distribution.manifest.v2+json"
DOCKER_LIST = "application/vnd.docker.distribution.manifest.list.v2+json"
DOCKER_CONFIG = "application/vnd.docker.container.image.v1+json"
DOCKER_LAYER = "application/vnd.docker.image.rootfs.diff.tar.gzip"
HELM_CONFIG = "application/vnd.cncf.helm.config.v1+json"
HELM_LAYER = "application/vnd.cncf.helm.chart.content.v1.tar+gzip"
EMPTY_JSON = b"{}"
SBOM = "application/spdx+json"

Document = dict[str, object]


def digest_of(data: bytes, algorithm: str = "sha256") -> str:
    """The digest as a client writes it, taken without the code under test."""
    return f"{algorithm}:{hashlib.new(algorithm, data).hexdigest()}"


@dataclass(frozen=True, slots=True)
class Blob:
    """Bytes with the media type that descriptors give them."""

    data: bytes
    media_type: str

    @property
    def digest(self) -> str:
        return digest_of(self.data)

    @property
    def descriptor(self) -> Document:
        return {"mediaType": self.media_type, "digest": self.digest, "size": len(self.data)}


@dataclass(frozen=True, slots=True)
class Image:
    """A manifest with everything below it.

    Attributes:
        body: the exact bytes of the manifest.
        blobs: config first, then layers; empty for an index.
        children: manifests of an index.
        platform: for the index that lists it.
    """

    body: bytes
    media_type: str
    blobs: tuple[Blob, ...] = ()
    children: tuple["Image", ...] = ()
    platform: Mapping[str, str] = field(default_factory=dict)

    @property
    def digest(self) -> str:
        return digest_of(self.body)

    @property
    def document(self) -> Document:
        found: Document = json.loads(self.body)
        return found

    @property
    def descriptor(self) -> Document:
        found: Document = {"mediaType": self.media_type, "digest": self.digest, "size": len(self.body)}
        return found | ({"platform": dict(self.platform)} if self.platform else {})

    @property
    def layers(self) -> tuple[Blob, ...]:
        return self.blobs[1:]

    def everything(self) -> Iterator["Image"]:
        """Children before their parents, as they have to be pushed."""
        for child in self.children:
            yield from child.everything()
        yield self


def tar_of(files: Mapping[str, bytes]) -> bytes:
    """An uncompressed tar archive; no file of it depends on the time or the account."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as archive:
        for name, data in files.items():
            entry = tarfile.TarInfo(name)
            entry.size = len(data)
            archive.addfile(entry, io.BytesIO(data))
    return buffer.getvalue()


def tar_file(folder: Path, size_bytes: int = 4000) -> Path:
    """A root file system of one random file, for `docker import` and `podman import`."""
    path = folder / f"rootfs-{os.urandom(4).hex()}.tar"
    path.write_bytes(tar_of({"marker": os.urandom(size_bytes)}))
    return path


def image(
    *,
    layers: int = 1,
    layer_bytes: int = 1000,
    docker: bool = False,
    architecture: str = "amd64",
    subject: Image | None = None,
    annotations: Mapping[str, str] | None = None,
) -> Image:
    """A runnable-looking image of random layers, in OCI's or in Docker's media types."""
    tars = [tar_of({f"file-{number}": os.urandom(layer_bytes)}) for number in range(layers)]
    config = {
        "architecture": architecture,
        "os": "linux",
        "config": {},
        "rootfs": {"type": "layers", "diff_ids": [digest_of(each) for each in tars]},
        "history": [{"created_by": "test"} for _ in tars],
    }
    packed = [Blob(gzip.compress(each, mtime=0), DOCKER_LAYER if docker else OCI_LAYER) for each in tars]
    return manifest(
        Blob(_encoded(config), DOCKER_CONFIG if docker else OCI_CONFIG),
        packed,
        media_type=DOCKER_MANIFEST if docker else OCI_MANIFEST,
        platform={"architecture": architecture, "os": "linux"},
        **_optional(subject=subject, annotations=annotations),
    )


def artifact(
    artifact_type: str = SBOM, *, subject: Image | None = None, annotations: Mapping[str, str] | None = None
) -> Image:
    """Something that is no image: a manifest with the empty config, one random blob, perhaps a subject."""
    return manifest(
        Blob(EMPTY_JSON, OCI_EMPTY),
        [Blob(os.urandom(200), artifact_type)],
        artifactType=artifact_type,
        **_optional(subject=subject, annotations=annotations),
    )


def chart(
    files: Mapping[str, bytes] | None = None, *, layer: bytes | None = None, **described: object
) -> Image:
    """A Helm chart with these files; `layer` takes the place of the archive of them."""
    config = {"name": "app", "version": os.urandom(4).hex(), "apiVersion": "v2", **described}
    packed = gzip.compress(tar_of(files or {"app/values.yaml": b"replicas: 1\n"}), mtime=0)
    return manifest(
        Blob(_encoded(config), HELM_CONFIG), [Blob(packed if layer is None else layer, HELM_LAYER)]
    )


def manifest(
    config: Blob,
    layers: Sequence[Blob],
    *,
    media_type: str = OCI_MANIFEST,
    platform: Mapping[str, str] | None = None,
    **more: object,
) -> Image:
    """A manifest of exactly these blobs; `more` are further fields of the document."""
    document = {
        "schemaVersion": 2,
        "mediaType": media_type,
        "config": config.descriptor,
        "layers": [each.descriptor for each in layers],
        **more,
    }
    return Image(_encoded(document), media_type, (config, *layers), platform=platform or {})


def index(children: Sequence[Image], *, docker: bool = False, **more: object) -> Image:
    """An index (or Docker's manifest list) of these children."""
    media_type = DOCKER_LIST if docker else OCI_INDEX
    document = {
        "schemaVersion": 2,
        "mediaType": media_type,
        "manifests": [each.descriptor for each in children],
        **more,
    }
    return Image(_encoded(document), media_type, children=tuple(children))


def multi_platform(*, docker: bool = False) -> Image:
    """An index of the same thing for two architectures."""
    return index([image(docker=docker, architecture=each) for each in ("amd64", "arm64")], docker=docker)


def _optional(*, subject: Image | None, annotations: Mapping[str, str] | None) -> Document:
    found: Document = {}
    if subject is not None:
        found["subject"] = {key: subject.descriptor[key] for key in ("mediaType", "digest", "size")}
    if annotations is not None:
        found["annotations"] = dict(annotations)
    return found


def _encoded(document: Mapping[str, object]) -> bytes:
    return json.dumps(document, separators=(",", ":")).encode()
