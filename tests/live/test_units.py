"""The appliance's systemd units: systemd understands each of them, and each starts what is there."""

import configparser
import shlex
import shutil
import subprocess
from pathlib import Path

import click
import pytest

from moorage.cli.main import main

FOLDER = Path(__file__).parents[2] / "appliance" / "systemd"
UNITS = sorted(FOLDER.glob("moorage-*"))
SERVICES = [path for path in UNITS if path.suffix == ".service"]
TIMERS = [path for path in UNITS if path.suffix == ".timer"]
PROGRAM = "/opt/moorage/bin/moorage"


class Unit(configparser.RawConfigParser):
    """A unit file; of settings that come more than once the last one."""

    def __init__(self, path: Path) -> None:
        super().__init__(strict=False, interpolation=None)
        self.optionxform = str  # type: ignore[assignment,method-assign]
        self.read_string(path.read_text())


def verified(folder: Path) -> str:
    """What `systemd-analyze verify` has to say of all units in the folder."""
    program = shutil.which("systemd-analyze")
    assert program, "systemd-analyze is not installed (Debian's package systemd)"
    units = [str(path) for path in sorted(folder.glob("moorage-*"))]
    done = subprocess.run(
        [program, "verify", "--man=no", *units], capture_output=True, text=True, timeout=60, check=False
    )
    return done.stdout + done.stderr + (f"[exit {done.returncode}]" if done.returncode else "")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """The units, of which each starts a program that is on this machine."""
    for path in UNITS:
        (tmp_path / path.name).write_text(path.read_text().replace(PROGRAM, "/bin/true"))
    return tmp_path


def test_systemd_understands_every_unit(folder: Path) -> None:
    assert verified(folder) == ""


def test_a_setting_that_systemd_does_not_know_would_be_told(folder: Path) -> None:
    unit = folder / SERVICES[0].name
    unit.write_text(unit.read_text().replace("[Service]\n", "[Service]\nNicest=10\n"))
    assert "Nicest" in verified(folder)


@pytest.mark.parametrize("path", SERVICES, ids=lambda path: path.stem)
def test_a_service_starts_a_command_that_there_is(path: Path) -> None:
    program, *words = shlex.split(Unit(path)["Service"]["ExecStart"])
    assert program == PROGRAM
    command: click.Command = main
    while words and isinstance(command, click.Group):
        name = words.pop(0)
        found = command.get_command(click.Context(command), name)
        assert found is not None, f"{path.name}: moorage has no command {name!r}"
        command = found
    assert not isinstance(command, click.Group), f"{path.name} names a group of commands only"
    command.make_context(command.name, words, resilient_parsing=False).close()


@pytest.mark.parametrize("path", SERVICES, ids=lambda path: path.stem)
def test_a_service_may_write_to_the_data_disk_alone_and_gains_nothing(path: Path) -> None:
    service = Unit(path)["Service"]
    assert service["User"] == "moorage"
    assert (service["ProtectSystem"], service["ReadWritePaths"]) == ("strict", "/storage/data")
    assert service["NoNewPrivileges"] == "true"
    assert service["CapabilityBoundingSet"] == ""


@pytest.mark.parametrize("path", SERVICES, ids=lambda path: path.stem)
def test_a_service_leaves_memory_and_processors_to_the_registry(path: Path) -> None:
    service = Unit(path)["Service"]
    assert "MemoryMax" in service
    assert int(service["Nice"]) >= 10


@pytest.mark.parametrize("path", TIMERS, ids=lambda path: path.stem)
def test_a_timer_starts_a_service_and_makes_up_for_what_was_missed(path: Path) -> None:
    assert path.with_suffix(".service") in SERVICES
    unit = Unit(path)
    assert unit["Timer"]["Persistent"] == "true"
    assert "RandomizedDelaySec" in unit["Timer"]
    assert unit["Install"]["WantedBy"] == "timers.target"


def test_there_is_a_timer_for_collection_and_one_for_the_check() -> None:
    assert {path.stem for path in TIMERS} >= {"moorage-gc", "moorage-fsck"}
