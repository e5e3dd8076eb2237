"""Queries for policies."""

import json
import logging
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from moorage.db.connection import Statement, is_postgresql
from moorage.keyring import Keyring
from moorage.projects.tables import ProjectRow
from moorage.sealing import SealBrokenError
from moorage.webhooks.model import EventType, Format, Policy, Target, TargetKind
from moorage.webhooks.tables import WebhookPolicyRow

_CHUNK = 500
#: What secrets of all policies alike were sealed for once.
_OLD_PURPOSE = "webhook"
_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Wish:
    """A policy that wants to be told of something."""

    policy_id: int
    project_id: int
    targets: tuple[tuple[str, str], ...]


class WebhookStore:
    """Reads and writes policies.

    Secrets are sealed for their own policy, so that a copy in another row opens nowhere. What cannot be
    opened any more, because the key is gone, reads as empty, so that the policy can still be seen, set anew
    and deleted.
    """

    _wishes = Statement(
        "SELECT id, project_id, event_types, targets FROM webhook_policy WHERE project_id = ? AND enabled"
    )

    _there = Statement("SELECT id FROM webhook_policy WHERE id = ?")
    _there_kept = Statement("SELECT id FROM webhook_policy WHERE id = ? FOR KEY SHARE")

    def __init__(self, keyring: Keyring) -> None:
        self._keyring = keyring

    def find(self, project_id: int, policy_id: int) -> Policy | None:
        """The policy, if it is one of the project."""
        row = WebhookPolicyRow.get_or_none(
            (WebhookPolicyRow.id == policy_id) & (WebhookPolicyRow.project == project_id)
        )
        return None if row is None else self._policy(row)

    def get(self, policy_id: int) -> Policy | None:
        """The policy of that number."""
        row = WebhookPolicyRow.get_or_none(WebhookPolicyRow.id == policy_id)
        return None if row is None else self._policy(row)

    def hold(self, policy_id: int) -> bool:
        """Whether there is the policy, which nobody can delete before this transaction ends."""
        return (self._there_kept if is_postgresql() else self._there).one(policy_id) is not None

    def all(self, project_id: int) -> list[Policy]:
        """Every policy of the project, the oldest first."""
        rows = WebhookPolicyRow.select().where(WebhookPolicyRow.project == project_id)
        return [self._policy(row) for row in rows.order_by(WebhookPolicyRow.id)]

    def count(self, project_id: int) -> int:
        """How many the project has."""
        counted: int = WebhookPolicyRow.select().where(WebhookPolicyRow.project == project_id).count()
        return counted

    def wishes(self, project_id: int, event_type: str) -> list[Wish]:
        """Whom to tell of something; on the way of every push."""
        rows = self._wishes.all(project_id)
        return [found for row in rows if (found := _wish(row, event_type)) is not None]

    def wishes_of(self, projects: Sequence[str], event_type: str) -> dict[str, list[Wish]]:
        """Whom to tell, by the names of projects; those that nobody asks about are left out."""
        found: dict[str, list[Wish]] = {}
        for start in range(0, len(projects), _CHUNK):
            rows: Any = (
                WebhookPolicyRow.select(
                    ProjectRow.name,
                    WebhookPolicyRow.id,
                    WebhookPolicyRow.project,
                    WebhookPolicyRow.event_types,
                    WebhookPolicyRow.targets,
                )
                .join(ProjectRow)
                .where(
                    ProjectRow.name << list(projects[start : start + _CHUNK]),
                    WebhookPolicyRow.enabled == True,  # noqa: E712 - an expression of SQL
                )
            )
            for project, *row in rows.tuples():
                wish = _wish(tuple(row), event_type)
                if wish is not None:
                    found.setdefault(project, []).append(wish)
        return found

    def insert(self, policy: Policy) -> int:
        """Make a policy; its own number is of no meaning.

        Raises:
            IntegrityError: the project has one of that name, or is gone.
        """
        number: int = WebhookPolicyRow.insert(
            project=policy.project_id,
            creator=policy.creator,
            created_at=policy.created_at,
            secrets="",
            **_columns(policy),
        ).execute()
        secrets = self._sealed(number, policy)
        WebhookPolicyRow.update(secrets=secrets).where(WebhookPolicyRow.id == number).execute()
        return number

    def update(self, policy: Policy) -> None:
        """Write everything that can change.

        Raises:
            IntegrityError: the project has another one of that name.
        """
        columns = _columns(policy)
        WebhookPolicyRow.update(secrets=self._sealed(policy.id, policy), **columns).where(
            WebhookPolicyRow.id == policy.id
        ).execute()

    def delete(self, policy_id: int) -> None:
        """Remove a policy with everything it was told."""
        WebhookPolicyRow.delete().where(WebhookPolicyRow.id == policy_id).execute()

    def bind_secrets(self) -> int:
        """Seal for their own policies what was sealed for all of them alike; returns how many there were."""
        bound = 0
        rows: Any = WebhookPolicyRow.select(WebhookPolicyRow.id, WebhookPolicyRow.secrets)
        for number, sealed in list(rows.tuples()):
            try:
                text = self._keyring.unseal(sealed, _OLD_PURPOSE)
            except SealBrokenError:
                continue
            unchanged = (WebhookPolicyRow.id == number) & (WebhookPolicyRow.secrets == sealed)
            secrets = self._keyring.seal(text, _purpose(number))
            bound += WebhookPolicyRow.update(secrets=secrets).where(unchanged).execute()
        return bound

    def _sealed(self, number: int, policy: Policy) -> str:
        secrets = {"signing": policy.secret, "auth": [each.auth_header for each in policy.targets]}
        return self._keyring.seal(json.dumps(secrets), _purpose(number))

    def _policy(self, row: Any) -> Policy:
        secret, auths = self._opened(row)
        stored: list[Any] = json.loads(row.targets)
        auths += [""] * (len(stored) - len(auths))
        targets = [
            Target(
                kind=TargetKind(each["type"]),
                address=each["address"],
                auth_header=auth,
                skip_cert_verify=each["skip_cert_verify"],
                payload_format=Format(each["payload_format"]),
            )
            for each, auth in zip(stored, auths, strict=True)
        ]
        return Policy(
            id=row.id,
            project_id=row.project_id,
            name=row.name,
            description=row.description,
            enabled=row.enabled,
            event_types=tuple(EventType(each) for each in json.loads(row.event_types)),
            targets=tuple(targets),
            secret=secret,
            creator=row.creator,
            created_at=row.created_at,
            updated_at=row.updated_at,
        )

    def _opened(self, row: Any) -> tuple[str, list[str]]:
        """The secret to sign with, and the header of each target."""
        try:
            secrets = json.loads(self._unsealed(row))
        except SealBrokenError:
            _log.error("the secrets of a webhook policy cannot be opened", extra={"policy": row.id})
            return "", []
        return secrets["signing"], secrets["auth"]

    def _unsealed(self, row: Any) -> str:
        try:
            return self._keyring.unseal(row.secrets, _purpose(row.id))
        except SealBrokenError:  # from before secrets were bound, and the server has not started since
            return self._keyring.unseal(row.secrets, _OLD_PURPOSE)


def _purpose(policy_id: int) -> str:
    return f"webhook {policy_id}"


def _columns(policy: Policy) -> dict[str, Any]:
    return {
        "name": policy.name,
        "description": policy.description,
        "enabled": policy.enabled,
        "event_types": json.dumps([each.value for each in policy.event_types]),
        "targets": json.dumps(
            [
                {
                    "type": each.kind.value,
                    "address": each.address,
                    "skip_cert_verify": each.skip_cert_verify,
                    "payload_format": each.payload_format.value,
                }
                for each in policy.targets
            ]
        ),
        "updated_at": policy.updated_at,
    }


def _wish(row: Iterable[Any], event_type: str) -> Wish | None:
    number, project_id, event_types, targets = row
    if event_type not in json.loads(event_types):
        return None
    keys = tuple((each["type"], each["address"]) for each in json.loads(targets))
    return Wish(number, project_id, keys)
