"""The people of one vCenter, as the rest of the registry asks for them."""

import re
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from typing import Protocol

from moorage.config.settings import DirectorySettings
from moorage.identity.connection import Connection, Domain
from moorage.identity.directory import Entry, EntryKind, Person
from moorage.identity.errors import BadCredentialsError, DirectoryMisconfiguredError, NotAdmittedError
from moorage.identity.line import Bounded, Deadline
from moorage.identity.nesting import Nesting, Reach

MAX_PASSWORD = 1024
#: The part of the time that reading which groups are in which may take of a question.
_NESTING_SHARE = 0.5
# What XML cannot carry, so that no password has it.
_unspeakable = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]").search


class Found(Protocol):
    """Somebody, or a group, as vCenter writes them."""

    @property
    def principal(self) -> str: ...
    @property
    def full_name(self) -> str: ...
    @property
    def group(self) -> bool: ...


class Session(Protocol):
    """What a session of `moorage.identity.vsphere` can be asked."""

    @property
    def principal(self) -> str: ...
    @property
    def full_name(self) -> str: ...

    def look(
        self,
        domain: str,
        text: str = "",
        *,
        kind: EntryKind,
        exact: bool = False,
        holding: str = "",
        inside: str = "",
    ) -> Sequence[Found]: ...

    def has_privileges(self, principal: str, privileges: Sequence[str]) -> bool: ...


Open = Callable[[Connection, Deadline, str, str], AbstractContextManager[Session]]


