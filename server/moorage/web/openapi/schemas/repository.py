"""What is said of repositories."""

from collections.abc import Mapping

from moorage.web.openapi.model import Json
from moorage.web.openapi.shapes import COUNT, ID, MOMENT, STORABLE, TEXT, shape, taken, text

_SHOWN: Mapping[str, Json] = {
    "id": ID,
    "project_id": ID,
    "name": {"type": "string", "description": "With the project in front."},
    "description": TEXT,
    "artifact_count": COUNT,
    "pull_count": COUNT,
    "creation_time": MOMENT,
    "update_time": MOMENT,
}

SCHEMAS: Mapping[str, Json] = {
    "Repository": shape(_SHOWN),
    "RepositoryChange": taken(
        {"description": text(most=65_536, pattern=STORABLE)}, needed=("description",), overlooked=_SHOWN
    ),
}
