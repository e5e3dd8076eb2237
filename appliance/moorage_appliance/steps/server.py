"""The registry's configuration."""

import json
from collections.abc import Mapping
from pathlib import Path

from moorage.config import ConfigurationError, load
from moorage_appliance.commands import Commands
from moorage_appliance.files import MOORAGE, ROOT, folder, put
from moorage_appliance.paths import Paths
from moorage_appliance.problem import Problem
from moorage_appliance.settings import Settings

PORTAL_PROCESSES = 2
_HTTPS = 443
Value = str | int | bool
#: Which property a setting of the registry comes from.
_PROPERTIES: Mapping[str, str] = {
    "server.external_url": "network.hostname",
    "database.url": "registry.database_url",
    "syslog.url": "syslog.host",
    "audit.keep_days": "log.retention_days",
}


def apply(settings: Settings, paths: Paths, _: Commands) -> tuple[Problem, ...]:
    """Write moorage.toml and the folders it names; a file that the registry would refuse is not kept."""
    folder(paths.registry, 0o700, MOORAGE, MOORAGE)
    # nginx and the registry go through these; what is in them is the account's own.
    folder(paths.database, 0o700, MOORAGE, MOORAGE)
    folder(paths.configuration, 0o750, ROOT, MOORAGE)
    body = toml(document(settings, paths))
    path = paths.configuration / "moorage.toml"
    tried = paths.configuration / ".moorage.toml.new"
    put(tried, body, 0o600)
    try:
        load(tried, {})
    except ConfigurationError as error:
        return tuple(_problem(each.key, each.reason) for each in error.problems)
    finally:
        tried.unlink(missing_ok=True)
    put(path, body, 0o640, ROOT, MOORAGE)
    put(paths.admin_password, settings.registry.admin_password, 0o600)
    return ()


def external_url(settings: Settings) -> str:
    """What clients call, as far as it is known before the network is up; "" when it is not."""
    network, port = settings.network, settings.registry.port
    host = network.hostname or (str(network.address.ip) if network.address else "")
    return f"https://{host}{'' if port == _HTTPS else f':{port}'}" if host else ""


def document(settings: Settings, paths: Paths) -> Mapping[str, Mapping[str, Value]]:
    """The sections of moorage.toml."""
    authority, syslog = paths.tls / "ca.crt", settings.syslog
    server: dict[str, Value] = {
        "external_url": external_url(settings),
        "portal_processes": PORTAL_PROCESSES,
        "socket_folder": str(paths.sockets),
        "behind_nginx": True,
        "ca_file": str(authority) if authority.is_file() else "",
    }
    own = f"sqlite:///{_absolute(paths.database)}/moorage.sqlite"
    found: dict[str, dict[str, Value]] = {
        "server": server,
        "storage": {"data": str(paths.registry)},
        "database": {"url": settings.registry.database_url or own},
        # Timers of the system do what the worker would do by itself.
        "gc": {"cron": "", "on_restart": settings.registry.gc_on_restart},
        "fsck": {"cron": ""},
        "login": {"directory_refresh_cron": ""},
        "audit": {"keep_days": settings.log.retention_days},
    }
    if syslog.host:
        host = f"[{syslog.host}]" if ":" in syslog.host else syslog.host
        found["syslog"] = {"url": f"{syslog.protocol}://{host}:{syslog.port}"}
    return found


def toml(sections: Mapping[str, Mapping[str, Value]]) -> str:
    """TOML, whose basic strings are JSON's."""
    lines = ["# Made from the properties at each boot: change those."]
    for section, keys in sections.items():
        lines += ["", f"[{section}]"]
        lines += [f"{key} = {json.dumps(value, ensure_ascii=False)}" for key, value in keys.items()]
    return "\n".join(lines) + "\n"


def _absolute(path: Path) -> str:
    return str(path.absolute())


def _problem(key: str, reason: str) -> Problem:
    name = _PROPERTIES.get(key, "")
    remedy = "Mend the property." if name else "See the journal of moorage-configure.service."
    return Problem(name, f"the registry refuses it ({key}: {reason})", remedy)
