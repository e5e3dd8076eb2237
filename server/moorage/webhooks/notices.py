"""`Notices`: hears what happens and writes, in the same transaction, who is to be told."""

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from moorage.clock import Clock
from moorage.db.connection import atomic
from moorage.distribution.manifests import Manifests
from moorage.distribution.repositories import Repositories
from moorage.distribution.usage import Usage
from moorage.events import Actor, Events, JobFinished, ManifestDeleted, ManifestPushed, RepositoryDeleted
from moorage.jobs.executions import Executions
from moorage.jobs.model import State
from moorage.oci.names import RepositoryName
from moorage.outbound.target import Target
from moorage.projects.projects import Projects
from moorage.sizes import in_words
from moorage.webhooks.delivery_store import DeliveryStore, Way
from moorage.webhooks.errors import WebhookUnknownError
from moorage.webhooks.model import PING, EventType, Facts, Policy
from moorage.webhooks.payloads import artifact_facts, ping_facts, quota_facts, retention_facts
from moorage.webhooks.store import WebhookStore, Wish

#: So many deliveries of a policy may wait; what comes then is left out, and the program's log tells it.
MOST_WAITING = 5000
#: A project that stays near its limit is told of once in this time, and one over it too.
QUOTA_PAUSE = timedelta(hours=1)
_RETENTION = "retention"
#: The most artifacts that one event names.
_RESOURCES = 500

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Pulled:
    """A manifest was pulled since the last time, at last `at` this moment.

    Attributes:
        tag: empty when it was pulled by its digest.
        accounts: their names, each once.
    """

    repository: RepositoryName
    tag: str
    digest: str
    accounts: tuple[str, ...]
    at: datetime


