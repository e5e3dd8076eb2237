"""The vCenter whose people may log in."""

from collections.abc import Mapping

from moorage.identity.connection import MAX_DOMAINS, MAX_NAME, MAX_PRIVILEGES
from moorage.identity.vsphere_directory import MAX_PASSWORD
from moorage.web.openapi.model import Json
from moorage.web.openapi.shapes import FLAG, MOMENT, TEXT, array, described, line, shape, taken, text

_THUMBPRINT = text(pattern="^([0-9a-f]{64})?$")
_ADDRESS = described(text(least=1), "host or host:port, or its URL.")
_ACCOUNT = described(text(most=MAX_NAME), "The service account, name@domain.")
_PASSWORD = {**line(MAX_PASSWORD), "minLength": 1}
_CA = described(TEXT, "The issuers of its certificate, in PEM.")
_GIVEN_THUMBPRINT = described(TEXT, "SHA-256 of its certificate, whatever stands between the pairs.")

SCHEMAS: Mapping[str, Json] = {
    "Directory": {
        "oneOf": [
            shape({"connected": {"type": "boolean", "const": False}}),
            shape(
                {
                    "connected": {"type": "boolean", "const": True},
                    "address": TEXT,
                    "account": TEXT,
                    "has_password": FLAG,
                    "ca": TEXT,
                    "thumbprint": _THUMBPRINT,
                    "domains": array(TEXT),
                    "admin_privileges": array(TEXT),
                    "admin_group": TEXT,
                    "creation_time": MOMENT,
                    "update_time": MOMENT,
                }
            ),
        ]
    },
    "DirectoryBody": taken(
        {
            "address": _ADDRESS,
            "account": _ACCOUNT,
            "password": described(
                _PASSWORD, "Needed the first time, and when address, account or certificate changes."
            ),
            "ca": _CA,
            "thumbprint": _GIVEN_THUMBPRINT,
            "domains": {
                **array(described(TEXT, "corp.example.com, or corp.example.com=CORP.")),
                "maxItems": MAX_DOMAINS,
            },
            "admin_privileges": {
                **array(described(TEXT, "Such as Authorization.ModifyPermissions.")),
                "description": f"Whoever holds all of them on the root folder administers the registry; "
                f"{MAX_PRIVILEGES} at most.",
            },
            "admin_group": described(TEXT, "name@domain; its people administer the registry."),
            "known_people": described(
                {"type": "string", "enum": ["", "keep", "forget"]},
                "Needed with a new address when people or groups of a directory are known: whether those of "
                "the same names are the same, or all that the known ones were given is taken away first.",
            ),
        },
        needed=("address", "account"),
        overlooked=("connected", "has_password", "creation_time", "update_time"),
        description="The whole connection, with either ca or thumbprint.",
    ),
    "DirectoryPingBody": taken(
        {
            "address": _ADDRESS,
            "account": _ACCOUNT,
            "password": _PASSWORD,
            "ca": _CA,
            "thumbprint": _GIVEN_THUMBPRINT,
        },
        description="Without any field the connection that is kept is tried out.",
    ),
    "DirectoryPing": shape(
        {
            "reachable": {"type": "boolean", "const": True},
            "verified": described(FLAG, "Its certificate is the one that was expected."),
            "logged_in": FLAG,
            "name": TEXT,
            "thumbprint": text(pattern="^[0-9a-f]{64}$"),
            "subject": TEXT,
            "issuer": TEXT,
            "not_after": MOMENT,
        }
    ),
}
