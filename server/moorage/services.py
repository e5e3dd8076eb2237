"""The composition root: the only file that knows every constructor."""

import os
import socket
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from urllib.parse import urlsplit

from moorage.audit.archive import Archive
from moorage.audit.forward_store import ForwardStore
from moorage.audit.forwarding import Forwarding
from moorage.audit.indexing import Indexing
from moorage.audit.log import AuditLog
from moorage.audit.model import PullTally
from moorage.audit.purge import Purge
from moorage.audit.segment_store import SegmentStore
from moorage.audit.store import AuditStore
from moorage.clock import Clock, utcnow
from moorage.config import Settings
from moorage.configuration.site_settings import SiteSettings
from moorage.configuration.store import SettingStore
from moorage.db.connection import is_postgresql, probe
from moorage.distribution.blob_store import BlobStore
from moorage.distribution.blobs import Blobs
from moorage.distribution.capacity import Capacity
from moorage.distribution.catalog import Catalog
from moorage.distribution.catalog_store import CatalogStore
from moorage.distribution.collecting import Collecting
from moorage.distribution.condemn_store import CondemnStore
from moorage.distribution.condemning import Condemning
from moorage.distribution.copies import Copies
from moorage.distribution.detail_store import DetailStore
from moorage.distribution.details import Details
from moorage.distribution.evidence import Evidence
from moorage.distribution.hold_store import HoldStore
from moorage.distribution.holds import Holds
from moorage.distribution.inspection import Inspection
from moorage.distribution.inspection_store import InspectionStore
from moorage.distribution.label_store import LabelStore
from moorage.distribution.labels import Labels
from moorage.distribution.locks import AdvisoryDigestLocks, DigestLocks, FileDigestLocks
from moorage.distribution.manifests import Manifests
from moorage.distribution.overview import Overview
from moorage.distribution.overview_store import OverviewStore
from moorage.distribution.pulls import Pulls
from moorage.distribution.quarantine import Quarantine
from moorage.distribution.reading import Reading
from moorage.distribution.referrers import Referrers
from moorage.distribution.removal import Removal
from moorage.distribution.renaming import Renaming
from moorage.distribution.repositories import Repositories
from moorage.distribution.shelves import Shelves
from moorage.distribution.spool import Spool
from moorage.distribution.storage import BlobStorage, FilesystemStorage
from moorage.distribution.store import DistributionStore
from moorage.distribution.tags import Tags
from moorage.distribution.upload_store import UploadStore
from moorage.distribution.uploads import Uploads
from moorage.distribution.usage import Usage
from moorage.distribution.usage_store import UsageStore
from moorage.errors import Unavailable
from moorage.events import DirectoryChanged, Event, Events, GroupChanged, GroupCreated
from moorage.gc.candidates import Candidates
from moorage.gc.collection import Collection, Work
from moorage.gc.collector import Collector
from moorage.gc.forecast import Forecast
from moorage.gc.gate import Gate
from moorage.gc.planner import Planner
from moorage.gc.reconciler import Reconciler, last_warning
from moorage.gc.store import CandidateStore
from moorage.health import Health
from moorage.identity.access_tokens import AccessTokens
from moorage.identity.authenticator import Authenticator
from moorage.identity.brake import Brake
from moorage.identity.connections import Connections
from moorage.identity.directory import Directory
from moorage.identity.directory_store import DirectoryStore
from moorage.identity.groups import Groups
from moorage.identity.lockout import Lockout
from moorage.identity.made_up_password import MadeUpPassword
from moorage.identity.people import DirectoryPeople
from moorage.identity.people_store import PeopleStore
from moorage.identity.predecessors import Predecessors
from moorage.identity.refresh import KIND as REFRESH
from moorage.identity.refresh import Refresh
from moorage.identity.robot_store import RobotStore
from moorage.identity.robot_terms import Grantable
from moorage.identity.robots import Robots
from moorage.identity.session_store import SessionStore
from moorage.identity.sessions import Sessions
from moorage.identity.store import IdentityStore
from moorage.identity.stored_directory import StoredDirectory
from moorage.identity.users import Users
from moorage.identity.vcenters import Vcenters
from moorage.jobs.errors import ExecutionRunningError
from moorage.jobs.executions import Executions
from moorage.jobs.model import State as RunState
from moorage.jobs.model import Trigger
from moorage.jobs.runner import Handler, Runner
from moorage.jobs.schedules import Schedules
from moorage.jobs.store import JobStore
from moorage.jobs.worker import Chore, Worker
from moorage.keyring import Keyring
from moorage.oci.names import RepositoryName
from moorage.outbound.client import Client
from moorage.outbound.policy import Policy as OutboundPolicy
from moorage.projects.access import Access
from moorage.projects.allowlist_store import AllowlistStore
from moorage.projects.allowlists import Allowlists
from moorage.projects.immutability import Immutability
from moorage.projects.immutability_store import ImmutabilityStore
from moorage.projects.members import Members
from moorage.projects.metadata_store import MetadataStore
from moorage.projects.name_store import NameStore
from moorage.projects.names import Names
from moorage.projects.project_settings import ProjectSettings
from moorage.projects.projects import Projects
from moorage.projects.quota_store import QuotaStore
from moorage.projects.quotas import Quotas
from moorage.projects.role_store import RoleStore
from moorage.projects.roles import Roles
from moorage.projects.rules import ROBOT_RIGHTS, SYSTEM_ROBOT_RIGHTS
from moorage.projects.store import ProjectStore
from moorage.retention.deletion import Deletion
from moorage.retention.policies import KIND as RETENTION
from moorage.retention.policies import Policies
from moorage.retention.retention import Retention
from moorage.retention.simulator import Simulator
from moorage.retention.store import RetentionStore
from moorage.scanners.adapter import Adapter
from moorage.scanners.project_scanners import ProjectScanners
from moorage.scanners.scanners import Scanners
from moorage.scanners.store import ScannerStore
from moorage.token.tokens import Tokens
from moorage.webhooks.deliveries import Deliveries
from moorage.webhooks.delivery_store import DeliveryStore
from moorage.webhooks.dispatcher import Dispatcher
from moorage.webhooks.notices import Notices, Pulled
from moorage.webhooks.policies import WebhookPolicies
from moorage.webhooks.sending import Sending
from moorage.webhooks.store import WebhookStore

