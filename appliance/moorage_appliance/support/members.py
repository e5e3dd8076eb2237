"""What is asked of the machine for a support bundle: the name of each member, and where it comes from."""

from dataclasses import dataclass
from pathlib import Path

from moorage_appliance.paths import Paths
from moorage_appliance.registry import registry_command

#: Every service whose journal is of interest.
UNITS = (
    *(
        f"moorage-{name}.service"
        for name in ("disks", "configure", "migrate", "registry", "portal", "worker")
    ),
    *(
        f"moorage-{name}.service"
        for name in ("after-start", "console", "certificate", "backup", "gc", "fsck")
    ),
    *(f"moorage-{name}.service" for name in ("identity-refresh", "replicate", "scan")),
    "nginx.service",
)
_PATTERNS = ("moorage*", "nginx*", "storage*")


@dataclass(frozen=True, slots=True)
class FromFile:
    """A member that is a file, as far as its end goes back."""

    name: str
    path: Path


@dataclass(frozen=True, slots=True)
class FromCommand:
    """A member that is what a program says."""

    name: str
    argv: tuple[str, ...]


Member = FromFile | FromCommand


def members(paths: Paths, days: int) -> list[Member]:
    """Everything, in the order of the archive.

    Args:
        days: how far back the journal goes.
    """
    return [*_versions(paths), *_state(paths), *_configuration(paths), *_machine(), *_journal(days)]


def _versions(paths: Paths) -> list[Member]:
    return [
        FromFile("versions/appliance.txt", paths.shared / "version"),
        FromFile("versions/system.txt", paths.etc / "os-release"),
        FromCommand("versions/kernel.txt", ("uname", "-a")),
        FromCommand("versions/registry.txt", registry_command(paths, "--version")),
    ]


def _state(paths: Paths) -> list[Member]:
    return [
        FromFile("status.json", paths.run / "status.json"),
        FromCommand("registry/status.json", registry_command(paths, "status", "--json")),
        FromCommand("registry/garbage.json", registry_command(paths, "gc", "forecast", "--json")),
        FromCommand("registry/jobs.json", registry_command(paths, "job", "list", "--json")),
        FromCommand("certificate.txt", (str(paths.program / "bin/moorage-appliance"), "certificate", "show")),
        FromCommand(
            "units/list.txt", ("systemctl", "list-units", "--all", "--no-pager", "--full", *_PATTERNS)
        ),
        FromCommand("units/failed.txt", ("systemctl", "--failed", "--no-pager", "--full")),
        FromCommand("units/timers.txt", ("systemctl", "list-timers", "--all", "--no-pager", "--full")),
        FromCommand("units/properties.txt", ("systemctl", "show", "--no-pager", *UNITS)),
    ]


def _configuration(paths: Paths) -> list[Member]:
    etc = paths.etc
    return [
        FromFile("configuration/moorage.toml", paths.configuration / "moorage.toml"),
        FromFile("configuration/properties.json", paths.run / "properties.json"),
        FromFile("configuration/nginx.conf", etc / "nginx/nginx.conf"),
        FromFile("configuration/network", etc / "systemd/network/10-moorage.network"),
        FromFile("configuration/nftables.conf", etc / "nftables.conf"),
        FromFile("configuration/hosts", etc / "hosts"),
        FromFile("configuration/sshd", etc / "ssh/sshd_config.d/10-moorage.conf"),
    ]


def _machine() -> list[Member]:
    said = (
        ("disks/usage.txt", "df -h"),
        ("disks/inodes.txt", "df -i"),
        ("disks/devices.txt", "lsblk --output NAME,SIZE,TYPE,FSTYPE,LABEL,MOUNTPOINTS,MODEL,RO"),
        ("disks/mounts.txt", "findmnt"),
        ("network/addresses.txt", "ip address"),
        ("network/routes.txt", "ip route show table all"),
        ("network/links.txt", "ip -statistics link"),
        ("network/names.txt", "resolvectl status --no-pager"),
        ("network/listening.txt", "ss --listening --tcp --udp --numeric --processes"),
        ("network/connections.txt", "ss --summary"),
        ("network/rules.txt", "nft list ruleset"),
        ("network/time.txt", "timedatectl show-timesync --all"),
        ("machine/clock.txt", "timedatectl"),
        ("machine/memory.txt", "free --mebi --wide"),
        ("machine/load.txt", "uptime"),
        ("machine/processes.txt", "ps axo pid,ppid,user,stat,pcpu,rss,etime,args --sort=-rss"),
    )
    return [FromCommand(name, tuple(words.split())) for name, words in said]


def _journal(days: int) -> list[Member]:
    how = ("--no-pager", "--quiet", "--output=short-iso-precise")
    base = ("journalctl", *how, f"--since=-{days} days", "--lines=20000")
    found: list[Member] = [
        FromCommand(f"journal/{unit.removesuffix('.service')}.txt", (*base, f"--unit={unit}"))
        for unit in UNITS
    ]
    found += [FromCommand("journal/warnings.txt", (*base, "--priority=warning"))]
    return [*found, FromCommand("journal/kernel.txt", (*base, "--dmesg"))]
