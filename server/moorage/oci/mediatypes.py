"""Media types of manifests and layers (image-spec 1.1, media-types.md; Docker's schema 2)."""

import re
from functools import lru_cache

OCI_MANIFEST = "application/vnd.oci.image.manifest.v1+json"
OCI_INDEX = "application/vnd.oci.image.index.v1+json"
OCI_CONFIG = "application/vnd.oci.image.config.v1+json"
OCI_EMPTY = "application/vnd.oci.empty.v1+json"
#: Withdrawn before image-spec 1.1 was final; an image manifest with `artifactType` took its place.
OCI_ARTIFACT = "application/vnd.oci.artifact.manifest.v1+json"

DOCKER_MANIFEST = "application/vnd.docker.distribution.manifest.v2+json"
DOCKER_MANIFEST_LIST = "application/vnd.docker.distribution.manifest.list.v2+json"
DOCKER_CONFIG = "application/vnd.docker.container.image.v1+json"
DOCKER_SCHEMA1 = "application/vnd.docker.distribution.manifest.v1+json"
DOCKER_SCHEMA1_SIGNED = "application/vnd.docker.distribution.manifest.v1+prettyjws"
DOCKER_FOREIGN_LAYER = "application/vnd.docker.image.rootfs.foreign.diff.tar.gzip"
OCI_FOREIGN_LAYER = "application/vnd.oci.image.layer.nondistributable.v1.tar"

IMAGES = frozenset({OCI_MANIFEST, DOCKER_MANIFEST})
INDEXES = frozenset({OCI_INDEX, DOCKER_MANIFEST_LIST})
#: What a client may push to ``/manifests/``.
MANIFESTS = IMAGES | INDEXES
#: The types whose bodies must say their own `mediaType`; in OCI's it may be left out.
DOCKER = frozenset({DOCKER_MANIFEST, DOCKER_MANIFEST_LIST})
SCHEMA1 = frozenset({DOCKER_SCHEMA1, DOCKER_SCHEMA1_SIGNED})
#: Layers whose bytes stay with their publisher (Windows base layers); OCI's come with suffixes
#: for compression and encryption, ``+gzip`` and the like.
_FOREIGN = frozenset({DOCKER_FOREIGN_LAYER, "application/vnd.docker.image.rootfs.foreign.diff.tar"})

#: Longer ones are refused: RFC 6838 allows 127 characters on either side of the slash.
MAX_LENGTH = 255
# RFC 6838 section 4.2, then parameters, which some signing tools put into their types.
_RESTRICTED = r"[A-Za-z0-9][A-Za-z0-9!#$&^_.+-]{0,126}"
_media_type = re.compile(rf"{_RESTRICTED}/{_RESTRICTED}(?:[ ]?;[ -~]*)?").fullmatch


def is_foreign(media_type: str) -> bool:
    """Whether the bytes of such a layer must not be demanded."""
    return media_type in _FOREIGN or media_type.partition("+")[0] == OCI_FOREIGN_LAYER


def is_media_type(text: str) -> bool:
    """Whether `text` is a well-formed media type."""
    return len(text) <= MAX_LENGTH and _is_well_formed(text)


def of_content_type(header: str | None) -> str:
    """The media type in a ``Content-Type`` header: without parameters, lower case, "" if absent."""
    return header.partition(";")[0].strip().lower() if header else ""


# A registry sees the same few types all day.
@lru_cache(maxsize=512)
def _is_well_formed(text: str) -> bool:
    return _media_type(text) is not None
