"""Tables of scanners: registrations, the default, and what projects chose."""

import peewee

from moorage.db.connection import Row
from moorage.db.fields import IdField, MomentField, NameField
from moorage.projects.tables import ProjectRow


class ScannerRow(Row):
    """A registration; `credential` is sealed for its `uuid`, or empty."""

    id = IdField()
    uuid = NameField(unique=True)
    name = NameField(unique=True)
    url = NameField(unique=True)
    description = peewee.TextField()
    auth = peewee.TextField()
    credential = peewee.TextField()
    skip_cert_verify = peewee.BooleanField()
    use_internal_addr = peewee.BooleanField()
    disabled = peewee.BooleanField()
    created_at = MomentField()
    updated_at = MomentField()

    class Meta:
        table_name = "scanner"


class ScannerDefaultRow(Row):
    """One row, numbered 1, or none: so there is never more than one default."""

    id = peewee.IntegerField(primary_key=True)
    scanner = peewee.ForeignKeyField(ScannerRow, on_delete="CASCADE")

    class Meta:
        table_name = "scanner_default"


class ProjectScannerRow(Row):
    """What a project chose instead of the default."""

    project = peewee.ForeignKeyField(ProjectRow, primary_key=True, on_delete="CASCADE")
    scanner = peewee.ForeignKeyField(ScannerRow, on_delete="CASCADE")

    class Meta:
        table_name = "project_scanner"
