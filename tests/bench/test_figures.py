"""What becomes of measured figures."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.bench.errors import BenchError
from tests.bench.measure import Result, measure
from tests.bench.report import table, write
from tests.bench.rows import Row
from tests.bench.target import FixedToken, Target
from tests.bench.wrk import read_summary

SUMMARY = (
    'summary {"requests":900,"bytes":4500,"duration":3000000,"p50":1500,"p99":9000,"max":20000,'
    '"errors":{"connect":0,"read":2,"write":0,"status":1,"timeout":0}}'
)


class ScriptedRow:
    """Gives figures from a list, and remembers whose turn it was."""

    name, unit, warms_up = "scripted", "things/s", False

    def __init__(self, ours: list[float], peer: list[float], more_is_better: bool = True) -> None:
        self.more_is_better = more_is_better
        self.turns: list[str] = []
        self._figures: dict[str, Iterator[float]] = {"ours": iter(ours), "peer": iter(peer)}

    def prepare(self, target: Target) -> str:
        return f"{target.name} is ready"

    def measure(self, target: Target, seconds: float) -> float:
        self.turns.append(target.name)
        figure = next(self._figures[target.name], None)
        if figure is None:
            raise BenchError("wrk saw 3 status")
        return figure


def run(row: Row, rounds: int) -> Result:
    ours, peer = (Target(name, name, "http://127.0.0.1:1", FixedToken()) for name in ("ours", "peer"))
    return measure(row, ours, peer, rounds, 1.0)


def test_the_ratio_is_the_median_of_the_rounds_and_not_the_ratio_of_the_medians() -> None:
    result = run(ScriptedRow([10, 40, 90], [10, 20, 10]), 3)
    assert (result.ratio, result.ours, result.peer) == (2.0, 40, 10)


def test_the_two_take_turns_and_the_first_of_a_round_changes() -> None:
    row = ScriptedRow([1, 1], [1, 1])
    run(row, 2)
    assert row.turns == ["ours", "peer", "peer", "ours"]


def test_for_memory_the_smaller_figure_is_the_better_one() -> None:
    assert run(ScriptedRow([200], [100], more_is_better=False), 1).ratio == 0.5


def test_a_row_with_errors_has_no_figure_and_says_why() -> None:
    result = run(ScriptedRow([1, 1], [1]), 2)
    assert result.ratio is None
    assert "wrk saw 3 status" in result.failure
    assert "FAILED" in table([result])


def test_a_round_without_a_single_answer_is_a_failure() -> None:
    assert run(ScriptedRow([0.0], [5.0]), 1).failure


def test_errors_that_wrk_counted_are_kept_and_zeros_left_out() -> None:
    load = read_summary(f"Running 3s test\n{SUMMARY}\n")
    assert (load.requests, load.seconds, load.faults) == (900, 3.0, {"read": 2, "status": 1})


def test_output_of_wrk_without_a_summary_is_refused() -> None:
    with pytest.raises(BenchError, match="no summary"):
        read_summary("unable to connect to 127.0.0.1:1 Connection refused")


def test_the_file_holds_the_agreed_keys_and_null_for_a_failed_row(tmp_path: Path) -> None:
    file = tmp_path / "build" / "bench.json"
    good, bad = run(ScriptedRow([3.0], [2.0]), 1), run(ScriptedRow([], []), 1)
    write([good, bad], file)
    first, second = json.loads(file.read_text())
    assert first == {"name": "scripted", "unit": "things/s", "ours": 3.0, "peer": 2.0, "ratio": 1.5}
    assert second["ratio"] is None
    assert "wrk" in second["failure"]
