"""The network as it was set, beside what it is."""

import json
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from ipaddress import ip_address

from moorage_appliance.commands import CommandFailedError, Commands
from moorage_appliance.settings import NetworkSettings


@dataclass(frozen=True, slots=True)
class Compared:
    """One thing of the network: as set, as it is, and whether these are the same.

    Attributes:
        wanted: "" when nothing was set, as with DHCP.
    """

    name: str
    wanted: str
    present: str

    @property
    def agrees(self) -> bool:
        """Whether all that was set is so."""
        return {*self.wanted.split()} <= {*self.present.split()}


def compare(network: NetworkSettings, reached: Sequence[str], commands: Commands) -> tuple[Compared, ...]:
    """What was set beside what is; what cannot be found out is empty.

    Args:
        reached: the addresses that the machine has.
    """
    routes = _ask(commands, "ip", "-json", "route", "show", "default")
    with suppress(ValueError):
        routes = " ".join(str(each["gateway"]) for each in json.loads(routes or "[]") if "gateway" in each)
    dns = _ask(commands, "resolvectl", "dns").replace("\n", " ")
    servers = " ".join(word for word in dns.split() if _is_address(word))
    time = _ask(commands, "timedatectl", "show", "--property=NTPSynchronized", "--value").strip()
    server = _ask(commands, "timedatectl", "show-timesync", "--property=ServerName", "--value").strip()
    clock = Compared("time", " ".join(network.ntp), server if server else "")
    if clock.wanted and server in network.ntp:
        # It asks one of them at a time.
        clock = Compared("time", server, server if time == "yes" else "")
    return (
        Compared("address", str(network.address.ip) if network.address else "", " ".join(reached)),
        Compared("gateway", str(network.gateway or ""), routes),
        Compared("DNS", " ".join(network.dns), servers),
        clock,
    )


def _is_address(word: str) -> bool:
    with suppress(ValueError):
        # What may follow: the number of a link, a port, the name of the server.
        return bool(ip_address(word.partition("%")[0].partition("#")[0]))
    return False


def _ask(commands: Commands, *argv: str) -> str:
    try:
        return commands.run(*argv, check=False).output
    except CommandFailedError:
        return ""
