"""What commands print for people."""

from datetime import UTC, datetime

import pytest

from moorage.cli.output import readable, show
from moorage.cli.run import _tell
from moorage.jobs.model import Execution, State, Trigger

NOW = datetime(2026, 3, 4, tzinfo=UTC)


def test_numbers_by_name_are_told_in_words(capsys: pytest.CaptureFixture[str]) -> None:
    show(
        readable({"findings": {"missing_file": 3, "rotten": 1}, "none": {}, "freed_bytes": 2**20}),
        as_json=False,
    )
    assert capsys.readouterr().out.splitlines() == [
        "findings     missing_file 3, rotten 1",
        "none         -",
        "freed bytes  1 MiB",
    ]


def test_a_run_that_was_interrupted_is_told_to_go_on_elsewhere(capsys: pytest.CaptureFixture[str]) -> None:
    put_back = Execution(
        id=7,
        kind="fsck",
        subject=0,
        project_id=None,
        trigger=Trigger.MANUAL,
        state=State.PENDING,
        parameters={},
        progress={},
        result={},
        message="",
        requested_by="system",
        attempts=1,
        stop_requested=False,
        created_at=NOW,
        started_at=NOW,
        updated_at=NOW,
        ended_at=None,
    )
    with pytest.raises(SystemExit, match="1"):
        _tell([(put_back, True)], as_json=True, many=False)
    assert capsys.readouterr().err == "run 7 of fsck was interrupted; a worker goes on with it\n"
