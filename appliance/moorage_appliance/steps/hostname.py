"""The name of the machine."""

import socket
from pathlib import Path

from moorage_appliance.commands import Commands
from moorage_appliance.files import put
from moorage_appliance.paths import Paths
from moorage_appliance.problem import Problem
from moorage_appliance.settings import Settings

DEFAULT = "moorage"


def apply(settings: Settings, paths: Paths, _: Commands) -> tuple[Problem, ...]:
    """Write /etc/hostname and /etc/hosts, and let the kernel know."""
    name = settings.network.hostname or DEFAULT
    put(paths.etc / "hostname", f"{name}\n")
    put(paths.etc / "hosts", hosts_file(name))
    if paths.root == Path("/"):
        # The kernel was told the name of the last boot before this.
        socket.sethostname(name)
    return ()


def hosts_file(name: str) -> str:
    """The machine knows itself by its name also when no DNS server can be asked."""
    names = dict.fromkeys((name, name.partition(".")[0]))
    return (
        "# Made from the properties at each boot.\n"
        "127.0.0.1 localhost\n"
        f"127.0.1.1 {' '.join(names)}\n"
        "::1 localhost ip6-localhost ip6-loopback\n"
        "ff02::1 ip6-allnodes\n"
        "ff02::2 ip6-allrouters\n"
    )
