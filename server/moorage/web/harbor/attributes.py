"""What the config of an artifact says of it: ``extra_attrs``."""

from collections.abc import Mapping

from moorage.distribution.artifact_filter import CHART, IMAGE, MODEL
from moorage.distribution.details import Detail
from moorage.distribution.model import ManifestSummary
from moorage.distribution.reading import Reading
from moorage.web.harbor import contents

#: Configs above this size are left out of lists: a page shows up to a hundred.
LISTED_BYTES = 64 * 1024
SINGLE_BYTES = 1024 * 1024
_IMAGE_FIELDS = ("architecture", "os", "variant", "created", "author", "config")


def attributes_of(
    reading: Reading, found: ManifestSummary, detail: Detail, most_bytes: int
) -> Mapping[str, object]:
    """Of an image what it runs on and how; of a chart or a model its whole description.

    Args:
        most_bytes: a larger config is not read.
    """
    kind = contents.kind(found)
    if detail.config is None or kind not in (IMAGE, CHART, MODEL):
        return {}
    document = reading.document(detail.config, most_bytes) or {}
    names = _IMAGE_FIELDS if kind == IMAGE else tuple(document)
    return {name: document[name] for name in names if document.get(name) not in (None, "")}
