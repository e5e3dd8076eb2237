"""Tables of webhooks: policies, what they are told of, and each delivery."""

import peewee

from moorage.db.connection import Row
from moorage.db.fields import IdField, MomentField, NameField
from moorage.projects.tables import ProjectRow


class WebhookPolicyRow(Row):
    """A policy; `event_types` and `targets` are JSON lists, `secrets` a sealed JSON object."""

    id = IdField()
    project = peewee.ForeignKeyField(ProjectRow, on_delete="CASCADE", index=False)
    name = NameField()
    description = peewee.TextField()
    enabled = peewee.BooleanField()
    event_types = peewee.TextField()
    targets = peewee.TextField()
    secrets = peewee.TextField()
    creator = peewee.TextField()
    created_at = MomentField()
    updated_at = MomentField()

    class Meta:
        table_name = "webhook_policy"
        indexes = ((("project", "name"), True),)


class WebhookEventRow(Row):
    """Something that a policy is told of; `facts` is a JSON object."""

    id = IdField()
    policy = peewee.ForeignKeyField(WebhookPolicyRow, on_delete="CASCADE", index=False)
    event_type = NameField()
    operator = peewee.TextField()
    facts = peewee.TextField()
    created_at = MomentField()

    class Meta:
        table_name = "webhook_event"
        indexes = (
            (("policy", "id"), False),
            (("policy", "event_type", "created_at"), False),
            (("created_at",), False),
        )


class WebhookDeliveryRow(Row):
    """An event on its way to a target; whoever delivers it is `owner` until `lease_until`.

    `endpoint` is host and port, of which one thread at a time is used; `policy_id` and `project_id`
    are those of the event, kept here for the same reason.
    """

    id = IdField()
    event = peewee.ForeignKeyField(WebhookEventRow, on_delete="CASCADE", index=False)
    policy_id = peewee.BigIntegerField()
    project_id = peewee.BigIntegerField()
    kind = peewee.TextField()
    address = peewee.TextField()
    endpoint = NameField()
    state = NameField()
    failures = peewee.IntegerField()
    deaths = peewee.IntegerField()
    owner = peewee.TextField(null=True)
    lease_until = MomentField(null=True)
    due_at = MomentField()
    status_code = peewee.IntegerField(null=True)
    message = peewee.TextField()
    log = peewee.TextField()
    created_at = MomentField()
    started_at = MomentField(null=True)
    updated_at = MomentField()
    ended_at = MomentField(null=True)

    class Meta:
        table_name = "webhook_delivery"
        indexes = (
            (("event", "id"), False),
            (("policy_id", "state", "id"), False),
            (("state", "due_at"), False),
        )
