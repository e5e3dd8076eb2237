"""Settings that administrators change: what wins, who hears of it, and when others know."""

from dataclasses import replace
from datetime import timedelta

import pytest

from moorage.config import ProjectsSettings, Settings
from moorage.configuration.errors import SettingFixedError, SettingInvalidError, SettingUnknownError
from moorage.configuration.site_settings import REMEMBERED_SECONDS, SiteSettings
from moorage.configuration.store import SettingStore
from moorage.configuration.tables import SettingRow
from moorage.db.connection import atomic
from moorage.events import SYSTEM, ConfigurationChanged, Event, Events

pytestmark = pytest.mark.usefixtures("database")


class Site:
    """Processes over one database, and a clock for what they remember."""

    def __init__(self, clock) -> None:
        self.clock = clock
        self.seconds = 100.0
        self.events = Events()
        self.told: list[Event] = []
        self.events.subscribe(ConfigurationChanged, self.told.append)

    def process(self, settings: Settings | None = None) -> SiteSettings:
        return SiteSettings(
            SettingStore(), self.events, self.clock, settings or Settings(), lambda: self.seconds
        )


@pytest.fixture
def site(clock) -> Site:
    return Site(clock)


def test_what_the_file_says_holds_until_somebody_sets_it(site):
    file = Settings(projects=ProjectsSettings(creation="adminonly", storage_limit_bytes=10))
    found = site.process(file)
    assert (found.creation(), found.storage_limit_bytes()) == ("adminonly", 10)
    found.change(SYSTEM, {"project_creation_restriction": "everyone", "storage_per_project": 20})
    again = site.process(replace(file, projects=ProjectsSettings(creation="adminonly")))
    assert (again.creation(), again.storage_limit_bytes()) == ("everyone", 20)
    again.reset(SYSTEM, ["project_creation_restriction", "read_only"])
    assert (again.creation(), again.storage_limit_bytes()) == ("adminonly", 20)


def test_another_process_knows_a_change_within_seconds(site):
    one, other = site.process(), site.process()
    assert other.read_only() is False
    one.change(SYSTEM, {"read_only": True})
    assert one.read_only() is True
    assert other.read_only() is False
    site.seconds += REMEMBERED_SECONDS
    assert other.read_only() is True


def test_what_was_read_before_a_change_is_not_remembered_after_it(site):
    class Overtaken(SettingStore):
        """A change comes between the reading and the remembering, once."""

        pending = True

        def every(self):
            values = super().every()
            if self.pending:
                self.pending = False
                found.change(SYSTEM, {"read_only": True})
            return values

    found = SiteSettings(Overtaken(), site.events, site.clock, Settings(), lambda: site.seconds)
    assert found.read_only() is False
    assert found.read_only() is True


def test_all_settings_change_or_none(site):
    found = site.process()
    for wanted, error in (
        ({"read_only": True, "nonsense": 1}, SettingUnknownError),
        ({"read_only": True, "session_timeout": 0}, SettingInvalidError),
        ({"read_only": True, "self_registration": True}, SettingFixedError),
        ({"read_only": True, "oidc_client_secret": "x"}, SettingFixedError),
    ):
        with pytest.raises(error):
            found.change(SYSTEM, wanted)
    assert found.read_only() is False
    assert site.told == []


def test_the_log_hears_the_names_of_what_changed_and_nothing_of_what_did_not(site):
    found = site.process()
    found.change(SYSTEM, {"banner_message": "s3cret", "session_timeout": 60, "self_registration": False})
    found.change(SYSTEM, {"banner_message": "s3cret"})
    found.reset(SYSTEM, ["banner_message"])
    found.reset(SYSTEM, ["banner_message"])
    assert [each.what for each in site.told] == ["banner_message", "banner_message"]


def test_a_change_that_nobody_could_log_did_not_happen(site):
    found = site.process()

    def fail(event):
        raise RuntimeError("the log is ill")

    site.events.subscribe(ConfigurationChanged, fail)
    with pytest.raises(RuntimeError, match="ill"):
        found.change(SYSTEM, {"read_only": True})
    assert found.read_only() is False


def test_what_another_release_has_stored_does_no_harm(site):
    with atomic():
        for name, value in (("gone", '"x"'), ("read_only", '"yes"'), ("self_registration", "true")):
            SettingRow.insert(name=name, value=value, updated_at=0).execute()
    found = site.process()
    assert found.read_only() is False
    assert found.value("self_registration") is False
    assert "gone" not in found.shown()


def test_sessions_last_as_long_as_the_setting_says(site):
    found = site.process()
    assert found.session_timeout() == timedelta(hours=1)
    found.change(SYSTEM, {"session_timeout": 5})
    assert found.session_timeout() == timedelta(minutes=5)
