"""Paths below ``.../artifacts/{reference}``: which artifact of which repository they name."""

from typing import TypedDict

import falcon

from moorage.distribution.errors import ManifestUnknownError
from moorage.distribution.model import ManifestSummary, Repository
from moorage.oci.names import parse_reference
from moorage.services import Services
from moorage.web.harbor.paths import repository_of


class ArtifactPath(TypedDict):
    """The fields of such a path, as responders get them."""

    project_name: str
    repository_name: str
    reference: str


def artifact_at(
    services: Services, req: falcon.Request, path: ArtifactPath
) -> tuple[Repository, ManifestSummary]:
    """The artifact that the path names, and the repository it lies in.

    Raises:
        NameInvalidError, TagInvalidError, DigestInvalidError: it can name none.
        NameUnknownError, ManifestUnknownError: there is none.
    """
    within = repository_of(req, services.repositories, path["project_name"], path["repository_name"])
    wanted = parse_reference(path["reference"])
    found = services.manifests.find_summary(within.name, wanted)
    if found is None:
        raise ManifestUnknownError.of(wanted)
    return within, found
