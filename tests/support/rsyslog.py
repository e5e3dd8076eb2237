"""Debian's rsyslogd in the foreground, with a configuration of its own: what it took in is in a file."""

import re
import shutil
import socket
import time
from dataclasses import dataclass
from pathlib import Path

from tests.support.child import Child
from tests.support.free_port import free_port

_SECONDS = 30
_TEMPLATE = (
    "%syslogfacility-text%\\t%syslogseverity-text%\\t%hostname%\\t%app-name%\\t%msgid%\\t"
    "%structured-data%\\t%msg%\\n"
)
_ID = re.compile(r'\bid="([0-9]+)"')


@dataclass(frozen=True, slots=True)
class Received:
    """One message as rsyslog understood it."""

    facility: str
    severity: str
    host: str
    app_name: str
    message_id: str
    structured: str
    text: str

    @property
    def number(self) -> int:
        """The number of the entry; 0 when there is none."""
        found = _ID.search(self.structured)
        return int(found[1]) if found else 0


class Rsyslog:
    """A server for UDP and TCP on one port, or for TLS.

    Args:
        certificate: with its key it makes this a server for TLS.
        mutual: clients have to show a certificate that this one has signed.
    """

    def __init__(
        self, folder: Path, certificate: Path | None = None, key: Path | None = None, *, mutual: bool = False
    ) -> None:
        folder.mkdir(parents=True)
        self._folder = folder
        self.port = free_port()
        self._output = folder / "messages"
        self._output.touch()
        self._child: Child | None = None
        tls = certificate is not None
        common = [
            f'global(workDirectory="{folder}" maxMessageSize="64k")',
            # As an administrator has it who wants a stop to lose nothing of what was read.
            'main_queue(queue.type="LinkedList" queue.timeoutShutdown="20000")',
            f'template(name="plain" type="string" string="{_TEMPLATE}")',
        ]
        if tls:
            common += [
                f'global(defaultNetstreamDriver="gtls" defaultNetstreamDriverCAFile="{certificate}" '
                f'defaultNetstreamDriverCertFile="{certificate}" defaultNetstreamDriverKeyFile="{key}")',
                'module(load="imtcp" streamDriver.Name="gtls" streamDriver.Mode="1" '
                f'streamDriver.AuthMode="{"x509/certvalid" if mutual else "anon"}")',
            ]
        else:
            common += [
                'module(load="imudp")',
                'module(load="imtcp")',
                f'input(type="imudp" address="127.0.0.1" port="{self.port}")',
            ]
        common += [
            f'input(type="imtcp" address="127.0.0.1" port="{self.port}")',
            f'action(type="omfile" file="{self._output}" template="plain" fileCreateMode="0600")',
        ]
        self._configuration = folder / "rsyslog.conf"
        self._configuration.write_text("\n".join(common) + "\n")

    def start(self) -> None:
        """Start it, and wait until it listens."""
        program = shutil.which("rsyslogd", path="/usr/sbin:/sbin:/usr/bin") or "rsyslogd"
        command = [program, "-n", "-f", self._configuration, "-i", self._folder / "pid"]
        self._child = Child(command, self._folder / "rsyslogd.log")
        deadline = time.monotonic() + _SECONDS
        while True:
            try:
                socket.create_connection(("127.0.0.1", self.port), timeout=1).close()
                return
            except OSError:
                assert self._child.process.poll() is None, self._child.output
                assert time.monotonic() < deadline, self._child.output
                time.sleep(0.05)

    def stop(self) -> None:
        """Ask it to end, as an administrator would."""
        assert self._child is not None
        self._child.stop()

    def kill(self) -> None:
        if self._child is not None:
            self._child.kill()

    def received(self) -> list[Received]:
        """Every message so far, in the order of their arrival."""
        whole = self._output.read_text(errors="replace").splitlines()
        return [Received(*line.split("\t", 6)) for line in whole if line.count("\t") >= 6]

    def numbers(self) -> list[int]:
        """The numbers of the entries, in the order of their arrival."""
        return [each.number for each in self.received() if each.number]
