"""A vCenter in a process of its own: govmomi's simulator, built once, with people of a test's own."""

import json
import os
import ssl
import subprocess
import urllib.request
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from tests.support.go_program import go_program
from tests.support.vcenter_certificates import Issued

_SOURCE = Path(__file__).with_name("main.go")

ALIASES = {"vsphere.local": "VSPHERE.LOCAL", "corp.example.com": "CORP"}
PASSWORDS = {
    "svc@vsphere.local": "service secret",
    "alice@vsphere.local": 'alice\'s <right> & "only" pässword',
    "bob@corp.example.com": "bobs password",
    "alice@corp.example.com": "another alice",
    "carol@corp.example.com": "carols password",
}
#: With a password that is right, and no right in vCenter at all.
SHUT_OUT = ("carol@corp.example.com",)
MEMBERS = {
    "VSPHERE.LOCAL\\Administrators": ["CORP\\Admins"],
    "VSPHERE.LOCAL\\Users": ["VSPHERE.LOCAL\\alice", "CORP\\Staff"],
    "CORP\\Staff": ["CORP\\Admins"],
    "CORP\\Admins": ["CORP\\bob"],
}


class Vcenter:
    """A running one. Nothing of it is left after `stop`.

    Attributes:
        address: ``host:port``, as a connection has it.
    """

    def __init__(
        self,
        issued: Issued,
        folder: Path,
        *,
        host: str = "127.0.0.2",
        passwords: Mapping[str, str] = PASSWORDS,
        members: Mapping[str, Sequence[str]] = MEMBERS,
    ) -> None:
        self.issued = issued
        self._log = (folder / "vcenter.log").open("w+")
        (folder / "scratch").mkdir(exist_ok=True)
        self._process = subprocess.Popen(
            [go_program(_SOURCE, "vcenter")],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._log,
            text=True,
            env={**os.environ, "TMPDIR": str(folder / "scratch")},
        )
        people = {
            "Listen": f"{host}:0",
            "Certificate": str(issued.certificate),
            "Key": str(issued.key),
            "Passwords": dict(passwords),
            "ShutOut": SHUT_OUT,
            "Aliases": ALIASES,
            "Members": {name: list(inside) for name, inside in members.items()},
        }
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(json.dumps(people) + "\n")
        self._process.stdin.flush()
        self.address = self._process.stdout.readline().strip()
        if not self.address:
            self._log.seek(0)
            raise RuntimeError(f"the simulator did not start: {self._log.read()}")

    def count(self) -> dict[str, Any]:
        """How many logins, refusals, logouts and lookups there were, and the names that came."""
        context = ssl.create_default_context(cafile=str(self.issued.authority))
        with urllib.request.urlopen(f"https://{self.address}/count", context=context, timeout=10) as answer:
            found: dict[str, Any] = json.load(answer)
        return found

    def refuse(self, call: str, fault: str, text: str, detail: str = "") -> None:
        """Answer the next call of this name with a fault; "nfc" is the upload, which breaks off."""
        context = ssl.create_default_context(cafile=str(self.issued.authority))
        wish = json.dumps({"Call": call, "Fault": fault, "Text": text, "Detail": detail}).encode()
        urllib.request.urlopen(f"https://{self.address}/refuse", wish, context=context, timeout=10).close()

    def stop(self) -> None:
        """End it."""
        self._process.kill()
        self._process.wait()
        for stream in (self._process.stdin, self._process.stdout, self._log):
            if stream is not None:
                stream.close()
