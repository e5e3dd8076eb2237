"""Projects, members, roles, and the words for what one may do."""

from dataclasses import dataclass
from datetime import datetime
from enum import IntEnum
from typing import NamedTuple

from moorage.identity.model import RobotRight
from moorage.projects.selectors import Selector

_SHOWN = 80


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
        rights: a robot's own list for this project; None for people.
        auditor: may read what auditors may, in every project.
    """

    project_id: int
    public: bool
    active: bool
    admin: bool
    role: Role | None
    rights: frozenset[RobotRight] | None = None
    auditor: bool = False


@dataclass(frozen=True, slots=True)
class AccountStanding:
    """What one account is outside every project, right now.

    Attributes:
        active: as in `Standing`.
        rights: a robot's own list for what lies outside projects; None for people.
    """

    active: bool
    admin: bool
    auditor: bool = False
    rights: frozenset[RobotRight] | None = None


@dataclass(frozen=True, slots=True)
class ImmutabilityRule:
    """Tags that stay as they are: of the repositories that one selector chooses, those that another does.

    Attributes:
        disabled: it is kept, and keeps nothing.
        priority: which of several rules is named when they all keep a tag: the one with the lowest.
    """

    id: int
    project_id: int
    disabled: bool
    priority: int
    repositories: Selector
    tags: Selector
    created_at: datetime

    def keeps(self, repository: str, tag: str) -> bool:
        """Whether the tag is immutable by this rule; `repository` is the name without the project."""
        return not self.disabled and self.repositories.accepts(repository) and self.tags.accepts(tag)

    def in_words(self) -> str:
        """Which tags of which repositories."""
        tags = "all tags but" if self.tags.excludes else "tags like"
        repositories = "all repositories but" if self.repositories.excludes else "repositories like"
        return f"{tags} {_cut(self.tags.pattern)} in {repositories} {_cut(self.repositories.pattern)}"


def _cut(pattern: str) -> str:
    """The pattern for a message; the longest ones hold whole lists."""
    return repr(pattern if len(pattern) <= _SHOWN else pattern[:_SHOWN] + "...")
