"""What is wanted of a certificate, what is served, and what people are told of it."""

from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from ipaddress import IPv4Address, IPv6Address

Address = IPv4Address | IPv6Address


class Source(StrEnum):
    """Whose certificate is served."""

    #: Made by the appliance's own authority.
    OWN = "own"
    #: From the properties.
    SUPPLIED = "supplied"
    #: The appliance's own, because the supplied one was refused: for the landing page only.
    STAND_IN = "stand-in"


@dataclass(frozen=True, slots=True)
class Supplied:
    """What the properties hold, in PEM of any shape; "" for what is not given."""

    certificate: str = ""
    key: str = field(default="", repr=False)
    chain: str = ""

    @property
    def given(self) -> bool:
        """Whether any of it is filled in."""
        return any(each.strip() for each in (self.certificate, self.key, self.chain))


@dataclass(frozen=True, slots=True)
class Names:
    """By what the appliance is reached.

    Attributes:
        complete: whether these are all; not so while DHCP has yet to say its part.
    """

    hosts: frozenset[str] = frozenset()
    addresses: frozenset[Address] = frozenset()
    complete: bool = True


@dataclass(frozen=True, slots=True)
class Served:
    """What nginx serves with, all in PEM.

    Attributes:
        certificate: the server's, then those that signed it, in order, without the root.
        key: PKCS#8.
        authority: what clients have to trust; "" when it is not known.
    """

    certificate: str
    key: str = field(repr=False)
    authority: str = ""


@dataclass(frozen=True, slots=True)
class Described:
    """A certificate in words.

    Attributes:
        fingerprint: SHA-256 over all of it: 32 pairs in upper case between colons.
        names: host names, then addresses.
    """

    subject: str
    issuer: str
    names: tuple[str, ...]
    not_before: datetime
    not_after: datetime
    fingerprint: str
    algorithm: str

    def days_left(self, now: datetime) -> int:
        """Whole days until its end; negative after it."""
        return (self.not_after - now).days
