"""Descriptors: how manifests point at content (image-spec 1.1, descriptor.md)."""

import base64
from collections.abc import Mapping
from dataclasses import dataclass, field

from moorage.oci.digest import Digest, DigestInvalidError, digest_of
from moorage.oci.errors import ManifestInvalidError
from moorage.oci.fields import KnownFields, read_annotations, read_media_type, read_text, read_texts

#: What the databases' 64-bit integers hold.
MAX_SIZE = 2**63 - 1

_PLAIN = {"mediaType", "digest", "size"}
_FIELDS = KnownFields(
    "mediaType", "digest", "size", "urls", "annotations", "data", "artifactType", "platform"
)
_PLATFORM_FIELDS = KnownFields("architecture", "os", "os.version", "os.features", "variant", "features")


@dataclass(frozen=True, slots=True)
class Platform:
    """What an image in an index runs on (image-index.md); "" where the descriptor says nothing."""

    architecture: str
    os: str
    os_version: str = ""
    os_features: tuple[str, ...] = ()
    variant: str = ""


@dataclass(frozen=True, slots=True)
class Descriptor:
    """A pointer at content.

    Attributes:
        size: of the content, in bytes, 0 to 2^63-1.
        artifact_type: "" when the descriptor has none.
        urls: where else the content may be had.
    """

    media_type: str
    digest: Digest
    size: int
    artifact_type: str = ""
    annotations: Mapping[str, str] = field(default_factory=dict, hash=False)
    platform: Platform | None = None
    urls: tuple[str, ...] = ()


def parse_descriptor(value: object, where: str) -> Descriptor:
    """Read a descriptor out of parsed JSON.

    Args:
        where: its place in the body, for the message; for instance ``layers[2]``.

    Raises:
        ManifestInvalidError: a field is missing, has a wrong type or value, or `data` is not the
            content that digest and size promise.
    """
    if type(value) is not dict:
        raise ManifestInvalidError(f"{where} is not an object")
    media_type = read_media_type(value, "mediaType", where)
    if not media_type:
        raise ManifestInvalidError(f"{where}.mediaType is missing")
    digest = _digest(value.get("digest"), where)
    size = value.get("size")
    if type(size) is not int or not 0 <= size <= MAX_SIZE:
        raise ManifestInvalidError(f"{where}.size is missing or not an integer from 0 to 2^63-1")
    if value.keys() == _PLAIN:  # nearly every layer
        return Descriptor(media_type, digest, size)
    _FIELDS.refuse_lookalikes(value, where)
    if value.get("data") is not None:
        _check_data(value["data"], digest, size, where)
    return Descriptor(
        media_type,
        digest,
        size,
        read_media_type(value, "artifactType", where),
        read_annotations(value, where),
        _platform(value.get("platform"), where),
        read_texts(value, "urls", where),
    )


def _digest(value: object, where: str) -> Digest:
    if type(value) is not str:
        raise ManifestInvalidError(f"{where}.digest is missing or not a string")
    try:
        return Digest.parse(value)
    except DigestInvalidError as error:
        raise ManifestInvalidError(f"{where}.digest: {error.message}") from error


def _check_data(data: object, digest: Digest, size: int, where: str) -> None:
    if type(data) is not str:
        raise ManifestInvalidError(f"{where}.data is not a string")
    try:
        content = base64.b64decode(data, validate=True)
    except ValueError as error:
        raise ManifestInvalidError(f"{where}.data is not base64") from error
    if len(content) != size:
        raise ManifestInvalidError(f"{where}.data has {len(content)} bytes, its size says {size}")
    if digest_of(content, digest.algorithm) != digest:
        raise ManifestInvalidError(f"{where}.data does not have the digest beside it")


def _platform(value: object, where: str) -> Platform | None:
    if value is None:
        return None
    where = f"{where}.platform"
    if type(value) is not dict:
        raise ManifestInvalidError(f"{where} is not an object")
    _PLATFORM_FIELDS.refuse_lookalikes(value, where)
    return Platform(
        read_text(value, "architecture", where),
        read_text(value, "os", where),
        read_text(value, "os.version", where),
        read_texts(value, "os.features", where),
        read_text(value, "variant", where),
    )
