"""What is said of labels."""

from collections.abc import Mapping

from moorage.web.openapi.model import Json
from moorage.web.openapi.shapes import COUNT, ID, MOMENT, STORABLE, TEXT, one_of, shape, taken, text, whole

_CONTROL = "\\u0000-\\u001f\\u007f-\\u009f\\u2028\\u2029"
_SCOPE: Json = one_of("g", "p")
_SHOWN: Mapping[str, Json] = {
    "id": ID,
    "name": TEXT,
    "description": TEXT,
    "color": {"type": "string", "pattern": "^(#([0-9A-Fa-f]{3}|[0-9A-Fa-f]{6}))?$"},
    "scope": {**_SCOPE, "description": "g: everybody's; p: of one project."},
    "project_id": {**COUNT, "description": "0 for everybody's."},
    "creation_time": MOMENT,
    "update_time": MOMENT,
}
_TAKEN: Mapping[str, Json] = {
    "name": text(least=1, most=128, pattern=f"^[^\\s{_CONTROL}]([^{_CONTROL}]*[^\\s{_CONTROL}])?$"),
    "description": text(most=1024, pattern=STORABLE),
    "color": _SHOWN["color"],
    "scope": _SCOPE,
    "project_id": whole(0, 2**53),
}
_EVERYBODYS: Json = {"properties": {"scope": {"enum": ["g", None]}, "project_id": {"enum": [0, None]}}}
_OF_A_PROJECT: Json = {
    "properties": {"scope": {"enum": ["p", None]}, "project_id": {"type": "integer", "minimum": 1}},
    "required": ["project_id"],
}
_OVERLOOKED = ("id", "creation_time", "update_time", "deleted")

SCHEMAS: Mapping[str, Json] = {
    "Label": shape(_SHOWN),
    "NewLabel": {
        **taken(_TAKEN, needed=("name",), overlooked=_OVERLOOKED),
        "anyOf": [_EVERYBODYS, _OF_A_PROJECT],
        "description": "Everybody's without project_id, else that project's; scope may say so too.",
    },
    "LabelChange": taken(
        {**_TAKEN, "scope": one_of("", "g", "p")},
        overlooked=_OVERLOOKED,
        description="What is left out stays; a label keeps its scope and its project.",
    ),
    "LabelChoice": taken({"id": whole(0, 2**53)}, needed=("id",), overlooked=(*_TAKEN, *_OVERLOOKED)),
}
