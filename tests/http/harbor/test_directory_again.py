"""A registry that is connected again, to the same vCenter or to another: who inherits what, by the name."""

import pytest

from moorage.events import SYSTEM
from moorage.identity.directory import Person
from moorage.identity.errors import BadCredentialsError
from moorage.identity.model import User
from moorage.projects.model import Role
from moorage.services import Services
from tests.http.harbor.portal import Portal, message_of
from tests.support.people import People

BOB = "bob@vsphere.local"
WANTED = {
    "address": "vc.example.com",
    "account": "svc@vsphere.local",
    "password": "service secret",
    "thumbprint": "ab" * 32,
}
OTHER = {**WANTED, "address": "other.example.com"}


@pytest.fixture
def bob(admin: Portal, services: Services, people: People) -> User:
    """Of the first vCenter: an administrator by hand, with a role of their own, and an access token."""
    assert admin.put("/directory", WANTED).status_code == 200
    services.directory.refresh()  # type: ignore[attr-defined]
    found = services.people.learn(Person(BOB, administrator=True))
    services.users.set_admin(SYSTEM, found.id, True)
    services.members.add(SYSTEM, people.project("dock").id, found.id, Role.PROJECT_ADMIN)
    return services.users.get(found.id)


@pytest.mark.parametrize("after", ["disconnection", "change of the address"])
def test_nobody_of_another_vcenter_inherits_by_name_without_a_word(
    admin: Portal, services: Services, bob: User, after: str
) -> None:
    if after == "disconnection":
        assert admin.delete("/directory").status_code == 200
    before = admin.get("/directory").json
    refused = admin.put("/directory", OTHER)
    assert refused.status_code == 409
    assert "1 people and 0 groups" in message_of(refused)
    assert admin.get("/directory").json == before
    assert services.users.get(bob.id) == bob


def test_who_is_forgotten_leaves_nothing_to_a_namesake(
    admin: Portal, services: Services, bob: User, people: People
) -> None:
    token = people.access_token(bob)
    assert admin.delete("/directory").status_code == 200
    assert admin.put("/directory", {**OTHER, "known_people": "forget"}).status_code == 200
    services.directory.refresh()  # type: ignore[attr-defined]
    stranger = services.people.learn(Person(BOB))
    assert stranger.id != bob.id
    assert not stranger.is_admin
    members = admin.get("/projects/dock/members").json
    assert BOB not in [each["entity_name"] for each in members]
    for check in (
        lambda: services.authenticator.authenticate(BOB, token, "192.0.2.1"),
        lambda: services.authenticator.current(bob.principal()),
    ):
        with pytest.raises(BadCredentialsError):
            check()
    told = admin.get("/audit-logs?q=operation=delete_user").json
    assert [(each["username"], each["resource"]) for each in told] == [("admin", BOB)]


def test_who_is_kept_is_who_they_were(admin: Portal, services: Services, bob: User) -> None:
    assert admin.delete("/directory").status_code == 200
    services.directory.refresh()  # type: ignore[attr-defined]
    with pytest.raises(BadCredentialsError):
        services.authenticator.current(bob.principal())
    assert admin.put("/directory", {**OTHER, "known_people": "keep"}).status_code == 200
    services.directory.refresh()  # type: ignore[attr-defined]
    assert services.authenticator.current(bob.principal()).id == bob.id


@pytest.mark.usefixtures("bob")
def test_other_changes_of_the_connection_ask_nothing(admin: Portal) -> None:
    assert admin.put("/directory", {**WANTED, "account": "other@vsphere.local"}).status_code == 200
    assert admin.put("/directory", {**OTHER, "known_people": "perhaps"}).status_code == 400
