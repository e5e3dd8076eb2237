"""A stock of images that share layers: pushed, deleted and pushed again, the same bytes meet each other."""

import gzip
import json
import random
from collections.abc import Sequence

from tests.support.images import OCI_CONFIG, OCI_LAYER, Blob, Image, digest_of, index, manifest, tar_of

_LAYERS = 40
_LAYER_BYTES = (500, 4_000, 60_000)
_BIG_BYTES = 1_500_000


class Stock:
    """The same images for the same seed, whoever asks.

    Attributes:
        images: each of one to three layers out of a few, so that any layer is in several images.
        indexes: of two images each, which are not among `images`: an index keeps what it lists.
    """

    def __init__(self, seed: int, images: int = 100, indexes: int = 10) -> None:
        chance = random.Random(seed)
        sizes = [chance.choice(_LAYER_BYTES) for _ in range(_LAYERS - 1)] + [_BIG_BYTES]
        tars = [tar_of({f"file-{number}": chance.randbytes(size)}) for number, size in enumerate(sizes)]
        pictured = [_image(chance.sample(tars, chance.randint(1, 3)), n) for n in range(images + 2 * indexes)]
        self.images, children = pictured[:images], pictured[images:]
        self.indexes = [index(children[2 * number :][:2], note=number) for number in range(indexes)]


def _image(tars: Sequence[bytes], number: int) -> Image:
    config = {
        "architecture": "amd64",
        "os": "linux",
        "config": {"Labels": {"number": str(number)}},
        "rootfs": {"type": "layers", "diff_ids": [digest_of(each) for each in tars]},
        "history": [{"created_by": "test"} for _ in tars],
    }
    layers = [Blob(gzip.compress(each, 1, mtime=0), OCI_LAYER) for each in tars]
    platform = {"architecture": "amd64", "os": "linux", "variant": f"v{number}"}
    return manifest(Blob(json.dumps(config).encode(), OCI_CONFIG), layers, platform=platform)
