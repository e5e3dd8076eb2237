"""All queries of the registry's room, by noun."""

from moorage.distribution.artifact_store import ArtifactStore
from moorage.distribution.manifest_store import ManifestStore
from moorage.distribution.repository_store import RepositoryStore
from moorage.distribution.tag_store import TagStore


class DistributionStore:
    """Everything but blobs and uploads, which `blob_store` and `upload_store` have."""

    def __init__(self) -> None:
        self.repositories = RepositoryStore()
        self.manifests = ManifestStore()
        self.artifacts = ArtifactStore()
        self.tags = TagStore()
