"""Policies of webhooks: kept as given, with their secrets out of sight."""

import json
from dataclasses import replace

import pytest

from moorage.db.connection import database
from moorage.events import ProjectChanged
from moorage.jobs.model import State
from moorage.projects.errors import ProjectUnknownError
from moorage.webhooks.document import DraftTarget
from moorage.webhooks.errors import WebhookExistsError, WebhookInvalidError, WebhookUnknownError
from moorage.webhooks.model import EventType, TargetKind
from moorage.webhooks.policies import MAX_POLICIES
from moorage.webhooks.tables import WebhookPolicyRow
from tests.support.distribution import ALICE
from tests.support.hooks import Hooks, cloud, draft, slack

ADDRESS = "https://hooks.example.com/a"
AUTH = "Bearer very-secret-header"


@pytest.fixture
def site(database, tmp_path, clock):
    return Hooks(tmp_path, clock)


def secret_target(address=ADDRESS, auth=AUTH, kind=TargetKind.HTTP):
    return DraftTarget(kind, address, auth, skip_cert_verify=True)


def test_a_policy_is_kept_as_it_was_given(site):
    made = site.policy(
        secret_target(),
        cloud("https://b.example/"),
        slack("https://c.example/"),
        events=(EventType.PUSH_ARTIFACT, EventType.SCANNING_FAILED),
        description="tells CI",
    )
    assert site.webhooks.get(site.project_id, made.id) == made
    assert site.webhooks.all(site.project_id) == [made]
    assert made.targets[0].auth_header == AUTH
    assert made.creator == "alice"
    assert len(made.secret) > 40
    (told,) = site.happened(ProjectChanged)
    assert told.what == f"webhook policy {made.id} made: on, 3 targets, PUSH_ARTIFACT, SCANNING_FAILED"


def test_secrets_are_neither_stored_nor_shown_in_the_clear(site):
    made = site.policy(secret_target(), secret="signing-secret-of-a-test")
    (row,) = database.execute_sql("SELECT * FROM webhook_policy").fetchall()
    assert AUTH not in str(row)
    assert "signing-secret" not in str(row)
    assert AUTH not in repr(made)
    assert "signing-secret" not in repr(made)
    assert AUTH not in repr(draft(secret_target()))


def test_names_are_unique_in_a_project(site):
    first = site.policy(ADDRESS)
    with pytest.raises(WebhookExistsError):
        site.policy(ADDRESS)
    second = site.policy(ADDRESS, name="other")
    with pytest.raises(WebhookExistsError):
        site.webhooks.change(ALICE, site.project_id, second.id, draft(ADDRESS, name=first.name))
    assert site.webhooks.get(site.project_id, second.id).name == "other"
    elsewhere = site.project("elsewhere")
    assert site.webhooks.create(ALICE, elsewhere, draft(ADDRESS)).name == first.name


def test_a_policy_of_another_project_is_none(site):
    made = site.policy(ADDRESS)
    elsewhere = site.project("elsewhere")
    with pytest.raises(WebhookUnknownError):
        site.webhooks.get(elsewhere, made.id)
    with pytest.raises(WebhookUnknownError):
        site.webhooks.change(ALICE, elsewhere, made.id, draft(ADDRESS))
    with pytest.raises(WebhookUnknownError):
        site.webhooks.delete(ALICE, elsewhere, made.id)
    with pytest.raises(ProjectUnknownError):
        site.webhooks.create(ALICE, 999, draft(ADDRESS))


def test_a_target_that_stays_keeps_its_header_and_one_that_moves_does_not(site):
    made = site.policy(secret_target())
    kept = site.webhooks.change(ALICE, site.project_id, made.id, draft(ADDRESS, description="new"))
    assert kept.targets[0].auth_header == AUTH
    assert kept.secret == made.secret
    for moved in ("https://hooks.example.com/b", "https://evil.example/a", "http://hooks.example.com/a"):
        changed = site.webhooks.change(ALICE, site.project_id, made.id, draft(moved))
        assert changed.targets[0].auth_header == ""
        site.webhooks.change(ALICE, site.project_id, made.id, draft(secret_target()))
    removed = site.webhooks.change(ALICE, site.project_id, made.id, draft(secret_target(auth="")))
    assert removed.targets[0].auth_header == ""


