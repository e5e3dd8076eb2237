"""The proxy role's variables as the image has them, for the program that fills its template at each boot."""

from pathlib import Path
from typing import Any

import jinja2
import yaml

_DEFAULTS = "roles/proxy/defaults/main.yml"
_SITE = "group_vars/all.yml"
_PREFIXES = ("proxy_", "moorage_")
#: What the role itself does, of which the template knows nothing.
_DEEDS = ("proxy_install", "proxy_running", "proxy_configured_at_boot")
#: A value may refer to one that refers to another.
_DEPTH = 5


def read(playbooks: Path) -> dict[str, Any]:
    """Every ``proxy_...`` variable with its references resolved, and what stands at the top of the file."""
    known: dict[str, Any] = yaml.safe_load((playbooks / _DEFAULTS).read_text())
    site = yaml.safe_load((playbooks / _SITE).read_text())
    known |= {name: value for name, value in site.items() if name.startswith(_PREFIXES)}
    for _ in range(_DEPTH):
        known = {name: _filled(value, known) for name, value in known.items()}
    values = {name: value for name, value in known.items() if name.startswith("proxy_")}
    for name in _DEEDS:
        del values[name]
    return {**values, "ansible_managed": "Made at each boot from the properties; changes are lost."}


def _filled(value: Any, known: dict[str, Any]) -> Any:
    if not isinstance(value, str):
        return value
    # A configuration file, not a page.
    environment = jinja2.Environment(undefined=jinja2.StrictUndefined, autoescape=False)  # noqa: S701
    return environment.from_string(value).render(known)
