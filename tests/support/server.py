"""A whole registry in child processes: `moorage serve`, alone or behind nginx."""

import json
import os
import re
import signal
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import requests

from tests.support.administration import Login
from tests.support.certificate import make_certificate
from tests.support.child import Child
from tests.support.free_port import free_port
from tests.support.proxy import Proxy

ADMIN = Login("admin", "Harbour-1-master")
MOORAGE = Path(sys.executable).with_name("moorage")
_READY_SECONDS = 60
_ROOT = Path(__file__).parents[2]


@dataclass
class RunningServer:
    """Starts on `start`, or on entering a `with` block; can be stopped, killed and started again.

    It must be started by the main thread: it dies with the thread that started it.

    Attributes:
        folder: what the server keeps; ``data`` and the logs are below it.
        database_url: empty for SQLite in the data folder.
        nginx: put the proxy role's nginx in front.
        tls: and let it speak https, with a certificate of its own (`authority`).
        settings: further variables, for instance ``{"MOORAGE_UPLOADS_EXPIRE_HOURS": "1"}``.
    """

    folder: Path
    database_url: str = ""
    nginx: bool = False
    tls: bool = False
    settings: Mapping[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.folder.mkdir(parents=True, exist_ok=True)
        self.port = free_port()
        self.child: Child | None = None
        self._proxy: Proxy | None = None

    # -- life --------------------------------------------------------------------------------

    def start(self, **more: str) -> "RunningServer":
        """Start it and wait until it says that it is ready; `more` are variables for this start."""
        if self.nginx:
            self.sockets.mkdir(exist_ok=True)
        command = [MOORAGE, "serve"]
        self.child = Child(command, self.log, env={**self.environment(), **more}, cwd=self.folder)
        self.wait_until_ready()
        return self

    def wait_until_ready(self) -> None:
        """Wait for the server's own word, then for the proxy's."""
        assert self.child is not None
        self.child.wait_for("is ready at", _READY_SECONDS)
        if self.nginx and self._proxy is None:
            self._proxy = Proxy(self.folder / "nginx", self.sockets, self.data, self.port, **self._tls())
            self._proxy.start()

    def stop(self, how: signal.Signals = signal.SIGTERM) -> int:
        """Ask it to end; returns its exit code."""
        assert self.child is not None
        code = self.child.stop(how)
        self._stop_proxy()
        return code

    def kill(self) -> None:
        """SIGKILL to every process of it, as a power cut would; the proxy goes too."""
        if self.child is not None:
            self.child.kill()
        self._stop_proxy()

    def restart(self) -> None:
        """Stop it and start it again over the same data, on the same address."""
        self.stop()
        self.start()

    def __enter__(self) -> "RunningServer":
        return self.start()

    def __exit__(self, *_: object) -> None:
        self.kill()

    def _tls(self) -> dict[str, object]:
        if not self.tls:
            return {}
        key = self.folder / "server.key"
        if not key.exists():
            make_certificate(self.authority, key)
        return {
            "proxy_tls": True,
            "proxy_tls_certificate": str(self.authority),
            "proxy_tls_key": str(key),
            "proxy_http_listen": [f"127.0.0.1:{free_port()}"],
        }

    def _stop_proxy(self) -> None:
        if self._proxy is not None:
            self._proxy.stop()
            self._proxy = None

    # -- what it is --------------------------------------------------------------------------

    @property
    def data(self) -> Path:
        return self.folder / "data"

    @property
    def sockets(self) -> Path:
        return self.folder / "sockets"

    @property
    def log(self) -> Path:
        return self.folder / "server.log"

    @property
    def host(self) -> str:
        """What clients write in front of a repository's name."""
        return f"127.0.0.1:{self.port}"

    @property
    def url(self) -> str:
        return f"{'https' if self.tls else 'http'}://{self.host}"

    @property
    def authority(self) -> Path:
        """The certificate that clients have to trust."""
        return self.folder / "server.crt"

    @property
    def verify(self) -> str | bool:
        """What `requests` is told about certificates."""
        return str(self.authority) if self.tls else True

    def environment(self) -> dict[str, str]:
        """Everything the program is told; nothing of the caller's own configuration."""
        inherited = {key: value for key, value in os.environ.items() if not key.startswith("MOORAGE_")}
        where = (
            {"MOORAGE_SERVER_SOCKET_FOLDER": str(self.sockets), "MOORAGE_SERVER_BEHIND_NGINX": "true"}
            if self.nginx
            else {"MOORAGE_PORT": str(self.port)}
        )
        return {
            **inherited,
            "PYTHONPATH": str(_ROOT / "server"),
            "MOORAGE_DATA": str(self.data),
            "MOORAGE_DATABASE_URL": self.database_url,
            "MOORAGE_ADMIN_PASSWORD": ADMIN.password,
            "MOORAGE_SERVER_PROCESSES": "2",
            # How full this machine's own disk is is no test's business.
            "MOORAGE_STORAGE_WARN_PERCENT": "100",
            "MOORAGE_STORAGE_FULL_PERCENT": "100",
            **where,
            **self.settings,
        }

    def processes(self) -> list[int]:
        """Process ids of the server and everything it forked."""
        assert self.child is not None
        found, unseen = [], [self.child.pid]
        while unseen:
            pid = unseen.pop()
            found.append(pid)
            for each in Path(f"/proc/{pid}/task").glob("*/children"):
                unseen += [int(word) for word in each.read_text().split()]
        return found

    def forget_peak(self) -> int:
        """Begin to watch the memory of all processes anew; returns what they hold right now, in bytes."""
        for pid in self.processes():
            Path(f"/proc/{pid}/clear_refs").write_text("5")
        return sum(_status_bytes(pid, "VmRSS") for pid in self.processes())

    def peak_bytes(self) -> int:
        """The most that each process held since then, summed up."""
        return sum(_status_bytes(pid, "VmHWM") for pid in self.processes())

    def log_lines(self) -> list[dict[str, object]]:
        """The structured lines of the log so far."""
        return [json.loads(line) for line in self.log.read_text().splitlines() if line.startswith("{")]

    def health(self) -> requests.Response:
        return requests.get(f"{self.url}/healthz", timeout=30, verify=self.verify)


def _status_bytes(pid: int, name: str) -> int:
    status = Path(f"/proc/{pid}/status").read_text()
    found = re.search(rf"^{name}:\s+(\d+) kB", status, re.MULTILINE)
    return int(found[1]) * 1024 if found else 0
