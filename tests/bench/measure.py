"""Measuring both registries by turns, so that what disturbs the machine disturbs both."""

import statistics
import sys
from collections.abc import Sequence
from dataclasses import dataclass

from tests.bench.errors import BenchError
from tests.bench.rows import Row
from tests.bench.target import Target

_WARM_UP_SECONDS = 1.0


@dataclass(frozen=True, slots=True)
class Result:
    """One line of the table.

    Attributes:
        name: of the row.
        unit: of the figures.
        ours: median over the rounds, or None when the row failed.
        peer: likewise.
        ratios: one for each round, above 1 where ours is better.
        remark: worth knowing when reading the line.
        failure: why there is no honest figure; empty when there is one.
    """

    name: str
    unit: str
    ours: float | None
    peer: float | None
    ratios: Sequence[float]
    remark: str = ""
    failure: str = ""

    @property
    def ratio(self) -> float | None:
        """The median of the rounds' ratios."""
        return statistics.median(self.ratios) if self.ratios else None


def measure(row: Row, ours: Target, peer: Target, rounds: int, seconds: float) -> Result:
    """Prepare, warm up and measure one row in `rounds` rounds; a failure is in the result, not raised."""
    try:
        remarks = [row.prepare(target) for target in (ours, peer)]
        if row.warms_up:
            for target in (ours, peer):
                row.measure(target, _WARM_UP_SECONDS)
        pairs = [_round(row, ours, peer, seconds, turn) for turn in range(rounds)]
    except (BenchError, OSError) as error:
        return Result(row.name, row.unit, None, None, (), failure=f"{type(error).__name__}: {error}")
    return summarise(row, pairs, "; ".join(remark for remark in remarks if remark))


def summarise(row: Row, pairs: Sequence[tuple[float, float]], remark: str) -> Result:
    """The result out of the figures (ours, peer) of each round."""
    if any(figure <= 0 for pair in pairs for figure in pair):
        return Result(row.name, row.unit, None, None, (), remark, "a round gave nothing at all")
    ratios = [ours / peer if row.more_is_better else peer / ours for ours, peer in pairs]
    medians = [statistics.median(figures) for figures in zip(*pairs, strict=True)]
    return Result(row.name, row.unit, medians[0], medians[1], ratios, remark)


def _round(row: Row, ours: Target, peer: Target, seconds: float, turn: int) -> tuple[float, float]:
    """One figure of each; who is first changes from round to round, so that a drift favours nobody."""
    order = (ours, peer) if turn % 2 == 0 else (peer, ours)
    figures = {target.name: row.measure(target, seconds) for target in order}
    pair = figures[ours.name], figures[peer.name]
    print(f"  {row.name} {turn + 1}: {pair[0]:.1f} / {pair[1]:.1f} {row.unit}", file=sys.stderr)
    return pair
