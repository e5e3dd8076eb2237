"""Bodies of manifests for the tests of this folder."""

import json

from moorage.oci.digest import digest_of
from moorage.oci.mediatypes import (
    DOCKER_CONFIG,
    DOCKER_MANIFEST,
    DOCKER_MANIFEST_LIST,
    OCI_CONFIG,
    OCI_EMPTY,
    OCI_INDEX,
    OCI_MANIFEST,
)

OCI_LAYER = "application/vnd.oci.image.layer.v1.tar+gzip"
DOCKER_LAYER = "application/vnd.docker.image.rootfs.diff.tar.gzip"
SBOM = "application/vnd.example.sbom.v1+json"

Json = dict[str, object]


def digest(content: str = "content") -> str:
    return str(digest_of(content.encode()))


def descriptor(content: str = "content", media_type: str = OCI_LAYER, **fields: object) -> Json:
    made: Json = {"mediaType": media_type, "digest": digest(content), "size": len(content)}
    return {**made, **fields}


def image(**fields: object) -> Json:
    """An OCI image; a field of None is left out."""
    return _without_none(
        {
            "schemaVersion": 2,
            "mediaType": OCI_MANIFEST,
            "config": descriptor("config", OCI_CONFIG),
            "layers": [descriptor("first"), descriptor("second")],
            **fields,
        }
    )


def index(**fields: object) -> Json:
    """An OCI index; a field of None is left out."""
    platform = {"architecture": "amd64", "os": "linux"}
    return _without_none(
        {
            "schemaVersion": 2,
            "mediaType": OCI_INDEX,
            "manifests": [descriptor("child", OCI_MANIFEST, platform=platform)],
            **fields,
        }
    )


def docker_image(**fields: object) -> Json:
    layers = [descriptor("first", DOCKER_LAYER)]
    config = descriptor("config", DOCKER_CONFIG)
    return image(**{"mediaType": DOCKER_MANIFEST, "config": config, "layers": layers, **fields})


def docker_list(**fields: object) -> Json:
    platform = {"architecture": "arm64", "os": "windows", "os.version": "10.0", "os.features": ["win32k"]}
    children = [descriptor("child", DOCKER_MANIFEST, platform=platform)]
    return index(**{"mediaType": DOCKER_MANIFEST_LIST, "manifests": children, **fields})


def artifact(**fields: object) -> Json:
    """An artifact that refers to an image, with the empty config."""
    empty = descriptor("{}", OCI_EMPTY, data="e30=")
    subject = descriptor("child", OCI_MANIFEST)
    return image(**{"artifactType": SBOM, "config": empty, "layers": [empty], "subject": subject, **fields})


def encoded(document: object) -> bytes:
    return json.dumps(document).encode()


def _without_none(document: Json) -> Json:
    return {key: value for key, value in document.items() if value is not None}
