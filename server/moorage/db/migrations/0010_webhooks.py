"""Webhooks: policies, what they are told of, and each delivery."""

import peewee
from playhouse.migrate import SchemaMigrator


def up(migrator: SchemaMigrator, db: peewee.Database) -> None:
    sqlite = isinstance(db, peewee.SqliteDatabase)
    # Ids are never given out twice; names sort by their bytes.
    numbered: list[peewee.Node] = [peewee.SQL("AUTOINCREMENT")] if sqlite else []
    bytewise: list[peewee.Node] = [] if sqlite else [peewee.SQL('COLLATE "C"')]

    class ProjectRow(peewee.Model):
        id = peewee.BigAutoField(constraints=numbered)

        class Meta:
            database = db
            legacy_table_names = False
            table_name = "project"

    class WebhookPolicyRow(peewee.Model):
        id = peewee.BigAutoField(constraints=numbered)
        project = peewee.ForeignKeyField(ProjectRow, on_delete="CASCADE", index=False)
        name = peewee.TextField(constraints=bytewise)
        description = peewee.TextField()
        enabled = peewee.BooleanField()
        event_types = peewee.TextField()
        targets = peewee.TextField()
        secrets = peewee.TextField()
        creator = peewee.TextField()
        created_at = peewee.BigIntegerField()
        updated_at = peewee.BigIntegerField()

        class Meta:
            database = db
            legacy_table_names = False
            table_name = "webhook_policy"
            indexes = ((("project", "name"), True),)

    class WebhookEventRow(peewee.Model):
        id = peewee.BigAutoField(constraints=numbered)
        policy = peewee.ForeignKeyField(WebhookPolicyRow, on_delete="CASCADE", index=False)
        event_type = peewee.TextField(constraints=bytewise)
        operator = peewee.TextField()
        facts = peewee.TextField()
        created_at = peewee.BigIntegerField()

        class Meta:
            database = db
            legacy_table_names = False
            table_name = "webhook_event"
            indexes = (
                (("policy", "id"), False),
                (("policy", "event_type", "created_at"), False),
                (("created_at",), False),
            )

    class WebhookDeliveryRow(peewee.Model):
        id = peewee.BigAutoField(constraints=numbered)
        event = peewee.ForeignKeyField(WebhookEventRow, on_delete="CASCADE", index=False)
        policy_id = peewee.BigIntegerField()
        project_id = peewee.BigIntegerField()
        kind = peewee.TextField()
        address = peewee.TextField()
        endpoint = peewee.TextField(constraints=bytewise)
        state = peewee.TextField(constraints=bytewise)
        failures = peewee.IntegerField()
        deaths = peewee.IntegerField()
        owner = peewee.TextField(null=True)
        lease_until = peewee.BigIntegerField(null=True)
        due_at = peewee.BigIntegerField()
        status_code = peewee.IntegerField(null=True)
        message = peewee.TextField()
        log = peewee.TextField()
        created_at = peewee.BigIntegerField()
        started_at = peewee.BigIntegerField(null=True)
        updated_at = peewee.BigIntegerField()
        ended_at = peewee.BigIntegerField(null=True)

        class Meta:
            database = db
            legacy_table_names = False
            table_name = "webhook_delivery"
            indexes = (
                (("event", "id"), False),
                (("policy_id", "state", "id"), False),
                (("state", "due_at"), False),
            )

    db.create_tables([WebhookPolicyRow, WebhookEventRow, WebhookDeliveryRow], safe=False)
