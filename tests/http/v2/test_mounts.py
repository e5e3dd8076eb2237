"""Mounting: a blob that is here already need not be sent, if the caller could have pulled it."""

from collections.abc import Callable

import pytest
from falcon.testing import Result, TestClient

from moorage.events import SYSTEM
from moorage.oci.names import RepositoryName
from moorage.projects.model import Project, Role
from moorage.services import Services
from tests.http.v2.caller import Caller, digest_of
from tests.support.people import People

DATA = b"shared"
DIGEST = digest_of(DATA)


@pytest.fixture
def source(people: People, calling: Callable[..., Caller]) -> Project:
    """A project of bob's whose ``yard/base`` holds the blob."""
    yard = people.project("yard", bob=Role.MAINTAINER)
    calling(people.bob, "yard/base").push_blob("yard/base", DATA)
    return yard


def mount(caller: Caller, source: str | None = "yard/base", digest: str = DIGEST) -> Result:
    query = f"mount={digest}" + ("" if source is None else f"&from={source}")
    return caller.request("POST", f"/v2/dock/app/blobs/uploads/?{query}")


def assert_mounted(caller: Caller, answer: Result) -> None:
    assert answer.status_code == 201
    assert answer.headers["Location"] == f"http://registry.test/v2/dock/app/blobs/{DIGEST}"
    assert answer.headers["Docker-Content-Digest"] == DIGEST
    assert caller.get(f"/v2/dock/app/blobs/{DIGEST}").content == DATA


def assert_to_be_sent(caller: Caller, answer: Result) -> None:
    assert answer.status_code == 202
    location = answer.headers["Location"]
    assert caller.get(f"/v2/dock/app/blobs/{DIGEST}").status_code == 404
    assert caller.request("PUT", f"{location}?digest={DIGEST}", DATA).status_code == 201


@pytest.mark.parametrize("named", ["yard/base", None])
def test_from_where_one_may_pull(
    calling: Callable[..., Caller],
    people: People,
    services: Services,
    dock: Project,
    source: Project,
    named: str | None,
) -> None:
    services.members.add(SYSTEM, source.id, people.alice.id, Role.LIMITED_GUEST)
    caller = calling(people.alice, "dock/app", "yard/base")
    assert_mounted(caller, mount(caller, named))


def test_from_the_same_project(alice: Caller) -> None:
    alice.push_blob("dock/other", DATA)
    assert_mounted(alice, mount(alice, "dock/other"))


def test_from_a_public_project(
    calling: Callable[..., Caller], people: People, services: Services, dock: Project, source: Project
) -> None:
    services.projects.set_public(SYSTEM, source.id, True)
    caller = calling(people.alice, "dock/app", "yard/base")
    assert_mounted(caller, mount(caller))


def test_with_a_password_in_place_of_a_token(
    client: TestClient, people: People, services: Services, dock: Project, source: Project
) -> None:
    caller = Caller(client, people.basic(people.alice))
    assert_to_be_sent(caller, mount(caller))
    caller.request("DELETE", f"/v2/dock/app/blobs/{DIGEST}")
    services.members.add(SYSTEM, source.id, people.alice.id, Role.GUEST)
    assert_mounted(caller, mount(caller))


@pytest.mark.parametrize("named", ["yard/base", None])
def test_what_one_may_not_pull_has_to_be_sent(
    calling: Callable[..., Caller], people: People, dock: Project, source: Project, named: str | None
) -> None:
    caller = calling(people.alice, "dock/app", "yard/base")
    assert_to_be_sent(caller, mount(caller, named))


@pytest.mark.parametrize("named", ["yard/base", None])
def test_a_right_without_a_token_for_it_is_not_enough(
    calling: Callable[..., Caller],
    people: People,
    services: Services,
    dock: Project,
    source: Project,
    named: str | None,
) -> None:
    services.members.add(SYSTEM, source.id, people.alice.id, Role.GUEST)
    caller = calling(people.alice, "dock/app")
    assert_to_be_sent(caller, mount(caller, named))


def test_a_token_without_the_right_is_not_enough(
    calling: Callable[..., Caller], people: People, services: Services, dock: Project, source: Project
) -> None:
    member = services.members.add(SYSTEM, source.id, people.alice.id, Role.GUEST)
    caller = calling(people.alice, "dock/app", "yard/base")
    services.members.remove(SYSTEM, source.id, member.id)
    assert_to_be_sent(caller, mount(caller))


def test_a_token_for_a_project_that_was_made_anew_is_not_enough(
    calling: Callable[..., Caller], people: People, services: Services, dock: Project, source: Project
) -> None:
    services.members.add(SYSTEM, source.id, people.alice.id, Role.GUEST)
    caller = calling(people.alice, "dock/app", "yard/base")
    services.repositories.delete(SYSTEM, RepositoryName("yard/base"))
    services.projects.delete(SYSTEM, source.id)
    people.project("yard", public=True, bob=Role.MAINTAINER)
    calling(people.bob, "yard/base").push_blob("yard/base", DATA)
    assert_to_be_sent(caller, mount(caller))


@pytest.mark.parametrize("named", ["yard/none", "none/none", "ubuntu", "../base", "Yard/base", ""])
def test_a_source_that_cannot_be_gets_the_same_answer_as_a_hidden_one(
    calling: Callable[..., Caller], people: People, dock: Project, source: Project, named: str
) -> None:
    caller = calling(people.alice, "dock/app", "yard/base", "yard/none", "none/none")
    hidden, absent = mount(caller), mount(caller, named)
    assert absent.status_code == hidden.status_code == 202
    names = [{name.lower() for name in answer.headers} for answer in (hidden, absent)]
    assert names[0] == names[1]
    assert_to_be_sent(caller, absent)


def test_a_blob_that_the_source_does_not_hold(alice: Caller) -> None:
    alice.push_blob("dock/other", b"something else")
    assert_to_be_sent(alice, mount(alice, "dock/other"))


def test_the_target_needs_a_push_right(
    calling: Callable[..., Caller], people: People, services: Services, dock: Project, source: Project
) -> None:
    services.members.add(SYSTEM, dock.id, people.bob.id, Role.GUEST)
    answer = mount(calling(people.bob, "dock/app", "yard/base"))
    assert answer.status_code == 403


def test_a_client_without_a_token_is_told_to_ask_for_both_repositories(
    nobody: Caller, source: Project
) -> None:
    challenge = mount(nobody).headers["WWW-Authenticate"]
    assert 'scope="repository:dock/app:pull,push repository:yard/base:pull"' in challenge
    assert "from" not in mount(nobody, 'x"y').headers["WWW-Authenticate"]


def test_what_cannot_be_mounted_may_come_with_the_same_request(alice: Caller) -> None:
    path = f"/v2/dock/app/blobs/uploads/?mount={DIGEST}&from=dock/other&digest={DIGEST}"
    assert_mounted(alice, alice.request("POST", path, DATA))
