"""Accounts for machines, and what can be given to them."""

from collections.abc import Mapping

from moorage.identity.robot_terms import (
    MAX_DESCRIPTION,
    MAX_DURATION_DAYS,
    MAX_NAME_LENGTH,
    MAX_SECRET_LENGTH,
    MIN_SECRET_LENGTH,
)
from moorage.projects.rules import ROBOT_RIGHTS, SYSTEM_ROBOT_RIGHTS
from moorage.web.harbor.render import OUTSIDE
from moorage.web.openapi.model import Json
from moorage.web.openapi.shapes import (
    FLAG,
    ID,
    MOMENT,
    NUMBER,
    TEXT,
    array,
    described,
    line,
    one_of,
    ref,
    shape,
    taken,
    text,
    whole,
)

_RIGHTS = ROBOT_RIGHTS | SYSTEM_ROBOT_RIGHTS
_RESOURCE = one_of(*sorted({right.resource for right in _RIGHTS}))
_ACTION = one_of(*sorted({right.action for right in _RIGHTS}))
_LEVEL = one_of("project", "system")
_NAMESPACE = described(TEXT, "The name of a project, * for all there are and will be, / outside projects.")
_EXPIRY = described(NUMBER, "Seconds since 1970; -1 for no end.")
_OVERLOOKED = (
    *("id", "secret", "editable", "expires_at"),
    *("creation_time", "update_time", "creator_type", "creator_ref"),
)
_PERMISSIONS = {**array(ref("RobotPermissionBody")), "minItems": 1, "maxItems": 500}


def _permission(kind: str, namespace: Json) -> Json:
    """What a robot is to be allowed in one place."""
    right = taken(
        {"resource": _RESOURCE, "action": _ACTION, "effect": one_of("", "allow")},
        needed=("resource", "action"),
    )
    return taken(
        {"kind": {"const": kind}, "namespace": namespace, "access": {**array(right), "maxItems": 200}},
        needed=("kind", "namespace"),
    )


SCHEMAS: Mapping[str, Json] = {
    "Right": shape({"resource": TEXT, "action": TEXT}, description="Something that one may do."),
    "RobotRight": shape({"resource": _RESOURCE, "action": _ACTION}),
    "RobotRights": shape(
        {"system": array(ref("RobotRight")), "project": array(ref("RobotRight"))},
        description="What robots can be given, outside projects and inside.",
    ),
    "RobotPermission": shape({"kind": _LEVEL, "namespace": _NAMESPACE, "access": array(ref("RobotRight"))}),
    "Robot": shape(
        {
            "id": ID,
            "name": described(TEXT, "robot$project+name, or robot$name for one of the system."),
            "description": TEXT,
            "level": _LEVEL,
            "duration": described(whole(-1, MAX_DURATION_DAYS), "Days since it was made; -1 for no end."),
            "editable": {"const": True},
            "disable": FLAG,
            "expires_at": _EXPIRY,
            "permissions": array(ref("RobotPermission")),
            "creation_time": MOMENT,
            "update_time": MOMENT,
        }
    ),
    "RobotCreated": shape(
        {
            "id": ID,
            "name": TEXT,
            "secret": described(TEXT, "Shown this once."),
            "creation_time": MOMENT,
            "expires_at": _EXPIRY,
        }
    ),
    "RobotPermissionBody": {
        "oneOf": [
            _permission("project", described(text(least=1), "The name of a project, or * for all of them.")),
            _permission("system", {"const": OUTSIDE}),
        ]
    },
    "NewRobot": taken(
        {
            "name": text(least=1, most=MAX_NAME_LENGTH, pattern=r"^[a-z0-9]+([._-][a-z0-9]+)*$"),
            "description": line(MAX_DESCRIPTION),
            "level": described(_LEVEL, "project when nothing is said."),
            "disable": FLAG,
            "duration": {
                **whole(-1, MAX_DURATION_DAYS),
                "not": {"const": 0},
                "description": "Days; -1 for no end, and what the settings say when nothing is said.",
            },
            "permissions": _PERMISSIONS,
        },
        needed=("name", "permissions"),
        overlooked=_OVERLOOKED,
    ),
    "RobotChange": taken(
        {
            "name": described(TEXT, "As it is called, with what stands in front or without."),
            "description": line(MAX_DESCRIPTION),
            "level": described(_LEVEL, "As it is."),
            "disable": FLAG,
            "duration": described(
                whole(-1, MAX_DURATION_DAYS), "Days since it was made; -1 or 0 for no end."
            ),
            "permissions": _PERMISSIONS,
        },
        overlooked=_OVERLOOKED,
        description="What is left out stays.",
    ),
    "RobotSecretBody": taken(
        {
            "secret": {
                "anyOf": [
                    {"const": ""},
                    {**line(MAX_SECRET_LENGTH), "minLength": MIN_SECRET_LENGTH},
                ],
                "description": "With a lower-case and an upper-case letter and a digit; empty or left out "
                "to have one made.",
            }
        }
    ),
    "RobotSecret": shape({"secret": described(TEXT, "Shown this once.")}),
}
