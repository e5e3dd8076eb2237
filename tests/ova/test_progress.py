"""What whoever builds the appliance sees of it."""

import pytest

from moorage_ova.progress import Stages


def test_stages_tell_their_number_their_steps_and_their_time() -> None:
    said: list[str] = []
    times = iter((0.0, 1.0, 63.5, 64.0, 64.0))
    stages = Stages(2, said.append, lambda: next(times))
    with stages.stage("disk") as tell:
        tell("files")
    assert said == ["[1/2] disk", "      01:02  files", "[1/2] disk: 63.0 s"]
    assert stages.seconds == {"disk": 63.0}


@pytest.mark.parametrize(("error", "word"), [(KeyboardInterrupt, "stopped"), (ValueError, "failed")])
def test_a_stage_that_does_not_end_well_says_so_and_has_no_time(
    error: type[BaseException], word: str
) -> None:
    said: list[str] = []
    stages = Stages(1, said.append, lambda: 2.0)
    with pytest.raises(error), stages.stage("disk"):
        raise error
    assert said[-1] == f"[1/1] disk: {word} after 0.0 s"
    assert stages.seconds == {}
