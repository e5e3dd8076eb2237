"""An OCI image layout: an image as a folder, as skopeo and others read and write it."""

import json
from pathlib import Path

from tests.support.images import OCI_INDEX, Image, digest_of


def write_layout(folder: Path, image: Image, tag: str) -> str:
    """Write `image` with everything below it; returns what skopeo calls it."""
    for each in image.everything():
        for data in [each.body, *(blob.data for blob in each.blobs)]:
            _write_blob(folder, data)
    top = image.descriptor | {"annotations": {"org.opencontainers.image.ref.name": tag}}
    (folder / "index.json").write_text(
        json.dumps({"schemaVersion": 2, "mediaType": OCI_INDEX, "manifests": [top]})
    )
    (folder / "oci-layout").write_text(json.dumps({"imageLayoutVersion": "1.0.0"}))
    return f"oci:{folder}:{tag}"


def _write_blob(folder: Path, data: bytes) -> None:
    algorithm, _, name = digest_of(data).partition(":")
    path = folder / "blobs" / algorithm / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)
