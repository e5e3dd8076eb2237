"""Tells whoever builds which stage it is, what is going on inside it, and how long each took."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

_MINUTE = 60


class Stages:
    """The stages of one build, in their order.

    Args:
        total: how many there will be.
        say: prints a line.
        clock: seconds that only go forward.
    """

    def __init__(
        self, total: int, say: Callable[[str], None], clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._total = total
        self._say = say
        self._clock = clock
        self._begun = clock()
        self._names: list[str] = []
        #: Seconds of each stage that ended well.
        self.seconds: dict[str, float] = {}

    @contextmanager
    def stage(self, name: str) -> Iterator[Callable[[str], None]]:
        """One stage; what is given tells of a step inside it."""
        begun = self._clock()
        self._names.append(name)
        number = f"[{len(self._names)}/{self._total}]"
        self._say(f"{number} {name}")
        try:
            yield lambda step: self._say(f"      {_watch(self._clock() - begun)}  {step}")
        except BaseException as error:
            how = "stopped" if isinstance(error, KeyboardInterrupt) else "failed"
            self._say(f"{number} {name}: {how} after {self._clock() - begun:.1f} s")
            raise
        self.seconds[name] = round(self._clock() - begun, 1)
        self._say(f"{number} {name}: {self.seconds[name]} s")

    @property
    def all_seconds(self) -> float:
        """Seconds since the first stage."""
        return round(self._clock() - self._begun, 1)


def _watch(seconds: float) -> str:
    return f"{int(seconds) // _MINUTE:02}:{int(seconds) % _MINUTE:02}"
