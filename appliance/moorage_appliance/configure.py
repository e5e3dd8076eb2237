"""The boot: properties are read, checked and applied, step by step. Nothing here stops it."""

import json
import logging
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Final

from moorage_appliance import disks, landing
from moorage_appliance.backup.swapping import unfinished
from moorage_appliance.commands import CommandFailedError, Commands
from moorage_appliance.environment import read_environment
from moorage_appliance.files import folder, put, remove
from moorage_appliance.paths import Paths
from moorage_appliance.problem import Problem
from moorage_appliance.properties import BY_KEY
from moorage_appliance.settings import Settings, read_settings
from moorage_appliance.status import StatusFile
from moorage_appliance.steps import (
    accounts,
    certificate,
    clock,
    firewall,
    hostname,
    logs,
    network,
    proxy,
    server,
    vcenter,
)

_LOG = logging.getLogger(__name__)
Step = Callable[[Settings, Paths, Commands], tuple[Problem, ...]]

#: In this order: an outage late in the list leaves a machine that can be reached.
STEPS: Sequence[tuple[str, Step]] = (
    ("network", network.apply),
    ("clock", clock.apply),
    ("hostname", hostname.apply),
    ("accounts", accounts.apply),
    ("firewall", firewall.apply),
    ("logs", logs.apply),
)
#: These have to succeed for the registry to start.
NEEDED: Sequence[tuple[str, Step]] = (("certificate", certificate.apply), ("server", server.apply))
#: What the registry would do wrong without.
_MAKES_ACCOUNT: Final = "moorage-migrate.service"
_HOLDING: Final = ("tls.", "registry.database_url")


class Boot:
    """One boot's configuration.

    Args:
        paths: where everything lies.
        commands: runs programs.
    """

    def __init__(self, paths: Paths, commands: Commands) -> None:
        self._paths = paths
        self._commands = commands
        self._status = StatusFile(paths)
        self._held = False

    def prepare_disks(self) -> None:
        """The phase before the mounts."""
        self._try("disks", lambda: disks.prepare(self._paths, self._commands))

    def configure(self) -> None:
        """Everything after the mounts and before the network."""
        paths, commands = self._paths, self._commands
        folder(paths.run, 0o755)
        remove(paths.ready)
        values: dict[str, str] = {}
        self._try("storage", lambda: disks.missing(paths))
        self._try("environment", lambda: self._environment(values))
        settings, problems = read_settings(values)
        self._tell("properties", problems)
        if not settings.registry.database_url:
            self._hold_without("db")
        self._hold_without("data")
        for name, step in STEPS:
            self._try(name, lambda step=step: step(settings, paths, commands))  # type: ignore[misc]
        for name, step in NEEDED:
            self._try(name, lambda step=step: step(settings, paths, commands), needed=True)  # type: ignore[misc]
        self._try("restore", lambda: unfinished(paths), needed=True)
        self._try("proxy", lambda: proxy.apply(settings, paths, commands, self._held))
        if not self._held:
            self._try("ready", self._let_start)
        self._try("landing", self._write_page)

    def after_start(self) -> None:
        """Once the registry runs: what it has to be told, and away with what it has read."""
        settings, _ = read_settings(_read(self._paths.run / "properties.json"))
        self._try("vcenter", lambda: vcenter.apply(settings, self._paths, self._commands))
        self._forget_password()

    def _forget_password(self) -> None:
        """The account is made, so the password of the properties is not needed in this boot any more.

        The file stays, empty: a unit that is to be given it does not start without one.
        """
        if self._commands.run("systemctl", "is-active", "--quiet", _MAKES_ACCOUNT, check=False).code == 0:
            put(self._paths.admin_password, "", 0o600)

    def _write_page(self) -> tuple[Problem, ...]:
        landing.write(self._paths)
        return ()

    def _let_start(self) -> tuple[Problem, ...]:
        put(self._paths.ready, "")
        return ()

    def _hold_without(self, name: str) -> None:
        try:
            mounted = str((self._paths.root / "storage" / name).absolute()) in disks.mounts(self._paths)
        except OSError:
            mounted = False
        self._held = self._held or not mounted

    def _environment(self, values: dict[str, str]) -> tuple[Problem, ...]:
        """Fill in what vSphere says now, or what it said last if it says nothing.

        A CD that somebody disconnected must not take a machine's address away.
        """
        found = read_environment(self._paths, self._commands)
        problems = found.problems
        values.update(found.values)
        kept = self._paths.state / "properties.json"
        if found.source == "none":
            before = _read(kept)
            values.update(before)
            if before:
                message = "There are no properties; those of an earlier boot are used."
                remedy = "Connect the machine's CD drive, or restart it from vSphere."
                problems += (Problem("", message, remedy, warning=True),)
        put(self._paths.run / "properties.json", json.dumps(values), 0o600)
        if found.source != "none":
            folder(self._paths.state, 0o700)
            put(kept, json.dumps(_worth_keeping(values)), 0o600)
        return problems

    def _try(self, name: str, step: Callable[[], tuple[Problem, ...]], needed: bool = False) -> None:
        """Do one step; whatever happens in it becomes a line of the status."""
        try:
            problems = step()
        except (OSError, CommandFailedError) as error:
            problems = (_failed(name, str(error)),)
        except Exception as error:  # the boot goes on
            # Its text may hold a value of a property.
            problems = (_failed(name, f"{type(error).__name__} in the program"),)
            _LOG.error("%s: %s", name, _place(error))
        if needed and any(not each.warning for each in problems):
            self._held = True
        self._tell(name, problems)

    def _tell(self, name: str, problems: Sequence[Problem]) -> None:
        bad = [each for each in problems if not each.warning]
        self._held = self._held or any(each.property.startswith(_HOLDING) for each in bad)
        for each in problems:
            _LOG.warning("%s: %s %s (%s)", name, each.property, each.message, each.remedy)
        try:
            self._status.problems(name, problems)
            self._status.phase(name, "failed" if bad else "done", bad[0].message if bad else "")
        except OSError as error:
            _LOG.error("the status cannot be written: %s", error)


def _failed(name: str, message: str) -> Problem:
    return Problem("", f"The step {name} failed: {message}.", "See the journal; restart the machine.")


def _place(error: BaseException) -> str:
    """Where it happened, without its text."""
    trace, places = error.__traceback__, []
    while trace is not None:
        places.append(f"{trace.tb_frame.f_code.co_filename}:{trace.tb_lineno}")
        trace = trace.tb_next
    return f"{type(error).__name__} at {' < '.join(reversed(places))}"


def _worth_keeping(values: Mapping[str, str]) -> dict[str, str]:
    """Without the passwords that are used once, and vCenter's, which the registry keeps sealed."""
    return {key: value for key, value in values.items() if not BY_KEY[key].once and key != "vcenter.password"}


def _read(path: Path) -> dict[str, str]:
    try:
        found = json.loads(path.read_text())
    except (OSError, ValueError):
        return {}
    return {key: value for key, value in found.items() if key in BY_KEY and isinstance(value, str)}