_SPOOL_KEEPS = timedelta(hours=1)
_KEYS_KEEP = timedelta(days=1)
_REFRESHES_LOOKED_AT = 50


@dataclass(frozen=True)
class Services:
    """Every capability, built once for a process."""

    settings: Settings
    clock: Clock
    events: Events
    keyring: Keyring
    site: SiteSettings
    users: Users
    made_up_password: MadeUpPassword
    robots: Robots
    access_tokens: AccessTokens
    sessions: Sessions
    directory: Directory
    people: DirectoryPeople
    groups: Groups
    refresh: Refresh
    lockout: Lockout
    connections: Connections
    authenticator: Authenticator
    projects: Projects
    names: Names
    renaming: Renaming
    project_settings: ProjectSettings
    allowlists: Allowlists
    members: Members
    immutability: Immutability
    access: Access
    tokens: Tokens
    quotas: Quotas
    storage: BlobStorage
    capacity: Capacity
    usage: Usage
    spool: Spool
    repositories: Repositories
    uploads: Uploads
    blobs: Blobs
    manifests: Manifests
    tags: Tags
    referrers: Referrers
    catalog: Catalog
    details: Details
    labels: Labels
    reading: Reading
    overview: Overview
    copies: Copies
    roles: Roles
    holds: Holds
    candidates: Candidates
    collection: Collection
    inspection: Inspection
    reconciler: Reconciler
    quarantine: Quarantine
    executions: Executions
    schedules: Schedules
    runner: Runner
    policies: Policies
    simulator: Simulator
    outbound: Client
    scanners: Scanners
    project_scanners: ProjectScanners
    webhooks: WebhookPolicies
    deliveries: Deliveries
    notices: Notices
    dispatcher: Dispatcher
    audit: AuditLog
    indexing: Indexing
    archive: Archive
    forwarding: Forwarding
    health: Health

    @classmethod
    def build(
        cls, settings: Settings, clock: Clock = utcnow, directory: Directory | None = None
    ) -> "Services":
        """Build everything over the bound database and the folder that the settings name.

        The database's schema must be there (`moorage.db.migrate.upgrade`). Threads start with
        `services.audit.start()`, which every process calls after its fork. `directory` stands in for the one
        that was set up.
        """
        data = settings.storage.data
        data.mkdir(parents=True, exist_ok=True, mode=0o700)
        lease = timedelta(hours=settings.uploads.lease_hours)
        events = Events()

        keyring = Keyring(data / "keys")
        keyring.ensure()
        site = SiteSettings(SettingStore(), events, clock, settings)
        identity = IdentityStore()
        users = Users(identity, events, clock)
        robots = Robots(RobotStore(), events, clock, grantable=Grantable(ROBOT_RIGHTS, SYSTEM_ROBOT_RIGHTS))
        access_tokens = AccessTokens(identity, events, clock)
        lockout = Lockout(identity, clock, settings.login)
        directory_store, vcenters = DirectoryStore(), Vcenters(settings.directory)
        directory = directory or StoredDirectory(directory_store, keyring, vcenters)
        roles = Roles(RoleStore())
        people, groups, refresh = _of_directory(directory, identity, roles, events, clock, settings)
        project_store, quota_store = ProjectStore(), QuotaStore()
        immutability = Immutability(ImmutabilityStore(), events, clock)

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
            immutability=immutability,
        )
        pulls = Pulls(registry)
        audit = AuditLog(
            AuditStore(),
            clock,
            blobs=settings.audit.blobs,
            flush_seconds=settings.audit.flush_seconds,
            on_flush=lambda tallies: _pulled(pulls, repositories, webhooks.notices, tallies),
            project_name=lambda number: _name(project_store, number),
        )
        audit.subscribe(events)
        overview_store = OverviewStore()
        usage = Usage(UsageStore(), overview_store)
        capacity = Capacity(
            storage,
            settings.storage.reserve_bytes,
            warn_percent=settings.storage.warn_percent,
            full_percent=settings.storage.full_percent,
        )
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
            capacity=capacity,
            usage=usage,
        )
        manifests = Manifests(
            registry,
            blob_store,
            repositories,
            events,
            clock,
            lease=lease,
            immutability=immutability,
            sparse_indexes=settings.registry.sparse_indexes,
        )
        tags = Tags(registry, events, clock, immutability)
        details = Details(DetailStore())
        queue, condemn_store = CandidateStore(), CondemnStore()
        evidence = Evidence(condemn_store, storage)
        holds = Holds(HoldStore(), clock)
        candidates = Candidates(queue, evidence, holds, clock, settings.gc, lease=lease)
        candidates.subscribe(events)
        planner = Planner(queue, evidence, clock)
        collection = Collection(
            Work(
                store=queue,
                planner=planner,
                collector=Collector(
                    store=queue,
                    evidence=evidence,
                    planner=planner,
                    condemning=Condemning(
                        *(condemn_store, blob_store, storage, locks, clock),
                        trash=settings.gc.trash_hours > 0,
                    ),
                    collecting=Collecting(
                        registry, condemn_store, Removal(registry, blob_store, events, clock, lease=lease)
                    ),
                    clock=clock,
                ),
                forecast=Forecast(
                    queue, evidence, storage, clock, trash=timedelta(hours=settings.gc.trash_hours)
                ),
                storage=storage,
                uploads=uploads,
                holds=holds,
            ),
            clock,
            settings.gc,
            idle=timedelta(hours=settings.uploads.expire_hours),
            is_full=capacity.is_full,
            gate=Gate(settings.collecting_lock),
        )
        quarantine = Quarantine(data, events, clock)
        inspection = Inspection(InspectionStore(), upload_store, Shelves(data), quarantine, locks)
        reconciler = Reconciler(
            inspection,
            usage,
            queue,
            clock,
            mib_per_second=settings.fsck.mib_per_second,
        )
        job_store = JobStore()
        executions = Executions(job_store, events, clock)
        schedules = Schedules(
            job_store,
            events,
            clock,
            {
                "gc": settings.gc.cron,
                "fsck": settings.fsck.cron,
                "purge": settings.audit.purge_cron,
                REFRESH: settings.login.directory_refresh_cron,
            },
            idle={REFRESH: lambda: refresh.is_idle},
        )
        _refresh_for_groups(events, executions)
        archive = Archive(data / "audit-archive")
        forwarding = Forwarding(ForwardStore(), clock, settings.syslog, data, settings.server.external_url)
        handlers: dict[str, Handler] = {
            "gc": collection.run,
            "fsck": reconciler.run,
            REFRESH: refresh.run,
            "purge": Purge(AuditStore(), archive, clock, settings.audit, forwarding).run,
        }
        names = Names(NameStore(), events, clock)
        projects = Projects(project_store, quota_store, events, clock, site, names)
        allowlists = Allowlists(AllowlistStore(), events, clock)
        retention = RetentionStore()
        policies = Policies(retention, executions, schedules, projects, events, clock)
        policies.subscribe(events)
        simulator = Simulator(retention, immutability, clock, young=lease)
        handlers[RETENTION] = Retention(
            retention, policies, simulator, Deletion(retention, manifests, tags, clock)
        ).run
        webhooks = _Webhooks.build(
            settings, keyring, site, projects, (repositories, manifests, usage, executions), events, clock
        )
        scanner_store = ScannerStore()
        return cls(
            settings=settings,
            clock=clock,
            events=events,
            keyring=keyring,
            site=site,
            users=users,
            made_up_password=MadeUpPassword(settings.storage.data),
            robots=robots,
            access_tokens=access_tokens,
            sessions=Sessions(
                SessionStore(),
                events,
                clock,
                idle=site.session_timeout,
                longest=timedelta(hours=settings.session.longest_hours),
            ),
            directory=directory,
            people=people,
            groups=groups,
            refresh=refresh,
            lockout=lockout,
            connections=Connections(
                *(directory_store, keyring, vcenters),
                Predecessors(PeopleStore(), identity, events),
                *(events, clock),
            ),
            authenticator=Authenticator(users, robots, access_tokens, lockout, clock, people),
            projects=projects,
            names=names,
            renaming=Renaming(projects, repositories),
            project_settings=ProjectSettings(projects, MetadataStore(), allowlists, events, clock),
            allowlists=allowlists,
            members=Members(project_store, events),
            immutability=immutability,
            access=Access(project_store, clock),
            tokens=Tokens(keyring, clock, settings.token),
            quotas=Quotas(quota_store, project_store, events, clock),
            storage=storage,
            capacity=capacity,
            usage=usage,
            spool=spool,
            repositories=repositories,
            uploads=uploads,
            blobs=Blobs(blob_store, storage, events, clock, lease=lease),
            manifests=manifests,
            tags=tags,
            referrers=Referrers(registry),
            catalog=Catalog(CatalogStore(), clock),
            details=details,
            reading=Reading(storage),
            labels=Labels(LabelStore(), registry, events, clock),
            overview=Overview(overview_store),
            copies=Copies(manifests, tags, uploads, details),
            roles=roles,
            holds=holds,
            candidates=candidates,
            collection=collection,
            inspection=inspection,
            reconciler=reconciler,
            quarantine=quarantine,
            executions=executions,
            schedules=schedules,
            runner=Runner(job_store, events, clock, handlers),
            policies=policies,
            simulator=simulator,
            outbound=webhooks.outbound,
            scanners=Scanners(scanner_store, keyring, Adapter(webhooks.outbound), events, clock),
            project_scanners=ProjectScanners(scanner_store, projects, events),
            webhooks=webhooks.policies,
            deliveries=webhooks.deliveries,
            notices=webhooks.notices,
            dispatcher=webhooks.dispatcher,
            audit=audit,
            indexing=Indexing(SegmentStore()),
            archive=archive,
            forwarding=forwarding,
            health=Health(
                {
                    "database": probe,
                    "storage": capacity.probe,
                    "spool": lambda: _probe_folder(spool.folder),
                    "keys": lambda: _probe_folder(data / "keys"),
                    "collection": candidates.probe,
                    "content": lambda: last_warning(executions),
                    "people": lambda: _doubted(executions),
                    "syslog": forwarding.probe,
                }
            ),
        )

    def worker(self) -> Worker:
        """The background work of a process: housekeeping; beside it jobs, webhooks and the log's way out."""
        beside = (self.runner.work, self.dispatcher.work, self.forwarding.run)
        return Worker(self.chores(), beside=beside)

    def chores(self) -> list[Chore]:
        """The housekeeping of the worker."""
        idle = timedelta(hours=self.settings.uploads.expire_hours)
        history = timedelta(days=self.settings.jobs.keep_days)
        return [
            Chore("plan jobs", timedelta(seconds=20), self._plan_jobs),
            Chore("forget old runs", timedelta(days=1), lambda: self.executions.forget(history)),
            Chore("forget webhooks", timedelta(hours=1), self._forget_deliveries),
            Chore("expire uploads", timedelta(hours=1), lambda: self.uploads.expire(idle)),
            Chore("watch the disk", timedelta(minutes=1), self.capacity.watch),
            Chore("sweep spool", timedelta(minutes=15), lambda: self.spool.sweep(_SPOOL_KEEPS)),
            Chore("forget ended sessions", timedelta(minutes=15), self.sessions.forget),
            Chore("forget failed logins", timedelta(minutes=15), self.lockout.sweep),
            Chore("index the log", timedelta(seconds=15), self.indexing.run),
            Chore("retire keys", timedelta(hours=6), lambda: self.keyring.retire(self._key_life())),
        ]

    def _plan_jobs(self) -> None:
        """What is due while the registry is read-only runs when that is over."""
        if not self.site.read_only():
            self.schedules.plan_due(self.executions)

    def _forget_deliveries(self) -> int:
        kept = self.settings.webhooks
        return self.deliveries.forget(timedelta(days=kept.keep_days), kept.keep_events)

    def _key_life(self) -> timedelta:
        """How long a key that signs no more is needed: as long as the longest token lives."""
        return timedelta(days=self.settings.token.refresh_days) + _KEYS_KEEP


