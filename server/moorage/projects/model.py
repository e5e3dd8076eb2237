"""Projects, members, roles, and the words for what one may do."""

from dataclasses import dataclass
from datetime import datetime
from enum import IntEnum
from typing import NamedTuple

from moorage.identity.model import RobotRight


class Role(IntEnum):
    """A member's role; the numbers are Harbor's, which its clients send."""

    PROJECT_ADMIN = 1
    DEVELOPER = 2
    GUEST = 3
    MAINTAINER = 4
    LIMITED_GUEST = 5


class Permission(NamedTuple):
    """One thing that can be allowed, for instance ``repository`` / ``push``."""

    resource: str
    action: str


class SystemPermission(NamedTuple):
    """One thing outside every project, for instance ``user`` / ``create``."""

    resource: str
    action: str


@dataclass(frozen=True, slots=True)
class Project:
    """A namespace of repositories with its own members.

    Attributes:
        public: anyone may pull.
        owner_id: the user who made it; 0 when that account is gone.
    """

    id: int
    name: str
    public: bool
    owner_id: int
    owner_name: str
    created_at: datetime
    updated_at: datetime


@dataclass(frozen=True, slots=True)
class Member:
    """A user's role in a project."""

    id: int
    project_id: int
    user_id: int
    user_name: str
    role: Role


@dataclass(frozen=True, slots=True)
class Standing:
    """What one account is in one project right now, read in one statement on every request.

    Attributes:
        active: the account still exists, is enabled, unexpired, and its generation is current.
        rights: a robot's own list; None for people.
    """

    project_id: int
    public: bool
    active: bool
    admin: bool
    role: Role | None
    rights: frozenset[RobotRight] | None = None


@dataclass(frozen=True, slots=True)
class AccountStanding:
    """What one account is outside every project, right now.

    Attributes:
        active: as in `Standing`.
    """

    active: bool
    admin: bool
