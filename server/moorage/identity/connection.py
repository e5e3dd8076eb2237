"""The connection to a vCenter: what is kept of it, and how its people are called.

Whoever vSphere knows is called ``name@domain`` in lower case here, however they write themselves.
"""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from urllib.parse import urlsplit

from moorage.certificates import checked_authorities, parse_thumbprint
from moorage.identity.errors import DirectoryInvalidError

PORT = 443
MAX_NAME = 255
MAX_DOMAINS = 20
MAX_PRIVILEGES = 20
#: Whoever may give rights to others can give themselves any right that vCenter knows.
ADMINISTRATOR_PRIVILEGES = ("Authorization.ModifyPermissions",)
_HIGHEST_PORT = 65535

_host = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9._-]{0,252}[A-Za-z0-9])?|[0-9A-Fa-f:.]{2,45}").fullmatch
_domain = re.compile(r"[A-Za-z0-9_](?:[A-Za-z0-9._-]{0,251}[A-Za-z0-9_])?").fullmatch
_privilege = re.compile(r"[A-Za-z0-9_]+(?:\.[A-Za-z0-9_-]+)+").fullmatch
# Nothing that separates names somewhere, that a search takes for a pattern, or that robots' names have.
_OUT = r'\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff\ufffe\uffff\\/:*?"<>|@,;=\[\]$'
_person = re.compile(rf"[^\s{_OUT}]+").fullmatch
_group = re.compile(rf"[^{_OUT}]+").fullmatch


@dataclass(frozen=True, slots=True)
class Domain:
    """A domain of people.

    Attributes:
        name: ``corp.example.com``, in lower case.
        alias: the short name, ``CORP``, in upper case; the name itself where there is none.
    """

    name: str
    alias: str

    @classmethod
    def parse(cls, text: str) -> "Domain":
        """Read ``corp.example.com`` or ``corp.example.com=CORP``.

        Raises:
            DirectoryInvalidError: it is neither.
        """
        name, _, alias = text.partition("=")
        alias = alias or name
        if _domain(name) is None or _domain(alias) is None:
            raise DirectoryInvalidError(
                f"{text[:MAX_NAME]!r} is no domain: write corp.example.com or corp.example.com=CORP"
            )
        return cls(name.lower(), alias.upper())

    def __str__(self) -> str:
        return self.name if self.alias == self.name.upper() else f"{self.name}={self.alias}"

    def holds(self, text: str) -> bool:
        """Whether the text is its name or its alias."""
        return text.lower() == self.name or text.upper() == self.alias


@dataclass(frozen=True, slots=True)
class Connection:
    """How a vCenter is reached, whom it is believed to be, and who of its people administers the registry.

    Attributes:
        address: ``host`` or ``host:port``.
        account: the service account that looks people up, ``name@domain``.
        authorities: the issuers of its certificate in PEM; "" where a thumbprint is there instead.
        thumbprint: SHA-256 of its certificate, 64 hexadecimal digits in lower case, or "".
        domains: whose people may come; the first one is asked first.
        admin_privileges: who has all of them on the root folder administers the registry; none: nobody
            by that way.
        admin_group: whose members administer the registry, ``name@domain``; "" for none.
        sealed: the password of the service account, sealed; "" when it is not known.
    """

    address: str
    account: str
    authorities: str = ""
    thumbprint: str = ""
    domains: tuple[Domain, ...] = ()
    admin_privileges: tuple[str, ...] = ADMINISTRATOR_PRIVILEGES
    admin_group: str = ""
    sealed: str = field(default="", repr=False)
    created_at: datetime | None = None
    updated_at: datetime | None = None

    @property
    def host(self) -> str:
        return _parted(self.address)[0]

    @property
    def port(self) -> int:
        return _parted(self.address)[1]

    @property
    def has_secret(self) -> bool:
        return bool(self.sealed)

    @property
    def purpose(self) -> str:
        """What its secret is sealed for: this account at this address and nothing else."""
        return f"directory\0{self.address}\0{self.account}"

    def canonical(self, name: str) -> str | None:
        """``name@domain`` in lower case; None if the name has another form or another domain."""
        return self._named(name, _person)

    def member(self, principal: str, domain: Domain, *, group: bool) -> str | None:
        """The canonical name of what a lookup in a domain found; one without a domain is of that domain."""
        whole = principal if "\\" in principal or "@" in principal else f"{principal}@{domain.name}"
        return self._named(whole, _group if group else _person)

    def domain_of(self, canonical: str) -> Domain | None:
        """The domain of a canonical name; None when it is none of the connection's."""
        named = canonical.rpartition("@")[2]
        return next((each for each in self.domains if each.name == named), None)

    def principal(self, canonical: str) -> str:
        """The name as vSphere writes it where it gives rights: ``DOMAIN\\name``."""
        name, _, domain = canonical.rpartition("@")
        found = self.domain_of(canonical)
        return f"{domain.upper() if found is None else found.alias}\\{name}"

    def _named(self, text: str, pattern: Callable[[str], object]) -> str | None:
        front, slash, back = text.partition("\\")
        name, domain = (back, front) if slash else _at(text)
        found = next((each for each in self.domains if each.holds(domain)), None)
        if found is None or pattern(name) is None or name != name.strip():
            return None
        canonical = f"{name.lower()}@{found.name}"
        return canonical if len(canonical) <= MAX_NAME else None


