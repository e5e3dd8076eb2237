"""Manifests: an image (or any artifact) and an index of manifests, from exact bytes.

Image-spec 1.1 (manifest.md, image-index.md) and Docker's schema 2. Nothing here writes a body:
what a client pushed is kept byte for byte.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from moorage.oci.descriptor import MAX_SIZE, Descriptor, parse_descriptor
from moorage.oci.errors import ManifestInvalidError, ManifestTooLargeError
from moorage.oci.fields import KnownFields, read_annotations, read_media_type
from moorage.oci.mediatypes import (
    DOCKER,
    INDEXES,
    MANIFESTS,
    OCI_ARTIFACT,
    SCHEMA1,
    is_foreign,
    of_content_type,
)
from moorage.oci.strictjson import JsonInvalidError, parse

__all__ = (
    "MAX_DESCRIPTORS",
    "MAX_MANIFEST_BYTES",
    "ImageIndex",
    "ImageManifest",
    "ManifestInvalidError",
    "ManifestTooLargeError",
    "parse_manifest",
)

#: The least that the distribution-spec asks a registry to take, and what most of them take.
MAX_MANIFEST_BYTES = 4 * 1024 * 1024
#: Layers of one image or children of one index: each becomes a row in one transaction.
MAX_DESCRIPTORS = 10_000

_SCHEMA_VERSION = 2
_FIELDS = KnownFields(
    "schemaVersion",
    "mediaType",
    "artifactType",
    "config",
    "layers",
    "manifests",
    "subject",
    "annotations",
    "fsLayers",
)


@dataclass(frozen=True, slots=True)
class ImageManifest:
    """A manifest with a config and layers: an image, or any other artifact.

    Attributes:
        artifact_type: the manifest's own, else the media type of its config.
        size_bytes: of the body, the config and every layer, as the descriptors say.
    """

    media_type: str
    artifact_type: str
    config: Descriptor
    layers: tuple[Descriptor, ...]
    size_bytes: int
    subject: Descriptor | None = None
    annotations: Mapping[str, str] = field(default_factory=dict, hash=False)

    @property
    def required_blobs(self) -> tuple[Descriptor, ...]:
        """The config and the layers, each digest once, without those that are not distributed."""
        layers = (layer for layer in self.layers if not is_foreign(layer.media_type))
        return _once_each((self.config, *layers))


@dataclass(frozen=True, slots=True)
class ImageIndex:
    """A list of manifests, usually one a platform.

    Attributes:
        artifact_type: the index's own, "" when it has none.
        size_bytes: of the body and every child, as the descriptors say.
    """

    media_type: str
    artifact_type: str
    manifests: tuple[Descriptor, ...]
    size_bytes: int
    subject: Descriptor | None = None
    annotations: Mapping[str, str] = field(default_factory=dict, hash=False)

    @property
    def required_manifests(self) -> tuple[Descriptor, ...]:
        """The children that are manifests, each digest once."""
        return _once_each(child for child in self.manifests if child.media_type in MANIFESTS)

    @property
    def required_blobs(self) -> tuple[Descriptor, ...]:
        """The children that are no manifests: build caches list their layers in an index."""
        return _once_each(
            child
            for child in self.manifests
            if child.media_type not in MANIFESTS and not is_foreign(child.media_type)
        )


def parse_manifest(body: bytes, media_type: str | None) -> ImageManifest | ImageIndex:
    """Read a manifest as strictly as the strictest client would.

    Args:
        body: the exact bytes.
        media_type: the request's ``Content-Type``, parameters and all; None or "" when it has
            none, and the body's own `mediaType` decides.

    Raises:
        ManifestTooLargeError: more than `MAX_MANIFEST_BYTES`.
        ManifestInvalidError: anything else that is wrong with it; the message names the place.
    """
    if len(body) > MAX_MANIFEST_BYTES:
        raise ManifestTooLargeError(
            f"a manifest has at most {MAX_MANIFEST_BYTES} bytes, this one {len(body)}"
        )
    sent_as = of_content_type(media_type)
    _check_known(sent_as)
    try:
        document = parse(body)
    except JsonInvalidError as error:
        raise ManifestInvalidError(error.message) from error
    _FIELDS.refuse_lookalikes(document, "")
    kind = _media_type(document, sent_as)
    if _version(document) != _SCHEMA_VERSION:
        raise ManifestInvalidError("schemaVersion is missing or not 2")
    read = _read_index if kind in INDEXES else _read_image
    return read(document, kind, len(body))


def _check_known(media_type: str) -> None:
    if not media_type or media_type in MANIFESTS:
        return
    if media_type in SCHEMA1:
        raise ManifestInvalidError("Docker image manifest schema 1 is not supported; push schema 2 or OCI")
    if media_type == OCI_ARTIFACT:
        raise ManifestInvalidError(
            "the OCI artifact manifest was withdrawn; push an OCI image manifest with artifactType"
        )
    raise ManifestInvalidError(f"media type {media_type[:255]!r} is no manifest that is supported here")


def _version(document: Mapping[str, object]) -> int | None:
    version = document.get("schemaVersion")
    return version if type(version) is int else None  # neither 2.0 nor true


def _media_type(document: Mapping[str, object], sent_as: str) -> str:
    """The one kind that header and body agree on."""
    if "fsLayers" in document or _version(document) == 1:
        _check_known(next(iter(SCHEMA1)))
    own = document.get("mediaType")
    if own is not None and type(own) is not str:
        raise ManifestInvalidError("mediaType is not a string")
    _check_known(own or "")
    if not own:
        if not sent_as:
            raise ManifestInvalidError(
                "neither Content-Type nor mediaType says what kind of manifest this is"
            )
        if sent_as in DOCKER:
            raise ManifestInvalidError(f"a body sent as {sent_as} must have that mediaType itself")
        return sent_as
    if sent_as and own != sent_as:
        raise ManifestInvalidError(f"the body has mediaType {own}, but was sent as {sent_as}")
    return own


def _read_image(document: Mapping[str, object], kind: str, body_bytes: int) -> ImageManifest:
    _refuse_other_kind(document, kind, ("manifests",))
    if "config" not in document:
        raise ManifestInvalidError("config is missing")
    config = parse_descriptor(document["config"], "config")
    layers = _descriptors(document, "layers")
    return ImageManifest(
        media_type=kind,
        artifact_type=read_media_type(document, "artifactType", "") or config.media_type,
        config=config,
        layers=layers,
        size_bytes=_total(body_bytes, (config, *layers)),
        subject=_subject(document),
        annotations=read_annotations(document, ""),
    )


def _read_index(document: Mapping[str, object], kind: str, body_bytes: int) -> ImageIndex:
    _refuse_other_kind(document, kind, ("config", "layers"))
    manifests = _descriptors(document, "manifests")
    return ImageIndex(
        media_type=kind,
        artifact_type=read_media_type(document, "artifactType", ""),
        manifests=manifests,
        size_bytes=_total(body_bytes, manifests),
        subject=_subject(document),
        annotations=read_annotations(document, ""),
    )


def _refuse_other_kind(document: Mapping[str, object], kind: str, fields: Iterable[str]) -> None:
    """The same bytes must not be an image to one client and an index to another."""
    for name in fields:
        if name in document:
            raise ManifestInvalidError(f"a body of type {kind} must not have {name!r}")


def _descriptors(document: Mapping[str, object], name: str) -> tuple[Descriptor, ...]:
    if name not in document:
        raise ManifestInvalidError(f"{name} is missing")
    values = document[name]
    if values is None:
        return ()
    if type(values) is not list:
        raise ManifestInvalidError(f"{name} is not an array")
    if len(values) > MAX_DESCRIPTORS:
        raise ManifestInvalidError(f"{name} has {len(values)} entries; at most {MAX_DESCRIPTORS} are allowed")
    return tuple([parse_descriptor(value, f"{name}[{index}]") for index, value in enumerate(values)])


def _subject(document: Mapping[str, object]) -> Descriptor | None:
    value = document.get("subject")
    return None if value is None else parse_descriptor(value, "subject")


def _total(body_bytes: int, descriptors: Iterable[Descriptor]) -> int:
    """The sum of the sizes, after looking that one digest has one size only."""
    sizes: dict[str, int] = {}
    total = body_bytes
    for descriptor in descriptors:
        if sizes.setdefault(descriptor.digest.hex, descriptor.size) != descriptor.size:
            raise ManifestInvalidError(f"{descriptor.digest} is given two different sizes")
        total += descriptor.size
    if total > MAX_SIZE:
        raise ManifestInvalidError("the sizes add up to more than 2^63-1 bytes")
    return total


def _once_each(descriptors: Iterable[Descriptor]) -> tuple[Descriptor, ...]:
    return tuple({descriptor.digest: descriptor for descriptor in descriptors}.values())
