"""Webhooks over the registry's room on a real database, with receivers on loopback."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from moorage.config import Settings
from moorage.configuration.site_settings import SiteSettings
from moorage.configuration.store import SettingStore
from moorage.jobs.executions import Executions
from moorage.jobs.store import JobStore
from moorage.keyring import Keyring
from moorage.outbound.client import Client
from moorage.outbound.policy import Policy as OutboundPolicy
from moorage.projects.projects import Projects
from moorage.projects.quota_store import QuotaStore
from moorage.projects.store import ProjectStore
from moorage.webhooks.deliveries import Deliveries
from moorage.webhooks.delivery_store import DeliveryStore
from moorage.webhooks.dispatcher import Dispatcher
from moorage.webhooks.document import Draft, DraftTarget
from moorage.webhooks.model import Delivery, EventType, Format, Occurrence, Policy, TargetKind
from moorage.webhooks.notices import Notices
from moorage.webhooks.policies import WebhookPolicies
from moorage.webhooks.sending import Sending
from moorage.webhooks.store import WebhookStore
from tests.support.clock import SetClock
from tests.support.distribution import ALICE, Distribution

HOST = "registry.example.com"
LOOPBACK = "127.0.0.1"


class Hooks(Distribution):
    """Everything that a webhook needs; a second one over the same database is another process."""

    def __init__(self, folder: Path, clock: SetClock, *, allow: str = LOOPBACK, **more: Any) -> None:
        super().__init__(folder, clock, **more)
        self.moving = clock
        self.switched_on = True
        site = SiteSettings(SettingStore(), self.events, clock, Settings())
        self.projects = Projects(ProjectStore(), QuotaStore(), self.events, clock, site)
        self.executions = Executions(JobStore(), self.events, clock)
        self.keyring = Keyring(folder / "keys")
        self.keyring.ensure()
        self.webhook_store = WebhookStore(self.keyring)
        self.queue = DeliveryStore()
        self.webhooks = WebhookPolicies(self.webhook_store, self.queue, self.projects, self.events, clock)
        self.deliveries = Deliveries(self.queue, clock)
        self.notices = Notices(
            self.webhook_store,
            self.queue,
            self.projects,
            self.repositories,
            self.manifests,
            self.usage,
            self.executions,
            clock,
            HOST,
            lambda: self.switched_on,
        )
        self.notices.subscribe(self.events)
        self.sending(Client(OutboundPolicy(allow)))

    def sending(self, client: Client) -> None:
        """Deliver with this client from now on."""
        self.client = client
        self.dispatcher = Dispatcher(
            self.webhook_store, self.queue, Sending(client, self.moving), self.moving
        )

    def policy(self, *addresses: str | DraftTarget, **more: Any) -> Policy:
        """A policy for pushes, unless `events` says otherwise."""
        return self.webhooks.create(ALICE, self.project_id, draft(*addresses, **more))

    def deliver(self) -> int:
        """Deliver whatever is due; returns how many attempts were made."""
        attempts = 0
        while self.dispatcher.deliver_next():
            attempts += 1
        return attempts

    def occurrences(self, policy: Policy) -> list[Occurrence]:
        """What the policy was told of, oldest first."""
        return self.deliveries.occurrences(policy.id, limit=1000, downwards=False)

    def sent(self, policy: Policy) -> list[Delivery]:
        """Every delivery of the policy, oldest first."""
        return self.deliveries.of_policy(policy.id, limit=1000)[::-1]


def draft(
    *addresses: str | DraftTarget,
    name: str = "hook",
    events: Sequence[EventType] = (EventType.PUSH_ARTIFACT,),
    **more: Any,
) -> Draft:
    """A policy as somebody wants it."""
    targets = tuple(
        each if isinstance(each, DraftTarget) else DraftTarget(TargetKind.HTTP, each) for each in addresses
    )
    return Draft(name=name, event_types=tuple(events), targets=targets, **more)


def cloud(address: str) -> DraftTarget:
    """A target that wants CloudEvents."""
    return DraftTarget(TargetKind.HTTP, address, payload_format=Format.CLOUD_EVENTS)


def slack(address: str) -> DraftTarget:
    """A target that is Slack."""
    return DraftTarget(TargetKind.SLACK, address)
