"""A docker daemon of our own, and the docker command line that speaks to it."""

import os
import shutil
import tempfile
from pathlib import Path

from tests.support.child import Child, ChildEndedError
from tests.support.program import Program

_PATH = f"/usr/sbin:/usr/bin:/sbin:/bin:{os.environ.get('PATH', '')}"
_READY_SECONDS = 60
# overlay2 is what people run; vfs works on any file system, also where overlays cannot be stacked.
_DRIVERS = ("overlay2", "vfs")


class DockerMissingError(RuntimeError):
    """The daemon or its command line is not on this machine."""


def _program(name: str) -> str:
    found = shutil.which(name, path=_PATH)
    if found is None:
        raise DockerMissingError(f"{name} is not installed (Debian's package docker.io)")
    return found


class DockerDaemon:
    """Runs without any network, so nothing of the machine's firewall or bridges is touched.

    Its folder has a short path, because a unix socket's address may have no more than 107 bytes.
    """

    def __init__(self) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix="moorage-docker-"))
        self._socket = f"unix://{self.folder}/docker.sock"
        try:
            self._start()
        except BaseException:
            self._remove()
            raise

    def client(self, folder: Path) -> Program:
        """A docker command line with its own stored credentials, kept in `folder`."""
        return Program(_program("docker"), "-H", self._socket, "--config", folder / "config", home=folder)

    def stop(self) -> None:
        """End the daemon and remove everything of it."""
        self._child.stop()
        self._child.kill()
        self._remove()

    def _start(self) -> None:
        for driver in _DRIVERS:
            self._child = Child(
                [
                    _program("dockerd"),
                    f"--host={self._socket}",
                    f"--data-root={self.folder}/data",
                    f"--exec-root={self.folder}/exec",
                    f"--pidfile={self.folder}/pid",
                    f"--storage-driver={driver}",
                    "--bridge=none",
                    "--iptables=false",
                    "--ip6tables=false",
                    "--ip-forward=false",
                    "--ip-masq=false",
                ],
                self.folder / f"{driver}.log",
                env={"PATH": _PATH, "HOME": str(self.folder)},
            )
            try:
                self._child.wait_for("API listen on", _READY_SECONDS)
            except ChildEndedError:
                self._child.kill()
                if driver == _DRIVERS[-1]:
                    raise
            else:
                return

    def _remove(self) -> None:
        for mount in self._mounts():
            Program("umount", home=self.folder).run("--lazy", mount)
        shutil.rmtree(self.folder, ignore_errors=True)

    def _mounts(self) -> list[str]:
        points = [line.split()[4] for line in Path("/proc/self/mountinfo").read_text().splitlines()]
        return [point for point in reversed(points) if point.startswith(f"{self.folder}/")]
