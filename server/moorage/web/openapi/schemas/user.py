"""Accounts of people, and what they log in with."""

from collections.abc import Mapping

from moorage.identity.passwords import MAX_LENGTH, MIN_LENGTH
from moorage.identity.users import MAX_NAME_LENGTH
from moorage.web.openapi.model import Json
from moorage.web.openapi.shapes import (
    FLAG,
    ID,
    MOMENT,
    NUMBER,
    STORABLE,
    TEXT,
    described,
    line,
    shape,
    taken,
    text,
    whole,
)

_FLAGS = ("sysadmin_flag", "admin_role_in_auth")
_NEW_PASSWORD = described(
    text(least=MIN_LENGTH, most=MAX_LENGTH, pattern=STORABLE),
    "With a lower-case and an upper-case letter and a digit.",
)
_PROFILE: Mapping[str, Json] = {
    "email": text(most=255, pattern=r"^([^@\s]+@[^@\s]+)?$"),
    "realname": line(),
    "comment": line(),
}
_TOKEN: Mapping[str, Json] = {
    "id": ID,
    "name": TEXT,
    "hint": described(TEXT, "What its secret begins with."),
    "creation_time": MOMENT,
    "expires_at": described(NUMBER, "Seconds since 1970; -1 for no end."),
    "last_used_time": described(MOMENT, "To the minute; the year 1 if it never was."),
}

SCHEMAS: Mapping[str, Json] = {
    "User": shape(
        {
            "user_id": ID,
            "username": TEXT,
            "email": TEXT,
            "realname": TEXT,
            "comment": TEXT,
            "sysadmin_flag": described(FLAG, "Made a system administrator here."),
            "admin_role_in_auth": described(FLAG, "The directory makes them a system administrator."),
            "creation_time": MOMENT,
            "update_time": MOMENT,
            "moorage": shape({"auditor": FLAG}),
        }
    ),
    "UserFound": shape(
        {"user_id": ID, "username": TEXT},
        optional=("user_id",),
        description="Without a number it is somebody whom only the directory has.",
    ),
    "NewUser": taken(
        {
            "username": text(least=1, most=MAX_NAME_LENGTH, pattern="^[A-Za-z0-9][A-Za-z0-9._@+-]*$"),
            "password": _NEW_PASSWORD,
            **_PROFILE,
        },
        needed=("username", "password"),
        overlooked=_FLAGS,
    ),
    "UserProfile": taken(
        _PROFILE,
        overlooked=(*_FLAGS, "username", "password", "user_id"),
        description="What is left out stays.",
    ),
    "UserAdminBody": taken({"sysadmin_flag": FLAG}, needed=("sysadmin_flag",)),
    "UserAuditorBody": taken({"auditor_flag": FLAG}, needed=("auditor_flag",)),
    "UserPasswordBody": taken(
        {
            "old_password": described(TEXT, "Needed by whoever changes their own."),
            "new_password": _NEW_PASSWORD,
        },
        needed=("new_password",),
    ),
    "UserCliSecretBody": taken({"secret": TEXT}, needed=("secret",)),
    "AccessToken": shape(_TOKEN, description="A personal access token."),
    "AccessTokenCreated": shape(
        {**_TOKEN, "secret": described(TEXT, "Shown this once.")}, description="A personal access token."
    ),
    "NewAccessToken": taken(
        {
            "name": {**line(), "minLength": 1},
            "duration": {
                **whole(-1, 3650),
                "not": {"const": 0},
                "description": "Days; -1 for no end, 30 when nothing is said.",
            },
        },
        needed=("name",),
    ),
    "Session": shape(
        {"user_id": ID, "username": TEXT, "csrf_token": TEXT, "expires_at": MOMENT},
        description="Who logged in, the token that changes have to bring along, and when it ends by itself.",
    ),
    "SessionFound": shape(
        {"user_id": ID, "username": TEXT, "csrf_token": TEXT, "expires_at": MOMENT},
        optional=("user_id", "csrf_token", "expires_at"),
        description="Who is calling; no number for a robot, and the rest for whoever has a session.",
    ),
    "Login": taken(
        {
            "username": {**line(1024), "minLength": 1},
            "password": text(most=1024, pattern=STORABLE),
        },
        needed=("username", "password"),
    ),
}
