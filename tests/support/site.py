"""A running registry with people in it: who may do what is the same in every live test."""

import os
from dataclasses import dataclass

from tests.support.administration import Administration, Login, RoleId
from tests.support.registry import RegistryClient
from tests.support.server import ADMIN, RunningServer

_PASSWORD = "Harbour-1-pilot"
PRIVATE = "dock"
PUBLIC = "quay"


@dataclass(frozen=True, slots=True)
class Site:
    """The project `dock` is private, `quay` is public; both have the same members.

    Attributes:
        maintainer: may push, pull and delete.
        developer: may push and pull.
        guest: may pull.
        stranger: a member of nothing.
        robot: of `dock`, may push and pull.
    """

    server: RunningServer
    maintainer: Login
    developer: Login
    guest: Login
    stranger: Login
    robot: Login

    @property
    def host(self) -> str:
        return self.server.host

    def fresh(self, project: str = PRIVATE) -> str:
        """The name of a repository that nobody has used."""
        return f"{project}/app-{os.urandom(4).hex()}"

    def at(self, name: str) -> str:
        """A repository's name (or one with a tag or digest) as clients write it."""
        return f"{self.host}/{name}"

    def client(self, login: Login | None = None) -> RegistryClient:
        """The raw client, as the administrator unless told otherwise, for a second opinion."""
        who = login or ADMIN
        return RegistryClient(self.server.url, who.name, who.password, self.server.verify)

    def administration(self) -> Administration:
        return Administration(self.server.url, ADMIN, self.server.verify)

    def digest(self, name: str, tag: str) -> str:
        """The digest that the registry itself gives for a tag."""
        client = self.client()
        try:
            found: str = client.pull_manifest(name, tag).headers["Docker-Content-Digest"]
        finally:
            client.close()
        return found


def populate(server: RunningServer) -> Site:
    """Make the projects and the people of a `Site`."""
    chief = Administration(server.url, ADMIN, server.verify)
    mary, dave, gus, sam = (chief.user(Login(name, _PASSWORD)) for name in ("mary", "dave", "gus", "sam"))
    for project in (PRIVATE, PUBLIC):
        chief.project(project, public=project == PUBLIC)
        chief.member(project, mary, RoleId.MAINTAINER)
        chief.member(project, dave, RoleId.DEVELOPER)
        chief.member(project, gus, RoleId.GUEST)
    robot = chief.robot(PRIVATE, "ci", "pull", "push")
    chief.close()
    return Site(server, mary, dave, gus, sam, robot)
