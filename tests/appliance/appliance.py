"""The built appliance as its users meet it: over the network, over SSH, on its console."""

import base64
import http.client
import json
import shlex
import socket
import ssl
import subprocess
import time
from collections.abc import Mapping
from contextlib import closing, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.appliance.machine import GATEWAY, GUEST_ADDRESS, Disks, Machine

HOST = "registry.moorage.test"
ADMIN, ADMIN_PASSWORD, ROOT_PASSWORD = "admin", "Harbour-Wall-42", "Correct-Horse-7"
_SECONDS = 600
_ANSWERED_LATE = 60


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back over HTTPS."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)


class Appliance:
    """One run of it.

    Args:
        port: of the registry and the portal, the same in the guest and on this machine, because the
            registry tells clients its own address.
        key: the private key that may log in; its public half lies beside it.
        changed: properties other than the usual ones; None leaves one out.
    """

    def __init__(
        self, disks: Disks, port: int, key: Path, changed: Mapping[str, str | None] | None = None, **how: Any
    ) -> None:
        usual: dict[str, str | None] = {
            "network.address": GUEST_ADDRESS,
            "network.netmask": "255.255.255.0",
            "network.gateway": GATEWAY,
            "network.dns": "10.0.2.3",
            "network.hostname": HOST,
            "appliance.root_password": ROOT_PASSWORD,
            "appliance.ssh_key": key.with_suffix(".pub").read_text().strip(),
            "appliance.permit_root_login": "True",
            "registry.admin_password": ADMIN_PASSWORD,
            "registry.port": str(port),
            "registry.portal_port": str(port),
        }
        given = {**usual, **(changed or {})}
        properties = {name: value for name, value in given.items() if value is not None}
        self.machine = Machine(disks, properties, ports=(22,), alike=(port,), **how)
        self.disks, self.port = disks, port
        self.site = f"{HOST}:{port}"
        self._key = key

    def again(self, changed: Mapping[str, str | None] | None = None) -> "Appliance":
        """The same machine with other properties; this one must be off."""
        return Appliance(self.disks, self.port, self._key, changed)

    def __enter__(self) -> "Appliance":
        self.machine.power_on()
        return self

    def __exit__(self, *_: object) -> None:
        self.machine.pull_the_plug()

    def ask(
        self,
        path: str,
        verb: str = "GET",
        *,
        person: tuple[str, str] | None = None,
        authority: str | None = None,
        body: object = None,
    ) -> Answer:
        """One request.

        Args:
            authority: in PEM; only a certificate for `HOST` by it is good enough. None takes any.
        """
        with closing(self.connect(authority)) as connection:
            headers = {"Authorization": basic(person)} if person else {}
            if body is not None:
                headers["Content-Type"] = "application/json"
            connection.request(verb, path, None if body is None else json.dumps(body), headers)
            answer = connection.getresponse()
            return Answer(answer.status, dict(answer.getheaders()), answer.read())

    def connect(self, authority: str | None = None) -> http.client.HTTPSConnection:
        """A connection over which requests can be sent."""
        if authority is None:
            context = ssl._create_unverified_context()  # noqa: S323 - before it is known
        else:
            context = ssl.create_default_context(cadata=authority)
        return http.client.HTTPSConnection(HOST, self.port, timeout=_ANSWERED_LATE, context=context)

    def answer_or_none(self, path: str, **how: Any) -> Answer | None:
        """For `until`: None while nobody is there."""
        with suppress(OSError, http.client.HTTPException):
            return self.ask(path, **how)
        return None

    def until_serving(self, seconds: float = _SECONDS) -> float:
        """Wait for the registry; returns the seconds since power-on."""

        def serving() -> bool | None:
            found = self.answer_or_none("/v2/")
            return True if found is not None and found.status == 401 else None

        self.machine.until("the registry answers", serving, seconds)
        return time.monotonic() - self.machine.started_at

    def until_landing(self, seconds: float = _SECONDS) -> str:
        """Wait for the page that says what is wrong; returns it."""

        def landing() -> str | None:
            found = self.answer_or_none("/")
            page = found.body.decode(errors="replace") if found is not None else ""
            return page if "to be mended" in page else None

        return self.machine.until("the page that says what is wrong", landing, seconds)

    def ssh(self, command: str, *, check: bool = True) -> str:
        """What a command of root says; lines of both outputs."""
        words = ["ssh", "-q", "-i", str(self._key), "-p", str(self.machine.ports[22]), "-o", "BatchMode=yes"]
        words += ["-o", "StrictHostKeyChecking=no", "-o", "UserKnownHostsFile=/dev/null", "root@127.0.0.1"]
        done = subprocess.run(
            [*words, f"sh -c {shlex.quote(command)} 2>&1"], capture_output=True, timeout=_SECONDS, check=False
        )
        text = done.stdout.decode(errors="replace")
        assert not check or done.returncode == 0, f"{command}: {done.returncode}\n{text}"
        return text.strip()

    def status(self) -> Any:
        """What `moorage-appliance status` finds."""
        return json.loads(self.ssh("moorage-appliance status --json || true"))

    def until_well(self, seconds: float = _SECONDS) -> Any:
        """Wait until nothing is left to be mended or awaited."""
        last: dict[str, Any] = {}

        def well() -> Any:
            last.update(self.status())
            return last if last["well"] else None

        try:
            return self.machine.until("all is well", well, seconds)
        except Exception as error:
            raise AssertionError(f"{error}\n{json.dumps(last, indent=1)}") from error

    def shut_down(self) -> None:
        """Power off as vSphere's `Shut down guest` does."""
        with suppress(subprocess.TimeoutExpired):
            self.ssh("systemctl poweroff", check=False)
        self.machine.wait_off()

    def is_open(self, port: int) -> bool:
        """Whether a port takes connections."""
        with suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=10):
            return True
        return False


def basic(person: tuple[str, str]) -> str:
    """The header of a login."""
    return "Basic " + base64.b64encode(":".join(person).encode()).decode()
