"""nginx in front of registry and portal."""

import json
import os
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from moorage_appliance.commands import Commands
from moorage_appliance.files import put
from moorage_appliance.paths import Paths
from moorage_appliance.problem import Problem
from moorage_appliance.settings import Settings
from moorage_appliance.steps.server import PORTAL_PROCESSES

_TEMPLATE = "nginx.conf.j2"


def apply(settings: Settings, paths: Paths, _: Commands, held: bool = False) -> tuple[Problem, ...]:
    """Write nginx's file; nginx.service tries it before it starts with it.

    Args:
        held: the registry does not start, so that nginx says why instead.
    """
    put(paths.etc / "nginx/moorage.conf", render(settings, paths, held))
    return ()


def render(settings: Settings, paths: Paths, held: bool) -> str:
    """The image's template with the image's values and this machine's."""
    environment = Environment(
        loader=FileSystemLoader(paths.shared),
        undefined=StrictUndefined,
        trim_blocks=True,
        keep_trailing_newline=True,
        autoescape=False,  # noqa: S701 - a configuration file, not a page
    )
    known: dict[str, Any] = json.loads((paths.shared / "proxy.json").read_text())
    return environment.get_template(_TEMPLATE).render({**known, **_values(settings, paths, held)})


def _values(settings: Settings, paths: Paths, held: bool) -> dict[str, object]:
    return {
        "ansible_managed": "Made from the properties at each boot.",
        "proxy_registry_port": settings.registry.port,
        "proxy_portal_port": settings.registry.portal_port,
        "proxy_trust_port": settings.registry.trust_port,
        "proxy_registry_processes": os.cpu_count() or 1,
        "proxy_portal_processes": PORTAL_PROCESSES,
        "proxy_landing": held,
        "proxy_landing_folder": str(paths.run / "landing"),
        "proxy_socket_folder": str(paths.sockets),
        "proxy_data_folder": str(paths.registry),
        "proxy_tls": True,
        "proxy_tls_certificate": str(paths.tls / "server.crt"),
        "proxy_tls_key": str(paths.tls / "server.key"),
        "proxy_server_name": settings.network.hostname or "_",
    }
