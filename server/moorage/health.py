"""Which part is ill: probes by name, each asked on its own."""

import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import Enum

#: Returns a warning, or None when all is well; raises what is wrong.
Probe = Callable[[], str | None]

_log = logging.getLogger(__name__)


class DegradedError(Exception):
    """Raised by the probe of a part that refuses some of its work and does the rest."""


class State(Enum):
    """How a part is."""

    WELL = "well"
    WARNING = "warning"
    DEGRADED = "degraded"
    ILL = "ill"


@dataclass(frozen=True, slots=True)
class Finding:
    """How a part is, and what is to be said about that; "" for a part that is well."""

    state: State
    text: str = ""

    @property
    def is_fault(self) -> bool:
        """Whether somebody has to do something."""
        return self.state in (State.DEGRADED, State.ILL)


class Health:
    """Asks every part; a probe that raises names the fault of its part."""

    def __init__(self, probes: Mapping[str, Probe]) -> None:
        self._probes = dict(probes)

    def __call__(self) -> dict[str, Finding]:
        """What each part says of itself."""
        return {name: _finding(name, probe) for name, probe in self._probes.items()}


def _finding(name: str, probe: Probe) -> Finding:
    try:
        warning = probe()
    except DegradedError as degraded:
        return Finding(State.DEGRADED, str(degraded))
    except Exception as error:  # a probe that fails in an unforeseen way is a fault as well
        _log.warning("a part is ill", extra={"part": name, "cause": str(error)})
        return Finding(State.ILL, str(error) or type(error).__name__)
    return Finding(State.WARNING, warning) if warning else Finding(State.WELL)
