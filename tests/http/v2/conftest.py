"""Fixtures of the distribution API: a private project, a public one, and who may do what there."""

from collections.abc import Callable

import pytest
from falcon.testing import TestClient

from moorage.identity.model import ANONYMOUS, Principal, Robot, User
from moorage.projects.model import Project, Role
from tests.http.v2.caller import Caller
from tests.support.people import People

EVERYTHING = "pull,push,delete"


@pytest.fixture
def dock(people: People) -> Project:
    """A private project; alice is its maintainer."""
    return people.project("dock", alice=Role.MAINTAINER)


@pytest.fixture
def quay(people: People) -> Project:
    """A public project; alice is its maintainer."""
    return people.project("quay", public=True, alice=Role.MAINTAINER)


@pytest.fixture
def calling(client: TestClient, people: People) -> Callable[..., Caller]:
    """A caller with a token of an account for everything it may do in these repositories."""

    def make(account: User | Robot | Principal, *names: str) -> Caller:
        scopes = [f"repository:{name}:{EVERYTHING}" for name in names]
        return Caller(client, people.bearer(account, *scopes, "registry:catalog:*"))

    return make


@pytest.fixture
def alice(calling: Callable[..., Caller], people: People, dock: Project) -> Caller:
    """The maintainer of ``dock`` with a token for ``dock/app`` and ``dock/other``."""
    return calling(people.alice, "dock/app", "dock/other")


@pytest.fixture
def nobody(client: TestClient) -> Caller:
    """Without any credential."""
    return Caller(client, {})


@pytest.fixture
def anonymous(calling: Callable[..., Caller]) -> Callable[..., Caller]:
    """With a token for nobody in particular."""
    return lambda *names: calling(ANONYMOUS, *names)
