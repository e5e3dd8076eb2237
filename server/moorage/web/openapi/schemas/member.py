"""Who has which role in a project."""

from collections.abc import Mapping

from moorage.web.openapi.model import Json
from moorage.web.openapi.shapes import COUNT, ID, TEXT, described, one_of, shape, taken, text, whole

_ROLE = described(
    whole(1, 5), "1 project administrator, 2 developer, 3 guest, 4 maintainer, 5 limited guest."
)
_ONE_OF_THEM = [
    {"required": [name], "properties": {name: {"type": "object"}}} for name in ("member_user", "member_group")
]


def _by(number: str, name: str, fields: Mapping[str, Json]) -> Json:
    """Somebody by number or by name; the number 0 is none."""
    return {
        **taken(
            {number: COUNT, name: TEXT, **fields},
            description="By number, or by name; the directory is asked for a name that is not known.",
        ),
        "anyOf": [
            {"required": [number], "properties": {number: ID}},
            {"required": [name], "properties": {name: TEXT}},
        ],
    }


SCHEMAS: Mapping[str, Json] = {
    "Member": shape(
        {
            "id": ID,
            "project_id": ID,
            "entity_name": TEXT,
            "entity_id": ID,
            "entity_type": described(one_of("u", "g"), "A user or a group."),
            "role_name": one_of("projectAdmin", "maintainer", "developer", "guest", "limitedGuest"),
            "role_id": _ROLE,
        }
    ),
    "NewMember": {
        **taken(
            {
                "role_id": _ROLE,
                "member_user": _by("user_id", "username", {}),
                "member_group": _by(
                    "id",
                    "group_name",
                    {"group_type": {"type": "integer", "enum": [0, 2]}, "ldap_group_dn": text(most=0)},
                ),
            },
            needed=("role_id",),
            description="A role for either a user or a group.",
        ),
        "oneOf": _ONE_OF_THEM,
    },
    "MemberChange": taken({"role_id": _ROLE}, needed=("role_id",)),
}
