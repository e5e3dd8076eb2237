"""The addresses that the machine has now."""

import json
from collections.abc import Iterable
from contextlib import suppress
from ipaddress import IPv4Address, IPv6Address, ip_address

from moorage_appliance.commands import CommandFailedError, Commands

Address = IPv4Address | IPv6Address
# Not for others, or not for long.
_PASSING = ("temporary", "deprecated", "tentative", "dadfailed")


def present(commands: Commands) -> tuple[Address, ...]:
    """Those by which others reach it: no loopback, no link-local, none that will soon be another."""
    try:
        found = json.loads(commands.run("ip", "-json", "address", "show", "up").output or "[]")
    except (CommandFailedError, ValueError):
        return ()
    return tuple(dict.fromkeys(_lasting(found)))


def _lasting(links: Iterable[dict[str, object]]) -> Iterable[Address]:
    for link in links:
        entries = link.get("addr_info")
        for entry in entries if isinstance(entries, list) else ():
            if entry.get("scope") == "global" and not any(entry.get(flag) for flag in _PASSING):
                with suppress(ValueError):
                    yield ip_address(str(entry.get("local")))
