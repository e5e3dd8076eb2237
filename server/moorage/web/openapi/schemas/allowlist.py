"""Lists of vulnerabilities that are put up with: of the site, and of a project."""

from collections.abc import Mapping

from moorage.projects.allowlist import MAX_ITEMS
from moorage.web.openapi.model import Json
from moorage.web.openapi.shapes import (
    COUNT,
    MOMENT,
    NUMBER,
    STORABLE,
    TEXT,
    array,
    described,
    ref,
    shape,
    taken,
    text,
    whole,
)

_CVE = described(
    text(most=128, pattern=r"^[A-Za-z][A-Za-z0-9]*([-_.:/][A-Za-z0-9]+)+$"),
    "Such as CVE-2024-1234; the same in upper and in lower case, and once on a list.",
)
#: The end of the year 9999.
_LAST_SECOND = 253402300799

SCHEMAS: Mapping[str, Json] = {
    "Allowlist": shape(
        {
            "id": COUNT,
            "project_id": described(COUNT, "0 for the list of the site."),
            "items": array(ref("AllowlistItem")),
            "expires_at": described(NUMBER, "Seconds since 1970; from then on the list allows nothing."),
            "creation_time": MOMENT,
            "update_time": MOMENT,
        },
        optional=("expires_at", "creation_time", "update_time"),
        description="Vulnerabilities that are put up with.",
    ),
    "AllowlistItem": shape(
        {"cve_id": _CVE, "reason": TEXT, "author": TEXT, "creation_time": MOMENT},
        optional=("reason", "author"),
        description="The reason and the author are told to whoever may read the project's metadata.",
    ),
    "AllowlistBody": taken(
        {
            "expires_at": described(whole(-1, _LAST_SECOND), "Seconds since 1970; -1 for no end."),
            "items": {**array(ref("AllowlistItemBody")), "maxItems": MAX_ITEMS},
        },
        overlooked=("id", "project_id", "creation_time", "update_time"),
        description="The whole list; what is left out is empty.",
    ),
    "AllowlistItemBody": taken(
        {"cve_id": _CVE, "reason": text(most=1000, pattern=STORABLE)},
        needed=("cve_id",),
        overlooked=("author", "creation_time"),
    ),
}
