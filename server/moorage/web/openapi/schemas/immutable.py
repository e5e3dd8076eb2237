"""What is said of rules by which tags stay as they are."""

from collections.abc import Mapping

from moorage.web.openapi.model import Json
from moorage.web.openapi.shapes import FLAG, ID, array, one_of, ref, shape, taken, whole

_PRIORITY = whole(0, 2**31 - 1)


def _one(name: str) -> Json:
    """A list of exactly one."""
    return {**array(ref(name)), "minItems": 1, "maxItems": 1}


_TAKEN: Mapping[str, Json] = {
    "priority": _PRIORITY,
    "disabled": FLAG,
    "action": one_of("immutable", ""),
    "template": one_of("immutable_template", ""),
    "tag_selectors": _one("NewImmutableTagSelector"),
    "scope_selectors": shape({"repository": _one("NewImmutableRepositorySelector")}),
}
_OVERLOOKED = ("id", "project_id", "params")

SCHEMAS: Mapping[str, Json] = {
    "ImmutableRule": shape(
        {
            "id": ID,
            "priority": _PRIORITY,
            "disabled": FLAG,
            "action": {"const": "immutable"},
            "template": {"const": "immutable_template"},
            "tag_selectors": _one("ImmutableTagSelector"),
            "scope_selectors": shape({"repository": _one("ImmutableRepositorySelector")}),
        }
    ),
    "NewImmutableRule": taken(_TAKEN, needed=("tag_selectors", "scope_selectors"), overlooked=_OVERLOOKED),
    "ImmutableRuleChange": taken(_TAKEN, overlooked=_OVERLOOKED, description="What is left out stays."),
}
