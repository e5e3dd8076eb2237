"""Whether the appliance gets to whom it was told of: names, time, proxies, vCenter, log, database."""

import secrets
import socket
import struct
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from urllib.parse import urlsplit

from moorage_appliance.commands import CommandFailedError, Commands
from moorage_appliance.settings import Settings

_SECONDS = 5.0
_DNS, _HTTPS, _POSTGRESQL = 53, 443, 5432
_PROXY_PORTS = {"http": 80, "https": 443}
#: RFC 1035, section 4.1.1: a query that wants recursion; type A, class IN.
_WANTS_RECURSION, _TYPE_A, _CLASS_IN = 0x0100, 1, 1
_HEADER_BYTES = 12


@dataclass(frozen=True, slots=True)
class Checked:
    """One thing that was tried.

    Attributes:
        name: what it is for.
        target: whom was asked; never with an account or a password.
        wrong: "" when it works.
    """

    name: str
    target: str
    wrong: str = ""


def check(
    settings: Settings, reached: list[str], commands: Commands, dns_port: int = _DNS
) -> Iterator[Checked]:
    """Try everything that was filled in, one after the other; each takes 5 seconds at most.

    Args:
        reached: the addresses that the machine has.
    """
    network = settings.network
    if network.hostname:
        yield Checked("own name", network.hostname, _own_name(network.hostname, reached))
    for server in network.dns:
        yield Checked("DNS", server, _dns(server, network.hostname or "localhost", dns_port))
    yield Checked("time", " ".join(network.ntp) or "as DHCP says", _time(commands))
    for name, host, port in _others(settings):
        yield Checked(name, f"{host}:{port}", _connection(host, port))


def _own_name(name: str, reached: list[str]) -> str:
    try:
        found = {str(each[4][0]) for each in socket.getaddrinfo(name, None, type=socket.SOCK_STREAM)}
    except OSError as error:
        return f"it has no address: {error.strerror or error}; enter it in the DNS"
    lost = found - {*reached}
    return f"it leads to {', '.join(sorted(lost))}, which is not this machine" if lost else ""


def _dns(server: str, name: str, port: int) -> str:
    number = secrets.randbelow(1 << 16)
    labels = b"".join(bytes([len(each)]) + each.encode("ascii") for each in name.rstrip(".").split("."))
    query = struct.pack(">6H", number, _WANTS_RECURSION, 1, 0, 0, 0) + labels
    query += b"\0" + struct.pack(">2H", _TYPE_A, _CLASS_IN)
    family = socket.AF_INET6 if ":" in server else socket.AF_INET
    try:
        with closing(socket.socket(family, socket.SOCK_DGRAM)) as line:
            line.settimeout(_SECONDS)
            # Connected, so that only this server is heard, and a closed port is told at once.
            line.connect((server, port))
            line.send(query)
            answer = line.recv(4096)
    except TimeoutError:
        return "it does not answer"
    except OSError as error:
        return f"it does not answer: {error.strerror or error}"
    # That it answers is enough; a name that it does not know is told above.
    same = len(answer) >= _HEADER_BYTES and struct.unpack(">H", answer[:2])[0] == number
    return "" if same else "what answers is no DNS server"


def _time(commands: Commands) -> str:
    try:
        said = commands.run(
            "timedatectl", "show", "--property=NTPSynchronized", "--value", check=False
        ).output
    except CommandFailedError as error:
        return str(error)
    return "" if said.strip() == "yes" else "the clock is not set by any time server yet"


def _others(settings: Settings) -> Iterator[tuple[str, str, int]]:
    """What is reached over TCP: purpose, host, port."""
    for scheme, url in (("http", settings.network.http_proxy), ("https", settings.network.https_proxy)):
        if url:
            parts = urlsplit(url)
            yield (
                f"proxy for {scheme}",
                parts.hostname or "",
                parts.port or _PROXY_PORTS.get(parts.scheme, 80),
            )
    if settings.vcenter.address:
        host, _, port = settings.vcenter.address.partition(":")
        yield "vCenter", host, int(port) if port.isdecimal() else _HTTPS
    if settings.syslog.host and settings.syslog.protocol != "udp":
        yield "syslog", settings.syslog.host, settings.syslog.port
    if settings.registry.database_url:
        parts = urlsplit(settings.registry.database_url)
        yield "database", parts.hostname or "", parts.port or _POSTGRESQL


def _connection(host: str, port: int) -> str:
    try:
        with closing(socket.create_connection((host, port), _SECONDS)):
            return ""
    except TimeoutError:
        return f"no answer within {_SECONDS:.0f} s; a firewall may be in between"
    except OSError as error:
        return f"no connection: {error.strerror or error}"