class VsphereDirectory:
    """Implements `Directory` over one connection."""

    connected = True

    def __init__(
        self,
        connection: Connection,
        secret: str,
        bounded: Bounded,
        settings: DirectorySettings,
        open_session: Open,
    ) -> None:
        self._connection = connection
        self._secret = secret
        self._bounded = bounded
        self._open = open_session
        self._nesting = Nesting(settings.nested_groups, settings.nested_seconds)

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self._connection.address!r})"

    def canonical(self, name: str) -> str | None:
        """``name@domain`` in lower case, from that or from ``DOMAIN\\name``; None for anything else."""
        return self._connection.canonical(name)

    def prove(self, name: str, password: str) -> Person:
        """Log in to vCenter as this person, log out again, and look up who it is.

        The password goes nowhere else. One that is empty is never tried: some directories would take it
        for a wish to be nobody.

        Raises:
            BadCredentialsError: vCenter does not take them.
            NotAdmittedError: it takes them, and lets the account do nothing.
            DirectoryAwayError: nothing is known of the password, or of who it is.
        """
        wanted = self.canonical(name)
        if wanted is None or not 0 < len(password) <= MAX_PASSWORD or _unspeakable(password):
            raise BadCredentialsError
        return self._bounded.run(lambda deadline: self._proved(wanted, password, deadline))

    def person(self, name: str) -> Person | None:
        """Somebody by their canonical name; None when vCenter does not have them.

        Raises:
            DirectoryAwayError: it does not answer, or does not let the service account look.
        """
        domain = self._connection.domain_of(name)
        if domain is None or self.canonical(name) != name:
            return None
        return self._bounded.run(lambda deadline: self._person(name, domain, deadline))

    def search(self, part: str, kind: EntryKind, most: int) -> Sequence[Entry]:
        """People or groups with this text in their names, at most so many, by name.

        Raises:
            DirectoryAwayError: it does not answer, or does not let the service account look.
        """
        text = part.strip()
        if not text or most < 1 or _unspeakable(text):
            return ()
        return self._bounded.run(lambda deadline: self._search(text, kind, deadline))[:most]

    def check(self) -> None:
        """Log the service account in and see whether it may look people up.

        Raises:
            DirectoryAwayError: it may not, or vCenter does not answer.
        """
        self._bounded.run(self._check)

    def _proved(self, wanted: str, password: str, deadline: Deadline) -> Person:
        with self._open(self._connection, deadline, wanted, password) as session:
            name = self._logged_in(wanted, session.principal)
            real_name = session.full_name
        with self._service(deadline) as service:
            return self._described(service, name, real_name, deadline)

    def _logged_in(self, wanted: str, principal: str) -> str:
        """Whom vCenter logged in: that counts, not what was typed."""
        if "\\" not in principal and "@" not in principal:
            return wanted
        name = self._connection.canonical(principal)
        if name is None:
            domain = principal.partition("\\")[0] if "\\" in principal else principal.rpartition("@")[2]
            raise DirectoryMisconfiguredError(
                f"vCenter calls the domain {domain[:100]!r}, which the connection does not list"
            )
        return name

    def _person(self, name: str, domain: Domain, deadline: Deadline) -> Person | None:
        with self._service(deadline) as service:
            text = name.rpartition("@")[0]
            for each in service.look(domain.name, text, kind=EntryKind.USER, exact=True):
                if not each.group and self._connection.member(each.principal, domain, group=False) == name:
                    return self._described(service, name, each.full_name, deadline)
        return None

    def _search(self, text: str, kind: EntryKind, deadline: Deadline) -> list[Entry]:
        group = kind is EntryKind.GROUP
        found: dict[str, Entry] = {}
        with self._service(deadline) as service:
            for domain in self._connection.domains:
                for each in service.look(domain.name, text, kind=kind):
                    name = self._connection.member(each.principal, domain, group=group)
                    if name is not None and each.group == group:
                        found.setdefault(name, Entry(kind, name, each.full_name or each.principal))
        return [found[name] for name in sorted(found)]

    def _check(self, deadline: Deadline) -> None:
        with self._service(deadline) as service:
            name = self._connection.account.rpartition("@")[0]
            for domain in self._connection.domains:
                service.look(domain.name, name, kind=EntryKind.USER, exact=True)

    def _described(self, service: Session, name: str, real_name: str, deadline: Deadline) -> Person:
        reach = self._reach(service, name, deadline)
        by_group = self._connection.admin_group
        administrator = by_group in reach.groups or self._has_privileges(service, name)
        return Person(
            name=name,
            real_name=real_name,
            groups=reach.groups,
            administrator=administrator,
            unsure=reach.unsure,
            administrator_unsure=not administrator and by_group in reach.unsure,
        )

    def _has_privileges(self, service: Session, name: str) -> bool:
        privileges = self._connection.admin_privileges
        return bool(privileges) and service.has_privileges(self._connection.principal(name), privileges)

    def _reach(self, service: Session, name: str, deadline: Deadline) -> Reach:
        principal = self._connection.principal(name)
        direct = (
            group
            for domain in self._connection.domains
            for group in self._group_names(service, domain, holding=principal)
        )
        return self._nesting.around(
            list(direct),
            lambda: [
                each for domain in self._connection.domains for each in self._group_names(service, domain)
            ],
            lambda group: self._inside(service, group),
            deadline.left() * _NESTING_SHARE,
        )

    def _inside(self, service: Session, group: str) -> list[str]:
        principal = self._connection.principal(group)
        return [
            each
            for domain in self._connection.domains
            for each in self._group_names(service, domain, inside=principal)
        ]

    def _group_names(
        self, service: Session, domain: Domain, *, holding: str = "", inside: str = ""
    ) -> list[str]:
        found = service.look(domain.name, kind=EntryKind.GROUP, holding=holding, inside=inside)
        names = (self._connection.member(each.principal, domain, group=True) for each in found if each.group)
        return [name for name in names if name is not None]

    def _service(self, deadline: Deadline) -> AbstractContextManager[Session]:
        if not self._secret:
            raise DirectoryMisconfiguredError("the password of the service account is to be given anew")
        return _Service(self._open(self._connection, deadline, self._connection.account, self._secret))


class _Service(AbstractContextManager[Session]):
    """A session of the service account: that it is refused says nothing about whoever is asked for."""

    def __init__(self, session: AbstractContextManager[Session]) -> None:
        self._session = session

    def __enter__(self) -> Session:
        try:
            return self._session.__enter__()
        except NotAdmittedError:
            raise DirectoryMisconfiguredError("vCenter lets the service account do nothing") from None
        except BadCredentialsError:
            raise DirectoryMisconfiguredError(
                "vCenter does not take the service account's password"
            ) from None

    def __exit__(self, *failure: object) -> None:
        self._session.__exit__(*failure)  # type: ignore[arg-type]