def test_a_change_is_logged_once_and_only_if_it_is_one(site):
    made = site.policy(ADDRESS)
    site.told.clear()
    site.moving.forward(hours=1)
    assert site.webhooks.change(ALICE, site.project_id, made.id, draft(ADDRESS)) == made
    assert site.told == []
    changed = site.webhooks.change(ALICE, site.project_id, made.id, draft(ADDRESS, enabled=False))
    assert changed == replace(made, enabled=False, updated_at=changed.updated_at)
    assert changed.updated_at > made.updated_at
    assert len(site.happened(ProjectChanged)) == 1


def test_a_project_has_a_bounded_number_of_them(site):
    for number in range(MAX_POLICIES):
        site.policy(ADDRESS, name=f"hook {number}")
    with pytest.raises(WebhookInvalidError):
        site.policy(ADDRESS, name="one more")


def test_switched_off_means_that_what_waits_is_not_sent(site):
    made = site.policy(ADDRESS)
    site.push_image("v1", b"one")
    site.webhooks.change(ALICE, site.project_id, made.id, draft(ADDRESS, enabled=False))
    (delivery,) = site.sent(made)
    assert (delivery.state, delivery.message) == (State.STOPPED, "the policy was switched off")
    site.push_image("v2", b"two")
    assert len(site.sent(made)) == 1


def test_a_deleted_policy_takes_its_history_along(site):
    made = site.policy(ADDRESS)
    site.push_image("v1", b"one")
    site.webhooks.delete(ALICE, site.project_id, made.id)
    assert site.webhooks.all(site.project_id) == []
    for table in ("webhook_event", "webhook_delivery"):
        assert database.execute_sql(f"SELECT count(*) FROM {table}").fetchone() == (0,)  # noqa: S608
    assert site.deliver() == 0


def test_a_deleted_project_takes_its_policies_along(site):
    project_id = site.project("short")
    site.webhooks.create(ALICE, project_id, draft(ADDRESS))
    site.projects.delete(ALICE, project_id)
    assert database.execute_sql("SELECT count(*) FROM webhook_policy").fetchone() == (0,)


def test_with_the_key_gone_a_policy_can_be_seen_and_set_anew_but_sends_nothing(site, tmp_path):
    made = site.policy(secret_target())
    site.push_image("v1", b"one")
    (tmp_path / "keys" / "sealing.key").unlink()
    site.keyring.ensure()
    assert site.webhooks.get(site.project_id, made.id).targets[0].auth_header == ""
    site.deliver()
    (delivery,) = site.sent(made)
    assert delivery.state is State.ERROR
    assert "secrets" in delivery.message
    changed = site.webhooks.change(ALICE, site.project_id, made.id, draft(secret_target()))
    assert changed.secret not in ("", made.secret)
    assert site.webhooks.get(site.project_id, made.id) == changed


def sealed(policy):
    return WebhookPolicyRow.get_by_id(policy.id).secrets


def put(policy, text):
    WebhookPolicyRow.update(secrets=text).where(WebhookPolicyRow.id == policy.id).execute()


def test_a_sealed_secret_is_of_no_use_in_another_row(site):
    made, thief = site.policy(secret_target()), site.policy(secret_target(), name="thief")
    put(thief, sealed(made))
    found = site.webhooks.get(site.project_id, thief.id)
    assert (found.secret, found.targets[0].auth_header) == ("", "")
    assert site.webhooks.get(site.project_id, made.id).secret == made.secret


def test_secrets_of_an_older_release_open_and_are_bound_at_the_start(site):
    made, fresh = site.policy(secret_target()), site.policy(secret_target(), name="fresh")
    old = json.dumps({"signing": "signing-secret-of-old", "auth": [AUTH]})
    put(made, site.keyring.seal(old, "webhook"))
    before = sealed(fresh)
    for count in (1, 0):
        found = site.webhooks.get(site.project_id, made.id)
        assert (found.secret, found.targets[0].auth_header) == ("signing-secret-of-old", AUTH)
        assert site.webhooks.bind_secrets() == count
    assert sealed(fresh) == before
    put(fresh, sealed(made))
    assert site.webhooks.get(site.project_id, fresh.id).secret == ""
