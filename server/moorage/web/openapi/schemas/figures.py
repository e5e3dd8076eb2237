"""What a search finds, and how much there is."""

from collections.abc import Mapping

from moorage.web.openapi.model import Json
from moorage.web.openapi.shapes import COUNT, FLAG, ID, TEXT, array, described, ref, shape

_COUNTS = ("public_project_count", "public_repo_count", "private_project_count", "private_repo_count")
_TOTALS: Mapping[str, Json] = {
    "total_project_count": COUNT,
    "total_repo_count": COUNT,
    "total_storage_consumption": described(COUNT, "Bytes."),
}

SCHEMAS: Mapping[str, Json] = {
    "SearchResult": shape(
        {
            "project": {**array(ref("ProjectFound")), "maxItems": 100},
            "repository": {**array(ref("RepositoryFound")), "maxItems": 100},
        }
    ),
    "RepositoryFound": shape(
        {
            "project_id": ID,
            "project_name": TEXT,
            "project_public": FLAG,
            "repository_name": TEXT,
            "pull_count": COUNT,
            "artifact_count": COUNT,
        }
    ),
    "Statistics": shape(
        {**{name: COUNT for name in _COUNTS}, **_TOTALS},
        optional=tuple(_TOTALS),
        description="The totals are for system administrators.",
    ),
}
