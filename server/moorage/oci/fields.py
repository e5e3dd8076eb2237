"""Reading typed fields out of parsed JSON.

Optional fields that are null count as absent: clients written in Go send them so.
"""

from collections.abc import Mapping

from moorage.oci.errors import ManifestInvalidError
from moorage.oci.mediatypes import is_media_type

_SHOWN = 80


class KnownFields:
    """The field names that the specification gives one kind of object."""

    __slots__ = ("_folded", "_names")

    def __init__(self, *names: str) -> None:
        self._names = frozenset(names)
        self._folded = frozenset(name.casefold() for name in names)

    def refuse_lookalikes(self, holder: Mapping[str, object], where: str) -> None:
        """Refuse keys that differ from a known field only in case.

        Some parsers, Go's among them, would take ``Digest`` for ``digest``: two readers of one
        body would then see different content. Fields that nobody knows stay allowed.

        Raises:
            ManifestInvalidError: there is one.
        """
        for key in holder.keys() - self._names:
            if key.casefold() in self._folded:
                raise ManifestInvalidError(f"{where or 'the manifest'} spells a known field {key[:_SHOWN]!r}")


def member(where: str, name: str) -> str:
    """The place of a field for a message: ``layers[2]`` and ``size`` make ``layers[2].size``."""
    return f"{where}.{name}" if where else name


def read_text(holder: Mapping[str, object], name: str, where: str) -> str:
    """An optional string, "" when absent.

    Raises:
        ManifestInvalidError: it is no string.
    """
    value = holder.get(name)
    if value is None:
        return ""
    if type(value) is not str:
        raise ManifestInvalidError(f"{member(where, name)} is not a string")
    return value


def read_texts(holder: Mapping[str, object], name: str, where: str) -> tuple[str, ...]:
    """An optional array of strings, empty when absent.

    Raises:
        ManifestInvalidError: it is something else.
    """
    value = holder.get(name)
    if value is None:
        return ()
    if type(value) is not list or not all(type(entry) is str for entry in value):
        raise ManifestInvalidError(f"{member(where, name)} is not an array of strings")
    return tuple(value)


def read_media_type(holder: Mapping[str, object], name: str, where: str) -> str:
    """An optional media type, "" when absent.

    Raises:
        ManifestInvalidError: it is no media type.
    """
    value = read_text(holder, name, where)
    if value and not is_media_type(value):
        raise ManifestInvalidError(f"{member(where, name)} is not a media type")
    return value


def read_annotations(holder: Mapping[str, object], where: str) -> dict[str, str]:
    """The optional `annotations`, empty when absent.

    Raises:
        ManifestInvalidError: they are no object, or a value is no string.
    """
    annotations = holder.get("annotations")
    if annotations is None:
        return {}
    place = member(where, "annotations")
    if type(annotations) is not dict:
        raise ManifestInvalidError(f"{place} is not an object")
    for key, value in annotations.items():
        if type(value) is not str:
            raise ManifestInvalidError(f"{place}[{key[:_SHOWN]!r}] is not a string")
    return annotations
