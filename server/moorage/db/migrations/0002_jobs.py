"""Jobs: runs, their parts, their log, schedules."""

import peewee
from playhouse.migrate import SchemaMigrator


def up(migrator: SchemaMigrator, db: peewee.Database) -> None:
    sqlite = isinstance(db, peewee.SqliteDatabase)
    # Ids are never given out twice; names sort by their bytes.
    numbered: list[peewee.Node] = [peewee.SQL("AUTOINCREMENT")] if sqlite else []
    bytewise: list[peewee.Node] = [] if sqlite else [peewee.SQL('COLLATE "C"')]

    class ExecutionRow(peewee.Model):
        id = peewee.BigAutoField(constraints=numbered)
        kind = peewee.TextField(constraints=bytewise)
        subject = peewee.BigIntegerField()
        project_id = peewee.BigIntegerField(null=True)
        trigger = peewee.TextField()
        state = peewee.TextField(constraints=bytewise)
        sole = peewee.TextField(null=True, unique=True, constraints=bytewise)
        parameters = peewee.TextField()
        progress = peewee.TextField()
        result = peewee.TextField()
        message = peewee.TextField()
        requested_by = peewee.TextField()
        attempts = peewee.IntegerField()
        deaths = peewee.IntegerField()
        retries = peewee.IntegerField()
        stop_requested = peewee.BooleanField()
        owner = peewee.TextField(null=True)
        lease_until = peewee.BigIntegerField(null=True)
        log_lines = peewee.IntegerField()
        due_at = peewee.BigIntegerField()
        created_at = peewee.BigIntegerField()
        started_at = peewee.BigIntegerField(null=True)
        updated_at = peewee.BigIntegerField()
        ended_at = peewee.BigIntegerField(null=True)

        class Meta:
            database = db
            legacy_table_names = False
            table_name = "execution"
            indexes = (
                (("kind", "subject", "id"), False),
                (("state", "id"), False),
            )

    class TaskRow(peewee.Model):
        id = peewee.BigAutoField(constraints=numbered)
        execution = peewee.ForeignKeyField(ExecutionRow, on_delete="CASCADE", index=False)
        name = peewee.TextField(constraints=bytewise)
        state = peewee.TextField()
        result = peewee.TextField()
        message = peewee.TextField()
        started_at = peewee.BigIntegerField()
        ended_at = peewee.BigIntegerField(null=True)

        class Meta:
            database = db
            legacy_table_names = False
            table_name = "job_task"
            indexes = (
                (("execution", "name"), True),
                (("execution", "id"), False),
            )

    class LogRow(peewee.Model):
        id = peewee.BigAutoField(constraints=numbered)
        execution = peewee.ForeignKeyField(ExecutionRow, on_delete="CASCADE", index=False)
        task_id = peewee.BigIntegerField(null=True)
        at = peewee.BigIntegerField()
        level = peewee.TextField()
        text = peewee.TextField()

        class Meta:
            database = db
            legacy_table_names = False
            table_name = "job_log"
            indexes = (
                (("execution", "id"), False),
                (("execution", "task_id", "id"), False),
            )

    class ScheduleRow(peewee.Model):
        id = peewee.BigAutoField(constraints=numbered)
        kind = peewee.TextField(constraints=bytewise)
        subject = peewee.BigIntegerField()
        project_id = peewee.BigIntegerField(null=True)
        chosen = peewee.BooleanField()
        pattern = peewee.TextField()
        cron = peewee.TextField()
        parameters = peewee.TextField()
        next_at = peewee.BigIntegerField(null=True, index=True)
        last_at = peewee.BigIntegerField(null=True)
        updated_at = peewee.BigIntegerField()

        class Meta:
            database = db
            legacy_table_names = False
            table_name = "schedule"
            indexes = ((("kind", "subject"), True),)

    db.create_tables([ExecutionRow, TaskRow, LogRow, ScheduleRow], safe=False)
