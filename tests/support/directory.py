"""A directory of people in this process: who is in it, who is gone, and whether it answers."""

import threading
from collections.abc import Sequence
from dataclasses import dataclass, field

from moorage.db.connection import in_transaction
from moorage.identity.directory import Entry, EntryKind, Person
from moorage.identity.errors import BadCredentialsError, DirectoryAwayError, DirectoryBusyError

DOMAIN = "vsphere.local"
PASSWORD = "Of-the-directory-1"


@dataclass
class _Known:
    password: str
    groups: set[str]
    real_name: str = ""
    email: str = ""
    administrator: bool = False


@dataclass
class FakeDirectory:
    """Implements `Directory`; tests turn its switches.

    Attributes:
        away: it does not answer.
        busy: it is not even asked: too many wait for it.
        unread: groups of which it does not say in time who is in them, but directly.
        by_unread: whether somebody is an administrator hangs on such a group.
        hold: when it is there, `prove` waits for it: a directory that is slow.
        asked: names whose passwords it was asked about, in order.
    """

    connected: bool = True
    away: bool = False
    busy: bool = False
    unread: set[str] = field(default_factory=set)
    by_unread: bool = False
    hold: threading.Event | None = None
    asked: list[str] = field(default_factory=list)
    _people: dict[str, _Known] = field(default_factory=dict)
    _groups: dict[str, set[str]] = field(default_factory=dict)

    def add(
        self,
        name: str,
        *groups: str,
        password: str = PASSWORD,
        real_name: str = "",
        email: str = "",
        administrator: bool = False,
    ) -> str:
        """Somebody in these groups, which come to be where they are missing; returns the full name."""
        for group in groups:
            self.group(group)
        self._people[_full(name)] = _Known(
            password, {_full(group) for group in groups}, real_name, email, administrator
        )
        return _full(name)

    def group(self, name: str, *inside: str) -> str:
        """A group that is itself in others; returns the full name."""
        self._groups.setdefault(_full(name), set()).update(_full(each) for each in inside)
        for each in inside:
            self.group(each)
        return _full(name)

    def change(self, name: str, *groups: str, administrator: bool = False) -> None:
        """Put somebody into these groups and no others."""
        for group in groups:
            self.group(group)
        person = self._people[_full(name)]
        person.groups, person.administrator = {_full(group) for group in groups}, administrator

    def set_password(self, name: str, password: str) -> None:
        self._people[_full(name)].password = password

    def remove(self, name: str) -> None:
        del self._people[_full(name)]

    def canonical(self, name: str) -> str | None:
        if not self.connected or " " in name:  # groups may have blanks in their names, people may not
            return None
        domain, slash, short = name.rpartition("\\")
        if slash:
            return f"{short}@{DOMAIN}".lower() if domain.lower() == "vsphere" and short else None
        short, _, domain = name.rpartition("@")
        return name.lower() if short and domain.lower() == DOMAIN else None

    def prove(self, name: str, password: str) -> Person:
        self._answer()
        self.asked.append(name)
        if self.hold is not None:
            assert self.hold.wait(30)
        known = self._people.get(name)
        if known is None or known.password != password:
            raise BadCredentialsError
        return self._person(name, known)

    def person(self, name: str) -> Person | None:
        self._answer()
        known = self._people.get(name)
        return None if known is None else self._person(name, known)

    def search(self, part: str, kind: EntryKind, most: int) -> Sequence[Entry]:
        self._answer()
        names: Sequence[str] = sorted(self._people if kind is EntryKind.USER else self._groups)
        return [Entry(kind, name, name) for name in names if part.lower() in name][:most]

    def _answer(self) -> None:
        assert not in_transaction(), "the directory was asked inside a transaction"
        if self.busy:
            raise DirectoryBusyError("too many questions wait for the directory")
        if self.away:
            raise DirectoryAwayError("the directory does not answer")

    def _person(self, name: str, known: _Known) -> Person:
        found: set[str] = set()
        waiting = list(known.groups)
        while waiting:
            group = waiting.pop()
            if group not in found:
                found.add(group)
                waiting.extend(self._groups.get(group, ()))
        unsure = frozenset(_full(group) for group in self.unread) - known.groups
        return Person(
            name,
            known.real_name,
            known.email,
            frozenset(found) - unsure,
            known.administrator and not self.by_unread,
            unsure,
            self.by_unread,
        )


def _full(name: str) -> str:
    return name if "@" in name else f"{name}@{DOMAIN}"
