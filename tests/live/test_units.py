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
UNITS = sorted(path for path in FOLDER.iterdir() if path.is_file())
SERVICES = [path for path in UNITS if path.suffix == ".service"]
TIMERS = [path for path in UNITS if path.suffix == ".timer"]
PROGRAM = "/opt/moorage/bin/moorage"
APPLIANCE = "/opt/moorage/bin/moorage-appliance"
JOBS = [path for path in SERVICES if " run " in path.read_text()]
OURS = [path for path in SERVICES if "\nUser=moorage\n" in path.read_text()]
#: Those of the appliance's program that units start.
APPLIANCE_COMMANDS = {"disks", "configure", "after-start", "console", "certificate", "backup", "recover"}
#: Who may be root, because the system's own files, disks or secrets are theirs to handle.
AS_ROOT = {"after-start", "backup", "certificate", "configure", "console", "disks", "recover"}
#: Settings of the appliance's systemd that an older one on this machine does not know.
NEWER = {"RestartSteps": 254, "RestartMaxDelaySec": 254}


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
    units = [str(path) for path in sorted(folder.iterdir()) if path.is_file()]
    done = subprocess.run(
        [program, "verify", "--man=no", *units], capture_output=True, text=True, timeout=60, check=False
    )
    return done.stdout + done.stderr + (f"[exit {done.returncode}]" if done.returncode else "")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """The units, of which each starts a program that is on this machine."""
    for path in UNITS:
        text = path.read_text().replace(APPLIANCE, "/bin/true").replace(PROGRAM, "/bin/true")
        (tmp_path / path.name).write_text("\n".join(known(text.splitlines())) + "\n")
    return tmp_path


def known(lines: list[str]) -> list[str]:
    """Without the settings that this machine's systemd is too old for."""
    found = subprocess.run(["systemctl", "--version"], capture_output=True, text=True, timeout=60, check=True)
    version = int(found.stdout.split()[1])
    return [line for line in lines if NEWER.get(line.partition("=")[0], 0) <= version]


def test_systemd_understands_every_unit(folder: Path) -> None:
    assert verified(folder) == ""


def test_a_setting_that_systemd_does_not_know_would_be_told(folder: Path) -> None:
    unit = folder / SERVICES[0].name
    unit.write_text(unit.read_text().replace("[Service]\n", "[Service]\nNicest=10\n"))
    assert "Nicest" in verified(folder)


@pytest.mark.parametrize("path", SERVICES, ids=lambda path: path.stem)
def test_a_service_starts_a_command_that_there_is(path: Path) -> None:
    program, *words = shlex.split(Unit(path)["Service"]["ExecStart"])
    if program == APPLIANCE:
        assert words[0] in APPLIANCE_COMMANDS
        return
    assert program == PROGRAM
    if words[-1] in ("replicate", "scan"):
        assert f"ConditionPathExists=/usr/share/moorage/commands/{words[-1]}\n" in path.read_text()
        return
    command: click.Command = main
    while words and isinstance(command, click.Group):
        name = words.pop(0)
        found = command.get_command(click.Context(command), name)
        assert found is not None, f"{path.name}: moorage has no command {name!r}"
        command = found
    assert not isinstance(command, click.Group), f"{path.name} names a group of commands only"
    command.make_context(command.name, words, resilient_parsing=False).close()


@pytest.mark.parametrize("path", OURS, ids=lambda path: path.stem)
def test_a_service_may_write_to_content_and_database_alone_and_gains_nothing(path: Path) -> None:
    service = Unit(path)["Service"]
    assert service["ProtectSystem"] == "strict"
    assert service["ReadWritePaths"] == "/storage/data/registry /storage/db"
    assert service["NoNewPrivileges"] == "true"
    assert service["CapabilityBoundingSet"] == ""


def test_nothing_runs_as_root_that_need_not() -> None:
    assert {path.stem.removeprefix("moorage-") for path in SERVICES if path not in OURS} == AS_ROOT
    nginx = Unit(FOLDER / "nginx.service.d" / "moorage.conf")["Service"]
    assert (nginx["User"], nginx["CapabilityBoundingSet"]) == ("moorage", "CAP_NET_BIND_SERVICE")


@pytest.mark.parametrize("path", [*SERVICES, FOLDER / "nginx.service.d" / "moorage.conf"], ids=str)
def test_a_service_is_little_exposed(path: Path, folder: Path) -> None:
    unit = folder / path.name
    if path not in SERVICES:
        unit = folder / "nginx.service"
        lines = path.read_text().partition("[Service]\n")[2]
        unit.write_text(f"[Service]\n{lines}".replace("/usr/sbin/nginx", "/bin/true"))
    done = subprocess.run(
        ["systemd-analyze", "security", "--offline=true", "--threshold=29", str(unit)],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stdout[-300:] + done.stderr


@pytest.mark.parametrize("path", JOBS, ids=lambda path: path.stem)
def test_a_job_leaves_memory_and_processors_to_the_registry(path: Path) -> None:
    service = Unit(path)["Service"]
    assert "MemoryMax" in service
    assert int(service["Nice"]) >= 10


@pytest.mark.parametrize("name", ["migrate", "registry", "portal", "worker", "after-start", "gc", "fsck"])
def test_nothing_starts_that_is_held_back(name: str) -> None:
    text = (FOLDER / f"moorage-{name}.service").read_text()
    assert "ConditionPathExists=/run/moorage-appliance/ready\n" in text


@pytest.mark.parametrize("name", ["registry", "portal", "worker"])
def test_a_service_says_when_it_serves_and_comes_back_after_a_failure(name: str) -> None:
    service = Unit(FOLDER / f"moorage-{name}.service")["Service"]
    assert (service["Type"], service["Restart"]) == ("notify", "on-failure")


@pytest.mark.parametrize("path", TIMERS, ids=lambda path: path.stem)
def test_a_timer_starts_a_service_and_makes_up_for_what_was_missed(path: Path) -> None:
    assert path.with_suffix(".service") in SERVICES
    unit = Unit(path)
    assert unit["Timer"]["Persistent"] == "true"
    assert "RandomizedDelaySec" in unit["Timer"]
    assert unit["Install"]["WantedBy"] == "timers.target"


def test_there_is_a_timer_for_everything_that_comes_again() -> None:
    assert {path.stem for path in TIMERS} >= {
        f"moorage-{name}"
        for name in ("gc", "fsck", "identity-refresh", "certificate", "backup", "replicate", "scan")
    }