@dataclass(frozen=True)
class _Webhooks:
    """Whatever tells the outside."""

    outbound: Client
    policies: WebhookPolicies
    deliveries: Deliveries
    notices: Notices
    dispatcher: Dispatcher

    @classmethod
    def build(
        cls,
        settings: Settings,
        keyring: Keyring,
        site: SiteSettings,
        projects: Projects,
        seen: tuple[Repositories, Manifests, Usage, Executions],
        events: Events,
        clock: Clock,
    ) -> "_Webhooks":
        outbound = Client(OutboundPolicy(settings.outbound.allow), ca_file=settings.outbound.ca_file)
        store, queue = WebhookStore(keyring), DeliveryStore()
        notices = Notices(store, queue, projects, *seen, clock, _host(settings), site.notifications)
        notices.subscribe(events)
        return cls(
            outbound=outbound,
            policies=WebhookPolicies(store, queue, projects, events, clock),
            deliveries=Deliveries(queue, clock),
            notices=notices,
            dispatcher=Dispatcher(store, queue, Sending(outbound, clock), clock),
        )


def _pulled(pulls: Pulls, repositories: Repositories, notices: Notices, tallies: Sequence[PullTally]) -> None:
    # Gathered under names that projects may have lost since.
    named = {each.repository: RepositoryName(each.repository) for each in tallies}
    present = {text: repositories.present(name) for text, name in named.items()}
    for each in tallies:
        pulls.count(present[each.repository], each.tag, each.digest, each.count, each.last_at)
    notices.pulled(
        [
            Pulled(present[each.repository], each.tag, each.digest, each.actors, each.last_at)
            for each in tallies
        ]
    )


