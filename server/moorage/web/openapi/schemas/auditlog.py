"""What is said of entries of the log."""

from collections.abc import Mapping

from moorage.audit.model import Result
from moorage.identity.model import PrincipalKind
from moorage.web.openapi.model import Json
from moorage.web.openapi.shapes import FLAG, ID, MOMENT, TEXT, nullable, one_of, shape

_OLD: Mapping[str, Json] = {
    "id": ID,
    "username": TEXT,
    "resource": TEXT,
    "resource_type": TEXT,
    "operation": TEXT,
    "op_time": MOMENT,
}

SCHEMAS: Mapping[str, Json] = {
    "AuditLog": shape(_OLD),
    "AuditLogExt": shape(
        {
            **_OLD,
            "operation_description": TEXT,
            "operation_result": FLAG,
            "moorage": shape(
                {
                    "actor_kind": one_of(*PrincipalKind, "system"),
                    "address": TEXT,
                    "user_agent": TEXT,
                    "request_id": TEXT,
                    "operation": {"type": "string", "description": "A verb and a noun."},
                    "project_id": nullable(ID),
                    "project": TEXT,
                    "repository": TEXT,
                    "tag": TEXT,
                    "digest": TEXT,
                    "result": one_of(*Result),
                    "detail": TEXT,
                }
            ),
        }
    ),
    "AuditEvent": shape({"event_type": TEXT}),
}
