"""A vCenter in memory, at the seam where sessions are opened: for what the simulator does not model."""

import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field

from moorage.identity.connection import Connection
from moorage.identity.directory import EntryKind
from moorage.identity.errors import BadCredentialsError, NotAdmittedError
from moorage.identity.line import Deadline
from moorage.identity.vsphere import Found


@dataclass
class VspherePeople:
    """Who is there; people and groups are written ``DOMAIN\\name``, domains by their aliases.

    Attributes:
        passwords: of everybody, by ``name@domain``.
        members: of each group, directly.
        aliases: of each domain.
        privileges: on the root folder, by ``DOMAIN\\name``.
        shut_out: with a password that is right, and no right to do anything.
        look_seconds: how long one answer takes.
    """

    passwords: dict[str, str] = field(default_factory=dict)
    members: dict[str, tuple[str, ...]] = field(default_factory=dict)
    aliases: dict[str, str] = field(default_factory=lambda: {"vsphere.local": "VSPHERE.LOCAL"})
    privileges: dict[str, frozenset[str]] = field(default_factory=dict)
    shut_out: set[str] = field(default_factory=set)
    logins: list[tuple[str, str]] = field(default_factory=list)
    open_sessions: int = 0
    looks: int = 0
    look_seconds: float = 0

    @contextmanager
    def open(
        self, connection: Connection, deadline: Deadline, account: str, password: str
    ) -> Iterator["PeopleSession"]:
        self.logins.append((account, password))
        if self.passwords.get(account) != password:
            raise BadCredentialsError
        if account in self.shut_out:
            raise NotAdmittedError
        self.open_sessions += 1
        try:
            yield PeopleSession(self, self.principal(account))
        finally:
            self.open_sessions -= 1

    def principal(self, name: str) -> str:
        front, _, domain = name.rpartition("@")
        return f"{self.aliases[domain]}\\{front.title()}"


class PeopleSession:
    """One session there."""

    def __init__(self, people: VspherePeople, principal: str) -> None:
        self._people = people
        self.principal = principal
        self.full_name = f"Full {principal}"

    def look(
        self,
        domain: str,
        text: str = "",
        *,
        kind: EntryKind,
        exact: bool = False,
        holding: str = "",
        inside: str = "",
    ) -> Sequence[Found]:
        self._people.looks += 1
        time.sleep(self._people.look_seconds)
        alias = self._people.aliases[domain]
        named = (
            [*self._people.members]
            if kind is EntryKind.GROUP
            else [self._people.principal(name) for name in self._people.passwords]
        )
        return [
            Found(each.partition("\\")[2], f"Full {each}", kind is EntryKind.GROUP)
            for each in named
            if each.startswith(f"{alias}\\")
            and _fits(each.partition("\\")[2].lower(), text.lower(), exact)
            and (not holding or _holds(self._people.members.get(each, ()), holding))
            and (not inside or _holds(self._people.members[_group(self._people, inside)], each))
        ]

    def has_privileges(self, principal: str, privileges: Sequence[str]) -> bool:
        return self._people.privileges.get(principal, frozenset()) >= set(privileges)


def _fits(name: str, text: str, exact: bool) -> bool:
    return name == text if exact else text in name


def _holds(members: Sequence[str], name: str) -> bool:
    return name.lower() in {each.lower() for each in members}


def _group(people: VspherePeople, name: str) -> str:
    return next(each for each in people.members if each.lower() == name.lower())