def checked(wanted: Connection) -> Connection:
    """The same connection in canonical form.

    Raises:
        DirectoryInvalidError: a part of it breaks the rules.
        CertificateInvalidError: there is no certificate, or no thumbprint, where one should be.
    """
    address = parse_address(wanted.address)
    name, domain = _at(wanted.account)
    if _person(name) is None or _domain(domain) is None or len(wanted.account) > MAX_NAME:
        raise DirectoryInvalidError("the account is to be name@domain, for instance moorage@vsphere.local")
    if bool(wanted.authorities) == bool(wanted.thumbprint):
        raise DirectoryInvalidError(
            "vCenter's certificate is verified by its issuers or by its SHA-256 thumbprint: give one of them"
        )
    domains = wanted.domains or (Domain.parse(domain),)
    if len(domains) > MAX_DOMAINS or _repeated(domains):
        raise DirectoryInvalidError(f"there may be {MAX_DOMAINS} domains at most, each name and alias once")
    found = replace(wanted, address=address, domains=domains)
    if not any(each.holds(domain) for each in domains):
        raise DirectoryInvalidError("the domain of the account is missing among the domains")
    return replace(
        found,
        authorities=checked_authorities(wanted.authorities) if wanted.authorities else "",
        thumbprint=parse_thumbprint(wanted.thumbprint) if wanted.thumbprint else "",
        admin_privileges=_checked_privileges(wanted.admin_privileges),
        admin_group=_checked_group(found),
    )


def parse_address(text: str) -> str:
    """``host`` or ``host:port`` in lower case, from that or from a URL.

    Raises:
        DirectoryInvalidError: it is neither.
    """
    wrong = DirectoryInvalidError("the address is to be a host name or an IP address, with :port if not 443")
    if any(letter <= " " for letter in text) or not text.isascii():
        raise wrong
    try:
        parts = urlsplit(text if "://" in text else f"https://{text}")
        host, port = parts.hostname or "", PORT if parts.port is None else parts.port
    except ValueError:
        raise wrong from None
    strange = (
        parts.username is not None or parts.query or parts.fragment or parts.path not in ("", "/", "/sdk")
    )
    if parts.scheme != "https" or strange or _host(host) is None or not 0 < port <= _HIGHEST_PORT:
        raise wrong
    shown = f"[{host}]" if ":" in host else host
    return shown if port == PORT else f"{shown}:{port}"


def _parted(address: str) -> tuple[str, int]:
    parts = urlsplit(f"https://{address}")
    return parts.hostname or "", parts.port or PORT


def _at(text: str) -> tuple[str, str]:
    name, _, domain = text.rpartition("@")
    return name, domain


def _repeated(domains: Sequence[Domain]) -> bool:
    names = [name for each in domains for name in {each.name, each.alias.lower()}]
    return len(set(names)) != len(names)


def _checked_privileges(privileges: Sequence[str]) -> tuple[str, ...]:
    found = tuple(dict.fromkeys(privileges))
    if len(found) > MAX_PRIVILEGES or any(_privilege(each) is None for each in found):
        raise DirectoryInvalidError(
            f"privileges are named as vSphere does, {ADMINISTRATOR_PRIVILEGES[0]} for instance, "
            f"{MAX_PRIVILEGES} at most"
        )
    return found


def _checked_group(connection: Connection) -> str:
    if not connection.admin_group:
        return ""
    found = connection.member(connection.admin_group, connection.domains[0], group=True)
    if found is None:
        raise DirectoryInvalidError("the group of administrators is to be name@domain, of one of the domains")
    return found
