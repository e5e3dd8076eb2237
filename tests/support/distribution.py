"""The registry's room on a real database and a real folder, without anything above it."""

import json
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TypeVar

from moorage import events as happened
from moorage.clock import Clock
from moorage.db.connection import is_postgresql
from moorage.distribution.blob_store import BlobStore
from moorage.distribution.blobs import Blobs
from moorage.distribution.capacity import Capacity
from moorage.distribution.catalog import Catalog
from moorage.distribution.catalog_store import CatalogStore
from moorage.distribution.locks import AdvisoryDigestLocks, DigestLocks, FileDigestLocks
from moorage.distribution.manifests import Manifests
from moorage.distribution.overview_store import OverviewStore
from moorage.distribution.pulls import Pulls
from moorage.distribution.referrers import Referrers
from moorage.distribution.repositories import Repositories
from moorage.distribution.spool import Spool, Spooled
from moorage.distribution.storage import BlobStorage, FilesystemStorage
from moorage.distribution.store import DistributionStore
from moorage.distribution.tags import Tags
from moorage.distribution.upload_store import UploadStore
from moorage.distribution.uploads import Uploads
from moorage.distribution.usage import Usage
from moorage.distribution.usage_store import UsageStore
from moorage.events import Actor, Event, Events
from moorage.oci.digest import Digest, digest_of
from moorage.oci.names import RepositoryName, Tag
from moorage.projects.immutability import Immutability
from moorage.projects.immutability_store import ImmutabilityStore
from moorage.projects.quota_store import QuotaStore
from moorage.projects.quotas import Quotas
from moorage.projects.store import ProjectStore
from moorage.projects.tables import ProjectRow
from tests.support.images import OCI_CONFIG, OCI_INDEX, OCI_LAYER, OCI_MANIFEST

E = TypeVar("E", bound=Event)

ALICE = Actor("user:1", "user", "alice", "192.0.2.1")
BOB = Actor("user:2", "user", "bob", "192.0.2.2")
APP = RepositoryName("library/app")
OTHER = RepositoryName("library/other")
LEASE = timedelta(hours=24)
EPOCH = datetime(2026, 1, 1, tzinfo=UTC)


