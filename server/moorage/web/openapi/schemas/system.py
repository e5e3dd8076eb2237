"""The state of the registry and what it tells everybody."""

from collections.abc import Mapping

from moorage.web.openapi.model import Json
from moorage.web.openapi.shapes import COUNT, FLAG, MOMENT, TEXT, array, one_of, shape

_HEALTH = one_of("healthy", "unhealthy")

SCHEMAS: Mapping[str, Json] = {
    "Health": shape(
        {
            "status": _HEALTH,
            "components": array(
                shape(
                    {"name": TEXT, "status": _HEALTH, "error": TEXT, "warning": TEXT},
                    optional=["error", "warning"],
                )
            ),
        }
    ),
    "SystemInfo": shape(
        {
            "auth_mode": TEXT,
            "primary_auth_mode": FLAG,
            "self_registration": FLAG,
            "external_url": TEXT,
            "registry_url": TEXT,
            "project_creation_restriction": one_of("everyone", "adminonly"),
            "has_ca_root": FLAG,
            "read_only": FLAG,
            "notification_enable": FLAG,
            "registry_storage_provider_name": TEXT,
            "banner_message": TEXT,
            "current_time": MOMENT,
            "harbor_version": TEXT,
        },
        optional=["harbor_version"],
    ),
    "Volumes": shape({"storage": array(shape({"total": COUNT, "free": COUNT}))}),
}
