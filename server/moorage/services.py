"""The composition root: the only file that knows every constructor."""

import os
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

from moorage.audit.log import AuditLog
from moorage.audit.model import PullTally
from moorage.audit.store import AuditStore
from moorage.clock import Clock, utcnow
from moorage.config import Settings
from moorage.db.connection import is_postgresql, probe
from moorage.distribution.blob_store import BlobStore
from moorage.distribution.blobs import Blobs
from moorage.distribution.catalog import Catalog
from moorage.distribution.catalog_store import CatalogStore
from moorage.distribution.copies import Copies
from moorage.distribution.detail_store import DetailStore
from moorage.distribution.details import Details
from moorage.distribution.locks import AdvisoryDigestLocks, DigestLocks, FileDigestLocks
from moorage.distribution.manifests import Manifests
from moorage.distribution.overview import Overview
from moorage.distribution.overview_store import OverviewStore
from moorage.distribution.pulls import Pulls
from moorage.distribution.referrers import Referrers
from moorage.distribution.repositories import Repositories
from moorage.distribution.spool import Spool
from moorage.distribution.storage import BlobStorage, FilesystemStorage
from moorage.distribution.store import DistributionStore
from moorage.distribution.tags import Tags
from moorage.distribution.upload_store import UploadStore
from moorage.distribution.uploads import Uploads
from moorage.errors import Unavailable
from moorage.events import Events
from moorage.health import Health
from moorage.identity.access_tokens import AccessTokens
from moorage.identity.authenticator import Authenticator
from moorage.identity.lockout import Lockout
from moorage.identity.robots import Robots
from moorage.identity.store import IdentityStore
from moorage.identity.users import Users
from moorage.jobs.worker import Chore
from moorage.keyring import Keyring
from moorage.oci.names import RepositoryName
from moorage.projects.access import Access
from moorage.projects.members import Members
from moorage.projects.projects import Projects
from moorage.projects.role_store import RoleStore
from moorage.projects.roles import Roles
from moorage.projects.rules import ROBOT_RIGHTS
from moorage.projects.store import ProjectStore
from moorage.token.tokens import Tokens

_SPOOL_KEEPS = timedelta(hours=1)
_KEYS_KEEP = timedelta(days=1)


