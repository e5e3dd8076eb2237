"""What is said of scanners, and what they say of themselves."""

from collections.abc import Mapping

from moorage.scanners.document import (
    AUTHS,
    ECHOED,
    MAX_CREDENTIAL,
    MAX_DESCRIPTION,
    MAX_NAME,
    MAX_URL,
)
from moorage.scanners.model import Auth
from moorage.web.openapi.model import Json
from moorage.web.openapi.shapes import (
    FLAG,
    MOMENT,
    STORABLE,
    TEXT,
    array,
    one_of,
    shape,
    taken,
    text,
    texts_by_name,
)

_UUID: Json = {"type": "string", "format": "uuid"}
_EVERYBODYS: Mapping[str, Json] = {
    "uuid": _UUID,
    "name": TEXT,
    "description": TEXT,
    "disabled": FLAG,
    "is_default": FLAG,
    "create_time": MOMENT,
    "update_time": MOMENT,
}
_ADMINISTRATORS: Mapping[str, Json] = {
    "url": TEXT,
    "auth": one_of(*Auth),
    "skip_certVerify": FLAG,
    "use_internal_addr": FLAG,
}

SCHEMAS: Mapping[str, Json] = {
    "Scanner": shape({**_EVERYBODYS, **_ADMINISTRATORS}),
    "ProjectScanner": shape(
        {**_EVERYBODYS, **_ADMINISTRATORS},
        optional=list(_ADMINISTRATORS),
        description="Where a scanner is and how it is spoken to is told to system administrators alone.",
    ),
    "NewScanner": taken(
        {
            "name": text(least=1, most=MAX_NAME, pattern="^[^\\u0000]*\\S[^\\u0000]*$"),
            "url": {
                **text(most=MAX_URL, pattern="^[Hh][Tt][Tt][Pp][Ss]?://[^?#@]+$"),
                "description": "What /api/v1/metadata is added to.",
            },
            "description": text(most=MAX_DESCRIPTION, pattern=STORABLE),
            "auth": {**one_of(*AUTHS), "default": Auth.NONE.value},
            "access_credential": {
                **text(most=MAX_CREDENTIAL, pattern=STORABLE),
                "writeOnly": True,
                "description": "name:password for Basic, else a token or a key in printable ASCII.",
            },
            "skip_certVerify": {**FLAG, "default": False},
            "use_internal_addr": {**FLAG, "default": False},
            "disabled": {**FLAG, "default": False},
        },
        needed=("name", "url"),
        overlooked=ECHOED,
    ),
    "ScannerMetadata": shape(
        {
            "scanner": shape({"name": TEXT, "vendor": TEXT, "version": TEXT}),
            "capabilities": array(
                shape(
                    {
                        "type": TEXT,
                        "consumes_mime_types": array(TEXT),
                        "produces_mime_types": array(TEXT),
                    }
                )
            ),
            "properties": texts_by_name(),
        }
    ),
}