class Distribution:
    """Every use case, over the bound database and `folder`; a second one over both is another process.

    Args:
        project_id: of a project that is there already; None makes ``library``.
    """

    def __init__(
        self,
        folder: Path,
        clock: Clock,
        *,
        project_id: int | None = None,
        open_limit: int = 1000,
        reserve_bytes: int = 0,
        sparse_indexes: bool = False,
        storage: BlobStorage | None = None,
    ) -> None:
        self.told: list[Event] = []
        self.clock = clock
        self.events = Events()
        for kind in vars(happened).values():
            if isinstance(kind, type) and issubclass(kind, Event):
                self.events.subscribe(kind, self.told.append)
        self.spool = Spool(folder / "spool")
        self.storage = storage or FilesystemStorage(folder)
        self.locks: DigestLocks = (
            AdvisoryDigestLocks() if is_postgresql() else FileDigestLocks(folder / "locks")
        )
        self.store = DistributionStore()
        self.blob_store = BlobStore()
        self.upload_store = UploadStore()
        self.immutability = Immutability(ImmutabilityStore(), self.events, clock)
        self.repositories = Repositories(
            store=self.store,
            blobs=self.blob_store,
            uploads=self.upload_store,
            storage=self.storage,
            events=self.events,
            clock=clock,
            immutability=self.immutability,
        )
        self.usage = Usage(UsageStore(), OverviewStore())
        self.quotas = Quotas(QuotaStore(), ProjectStore(), self.events, clock)
        self.uploads = Uploads(
            blobs=self.blob_store,
            uploads=self.upload_store,
            repositories=self.repositories,
            storage=self.storage,
            locks=self.locks,
            events=self.events,
            clock=clock,
            lease=LEASE,
            open_limit=open_limit,
            capacity=Capacity(self.storage, reserve_bytes),
            usage=self.usage,
        )
        self.blobs = Blobs(self.blob_store, self.storage, self.events, clock, lease=LEASE)
        self.manifests = Manifests(
            self.store,
            self.blob_store,
            self.repositories,
            self.events,
            clock,
            lease=LEASE,
            immutability=self.immutability,
            sparse_indexes=sparse_indexes,
        )
        self.tags = Tags(self.store, self.events, clock, self.immutability)
        self.referrers = Referrers(self.store)
        self.catalog = Catalog(CatalogStore(), clock)
        self.pulls = Pulls(self.store)
        self.project_id = self.project("library") if project_id is None else project_id

    def project(self, name: str, *, public: bool = False) -> int:
        """Make a project; returns its number."""
        row = ProjectRow.create(name=name, public=public, created_at=EPOCH, updated_at=EPOCH)
        number: int = row.id
        return number

    def happened(self, kind: type[E]) -> list[E]:
        """Every event of exactly that class, in order."""
        return [event for event in self.told if type(event) is kind]

    def arrived(self, data: bytes, *, hashed: bool = True) -> Spooled:
        """A body in the spool; without `hashed` as a proxy leaves it there."""
        path = self.spool.new_path()
        Path(path).write_bytes(data)
        return self.spool.adopt(path, digest_of(data) if hashed else None)

    def push_blob(
        self, data: bytes, repository: RepositoryName = APP, *, algorithm: str = "sha256", project_id: int = 0
    ) -> Digest:
        """Store a blob in one request."""
        digest = digest_of(data, algorithm)
        self.uploads.push(ALICE, project_id or self.project_id, repository, self.arrived(data), digest)
        return digest

    def push_manifest(
        self,
        body: bytes,
        reference: str | Digest,
        repository: RepositoryName = APP,
        *,
        media_type: str = OCI_MANIFEST,
        project_id: int = 0,
    ) -> Digest:
        """Store a manifest under a tag or its digest."""
        wanted = reference if isinstance(reference, Digest) else Tag.parse(reference)
        put = self.manifests.put
        return put(ALICE, project_id or self.project_id, repository, wanted, media_type, body).digest

    def push_image(
        self,
        reference: str | None,
        *layers: bytes,
        repository: RepositoryName = APP,
        project_id: int = 0,
        subject: Digest | None = None,
        artifact_type: str = "",
        annotations: dict[str, str] | None = None,
    ) -> Digest:
        """Store an image with everything below it; None pushes it by its digest."""
        project_id = project_id or self.project_id
        config = json.dumps({"config": [layer.hex() for layer in layers]}).encode()
        for data in (config, *layers):
            self.push_blob(data, repository, project_id=project_id)
        body = image(config, *layers, subject=subject, artifact_type=artifact_type, annotations=annotations)
        wanted = digest_of(body) if reference is None else reference
        return self.push_manifest(body, wanted, repository, project_id=project_id)

    def files(self) -> set[Digest]:
        """The blobs that have a file."""
        return {digest for digest, _ in self.storage.walk()}

    def spooled(self) -> list[Path]:
        """What lies in the spool."""
        return [path for path in self.spool.folder.rglob("*") if path.is_file()]


def descriptor(data: bytes, media_type: str = OCI_LAYER, algorithm: str = "sha256") -> dict[str, object]:
    """What a manifest says about content."""
    return {"mediaType": media_type, "digest": str(digest_of(data, algorithm)), "size": len(data)}


def image(
    config: bytes,
    *layers: bytes,
    subject: Digest | None = None,
    artifact_type: str = "",
    annotations: dict[str, str] | None = None,
) -> bytes:
    """The bytes of a manifest."""
    document: dict[str, object] = {
        "schemaVersion": 2,
        "mediaType": OCI_MANIFEST,
        "config": descriptor(config, OCI_CONFIG),
        "layers": [descriptor(layer) for layer in layers],
    }
    if artifact_type:
        document["artifactType"] = artifact_type
    if subject is not None:
        document["subject"] = {"mediaType": OCI_MANIFEST, "digest": str(subject), "size": 2}
    if annotations:
        document["annotations"] = annotations
    return json.dumps(document).encode()


def index(children: Sequence[dict[str, object]], subject: Digest | None = None) -> bytes:
    """The bytes of an index."""
    document: dict[str, object] = {"schemaVersion": 2, "mediaType": OCI_INDEX, "manifests": list(children)}
    if subject is not None:
        document["subject"] = {"mediaType": OCI_MANIFEST, "digest": str(subject), "size": 2}
    return json.dumps(document).encode()
