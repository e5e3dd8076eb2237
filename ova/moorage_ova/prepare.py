"""Between the packages and the build boot: what lets Packer reach the machine, and nobody else.

All of it is made for one build and taken out again by the seal.
"""

import shutil
from pathlib import Path

from moorage_ova import programs

#: The machine asks qemu for an address; the appliance's own network is configured on its first boot.
NETWORK_FILE = "etc/systemd/network/80-build.network"
_NETWORK = "[Match]\nType=ether\n[Network]\nDHCP=yes\n"
AUTHORIZED = "root/.ssh/authorized_keys"
_ENABLED = ("systemd-networkd.service", "ssh.service")
#: They would work on the disk or wait for a network while the image is made.
_DISABLED = (
    "apt-daily-upgrade.timer",
    "apt-daily.timer",
    "dpkg-db-backup.timer",
    "e2scrub_all.timer",
    "e2scrub_reap.service",
    "fstrim.timer",
    "systemd-networkd-wait-online.service",
)


def make_key(path: Path) -> str:
    """A key for one build at `path`; returns its public half.

    Raises:
        OvaError: ssh-keygen is not installed.
    """
    for each in (path, path.with_suffix(".pub")):
        each.unlink(missing_ok=True)
    programs.run("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", "build", "-f", str(path))
    return path.with_suffix(".pub").read_text().strip()


def prepare(base: Path, folder: Path, public_key: str) -> None:
    """Copy the packages' folder to `folder`, and let the holder of the key log in there.

    Args:
        folder: is replaced.

    Raises:
        OvaError: it could not be copied.
    """
    shutil.rmtree(folder, ignore_errors=True)
    programs.run("cp", "-a", "--reflink=auto", str(base), str(folder))
    authorized = folder / AUTHORIZED
    authorized.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    authorized.write_text(public_key + "\n")
    authorized.chmod(0o600)
    network = folder / NETWORK_FILE
    network.parent.mkdir(parents=True, exist_ok=True)
    network.write_text(_NETWORK)
    (folder / "etc/hostname").write_text("moorage\n")
    (folder / "etc/machine-id").write_text("")
    programs.run("systemctl", f"--root={folder}", "-q", "enable", *_ENABLED)
    programs.run("systemctl", f"--root={folder}", "-q", "disable", *_DISABLED)
