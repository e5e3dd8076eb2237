"""Two folders are told apart by everything that makes two images differ."""

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from moorage_ova.compare import differences


def _fill(folder: Path) -> None:
    (folder / "etc").mkdir(parents=True)
    (folder / "etc/a").write_text("one")
    (folder / "etc/b").symlink_to("a")


def test_equal_folders_have_no_differences_whatever_their_times(tmp_path: Path) -> None:
    for name in ("x", "y"):
        _fill(tmp_path / name)
    os.utime(tmp_path / "y/etc/a", (1, 1))
    assert list(differences(tmp_path / "x", tmp_path / "y")) == []


@pytest.mark.parametrize(
    ("change", "line"),
    [
        (lambda folder: (folder / "etc/a").write_text("two"), "etc/a: another content"),
        (lambda folder: (folder / "etc/a").write_text("three"), "etc/a: 3 and 5 bytes"),
        (lambda folder: (folder / "etc/a").chmod(0o600), "etc/a: mode 100644 and 100600"),
        (lambda folder: (folder / "etc/a").unlink(), "etc/a: only in the first"),
        (lambda folder: (folder / "new").mkdir(), "new: only in the second"),
    ],
)
def test_each_difference_is_told(tmp_path: Path, change: Callable[[Path], object], line: str) -> None:
    for name in ("x", "y"):
        _fill(tmp_path / name)
        (tmp_path / name / "etc/a").chmod(0o644)
    change(tmp_path / "y")
    assert list(differences(tmp_path / "x", tmp_path / "y")) == [line]