@dataclass(frozen=True)
class Services:
    """Every capability, built once for a process."""

    settings: Settings
    clock: Clock
    events: Events
    keyring: Keyring
    users: Users
    robots: Robots
    access_tokens: AccessTokens
    lockout: Lockout
    authenticator: Authenticator
    projects: Projects
    members: Members
    access: Access
    tokens: Tokens
    storage: BlobStorage
    spool: Spool
    repositories: Repositories
    uploads: Uploads
    blobs: Blobs
    manifests: Manifests
    tags: Tags
    referrers: Referrers
    catalog: Catalog
    details: Details
    overview: Overview
    copies: Copies
    roles: Roles
    audit: AuditLog
    health: Health

    @classmethod
    def build(cls, settings: Settings, clock: Clock = utcnow) -> "Services":
        """Build everything over the bound database and the folder that the settings name.

        The database's schema must be there (`moorage.db.migrate.upgrade`). Threads start with
        `services.audit.start()`, which every process calls after its fork.
        """
        data = settings.storage.data
        data.mkdir(parents=True, exist_ok=True, mode=0o700)
        lease = timedelta(hours=settings.uploads.lease_hours)
        events = Events()

        keyring = Keyring(data / "keys")
        keyring.ensure()
        identity = IdentityStore()
        users = Users(identity, events, clock)
        robots = Robots(identity, events, clock, grantable=ROBOT_RIGHTS)
        access_tokens = AccessTokens(identity, events, clock)
        lockout = Lockout(identity, clock, settings.login)
        project_store = ProjectStore()

        registry, blob_store, upload_store = DistributionStore(), BlobStore(), UploadStore()
        storage, spool = FilesystemStorage(data), Spool(data / "spool")
        locks: DigestLocks = AdvisoryDigestLocks() if is_postgresql() else FileDigestLocks(data / "locks")
        repositories = Repositories(
            store=registry,
            blobs=blob_store,
            uploads=upload_store,
            storage=storage,
            events=events,
            clock=clock,
        )
        pulls = Pulls(registry)
        audit = AuditLog(
            AuditStore(),
            clock,
            blobs=settings.audit.blobs,
            flush_seconds=settings.audit.flush_seconds,
            on_flush=lambda tallies: _count(pulls, tallies),
        )
        audit.subscribe(events)
        uploads = Uploads(
            blobs=blob_store,
            uploads=upload_store,
            repositories=repositories,
            storage=storage,
            locks=locks,
            events=events,
            clock=clock,
            lease=lease,
            open_limit=settings.uploads.open_per_account,
            reserve_bytes=settings.storage.reserve_bytes,
        )
        manifests = Manifests(
            registry,
            blob_store,
            repositories,
            events,
            clock,
            lease=lease,
            sparse_indexes=settings.registry.sparse_indexes,
        )
        tags = Tags(registry, events, clock)
        details = Details(DetailStore())
        return cls(
            settings=settings,
            clock=clock,
            events=events,
            keyring=keyring,
            users=users,
            robots=robots,
            access_tokens=access_tokens,
            lockout=lockout,
            authenticator=Authenticator(users, robots, access_tokens, lockout, clock),
            projects=Projects(project_store, events, clock, settings.projects),
            members=Members(project_store, events),
            access=Access(project_store, clock),
            tokens=Tokens(keyring, clock, settings.token),
            storage=storage,
            spool=spool,
            repositories=repositories,
            uploads=uploads,
            blobs=Blobs(blob_store, storage, events, clock, lease=lease),
            manifests=manifests,
            tags=tags,
            referrers=Referrers(registry),
            catalog=Catalog(CatalogStore(), clock),
            details=details,
            overview=Overview(OverviewStore()),
            copies=Copies(manifests, tags, uploads, details),
            roles=Roles(RoleStore()),
            audit=audit,
            health=Health(
                {
                    "database": probe,
                    "storage": lambda: _probe_storage(storage, settings.storage.reserve_bytes),
                    "spool": lambda: _probe_folder(spool.folder),
                    "keys": lambda: _probe_folder(data / "keys"),
                }
            ),
        )

    def chores(self) -> list[Chore]:
        """The housekeeping of the worker."""
        idle = timedelta(hours=self.settings.uploads.expire_hours)
        return [
            Chore("expire uploads", timedelta(hours=1), lambda: self.uploads.expire(idle)),
            Chore("sweep spool", timedelta(minutes=15), lambda: self.spool.sweep(_SPOOL_KEEPS)),
            Chore("forget failed logins", timedelta(minutes=15), self.lockout.sweep),
            Chore("retire keys", timedelta(hours=6), lambda: self.keyring.retire(self._key_life())),
        ]

    def _key_life(self) -> timedelta:
        """How long a key that signs no more is needed: as long as the longest token lives."""
        return timedelta(days=self.settings.token.refresh_days) + _KEYS_KEEP


def _count(pulls: Pulls, tallies: Sequence[PullTally]) -> None:
    for each in tallies:
        pulls.count(RepositoryName(each.repository), each.tag, each.digest, each.count, each.last_at)


def _probe_storage(storage: BlobStorage, reserve_bytes: int) -> None:
    free = storage.free_bytes()
    if free < reserve_bytes:
        raise Unavailable(f"{free} bytes are free, {reserve_bytes} are kept in reserve: uploads are refused")


def _probe_folder(folder: Path) -> None:
    if not os.access(folder, os.R_OK | os.W_OK | os.X_OK):
        raise Unavailable(f"{folder} cannot be written")
