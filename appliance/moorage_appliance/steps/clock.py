"""The time servers, as systemd-timesyncd reads them."""

from moorage_appliance.commands import Commands
from moorage_appliance.files import put, remove
from moorage_appliance.paths import Paths
from moorage_appliance.problem import Problem
from moorage_appliance.settings import Settings


def apply(settings: Settings, paths: Paths, _: Commands) -> tuple[Problem, ...]:
    """Name the time servers; without any, those of DHCP and else the system's own are asked."""
    path = paths.etc / "systemd/timesyncd.conf.d/moorage.conf"
    if settings.network.ntp:
        put(path, f"# Made from the properties at each boot.\n[Time]\nNTP={' '.join(settings.network.ntp)}\n")
    else:
        remove(path)
    return ()
