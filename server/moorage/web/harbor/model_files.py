"""The files of a model as a tree: its layers say which they hold (CNCF model spec, annotations). Pure."""

import json
from collections.abc import Mapping, Sequence

from moorage.oci.descriptor import MAX_SIZE, Descriptor
from moorage.web.harbor.render import Json

#: Annotations with the path of a layer's file; the second is of drafts of the specification.
PATHS = ("org.cncf.model.filepath", "org.cnai.model.filepath")
_METADATA = ("org.cncf.model.file.metadata+json", "org.cnai.model.file.metadata+json")
_MOST_METADATA = 4096
#: A path of more folders is shown as one name.
_DEEPEST = 32


def tree(layers: Sequence[Descriptor]) -> list[Json]:
    """What lies at the top: files with `name`, `type` and `size` in bytes, folders with `children`.

    Layers without a path are left out. A size is that of the file where the layer tells it, else the layer's.
    """
    top: list[Json] = []
    folders: dict[tuple[str, ...], list[Json]] = {(): top}
    for layer in layers:
        path = next((layer.annotations[key] for key in PATHS if layer.annotations.get(key)), "")
        parts = tuple(part for part in path.split("/") if part not in ("", ".", ".."))
        if len(parts) > _DEEPEST:
            parts = ("/".join(parts),)
        if parts:
            _folder(folders, parts[:-1]).append({"name": parts[-1], "type": "file", "size": _size(layer)})
    return top


def _folder(folders: dict[tuple[str, ...], list[Json]], path: tuple[str, ...]) -> list[Json]:
    """What lies in the folder; it is made with all above it."""
    if path not in folders:
        children: list[Json] = []
        _folder(folders, path[:-1]).append({"name": path[-1], "type": "directory", "children": children})
        folders[path] = children
    return folders[path]


def _size(layer: Descriptor) -> int:
    for key in _METADATA:
        told = _told(layer.annotations.get(key, "")).get("size")
        if isinstance(told, int) and not isinstance(told, bool) and 0 <= told <= MAX_SIZE:
            return told
    return layer.size


def _told(text: str) -> Mapping[str, object]:
    if not text or len(text) > _MOST_METADATA:
        return {}
    try:
        found = json.loads(text)
    except (ValueError, RecursionError):
        return {}
    return found if isinstance(found, dict) else {}
