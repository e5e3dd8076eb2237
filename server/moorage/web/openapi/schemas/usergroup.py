"""Groups of the directory."""

from collections.abc import Mapping

from moorage.web.openapi.model import Json
from moorage.web.openapi.shapes import ID, TEXT, described, shape, taken, text

_TYPE: Json = {"type": "integer", "const": 2, "description": "A group that a name identifies."}

SCHEMAS: Mapping[str, Json] = {
    "UserGroup": shape(
        {"id": ID, "group_name": TEXT, "group_type": _TYPE, "ldap_group_dn": {"const": ""}},
    ),
    "UserGroupFound": shape(
        {"id": ID, "group_name": TEXT, "group_type": _TYPE},
        optional=("id",),
        description="Without a number it is a group that only the directory has.",
    ),
    "UserGroupBody": taken(
        {
            "group_name": described(TEXT, "In any form that the directory knows."),
            "group_type": {"type": "integer", "enum": [0, 2]},
            "ldap_group_dn": text(most=0),
        },
        needed=("group_name",),
        overlooked=("id",),
    ),
}
