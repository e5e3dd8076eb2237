"""The exchange of a restore: killed between any two steps and begun again, it ends as it should."""

import multiprocessing
import os
import signal
from pathlib import Path

import pytest

from moorage_appliance.backup import swapping
from moorage_appliance.backup.staging import Stage
from moorage_appliance.backup.swapping import Swap, begun, swap, unfinished
from moorage_appliance.paths import Paths

SWAP = Swap("20260701T014000Z", "before-20260702T100000Z")
#: More than there are steps.
_MOST = 40


def stage_below(root: Path) -> Stage:
    """A registry with old things, and new ones brought over."""
    paths = Paths(root)
    stage = Stage(paths, paths.registry, paths.database / "moorage.sqlite")
    assert stage.copy is not None
    for path, text in (
        (paths.registry / "blobs/old", "old"),
        (paths.state / "ca.key", "old"),
        (paths.database / "moorage.sqlite", "old"),
        (paths.database / "moorage.sqlite-wal", "old"),
        (stage.registry / "blobs/new", "new"),
        (stage.state / "ca.key", "new"),
        (stage.copy, "new"),
    ):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return stage


def killed_at(stage: Stage, step: int) -> bool:
    """Swap in a process that is killed at that step; whether it was."""

    def work() -> None:
        count = 0
        for module, name in (
            (swapping, "sync_folders"),
            (swapping.Path, "rename"),
            (swapping.Path, "unlink"),
        ):
            really = getattr(module, name)

            def counted(*words: object, _really: object = really, **more: object) -> object:
                nonlocal count
                count += 1
                if count == step:
                    os.kill(os.getpid(), signal.SIGKILL)
                return _really(*words, **more)  # type: ignore[operator]

            setattr(module, name, counted)
        swap(stage, SWAP)

    child = multiprocessing.get_context("fork").Process(target=work)
    child.start()
    child.join(30)
    assert child.exitcode in (0, -signal.SIGKILL)
    return child.exitcode != 0


def everything(root: Path) -> dict[str, str]:
    return {str(path.relative_to(root)): path.read_text() for path in root.rglob("*") if path.is_file()}


def test_a_swap_killed_anywhere_is_finished_by_the_next(tmp_path: Path) -> None:
    wanted_stage = stage_below(tmp_path / "wanted")
    assert len(swap(wanted_stage, SWAP)) == 2
    wanted = everything(tmp_path / "wanted")
    killed = 0
    for step in range(1, _MOST):
        root = tmp_path / f"step-{step}"
        stage = stage_below(root)
        if not killed_at(stage, step):
            break
        killed += 1
        # From the first rename to the last one the registry may not start.
        half = (root / "storage/db/before-20260702T100000Z").exists() and stage.registry.exists()
        assert not half or unfinished(stage.paths)
        swap(stage, begun(stage) or SWAP)
        assert unfinished(stage.paths) == ()
        assert everything(root) == wanted
    assert killed > 8


def test_what_was_there_is_set_aside_and_never_removed(tmp_path: Path) -> None:
    stage = stage_below(tmp_path)
    swap(stage, SWAP)
    found = everything(tmp_path)
    aside = "before-20260702T100000Z"
    assert found[f"storage/data/{aside}/registry/blobs/old"] == "old"
    assert found[f"storage/data/{aside}/appliance/ca.key"] == "old"
    assert found[f"storage/db/{aside}/moorage.sqlite-wal"] == "old"
    assert found["storage/db/moorage.sqlite"] == "new"
    assert "storage/db/moorage.sqlite-wal" not in found


@pytest.mark.parametrize("times", [2, 3])
def test_what_was_made_anew_meanwhile_is_set_aside_under_another_name(tmp_path: Path, times: int) -> None:
    for _ in range(times):
        swap(stage_below(tmp_path), SWAP)
    aside = tmp_path / "storage/data/before-20260702T100000Z"
    assert len([each for each in aside.iterdir() if each.name.startswith("registry")]) == times
