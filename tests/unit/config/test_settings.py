"""The settings themselves: documented once, checked, and silent about the password."""

from dataclasses import FrozenInstanceError, replace
from pathlib import Path

import pytest

from moorage.config import DatabaseSettings, Settings, StorageSettings
from moorage.config.entries import ENTRIES
from moorage.config.loader import load
from moorage.config.reference import markdown

DOCUMENT = Path(__file__).parents[3] / "server" / "docs" / "configuration.md"


def test_the_page_of_the_settings_is_the_one_made_from_them():
    # python -m moorage.config.reference > server/docs/configuration.md
    assert DOCUMENT.read_text() == markdown()


def test_every_setting_is_documented_in_a_sentence():
    for entry in ENTRIES:
        assert entry.rule.doc.endswith("."), entry.name
        assert "|" not in entry.rule.doc, entry.name


def test_every_number_has_limits_and_every_default_keeps_them():
    for entry in ENTRIES:
        if entry.kind in {int, float}:
            least, most = entry.rule.between
            assert least <= entry.default <= most, entry.name
        assert not entry.choices or entry.default in entry.choices


def test_the_loaded_defaults_are_the_declared_ones():
    loaded = load(None, {})
    assert replace(loaded, storage=StorageSettings()) == Settings()


def test_settings_cannot_be_changed():
    with pytest.raises(FrozenInstanceError):
        Settings().server.port = 1


@pytest.mark.parametrize(
    ("url", "location"),
    [
        ("", ""),
        ("postgresql://user:pw@host:5432/name", "postgresql://host:5432/name"),
        ("postgresql://user:p@w@host/name", "postgresql://host/name"),
        ("postgresql:///name?password=pw&host=x", "postgresql:///name"),
        ("sqlite:////var/x.sqlite", "sqlite:////var/x.sqlite"),
        ("postgresql://user:pw@[host/name", "malformed"),
    ],
)
def test_the_password_of_the_database_is_in_no_repr(url, location):
    database = DatabaseSettings(url)
    assert database.location == location
    assert (
        "pw" not in f"{database!r} {database} {Settings(database=database)!r} {Settings(database=database)}"
    )


def test_the_database_is_a_file_in_the_data_folder_unless_told_otherwise():
    storage = StorageSettings(data=Path("/srv/moorage"))
    assert Settings(storage=storage).database_url == "sqlite:////srv/moorage/db/moorage.sqlite"
    url = "postgresql://user:pw@host/name"
    assert Settings(storage=storage, database=DatabaseSettings(url)).database_url == url
