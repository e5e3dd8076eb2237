"""Patterns that choose repositories and tags, as rules of immutability and of retention have them."""

from collections.abc import Mapping

from moorage.web.openapi.model import Json
from moorage.web.openapi.shapes import TEXT, one_of, shape, taken, text

_KIND = one_of("doublestar")
_TAGS = one_of("matches", "excludes")
_REPOSITORIES = one_of("repoMatches", "repoExcludes")
_PATTERN = text(least=1, most=1024, pattern="^[ -~]*$")
_EXTRAS: Json = {
    "type": "string",
    "description": 'Empty, or {"untagged": true} or false as text: whether artifacts without any tag count.',
}


def _shown(decoration: Json, extras: Json | None = None) -> Json:
    more = {} if extras is None else {"extras": extras}
    return shape({"kind": _KIND, "decoration": decoration, "pattern": TEXT, **more})


SCHEMAS: Mapping[str, Json] = {
    "ImmutableTagSelector": _shown(_TAGS, {"const": ""}),
    "ImmutableRepositorySelector": _shown(_REPOSITORIES, {"const": ""}),
    "NewImmutableTagSelector": taken(
        {"kind": _KIND, "decoration": _TAGS, "pattern": _PATTERN, "extras": TEXT}, needed=("pattern",)
    ),
    "NewImmutableRepositorySelector": taken(
        {"kind": _KIND, "decoration": _REPOSITORIES, "pattern": _PATTERN, "extras": TEXT},
        needed=("pattern",),
    ),
    "RetentionTagSelector": _shown(_TAGS, one_of('{"untagged":true}', '{"untagged":false}')),
    "RetentionRepositorySelector": _shown(_REPOSITORIES),
    "NewRetentionTagSelector": taken(
        {"kind": _KIND, "decoration": _TAGS, "pattern": _PATTERN, "extras": _EXTRAS},
        needed=("kind", "decoration", "pattern"),
    ),
    "NewRetentionRepositorySelector": taken(
        {"kind": _KIND, "decoration": _REPOSITORIES, "pattern": _PATTERN, "extras": _EXTRAS},
        needed=("kind", "decoration", "pattern"),
    ),
}
