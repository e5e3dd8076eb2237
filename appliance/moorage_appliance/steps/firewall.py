"""The firewall: only the chosen ports are open."""

from moorage_appliance.commands import Commands
from moorage_appliance.files import put
from moorage_appliance.paths import Paths
from moorage_appliance.problem import Problem
from moorage_appliance.settings import Settings

_SSH = 22
_HTTP = 80


def apply(settings: Settings, paths: Paths, _: Commands) -> tuple[Problem, ...]:
    """Write nftables.conf, which nftables.service loads before the network is up."""
    put(paths.etc / "nftables.conf", rules(settings), 0o755)
    return ()


def ports(settings: Settings) -> tuple[int, ...]:
    """What may be reached from outside, in their order; http leads to https."""
    registry = settings.registry
    chosen = {_HTTP, registry.port, registry.portal_port, registry.trust_port}
    return tuple(sorted(chosen | ({_SSH} if settings.appliance.permit_root_login else set())))


def rules(settings: Settings) -> str:
    """The rules in nft's language; loading them replaces those that were there as one."""
    open_ports = ", ".join(map(str, ports(settings)))
    return f"""#!/usr/sbin/nft -f
# Made from the properties at each boot.
flush ruleset

table inet moorage {{
  chain input {{
    type filter hook input priority filter; policy drop;
    ct state established,related accept
    ct state invalid drop
    iif lo accept
    icmp type {{ echo-request, destination-unreachable, time-exceeded, parameter-problem }} accept
    icmpv6 type {{ echo-request, packet-too-big, destination-unreachable }} accept
    icmpv6 type {{ time-exceeded, parameter-problem }} accept
    icmpv6 type {{ nd-router-advert, nd-neighbor-solicit, nd-neighbor-advert }} ip6 hoplimit 255 accept
    ip6 saddr fe80::/10 udp dport 546 accept
    tcp dport {{ {open_ports} }} accept
  }}
  chain forward {{
    type filter hook forward priority filter; policy drop;
  }}
}}
"""
