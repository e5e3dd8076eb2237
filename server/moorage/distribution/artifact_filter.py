"""Which artifacts a list shows, and Harbor's words for what they are."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

from moorage.oci import mediatypes

IMAGE, CHART, MODEL, UNKNOWN = "IMAGE", "CHART", "CNAI", "UNKNOWN"

_IMAGE_CONFIGS = frozenset({mediatypes.OCI_CONFIG, mediatypes.DOCKER_CONFIG})
#: Of the CNCF's ModelPack, and what it was called before.
_MODEL_CONFIGS = frozenset(
    {"application/vnd.cncf.model.config.v1+json", "application/vnd.cnai.model.config.v1+json"}
)
_named = re.compile(r"application/vnd\.[^.]+\.(.+)\.config\.[^.]+").fullmatch


def kind_of(media_type: str, config_media_type: str) -> str:
    """Harbor's word for a manifest of that type with a config of that type ("" without one)."""
    if media_type in mediatypes.INDEXES or config_media_type in _IMAGE_CONFIGS:
        return IMAGE
    if config_media_type in _MODEL_CONFIGS:
        return MODEL
    match = _named(config_media_type)
    if match is None:
        return UNKNOWN
    name = match[1].upper()
    return CHART if name == "HELM" else name


@dataclass(frozen=True, slots=True)
class Texts:
    """One of these texts exactly, or else a part whatever its case."""

    values: tuple[str, ...] = ()
    part: str = ""


@dataclass(frozen=True, slots=True)
class Span:
    """From `low` to `high`, both included; None for an open end. Moments are microseconds since 1970."""

    low: int | None = None
    high: int | None = None


@dataclass(frozen=True, slots=True)
class ArtifactFilter:
    """Conditions, all of which an artifact has to meet.

    Attributes:
        tagged: True: it has a tag; False: it has none.
        tags: it has a tag like these.
        texts: by the keys of `artifact_store.TEXTS`.
        spans: by the keys of `artifact_store.SPANS`.
        kinds: one of Harbor's words for what it is; empty for any.
        labels: it bears all of these labels.
        any_labels: it bears one of these; empty for no such condition.
        latest: no listed artifact of its repository was pushed later.
    """

    tagged: bool | None = None
    tags: Texts = Texts()
    texts: Mapping[str, Texts] = field(default_factory=dict)
    spans: Mapping[str, Span] = field(default_factory=dict)
    kinds: tuple[str, ...] = ()
    labels: tuple[int, ...] = ()
    any_labels: tuple[int, ...] = ()
    latest: bool = False


EVERYTHING = ArtifactFilter()
