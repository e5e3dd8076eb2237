"""Which part is ill: probes by name, each asked on its own."""

import logging
from collections.abc import Callable, Mapping

Probe = Callable[[], None]

_log = logging.getLogger(__name__)


class Health:
    """Asks every part; a probe that raises names the fault of its part."""

    def __init__(self, probes: Mapping[str, Probe]) -> None:
        self._probes = dict(probes)

    def __call__(self) -> dict[str, str | None]:
        """The fault of each part, None for a part that is well."""
        return {name: _fault(name, probe) for name, probe in self._probes.items()}


def _fault(name: str, probe: Probe) -> str | None:
    try:
        probe()
    except Exception as error:  # a probe that fails in an unforeseen way is a fault as well
        _log.warning("a part is ill", extra={"part": name, "cause": str(error)})
        return str(error) or type(error).__name__
    return None
