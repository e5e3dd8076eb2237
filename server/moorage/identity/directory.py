"""The directory of people that accounts can come from, as the rest of this room sees it."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol

from moorage.identity.errors import DirectoryUnsetError


class EntryKind(StrEnum):
    """What a directory has."""

    USER = "user"
    GROUP = "group"


@dataclass(frozen=True, slots=True)
class Entry:
    """Somebody, or a group, that a search found.

    Attributes:
        name: canonical: ``name@domain`` in lower case.
        shown: for people, as the directory writes it.
    """

    kind: EntryKind
    name: str
    shown: str


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody as the directory knows them.

    Attributes:
        name: canonical: ``name@domain`` in lower case.
        groups: canonical names of all groups, also of those that only hold another of them.
        administrator: they administer the directory's own system.
        unsure: groups that may hold the person as well: the directory did not say all in time. Whether they
            do is as it was known before.
        administrator_unsure: whether they administer it, where they do not as far as it was read, hangs on
            one of these groups.
    """

    name: str
    real_name: str = ""
    email: str = ""
    groups: frozenset[str] = frozenset()
    administrator: bool = False
    unsure: frozenset[str] = frozenset()
    administrator_unsure: bool = False

    @property
    def whole(self) -> bool:
        """Whether the directory said all there is to say."""
        return not self.unsure and not self.administrator_unsure


class Directory(Protocol):
    """Proves, finds and describes people. Every call ends within a bounded time."""

    @property
    def connected(self) -> bool:
        """Whether a directory was set up at all; the other methods need one."""

    def canonical(self, name: str) -> str | None:
        """The canonical form of a login name; None when it cannot be one of this directory's.

        Looks nothing up.
        """

    def prove(self, name: str, password: str) -> Person:
        """Check a login name and a password with the directory, and say who it is.

        Raises:
            BadCredentialsError: the directory does not take them.
            DirectoryAwayError: it does not answer; nothing is known of the password.
        """

    def person(self, name: str) -> Person | None:
        """Somebody by their canonical name; None when the directory does not have them any more.

        Raises:
            DirectoryAwayError: it does not answer.
        """

    def search(self, part: str, kind: EntryKind, most: int) -> Sequence[Entry]:
        """People or groups with this text in their names, at most so many.

        Raises:
            DirectoryAwayError: it does not answer.
        """


class NoDirectory:
    """Where none was set up."""

    connected = False

    def canonical(self, name: str) -> str | None:
        return None

    def prove(self, name: str, password: str) -> Person:
        raise DirectoryUnsetError

    def person(self, name: str) -> Person | None:
        raise DirectoryUnsetError

    def search(self, part: str, kind: EntryKind, most: int) -> Sequence[Entry]:
        return ()
