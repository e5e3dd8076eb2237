"""Principals and the accounts behind them."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

#: The duration in days of what never expires, as Harbor's clients write it.
FOREVER = -1
#: Stands for all projects where a project's number is asked for.
EVERY_PROJECT = 0


class PrincipalKind(StrEnum):
    """What kind of account is calling."""

    ANONYMOUS = "anonymous"
    USER = "user"
    ROBOT = "robot"


@dataclass(frozen=True, slots=True)
class Principal:
    """Who is calling, as proved by a credential.

    Attributes:
        generation: grows whenever the account's secrets change or it is disabled; a token that
            carries an older one is void.
        admin: system administrator at the time of the proof; rights are looked up again at use.
        expires_at: when the credential that proved it ends; nothing issued for it lives longer.
    """

    kind: PrincipalKind
    id: int
    name: str
    generation: int = 0
    admin: bool = False
    expires_at: datetime | None = None

    @property
    def key(self) -> str:
        """The account in one word, for instance ``user:7``; never given to another account."""
        return f"{self.kind.value}:{self.id}"

    @property
    def is_anonymous(self) -> bool:
        return self.kind is PrincipalKind.ANONYMOUS


ANONYMOUS = Principal(PrincipalKind.ANONYMOUS, 0, "anonymous")


class Source(StrEnum):
    """Where an account comes from, and with it who knows its password."""

    LOCAL = "local"
    DIRECTORY = "directory"


@dataclass(frozen=True, slots=True)
class User:
    """A person: with a password of this registry, or vouched for by a directory.

    Attributes:
        admin: made a system administrator here, by hand.
        directory_admin: a system administrator for as long as the directory says so.
        seen_at: when the directory last confirmed a person of its own.
        left_at: since when the directory has the person no more; it is why the account is disabled.
        auditor: may read what there is to know about the system, and change nothing by that.
    """

    id: int
    name: str
    email: str
    real_name: str
    comment: str
    admin: bool
    disabled: bool
    generation: int
    created_at: datetime
    updated_at: datetime
    source: Source = Source.LOCAL
    directory_admin: bool = False
    seen_at: datetime | None = None
    left_at: datetime | None = None
    auditor: bool = False

    @property
    def is_admin(self) -> bool:
        """A system administrator, whoever says so."""
        return self.admin or self.directory_admin

    def principal(self) -> Principal:
        return Principal(PrincipalKind.USER, self.id, self.name, self.generation, self.is_admin)


@dataclass(frozen=True, slots=True)
class Group:
    """A group of the directory that may be given roles here.

    Attributes:
        name: canonical: ``name@domain`` in lower case.
    """

    id: int
    name: str
    created_at: datetime
    updated_at: datetime


@dataclass(frozen=True, slots=True)
class RobotRight:
    """One thing that a robot may do, for instance ``repository`` / ``push``."""

    resource: str
    action: str


class PermissionKind(StrEnum):
    """What a robot's permission is about, in Harbor's words."""

    SYSTEM = "system"
    PROJECT = "project"


@dataclass(frozen=True, slots=True)
class RobotPermission:
    """What a robot may do in one place.

    Attributes:
        project_id: bound to the project, not to its name; `EVERY_PROJECT` for all there are and will be.
            0 too with what lies outside projects.
    """

    kind: PermissionKind
    project_id: int
    rights: frozenset[RobotRight]


@dataclass(frozen=True, slots=True)
class Robot:
    """An account for machines: of one project, or of the system, for several projects and what is outside.

    Attributes:
        project_id: its only project; 0 for a system robot.
        name: the full login name, ``robot$project+name``, or ``robot$name`` for a system robot.
        expires_at: None for never.
        permissions: one for each place, in a fixed order.
    """

    id: int
    project_id: int
    name: str
    description: str
    disabled: bool
    generation: int
    expires_at: datetime | None
    created_at: datetime
    updated_at: datetime
    permissions: tuple[RobotPermission, ...]
    created_by: str

    @property
    def is_system(self) -> bool:
        return not self.project_id

    @property
    def rights(self) -> frozenset[RobotRight]:
        """All that it may do, wherever that is; a robot of a project may do it there."""
        return frozenset(right for each in self.permissions for right in each.rights)

    @property
    def duration_days(self) -> int:
        """Days from its making to its end; -1 for no end."""
        return FOREVER if self.expires_at is None else (self.expires_at - self.created_at).days

    def principal(self) -> Principal:
        return Principal(PrincipalKind.ROBOT, self.id, self.name, self.generation, expires_at=self.expires_at)


@dataclass(frozen=True, slots=True)
class AccessToken:
    """A personal access token; its secret is shown once and kept as a digest."""

    id: int
    user_id: int
    name: str
    hint: str
    created_at: datetime
    expires_at: datetime | None
    used_at: datetime | None
