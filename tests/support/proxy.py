"""The proxy role's nginx, from the role's own template, on this machine and for one test."""

import os
import pwd
import shutil
from pathlib import Path

import jinja2
import yaml

from tests.support.child import Child
from tests.support.free_port import free_port

ROLE = Path(__file__).parents[2] / "playbooks" / "roles" / "proxy"
_TEMPLATE = "etc/nginx/moorage.conf.j2"
_READY_SECONDS = 15.0


def role_defaults() -> dict[str, object]:
    """The role's variables as they are when a playbook sets none."""
    defaults: dict[str, object] = yaml.safe_load((ROLE / "defaults" / "main.yml").read_text())
    return defaults


def render(settings: dict[str, object], template: str = _TEMPLATE) -> str:
    """Fill one of the role's templates as Ansible does."""
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(ROLE / "templates"),
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        keep_trailing_newline=True,
        autoescape=False,  # noqa: S701 - a configuration file, not a page
    )
    known = {**role_defaults(), "ansible_managed": "made for a test", **settings}
    filled = {
        name: environment.from_string(value).render(known) if isinstance(value, str) else value
        for name, value in known.items()
    }
    return environment.get_template(template).render(filled)


class Proxy:
    """nginx in front of whatever listens on the Unix sockets of a folder.

    Args:
        folder: for its configuration, logs and temporary files.
        upstream_socket_folder: holds ``0.sock``, ``1.sock``, ... by the time of `start`.
        data_folder: of the application: ``blobs`` and ``spool`` are in it.
        port: to listen on; 0 takes a free one.
        settings: further variables of the role, for instance ``proxy_tls=True``.
    """

    def __init__(
        self,
        folder: Path,
        upstream_socket_folder: Path,
        data_folder: Path,
        port: int = 0,
        **settings: object,
    ) -> None:
        self.folder = folder
        self.data = data_folder
        self.port = port or free_port()
        self._sockets = upstream_socket_folder
        self._settings = settings
        self.child: Child | None = None

    @property
    def url(self) -> str:
        """What clients call."""
        scheme = "https" if self._settings.get("proxy_tls") else "http"
        return f"{scheme}://127.0.0.1:{self.port}"

    @property
    def configuration(self) -> Path:
        """The file that nginx reads."""
        return self.folder / "moorage.conf"

    @property
    def log(self) -> Path:
        """What nginx said."""
        return self.folder / "nginx.log"

    def start(self) -> None:
        """Start it and wait until it takes connections."""
        temporary = self.folder / "temp"
        temporary.mkdir(parents=True, exist_ok=True)
        self.configuration.write_text(render(self._variables(temporary)))
        path = f"{os.environ.get('PATH', '')}:/usr/sbin"
        nginx = shutil.which("nginx", path=path) or "nginx"
        self.child = Child([nginx, "-c", self.configuration, "-g", "daemon off;"], self.log)
        self.child.wait_for("start worker process ", _READY_SECONDS)

    def stop(self) -> None:
        """End it after the requests under way; that is not an error when it has ended."""
        if self.child is not None:
            self.child.stop()
            self.child.kill()
            self.child = None

    def _variables(self, temporary: Path) -> dict[str, object]:
        return {
            "proxy_user": pwd.getpwuid(os.geteuid()).pw_name,
            "proxy_socket_folder": str(self._sockets),
            "proxy_processes": len(list(self._sockets.glob("*.sock"))),
            "proxy_data_folder": str(self.data),
            "proxy_http_listen": [f"127.0.0.1:{self.port}"],
            "proxy_https_listen": [f"127.0.0.1:{self.port}"],
            "proxy_pid_file": str(self.folder / "nginx.pid"),
            "proxy_temp_folder": str(temporary),
            "proxy_error_log": "stderr",
            "proxy_error_log_level": "notice",
            **self._settings,
        }