def _host(settings: Settings) -> str:
    """Under which clients know the registry, as far as the settings say."""
    return urlsplit(settings.server.external_url).netloc or socket.gethostname()


def _of_directory(
    directory: Directory,
    accounts: IdentityStore,
    roles: Roles,
    events: Events,
    clock: Clock,
    settings: Settings,
) -> tuple[DirectoryPeople, Groups, Refresh]:
    store = PeopleStore()
    grace = timedelta(minutes=settings.login.directory_grace_minutes)
    people = DirectoryPeople(directory, store, accounts, events, clock, grace)
    brake = Brake(settings.login.directory_brake_people, settings.login.directory_brake_percent)
    refresh = Refresh(directory, people, store, events, clock, brake)
    return people, Groups(directory, store, events, clock, roles.has_group), refresh


def _refresh_for_groups(events: Events, executions: Executions) -> None:
    """A group is known since a moment ago: who is in it is known once everybody was asked about."""

    def ask(event: Event) -> None:
        with suppress(ExecutionRunningError):
            executions.request(event.actor, REFRESH, trigger=Trigger.EVENT)

    for told in (GroupCreated, GroupChanged, DirectoryChanged):
        events.subscribe(told, ask)


def _doubted(executions: Executions) -> str | None:
    """What health has to say since a refresh left everybody's access as it was; None when all is well."""
    for last in executions.page(REFRESH, limit=_REFRESHES_LOOKED_AT):
        if last.state is RunState.SUCCESS:
            return None
        if last.state is RunState.ERROR and last.progress.get("losing"):
            return f"run {last.id}: {last.message}"
    return None


def _name(projects: ProjectStore, project_id: int) -> str:
    found = projects.project(project_id)
    return "" if found is None else found.name


def _probe_folder(folder: Path) -> None:
    if not os.access(folder, os.R_OK | os.W_OK | os.X_OK):
        raise Unavailable(f"{folder} cannot be written")
