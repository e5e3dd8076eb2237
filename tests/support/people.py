"""Accounts, projects and tokens for tests of services in this process, each in a word."""

import base64
from collections.abc import Iterable, Mapping
from datetime import timedelta

from moorage.events import SYSTEM
from moorage.identity.model import PermissionKind, Principal, Robot, RobotPermission, RobotRight, User
from moorage.projects.model import Project, Role
from moorage.services import Services
from moorage.token.grants import decide
from moorage.token.model import parse_scopes

PASSWORD = "Harbour-1-pilot"


class People:
    """Makes people of real services; everyone's password is `PASSWORD`."""

    def __init__(self, services: Services) -> None:
        self._services = services

    def user(self, name: str, *, admin: bool = False) -> User:
        """The account of that name, made when it is missing."""
        found = self._services.users.find(name)
        return found or self._services.users.create(SYSTEM, name, PASSWORD, admin=admin)

    @property
    def admin(self) -> User:
        return self.user("admin", admin=True)

    @property
    def alice(self) -> User:
        return self.user("alice")

    @property
    def bob(self) -> User:
        return self.user("bob")

    def project(
        self, name: str, *, public: bool = False, owner: User | None = None, **members: Role
    ) -> Project:
        """A project; `members` are names with their roles: `project("dock", alice=Role.GUEST)`."""
        principal = owner.principal() if owner else None
        made = self._services.projects.create(SYSTEM, principal, name, public=public)
        for each, role in members.items():
            self._services.members.add(SYSTEM, made.id, self.user(each).id, role)
        return made

    def robot(self, project: Project, name: str, *rights: tuple[str, str]) -> tuple[Robot, str]:
        """A robot with these rights (pull and push of repositories when none are given), and its secret."""
        pairs = rights or (("repository", "pull"), ("repository", "push"))
        held = RobotPermission(
            PermissionKind.PROJECT, project.id, frozenset(RobotRight(*pair) for pair in pairs)
        )
        return self._services.robots.create(SYSTEM, (project.id, project.name), name, permissions=[held])

    def system_robot(
        self, name: str, places: Mapping[Project | str, Iterable[tuple[str, str]]]
    ) -> tuple[Robot, str]:
        """A robot of the system, in projects, in all (``*``) and outside of them (``/``), and its secret."""
        permissions = [
            RobotPermission(
                PermissionKind.SYSTEM if place == "/" else PermissionKind.PROJECT,
                0 if isinstance(place, str) else place.id,
                frozenset(RobotRight(*pair) for pair in pairs),
            )
            for place, pairs in places.items()
        ]
        return self._services.robots.create(SYSTEM, None, name, permissions=permissions)

    def member(self, project: Project, user: User, role: Role) -> int:
        """The number of a new membership."""
        return self._services.members.add(SYSTEM, project.id, user.id, role).id

    def auditor(self, user: User) -> None:
        """Make the user an auditor."""
        self._services.users.set_auditor(SYSTEM, user.id, True)

    def access_token(self, user: User, name: str = "cli", lifetime: timedelta | None = None) -> str:
        """The secret of a new personal access token."""
        return self._services.access_tokens.create(SYSTEM, user.id, name, lifetime)[1]

    def basic(self, account: User | str, password: str = PASSWORD) -> Mapping[str, str]:
        """Headers of a caller who sends name and password."""
        name = account if isinstance(account, str) else account.name
        return {"Authorization": "Basic " + base64.b64encode(f"{name}:{password}".encode()).decode()}

    def bearer(self, account: User | Robot | Principal, *scopes: str) -> Mapping[str, str]:
        """Headers of a caller who has fetched a token for `scopes`, cut to what the account may do."""
        principal = account if isinstance(account, Principal) else account.principal()
        grants = decide(self._services.access, principal, parse_scopes(list(scopes)))
        return {"Authorization": f"Bearer {self._services.tokens.issue(principal, grants).token}"}
