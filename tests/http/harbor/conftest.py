"""Fixtures of Harbor's API: two private projects, a public one, and callers."""

from collections.abc import Callable

import pytest
from falcon.testing import TestClient

from moorage.identity.model import Robot, User
from moorage.projects.model import Project, Role
from moorage.services import Services
from tests.http.harbor.portal import Portal, Pusher
from tests.support.people import People


@pytest.fixture
def dock(people: People) -> Project:
    """A private project; alice administers it."""
    return people.project("dock", alice=Role.PROJECT_ADMIN)


@pytest.fixture
def quay(people: People) -> Project:
    """A public project; alice administers it."""
    return people.project("quay", public=True, alice=Role.PROJECT_ADMIN)


@pytest.fixture
def pier(people: People) -> Project:
    """A private project that alice has nothing to do with; bob administers it."""
    return people.project("pier", bob=Role.PROJECT_ADMIN)


@pytest.fixture
def calling(client: TestClient, people: People) -> Callable[[User], Portal]:
    """A caller with the password of an account."""
    return lambda user: Portal(client, people.basic(user))


@pytest.fixture
def admin(calling: Callable[[User], Portal], people: People) -> Portal:
    """A system administrator."""
    return calling(people.admin)


@pytest.fixture
def alice(calling: Callable[[User], Portal], people: People) -> Portal:
    """An administrator of ``dock`` and ``quay``, where these exist."""
    return calling(people.alice)


@pytest.fixture
def bob(calling: Callable[[User], Portal], people: People) -> Portal:
    """A user without any role in ``dock`` and ``quay``."""
    return calling(people.bob)


@pytest.fixture
def nobody(client: TestClient) -> Portal:
    """Without any credential."""
    return Portal(client, {})


@pytest.fixture
def as_robot(client: TestClient, people: People) -> Callable[[tuple[Robot, str]], Portal]:
    """A caller with the secret of a robot."""
    return lambda made: Portal(client, people.basic(made[0].name, made[1]))


@pytest.fixture
def push(services: Services) -> Pusher:
    """Puts images into repositories."""
    return Pusher(services)


@pytest.fixture
def portal_of(request: pytest.FixtureRequest, services: Services) -> Callable[[str], Portal]:
    """One of the callers above by name, made when it is asked for."""
    return request.getfixturevalue
