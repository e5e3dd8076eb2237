"""Which addresses the server calls. Pure, but for the question whether an address is its own.

What counts is the address that is connected to, never the name or the spelling it came from. Public
addresses are open; everything else is refused unless the setting lets it in:

* ``private``: the networks of RFC 1918 and RFC 4193 (unique local addresses);
* a network, ``10.20.0.0/16``: every address in it but the server's own;
* a single address, ``10.20.0.7`` or ``::1``: even one of the server's own;
* a host name, ``hooks.example.com`` or ``*.example.com``: private addresses it resolves to.
"""

import re
import socket
from collections.abc import Callable, Iterable
from enum import Enum, auto
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network
from typing import Final

Address = IPv4Address | IPv6Address
Network = IPv4Network | IPv6Network

PRIVATE_WORD: Final = "private"
_PRIVATE: Final = tuple(
    map(ip_network, ("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "fc00::/7")),
)
#: RFC 6890 and the registries it founded; written out, so that it does not change with the interpreter.
_NOT_PUBLIC: Final = tuple(
    map(
        ip_network,
        (
            *("0.0.0.0/8", "10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "169.254.0.0/16", "172.16.0.0/12"),
            *("192.0.0.0/24", "192.0.2.0/24", "192.88.99.0/24", "192.168.0.0/16", "198.18.0.0/15"),
            *("198.51.100.0/24", "203.0.113.0/24", "224.0.0.0/4", "240.0.0.0/4"),
            # Inside 2000::/3: Teredo and other protocols, documentation, 6to4 with its IPv4 inside.
            *("2001::/23", "2001:db8::/32", "2002::/16", "3fff::/20"),
        ),
    )
)
#: Loopback, link-local, site-local, mapped, NAT64, multicast: all of them lie outside of it.
_PUBLIC_V6: Final = IPv6Network("2000::/3")
_host_name = re.compile(r"(?:\*\.)?[a-z0-9_](?:[a-z0-9_.-]{0,251}[a-z0-9_])?").fullmatch


class Verdict(Enum):
    """What becomes of a call to an address.

    `INSIDE` is let in for the network it lies in: nobody vouched for the host, and what it answers
    is not shown to whoever chose the address.
    """

    OPEN = auto()
    INSIDE = auto()
    REFUSED = auto()


class Policy:
    """Judges addresses.

    Args:
        allow: the setting, words with spaces or commas between them.
        is_own: whether this machine has the address.

    Raises:
        ValueError: a word is none of the kinds above; the message says which.
    """

    def __init__(self, allow: str = "", is_own: Callable[[Address], bool] | None = None) -> None:
        self._single: set[Address] = set()
        self._networks: list[Network] = []
        self._hosts: set[str] = set()
        self._is_own = is_own or is_of_this_machine
        for word in allow.replace(",", " ").split():
            self._take(word.lower())

    def judge(self, host: str, address: Address) -> Verdict:
        """What becomes of a call to `host` at the address that it has just been resolved to."""
        if address in self._single:
            return Verdict.INSIDE
        if self._is_own(address):
            return Verdict.REFUSED
        if is_public(address):
            return Verdict.OPEN
        if _among(address, _PRIVATE) and self._names(host):
            return Verdict.OPEN
        return Verdict.INSIDE if _among(address, self._networks) else Verdict.REFUSED

    def _take(self, word: str) -> None:
        if word == PRIVATE_WORD:
            self._networks.extend(_PRIVATE)
            return
        try:
            network = ip_network(word)
        except ValueError:
            if "/" in word or _host_name(word) is None or word.replace(".", "").isdigit():
                raise ValueError(f"has {word[:80]!r}, which is no network, address or host name") from None
            self._hosts.add(word)
            return
        if network.num_addresses == 1:
            self._single.add(network.network_address)
        else:
            self._networks.append(network)

    def _names(self, host: str) -> bool:
        host = host.rstrip(".").lower()
        parents = host.split(".")[1:]
        above = ("*." + ".".join(parents[number:]) for number in range(len(parents)))
        return host in self._hosts or any(each in self._hosts for each in above)


def is_public(address: Address) -> bool:
    """Whether the whole Internet routes to it."""
    if isinstance(address, IPv6Address) and (address not in _PUBLIC_V6 or address.scope_id):
        return False
    return not _among(address, _NOT_PUBLIC)


def is_of_this_machine(address: Address) -> bool:
    """Whether a socket could listen at it; nothing is sent."""
    family = socket.AF_INET if isinstance(address, IPv4Address) else socket.AF_INET6
    try:
        with socket.socket(family, socket.SOCK_DGRAM) as probe:
            probe.bind((str(address), 0))
    except OSError:
        return False
    return True


def parsed(text: str) -> Address:
    """The address of a resolver's answer.

    Raises:
        ValueError: it is none.
    """
    return ip_address(text)


def _among(address: Address, networks: Iterable[Network]) -> bool:
    return any(address.version == each.version and address in each for each in networks)
