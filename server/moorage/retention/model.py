"""Policies, what they look at, and what they decide."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from moorage.oci.digest import Digest
from moorage.oci.names import RepositoryName
from moorage.projects.selectors import Selector


class Template(StrEnum):
    """What a rule keeps of all that its selectors choose; the words are Harbor's."""

    ALWAYS = "always"
    NOTHING = "nothing"
    LATEST_PUSHED = "latestPushedK"
    LATEST_PULLED = "latestPulledN"
    LATEST_ACTIVE = "latestActiveK"
    LAST_DAYS = "lastXDays"
    DAYS_SINCE_PUSH = "nDaysSinceLastPush"
    DAYS_SINCE_PULL = "nDaysSinceLastPull"

    @property
    def takes_number(self) -> bool:
        """Whether the rule needs a number, of artifacts or of days."""
        return self not in (Template.ALWAYS, Template.NOTHING)


@dataclass(frozen=True, slots=True)
class Rule:
    """Keeps artifacts; whatever no rule keeps goes.

    Attributes:
        id: its place in the policy, from 1.
        priority: a number that clients give a meaning to; it decides nothing here.
        number: of artifacts or of days, as the template says; None where it takes none.
        tags: every one of them must choose the artifact; never empty.
        repositories: every one of them must choose the repository; never empty.
    """

    id: int
    template: Template
    number: int | None
    tags: tuple[Selector, ...]
    repositories: tuple[Selector, ...]
    priority: int = 0
    disabled: bool = False

    def covers(self, repository: RepositoryName) -> bool:
        """Whether the rule looks at the repository, whose name it sees without the project."""
        return not self.disabled and all(each.accepts(repository.path) for each in self.repositories)


@dataclass(frozen=True, slots=True)
class Policy:
    """What a project keeps of its artifacts; a project has one at most."""

    id: int
    project_id: int
    rules: tuple[Rule, ...]
    created_at: datetime
    updated_at: datetime

    def rules_for(self, repository: RepositoryName) -> tuple[Rule, ...]:
        """The rules that look at the repository; without any nothing in it is touched."""
        return tuple(rule for rule in self.rules if rule.covers(repository))


@dataclass(frozen=True, slots=True)
class SeenTag:
    """A tag as it was when it was judged."""

    name: str
    pushed_at: datetime


@dataclass(frozen=True, slots=True)
class Candidate:
    """Something a repository holds for its own sake, with every tag that names it.

    Attributes:
        kind: the media type of what it is.
        tags: none for an untagged artifact; those that clients make for signatures are left out.
        listed: an index lists it.
        created_at: when the manifest itself was pushed.
        pushed_at: when it or one of its tags was last pushed.
        pulled_at: when it or one of its tags was last pulled; None if that never happened.
    """

    manifest_id: int
    digest: Digest
    kind: str
    tags: tuple[SeenTag, ...]
    listed: bool
    created_at: datetime
    pushed_at: datetime
    pulled_at: datetime | None


class Reason(StrEnum):
    """Why an artifact stays or goes."""

    RULE = "rule"
    IMMUTABLE = "immutable"
    HELD = "held"
    YOUNG = "young"
    NO_RULE = "no rule"


@dataclass(frozen=True, slots=True)
class Decision:
    """What becomes of an artifact.

    Attributes:
        rules: the ids of all rules that keep it, in the order of the policy.
    """

    candidate: Candidate
    reason: Reason
    rules: tuple[int, ...] = ()

    @property
    def kept(self) -> bool:
        return self.reason is not Reason.NO_RULE


@dataclass(frozen=True, slots=True)
class Plan:
    """What becomes of a repository.

    Attributes:
        rules: those that look at it; without any there are no decisions either.
        decisions: the youngest artifact first.
    """

    repository: RepositoryName
    rules: tuple[Rule, ...]
    decisions: Sequence[Decision]


class Link(StrEnum):
    """How something belongs to an artifact."""

    CHILD = "child"
    REFERRER = "referrer"
    SIGNATURE = "signature"


@dataclass(frozen=True, slots=True)
class Attachment:
    """Something that goes when the artifact goes to which it belongs.

    Attributes:
        tags: that go as well: all of a referrer's, the one that makes a signature one.
    """

    manifest_id: int
    digest: Digest
    link: Link
    tags: tuple[SeenTag, ...] = ()
