"""The state of the appliance as people are shown it, on the console and by `moorage-appliance status`."""

import json
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import asdict, dataclass
from typing import Any

from moorage_appliance import addresses, landing
from moorage_appliance.commands import CommandFailedError, Commands
from moorage_appliance.network_state import Compared, compare
from moorage_appliance.paths import Paths
from moorage_appliance.settings import RegistrySettings, Settings, read_settings
from moorage_appliance.status import StatusFile

#: What systemd starts, by the names people know.
_UNITS = {
    "database": "moorage-migrate.service",
    "registry": "moorage-registry.service",
    "portal": "moorage-portal.service",
    "worker": "moorage-worker.service",
    "nginx": "nginx.service",
}
_STEPS = ("disks", "network", "clock", "certificate")
_SUFFIX = ".service"


@dataclass(frozen=True, slots=True)
class Overview:
    """Everything that is shown.

    Attributes:
        parts: state by name: done, running, waiting, off, failed.
        first_password: of the first administrator, if one was made up and its file is still there.
    """

    version: str
    portal: tuple[str, ...]
    registry: tuple[str, ...]
    fingerprint: str
    parts: Mapping[str, str]
    network: tuple[Compared, ...]
    problems: tuple[Mapping[str, Any], ...]
    first_password: str = ""

    @property
    def is_well(self) -> bool:
        """Whether nobody has to do anything."""
        faults = any(not each.get("warning") for each in self.problems)
        return not faults and not {"failed", "off", "waiting"} & {*self.parts.values()}

    def row(self) -> dict[str, object]:
        """For programs; without the password."""
        found = asdict(self)
        del found["first_password"]
        found["network"] = [{**asdict(each), "agrees": each.agrees} for each in self.network]
        return {"well": self.is_well, **found}


def overview(paths: Paths, commands: Commands) -> Overview:
    """Ask systemd, the network and the status of this boot; what cannot be found out is left out."""
    status, settings = StatusFile(paths).read(), settings_of_boot(paths)
    reached = [str(each) for each in addresses.present(commands)]
    phases = {each["name"]: each["state"] for each in status.get("phases", ())}
    return Overview(
        version=landing.version(paths),
        portal=_urls(settings, reached, settings.registry.portal_port),
        registry=_urls(settings, reached, settings.registry.port),
        fingerprint=status.get("fingerprint", ""),
        parts={**{name: phases.get(name, "waiting") for name in _STEPS}, **_units(commands)},
        network=compare(settings.network, reached, commands),
        problems=tuple(status.get("problems", ())),
        first_password=_password(paths),
    )


def settings_of_boot(paths: Paths) -> Settings:
    """What this boot was configured with; without it, as an appliance without properties has it."""
    with suppress(OSError, ValueError):
        return read_settings(json.loads((paths.run / "properties.json").read_text()))[0]
    return Settings()


def _urls(settings: Settings, reached: list[str], port: int) -> tuple[str, ...]:
    hosts = [each for each in (settings.network.hostname, *reached) if each]
    standard = RegistrySettings().port
    return tuple(
        f"https://{f'[{host}]' if ':' in host else host}{'' if port == standard else f':{port}'}"
        for host in hosts
    )


def _units(commands: Commands) -> dict[str, str]:
    try:
        text = commands.run(
            "systemctl",
            "show",
            "--property=Id,ActiveState,Result,ConditionResult",
            *_UNITS.values(),
            check=False,
        ).output
    except CommandFailedError:
        return {}
    found = {}
    for block in text.split("\n\n"):
        values = dict(line.split("=", 1) for line in block.splitlines() if "=" in line)
        found[values.get("Id", "")] = _state(values)
    return {name: found.get(unit, "off") for name, unit in _UNITS.items()}


def _state(values: Mapping[str, str]) -> str:
    state = values.get("ActiveState", "")
    if state == "active":
        return "running"
    if state in ("activating", "reloading"):
        return "waiting"
    return "failed" if state == "failed" else "off"


def _password(paths: Paths) -> str:
    """The registry keeps the one it made up in a file, until an administrator removes it."""
    try:
        return (paths.registry / "admin-password").read_text(errors="replace").strip()[:128]
    except OSError:
        return ""
