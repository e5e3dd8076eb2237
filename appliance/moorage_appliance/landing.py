"""The page that is served while the registry is not: what is wrong, and how to mend it."""

from collections.abc import Mapping
from functools import cache
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined

from moorage_appliance.files import folder, put
from moorage_appliance.paths import Paths
from moorage_appliance.properties import BY_KEY
from moorage_appliance.status import StatusFile

_STATES = frozenset({"done", "failed", "waiting"})


def write(paths: Paths) -> None:
    """Write the page from the status of this boot, the one for a start without problems, and their style."""
    place = paths.run / "landing"
    folder(place, 0o755)
    status = StatusFile(paths).read()
    put(place / "page.css", _source("page.css"))
    put(place / "index.html", page({"version": version(paths), **status}))
    put(place / "starting.html", page({"version": version(paths)}))


def version(paths: Paths) -> str:
    """Which release the image holds; "" when it does not say."""
    try:
        return (paths.shared / "version").read_text(errors="replace").strip()[:64]
    except OSError:
        return ""


def page(status: Mapping[str, Any]) -> str:
    """The page in HTML; whatever the status holds is text in it."""
    problems = [_labelled(each) for each in status.get("problems", ())]
    phases = [each for each in status.get("phases", ()) if each.get("state") in _STATES]
    return (
        _templates()
        .get_template("index.html")
        .render(
            version=status.get("version", ""),
            faults=[each for each in problems if not each["warning"]],
            warnings=[each for each in problems if each["warning"]],
            phases=phases,
            fingerprint=status.get("fingerprint", ""),
        )
    )


def _labelled(problem: Mapping[str, Any]) -> dict[str, Any]:
    known = BY_KEY.get(problem["property"])
    label = f"{known.category}: {known.label}" if known else "The appliance"
    return {"warning": False, **problem, "label": label}


@cache
def _templates() -> Environment:
    return Environment(
        loader=PackageLoader("moorage_appliance", "pages"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )


def _source(name: str) -> str:
    environment = _templates()
    assert environment.loader is not None  # noqa: S101 - it was given above
    return environment.loader.get_source(environment, name)[0]
