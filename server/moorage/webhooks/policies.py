"""`Policies`: what projects want to be told, and to whom."""

import secrets
from collections.abc import Sequence
from dataclasses import replace

from moorage.clock import Clock
from moorage.db.connection import IntegrityError, atomic
from moorage.events import Actor, Events, ProjectChanged
from moorage.projects.projects import Projects
from moorage.webhooks.delivery_store import DeliveryStore
from moorage.webhooks.document import Draft, merged
from moorage.webhooks.errors import WebhookExistsError, WebhookInvalidError, WebhookUnknownError
from moorage.webhooks.model import Policy
from moorage.webhooks.store import WebhookStore

#: The most that a project has.
MAX_POLICIES = 50
_SECRET_BYTES = 32


class WebhookPolicies:
    """Makes, changes and deletes policies."""

    def __init__(
        self,
        store: WebhookStore,
        deliveries: DeliveryStore,
        projects: Projects,
        events: Events,
        clock: Clock,
    ) -> None:
        self._store = store
        self._deliveries = deliveries
        self._projects = projects
        self._events = events
        self._clock = clock

    def get(self, project_id: int, policy_id: int) -> Policy:
        """A policy of the project.

        Raises:
            WebhookUnknownError: it has none of that number.
        """
        found = self._store.find(project_id, policy_id)
        if found is None:
            raise WebhookUnknownError(f"the project has no webhook policy {policy_id}")
        return found

    def all(self, project_id: int) -> Sequence[Policy]:
        """Every policy of the project, the oldest first."""
        return self._store.all(project_id)

    def create(self, actor: Actor, project_id: int, draft: Draft) -> Policy:
        """Make a policy; its `secret` is the one of the draft, or a new one.

        Raises:
            ProjectUnknownError: there is no such project.
            WebhookExistsError: it has a policy of that name.
            WebhookInvalidError: it has too many.
        """
        now = self._clock()
        made = Policy(
            id=0,
            project_id=project_id,
            name=draft.name,
            description=draft.description,
            enabled=draft.enabled,
            event_types=draft.event_types,
            targets=merged(draft, None),
            secret=draft.secret or _new_secret(),
            creator=actor.name,
            created_at=now,
            updated_at=now,
        )
        with atomic():
            self._projects.hold(project_id)
            if self._store.count(project_id) >= MAX_POLICIES:
                raise WebhookInvalidError(f"a project has at most {MAX_POLICIES} webhook policies")
            try:
                with atomic():
                    number = self._store.insert(made)
            except IntegrityError as error:
                raise _exists(draft.name) from error
            self._publish(actor, project_id, f"webhook policy {number} made: {_told(made)}")
        return replace(made, id=number)

    def change(self, actor: Actor, project_id: int, policy_id: int, draft: Draft) -> Policy:
        """Replace a policy. What waits and is not wanted any more is not sent.

        Raises:
            WebhookUnknownError: the project has no such policy.
            WebhookExistsError: it has another one of that name.
        """
        with atomic():
            known = self.get(project_id, policy_id)
            changed = replace(
                known,
                name=draft.name,
                description=draft.description,
                enabled=draft.enabled,
                event_types=draft.event_types,
                targets=merged(draft, known),
                secret=draft.secret or known.secret or _new_secret(),
            )
            if changed == known:
                return known
            changed = replace(changed, updated_at=self._clock())
            try:
                with atomic():
                    self._store.update(changed)
            except IntegrityError as error:
                raise _exists(draft.name) from error
            if known.enabled and not changed.enabled:
                self._deliveries.stop_waiting(policy_id, self._clock(), "the policy was switched off")
            self._publish(actor, project_id, f"webhook policy {policy_id} changed: {_told(changed)}")
        return changed

    def delete(self, actor: Actor, project_id: int, policy_id: int) -> None:
        """Delete a policy with its history; what waits is not sent.

        Raises:
            WebhookUnknownError: the project has no such policy.
        """
        with atomic():
            self.get(project_id, policy_id)
            self._store.delete(policy_id)
            self._publish(actor, project_id, f"webhook policy {policy_id} deleted")

    def bind_secrets(self) -> int:
        """Bind secrets that an older release kept to their own policies; returns how many there were."""
        with atomic():
            return self._store.bind_secrets()

    def _publish(self, actor: Actor, project_id: int, what: str) -> None:
        name = self._projects.get(project_id).name
        self._events.publish(ProjectChanged(actor, project_id, name, what))


def _new_secret() -> str:
    return secrets.token_urlsafe(_SECRET_BYTES)


def _exists(name: str) -> WebhookExistsError:
    return WebhookExistsError(f"the project has a webhook policy named {name!r} already")


def _told(policy: Policy) -> str:
    """What the log says of a policy: hosts, never whole addresses, which may hold secrets."""
    events = ", ".join(policy.event_types)
    return f"{'on' if policy.enabled else 'off'}, {len(policy.targets)} targets, {events}"
