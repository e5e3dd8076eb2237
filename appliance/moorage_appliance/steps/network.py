"""The network, as systemd-networkd reads it."""

from moorage_appliance.commands import Commands
from moorage_appliance.files import put
from moorage_appliance.paths import Paths
from moorage_appliance.problem import Problem
from moorage_appliance.settings import NetworkSettings, Settings

_HEAD = "# Made from the properties at each boot.\n"


def apply(settings: Settings, paths: Paths, _: Commands) -> tuple[Problem, ...]:
    """Write the one network there is; networkd starts after this."""
    put(paths.etc / "systemd/network/10-moorage.network", network_file(settings.network))
    return ()


def network_file(network: NetworkSettings) -> str:
    """The settings in the words of systemd.network(5)."""
    lines = ["[Match]", "Type=ether", "", "[Network]"]
    if network.address is None:
        lines += ["DHCP=yes"]
    else:
        lines += ["DHCP=no", f"Address={network.address.with_prefixlen}"]
        lines += [f"Gateway={network.gateway}"] if network.gateway else []
    lines += [f"DNS={each}" for each in network.dns]
    lines += [f"Domains={' '.join(network.search)}"] if network.search else []
    lines += [f"NTP={' '.join(network.ntp)}"] if network.ntp else []
    if network.address is None:
        lines += _of_dhcp(network)
    return _HEAD + "\n".join(lines) + "\n"


def _of_dhcp(network: NetworkSettings) -> list[str]:
    """What is taken from DHCP: whatever was not filled in."""
    # A lease that is bound to the MAC address survives a new system disk, whose machine-id is another.
    lines = ["", "[DHCPv4]", "ClientIdentifier=mac", f"UseDNS={_word(not network.dns)}"]
    lines += [f"UseDomains={_word(not network.search)}", f"UseNTP={_word(not network.ntp)}"]
    lines += [f"UseHostname={_word(not network.hostname)}"]
    lines += ["", "[DHCPv6]", f"UseDNS={_word(not network.dns)}", f"UseNTP={_word(not network.ntp)}"]
    return [*lines, "", "[IPv6AcceptRA]", f"UseDNS={_word(not network.dns)}"]


def _word(truth: bool) -> str:
    return "yes" if truth else "no"