class Notices:
    """Turns what happened into events of policies.

    Args:
        host: under which clients know the registry, for addresses of artifacts.
        enabled: whether webhooks are switched on at all.
    """

    def __init__(
        self,
        store: WebhookStore,
        deliveries: DeliveryStore,
        projects: Projects,
        repositories: Repositories,
        manifests: Manifests,
        usage: Usage,
        executions: Executions,
        clock: Clock,
        host: str,
        enabled: Callable[[], bool] = lambda: True,
    ) -> None:
        self._store = store
        self._deliveries = deliveries
        self._projects = projects
        self._repositories = repositories
        self._manifests = manifests
        self._usage = usage
        self._executions = executions
        self._clock = clock
        self._host = host
        self._enabled = enabled

    def subscribe(self, events: Events) -> None:
        """Hear of pushes, deletions and runs of retention."""
        events.subscribe(ManifestPushed, self._pushed)
        events.subscribe_all(ManifestDeleted, self._deleted)
        events.subscribe(RepositoryDeleted, self._emptied)
        events.subscribe(JobFinished, self._finished)

    def pulled(self, pulls: Sequence[Pulled]) -> None:
        """Manifests were pulled; whoever gathers pulls calls it in the transaction that writes them."""
        if not self._enabled() or not pulls:
            return
        projects = sorted({each.repository.project for each in pulls})
        wishes = self._store.wishes_of(projects, EventType.PULL_ARTIFACT)
        for each in pulls:
            wanting = wishes.get(each.repository.project)
            if wanting and self._projects.names([wanting[0].project_id]):
                facts = self._artifact(
                    wanting[0].project_id, each.repository, [(each.tag, each.digest)], each.at, ""
                )
                for account in each.accounts:
                    self._tell(wanting, EventType.PULL_ARTIFACT, account, facts)

    def refused_for_quota(self, actor: Actor, project_id: int, repository: str, details: str) -> None:
        """A push was refused because the project is full; at most once an hour for each policy."""
        if self._enabled():
            with atomic():
                self._tell_of_quota(EventType.QUOTA_EXCEED, actor, project_id, repository, details)

    def ping(self, actor: Actor, project: str, policy: Policy) -> int:
        """Send the targets of a policy a test; returns the number of the event.

        Raises:
            WebhookUnknownError: the policy is gone.
        """
        with atomic():
            if not self._store.hold(policy.id):
                raise WebhookUnknownError(f"there is no webhook policy {policy.id}")
            return self._write(
                Wish(policy.id, policy.project_id, tuple(each.key for each in policy.targets)),
                PING,
                actor.name,
                ping_facts(at=self._clock(), project=project),
            )

    def _pushed(self, event: ManifestPushed) -> None:
        if not self._enabled() or not (event.created or event.tag):
            return
        wishes = self._store.wishes(event.project_id, EventType.PUSH_ARTIFACT)
        if wishes:
            facts = self._artifact(
                event.project_id,
                event.repository,
                [(event.tag or "", str(event.digest))],
                self._clock(),
                event.actor.request_id,
            )
            self._tell(wishes, EventType.PUSH_ARTIFACT, event.actor.name, facts)
        self._warn(event)

    def _deleted(self, events: Sequence[ManifestDeleted]) -> None:
        if not self._enabled():
            return
        projects = {event.project_id for event in events}
        wanting = {each: self._store.wishes(each, EventType.DELETE_ARTIFACT) for each in sorted(projects)}
        for event in events:
            self._tell_deleted(event, wanting[event.project_id])

    def _tell_deleted(self, event: ManifestDeleted, wishes: Sequence[Wish]) -> None:
        if wishes:
            references = [(tag, str(event.digest)) for tag in event.tags or ("",)]
            facts = self._artifact(
                event.project_id, event.repository, references, self._clock(), event.actor.request_id
            )
            self._tell(wishes, EventType.DELETE_ARTIFACT, event.actor.name, facts)

    def _emptied(self, event: RepositoryDeleted) -> None:
        """A repository goes with all that is in it, of which nobody is told one by one."""
        if not self._enabled():
            return
        wishes = self._store.wishes(event.project_id, EventType.DELETE_ARTIFACT)
        found = self._manifests.page(event.repository, limit=_RESOURCES) if wishes else []
        if not found:
            return
        tags = self._manifests.tags_of([each.id for each in found])
        references = [
            (name, str(each.digest))
            for each in found
            for name in [tag.name for tag in tags.get(each.id, ())] or [""]
        ]
        facts = self._artifact(
            event.project_id, event.repository, references, self._clock(), event.actor.request_id
        )
        self._tell(wishes, EventType.DELETE_ARTIFACT, event.actor.name, facts)

    def _finished(self, event: JobFinished) -> None:
        if event.kind != _RETENTION or event.project_id is None or not self._enabled():
            return
        wishes = self._store.wishes(event.project_id, EventType.TAG_RETENTION)
        if not wishes:
            return
        project = self._projects.get(event.project_id)
        run = self._executions.get(event.execution_id)
        if run.parameters.get("dry_run") or (run.state is State.STOPPED and run.started_at is None):
            return
        counts = {**run.progress, **run.result}
        deleted, retained = _number(counts.get("deleted")), _number(counts.get("retained"))
        facts = retention_facts(
            at=self._clock(),
            host=self._host,
            project=project.name,
            policy_id=run.subject,
            total=deleted + retained,
            retained=retained,
            state=event.state,
        )
        self._tell(wishes, EventType.TAG_RETENTION, run.requested_by, facts)

    def _warn(self, event: ManifestPushed) -> None:
        if not self._store.wishes(event.project_id, EventType.QUOTA_WARNING):
            return
        found = self._usage.project(event.project_id)
        if found.is_near_limit:
            details = (
                f"{in_words(found.used_bytes)} of {in_words(found.limit_bytes)} are used "
                f"({found.used_percent or 0:.0f} %)"
            )
            self._tell_of_quota(
                EventType.QUOTA_WARNING, event.actor, event.project_id, event.repository, details
            )

    def _tell_of_quota(
        self, kind: EventType, actor: Actor, project_id: int, repository: str, details: str
    ) -> None:
        now = self._clock()
        wishes = []
        for wish in self._store.wishes(project_id, kind):
            last = self._deliveries.last_at(wish.policy_id, kind)
            if last is None or last <= now - QUOTA_PAUSE or last > now:
                wishes.append(wish)
        if not wishes:
            return
        project = self._projects.get(project_id)
        known = self._repositories.find(RepositoryName(repository))
        facts = quota_facts(
            at=now,
            repository=repository,
            public=project.public,
            created_at=None if known is None else known.created_at,
            details=details,
        )
        self._tell(wishes, kind, actor.name, facts)

    def _artifact(
        self,
        project_id: int,
        repository: RepositoryName,
        references: Sequence[tuple[str, str]],
        at: datetime,
        request_id: str,
    ) -> Facts:
        project = self._projects.get(project_id)
        known = self._repositories.find(repository)
        return artifact_facts(
            host=self._host,
            at=at,
            repository=repository,
            public=project.public,
            created_at=None if known is None else known.created_at,
            references=references,
            request_id=request_id,
        )

    def _tell(self, wishes: Sequence[Wish], event_type: EventType, operator: str, facts: Facts) -> None:
        for wish in wishes:
            if self._deliveries.waits_more_than(wish.policy_id, MOST_WAITING):
                extra = {"policy": wish.policy_id, "event": event_type.value}
                _log.warning("a webhook has too many deliveries waiting; one is left out", extra=extra)
                continue
            if self._store.hold(wish.policy_id):  # or it was deleted this very moment
                self._write(wish, event_type.value, operator, facts)

    def _write(self, wish: Wish, event_type: str, operator: str, facts: Facts) -> int:
        ways = [
            Way(kind, address, f"{target.host}:{target.port}")
            for kind, address in wish.targets
            for target in (Target.parse(address),)
        ]
        return self._deliveries.insert(
            wish.policy_id, wish.project_id, event_type, operator, facts, ways, self._clock()
        )


def _number(value: object) -> int:
    return value if isinstance(value, int) else 0
