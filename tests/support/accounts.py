"""Accounts and projects over a database alone, without the rest of the services."""

from collections.abc import Collection
from datetime import timedelta

from moorage import events
from moorage.config import LoginSettings, ProjectsSettings, Settings
from moorage.configuration.site_settings import SiteSettings
from moorage.configuration.store import SettingStore
from moorage.events import Actor, Event, Events
from moorage.identity.access_tokens import AccessTokens
from moorage.identity.authenticator import Authenticator
from moorage.identity.brake import Brake
from moorage.identity.directory import Directory, NoDirectory
from moorage.identity.groups import Groups
from moorage.identity.lockout import Lockout
from moorage.identity.model import PermissionKind, Robot, RobotPermission, RobotRight, User
from moorage.identity.people import DirectoryPeople
from moorage.identity.people_store import PeopleStore
from moorage.identity.refresh import Refresh
from moorage.identity.robot_store import RobotStore
from moorage.identity.robot_terms import Grantable
from moorage.identity.robots import Robots
from moorage.identity.store import IdentityStore
from moorage.identity.users import Users
from moorage.projects.access import Access
from moorage.projects.members import Members
from moorage.projects.model import Project
from moorage.projects.projects import Projects
from moorage.projects.quota_store import QuotaStore
from moorage.projects.role_store import RoleStore
from moorage.projects.roles import Roles
from moorage.projects.rules import ROBOT_RIGHTS, SYSTEM_ROBOT_RIGHTS
from moorage.projects.store import ProjectStore
from tests.support.clock import SetClock

PASSWORD = "Harbour-1-pilot"
ACTOR = Actor("user:99", "user", "harbourmaster", "192.0.2.7")
PULL = frozenset({RobotRight("repository", "pull")})


def within(project: Project, rights: Collection[RobotRight] = PULL) -> RobotPermission:
    """These rights in one project."""
    return RobotPermission(PermissionKind.PROJECT, project.id, frozenset(rights))


class Accounts:
    """The rooms identity and projects, built over the bound database.

    Attributes:
        told: every event that was published, in order.
    """

    def __init__(
        self,
        clock: SetClock,
        login: LoginSettings | None = None,
        creation: ProjectsSettings | None = None,
        directory: Directory | None = None,
        grace: timedelta = timedelta(0),
        brake: Brake | None = None,
    ) -> None:
        self.clock = clock
        self.events = Events()
        self.told: list[Event] = []
        for kind in vars(events).values():
            if isinstance(kind, type) and issubclass(kind, Event):
                self.events.subscribe(kind, self.told.append)
        store, projects = IdentityStore(), ProjectStore()
        self.users = Users(store, self.events, clock)
        self.robots = Robots(
            RobotStore(), self.events, clock, grantable=Grantable(ROBOT_RIGHTS, SYSTEM_ROBOT_RIGHTS)
        )
        self.access_tokens = AccessTokens(store, self.events, clock)
        self.lockout = Lockout(store, clock, login or LoginSettings())
        self.directory = directory or NoDirectory()
        people = PeopleStore()
        self.people = DirectoryPeople(self.directory, people, store, self.events, clock, grace)
        self.groups = Groups(self.directory, people, self.events, clock, Roles(RoleStore()).has_group)
        self.refresh = Refresh(self.directory, self.people, people, self.events, clock, brake or Brake())
        self.authenticator = Authenticator(
            self.users, self.robots, self.access_tokens, self.lockout, clock, self.people
        )
        settings = Settings(projects=creation or ProjectsSettings())
        self.site = SiteSettings(SettingStore(), self.events, clock, settings)
        self.projects = Projects(projects, QuotaStore(), self.events, clock, self.site)
        self.members = Members(projects, self.events)
        self.access = Access(projects, clock)

    def user(self, name: str, *, admin: bool = False) -> User:
        """A new user whose password is `PASSWORD`."""
        return self.users.create(ACTOR, name, PASSWORD, admin=admin)

    def project(self, name: str, *, public: bool = False) -> Project:
        """A new project without members."""
        return self.projects.create(ACTOR, None, name, public=public)

    def robot(
        self, project: Project, name: str, rights: frozenset[RobotRight] = PULL, days: int = -1
    ) -> tuple[Robot, str]:
        """A new robot and its secret."""
        return self.robots.create(
            ACTOR, (project.id, project.name), name, duration_days=days, permissions=[within(project, rights)]
        )

    def access_token(self, user: User, name: str = "cli", lifetime: timedelta | None = None) -> str:
        """The secret of a new personal access token."""
        return self.access_tokens.create(ACTOR, user.id, name, lifetime)[1]
