"""The table for people and the file for machines."""

import json
from collections.abc import Sequence
from pathlib import Path

from tests.bench.measure import Result

_HEAD = ("row", "ours", "peer", "unit", "ratio", "of rounds", "remark")
_RIGHT = (1, 2, 4)


def table(results: Sequence[Result]) -> str:
    """Plain text, columns aligned; the ratio is above 1 where ours is better."""
    lines = [_HEAD, *(_cells(result) for result in results)]
    widths = [max(len(line[column]) for line in lines) for column in range(len(_HEAD) - 1)]
    widths.append(0)
    shown = []
    for line in lines:
        cells = (
            cell.rjust(width) if column in _RIGHT else cell.ljust(width)
            for column, (cell, width) in enumerate(zip(line, widths, strict=True))
        )
        shown.append("  ".join(cells).rstrip())
    return "\n".join(shown)


def _cells(result: Result) -> tuple[str, ...]:
    if result.ours is None or result.peer is None or result.ratio is None:
        failure = " ".join(result.failure.split())
        return (result.name, "-", "-", result.unit, "-", "", f"FAILED: {failure[:300]}")
    spread = f"{min(result.ratios):.2f}..{max(result.ratios):.2f}"
    figures = _figure(result.ours), _figure(result.peer)
    return (result.name, *figures, result.unit, f"{result.ratio:.2f}", spread, result.remark)


def _figure(value: float) -> str:
    return f"{value:,.0f}" if value >= 100 else f"{value:.2f}"


def write(results: Sequence[Result], path: Path) -> None:
    """Write the list that later runs are compared with; a failed row has null figures and the reason."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps([_entry(result) for result in results], indent=2) + "\n")


def _entry(result: Result) -> dict[str, object]:
    entry: dict[str, object] = {
        "name": result.name,
        "unit": result.unit,
        "ours": _rounded(result.ours),
        "peer": _rounded(result.peer),
        "ratio": _rounded(result.ratio),
    }
    return {**entry, "failure": result.failure} if result.failure else entry


def _rounded(value: float | None) -> float | None:
    return None if value is None else round(value, 3)
