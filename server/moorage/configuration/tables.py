"""The table of settings that somebody has changed."""

import peewee

from moorage.db.connection import Row
from moorage.db.fields import MomentField, NameField


class SettingRow(Row):
    """`value` is JSON: true or false, a whole number, or a text."""

    name = NameField(primary_key=True)
    value = peewee.TextField()
    updated_at = MomentField()

    class Meta:
        table_name = "setting"
