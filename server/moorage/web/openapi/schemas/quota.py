"""How much projects may hold, and how much they do."""

from collections.abc import Mapping

from moorage.sizes import LARGEST
from moorage.web.openapi.model import Json
from moorage.web.openapi.shapes import COUNT, FLAG, ID, MOMENT, TEXT, described, ref, shape, taken, whole

SCHEMAS: Mapping[str, Json] = {
    "Quota": shape(
        {
            "id": described(ID, "The number of the project."),
            "ref": shape({"id": ID, "name": TEXT, "owner_name": TEXT}, description="The project."),
            "hard": ref("QuotaLimit"),
            "used": ref("QuotaUsed"),
            "near_limit": described(FLAG, "85 % of the limit are used, or more."),
            "creation_time": MOMENT,
            "update_time": MOMENT,
        }
    ),
    "QuotaLimit": shape({"storage": described(whole(-1, LARGEST), "Bytes; -1 for no limit.")}),
    "QuotaUsed": shape({"storage": described(COUNT, "Bytes.")}),
    "QuotaBody": taken(
        {
            "hard": taken(
                {
                    "storage": {
                        **whole(-1, LARGEST),
                        "not": {"const": 0},
                        "description": "Bytes; -1 for no limit.",
                    }
                },
                needed=("storage",),
            )
        },
        needed=("hard",),
    ),
}
