"""Where everything lies in the appliance; below a temporary folder in tests."""

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Paths:
    """Folders and files of the appliance.

    Args:
        root: what stands for ``/``.
    """

    root: Path = Path("/")

    @property
    def program(self) -> Path:
        """The environment with `moorage` and `moorage-appliance`."""
        return self.root / "opt/moorage"

    @property
    def etc(self) -> Path:
        """The system's configuration."""
        return self.root / "etc"

    @property
    def configuration(self) -> Path:
        """The registry's configuration folder."""
        return self.etc / "moorage"

    @property
    def tls(self) -> Path:
        """Certificate, key and authority that nginx serves with."""
        return self.configuration / "tls"

    @property
    def shared(self) -> Path:
        """What the image brings and nobody changes: templates, version, bill of materials."""
        return self.root / "usr/share/moorage"

    @property
    def run(self) -> Path:
        """The state of this boot."""
        return self.root / "run/moorage-appliance"

    @property
    def sockets(self) -> Path:
        """Where registry and portal listen."""
        return self.root / "run/moorage"

    @property
    def data(self) -> Path:
        """The data disk."""
        return self.root / "storage/data"

    @property
    def database(self) -> Path:
        """The database disk."""
        return self.root / "storage/db"

    @property
    def log(self) -> Path:
        """The log disk."""
        return self.root / "storage/log"

    @property
    def state(self) -> Path:
        """The appliance's own state, which outlives the system disk."""
        return self.data / "appliance"

    @property
    def registry(self) -> Path:
        """The registry's data folder."""
        return self.data / "registry"

    @property
    def vendor(self) -> Path:
        """Who made the machine, as its firmware says."""
        return self.root / "sys/class/dmi/id/sys_vendor"

    @property
    def discs(self) -> tuple[Path, ...]:
        """Where the CD with the OVF environment may be found."""
        # udev writes the blank of a label so.
        return (self.root / r"dev/disk/by-label/OVF\x20ENV", self.root / "dev/sr0")

    @property
    def system_state(self) -> Path:
        """What was done to this system disk, and has to be done again to another."""
        return self.root / "var/lib/moorage-appliance"

    @property
    def mounts(self) -> Path:
        """What is mounted now."""
        return self.root / "proc/self/mountinfo"

    @property
    def ready(self) -> Path:
        """There when the registry may start in this boot."""
        return self.run / "ready"

    @property
    def ssh_permitted(self) -> Path:
        """There when SSH may start in this boot."""
        return self.run / "ssh"

    @property
    def admin_password(self) -> Path:
        """The first administrator's password until the first start; empty: one is made up."""
        return self.run / "admin-password"
