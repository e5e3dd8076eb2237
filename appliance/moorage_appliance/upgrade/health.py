"""Whether the registry is well, asked behind nginx, where no client is answered yet."""

import http.client
import json
import socket
import time
from collections.abc import Callable
from contextlib import closing, suppress
from pathlib import Path

from moorage_appliance.commands import Commands
from moorage_appliance.paths import Paths
from moorage_appliance.upgrade.errors import UpgradeError

#: All of them have to run, and to go on running.
UNITS = ("moorage-registry.service", "moorage-portal.service", "moorage-worker.service")
_MIGRATES = "moorage-migrate.service"
_POLL_SECONDS = 1.0
_TELL_SECONDS = 15.0
_TIMES_IN_A_ROW = 3
_ANSWER_SECONDS = 10
Say = Callable[[str], None]


def until_well(paths: Paths, commands: Commands, seconds: float, say: Say) -> None:
    """Wait until the registry is well three times in a row. A migration may take as long as it takes.

    Raises:
        UpgradeError: it is not in time; with what is wrong.
    """
    end, told, good = time.monotonic() + seconds, time.monotonic(), 0
    while good < _TIMES_IN_A_ROW:
        if _migrating(commands):
            end = max(end, time.monotonic() + seconds)
        wrong = _wrong(paths, commands)
        good = 0 if wrong else good + 1
        if wrong and time.monotonic() > end:
            raise UpgradeError(f"it was not well within {seconds:.0f} s: {wrong}")
        if wrong and time.monotonic() - told > _TELL_SECONDS:
            told = time.monotonic()
            say(f"waiting: {wrong}")
        time.sleep(_POLL_SECONDS)  # systemd and the registry are asked; neither tells


def _wrong(paths: Paths, commands: Commands) -> str:
    """What is wrong; "" when all is well."""
    for unit in UNITS:
        state = commands.run("systemctl", "is-active", unit, check=False).output.strip()
        if state != "active":
            return f"{unit} is {state or 'not there'}"
    try:
        status, _ = _ask(paths.sockets / "registry", "/v2/")
        if status not in (http.client.OK, http.client.UNAUTHORIZED):
            return f"/v2/ answers {status}"
        status, body = _ask(paths.sockets / "portal", "/api/v2.0/health")
        said = json.loads(body)
    except (OSError, http.client.HTTPException, ValueError) as error:
        return f"the registry does not answer: {error}"
    if status != http.client.OK or said.get("status") != "healthy":
        ill = [each["name"] for each in said.get("components", []) if each.get("status") != "healthy"]
        return f"health: {', '.join(ill) or status}"
    return ""


def _migrating(commands: Commands) -> bool:
    return commands.run("systemctl", "is-active", _MIGRATES, check=False).output.strip() == "activating"


class _Line(http.client.HTTPConnection):
    """To a socket of the registry."""

    def __init__(self, path: Path) -> None:
        super().__init__("localhost", timeout=_ANSWER_SECONDS)
        self._path = path

    def connect(self) -> None:
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.sock.settimeout(_ANSWER_SECONDS)
        self.sock.connect(str(self._path))


def _ask(folder: Path, target: str) -> tuple[int, bytes]:
    sockets = sorted(folder.glob("*.sock"))
    if not sockets:
        raise FileNotFoundError(f"there is no socket in {folder}")
    with closing(_Line(sockets[0])) as line:
        line.request("GET", target)
        answer = line.getresponse()
        body = answer.read()
        with suppress(OSError):
            answer.close()
        return answer.status, body
