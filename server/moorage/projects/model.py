"""Projects, members, roles, and the words for what one may do."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
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
class FormerName:
    """A name that a project had until it was renamed.

    Attributes:
        project_name: what it is called now.
    """

    name: str
    project_id: int
    project_name: str
    renamed_at: datetime


#: Roles from the one that may do most to the one that may do least.
STRONGEST_FIRST = (
    Role.PROJECT_ADMIN,
    Role.MAINTAINER,
    Role.DEVELOPER,
    Role.GUEST,
    Role.LIMITED_GUEST,
)
_RANKS = {role.value: rank for rank, role in enumerate(STRONGEST_FIRST)}


def strongest(roles: Iterable[int | None]) -> Role | None:
    """The one of these roles that may do most; each of them may do all that the weaker ones may."""
    held = [role for role in roles if role is not None]
    return Role(min(held, key=_RANKS.__getitem__)) if held else None


@dataclass(frozen=True, slots=True)
class Member:
    """A user's or a group's role in a project.

    Attributes:
        entity_id: the number of the user, or of the group.
    """

    id: int
    project_id: int
    entity_id: int
    entity_name: str
    role: Role
    is_group: bool = False


@dataclass(frozen=True, slots=True)
class Standing:
    """What one account is in one project right now, read in one statement on every request.

    Attributes:
        active: the account still exists, is enabled, unexpired, and its generation is current.
        rights: a robot's own list for this project; None for people.
        auditor: may read what auditors may, in every project.
        present_name: what the project is called, when it was asked for by a name that it had before; "" else.
    """

    project_id: int
    public: bool
    active: bool
    admin: bool
    role: Role | None
    rights: frozenset[RobotRight] | None = None
    auditor: bool = False
    present_name: str = ""


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


@dataclass(frozen=True, slots=True)
class AllowlistItem:
    """A vulnerability that is put up with.

    Attributes:
        reason: why; "" when nobody said.
        author: the account that put it on the list.
    """

    cve_id: str
    reason: str
    author: str
    added_at: datetime


@dataclass(frozen=True, slots=True)
class Allowlist:
    """The vulnerabilities that a project puts up with, or the whole site.

    Attributes:
        project_id: None for the list of the site.
        expires_at: from then on the list allows nothing; None for never.
        created_at: None while nobody has ever set the list of the site; `updated_at` as well.
    """

    project_id: int | None
    expires_at: datetime | None
    items: tuple[AllowlistItem, ...]
    created_at: datetime | None
    updated_at: datetime | None


@dataclass(frozen=True, slots=True)
class AllowlistEntry:
    """What somebody wants on a list; "" leaves the reason as it is."""

    cve_id: str
    reason: str = ""


@dataclass(frozen=True, slots=True)
class AllowlistDraft:
    """What a list is to be."""

    expires_at: datetime | None = None
    items: tuple[AllowlistEntry, ...] = ()


@dataclass(frozen=True, slots=True)
class ProjectDraft:
    """What is to be set about a project; None, or no entry, leaves it as it is.

    Attributes:
        metadata: settings by Harbor's names; "" takes one away.
    """

    public: bool | None = None
    metadata: Mapping[str, str] = field(default_factory=dict)
    allowlist: AllowlistDraft | None = None


def _cut(pattern: str) -> str:
    """The pattern for a message; the longest ones hold whole lists."""
    return repr(pattern if len(pattern) <= _SHOWN else pattern[:_SHOWN] + "...")
