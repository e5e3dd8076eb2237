"""Who may log in to the machine itself: root, by a password set once, by keys, over SSH or not."""

from pathlib import Path

from moorage_appliance.commands import Commands
from moorage_appliance.files import folder, put, remove
from moorage_appliance.paths import Paths
from moorage_appliance.problem import Problem
from moorage_appliance.settings import ApplianceSettings, Settings

#: Which host keys are made; every client of the last ten years knows one of them.
_HOST_KEYS = ("ed25519", "ecdsa")


def apply(settings: Settings, paths: Paths, commands: Commands) -> tuple[Problem, ...]:
    """Password, keys, and whether SSH starts at all (its unit asks for `paths.ssh_permitted`)."""
    found = settings.appliance
    _set_password(found.root_password, paths, commands)
    keys = paths.etc / "ssh/moorage_keys/root"
    put(keys, "".join(f"{key}\n" for key in found.ssh_keys))
    put(paths.etc / "ssh/sshd_config.d/10-moorage.conf", sshd_file(found, paths))
    if found.permit_root_login:
        _make_host_keys(paths, commands)
        put(paths.ssh_permitted, "")
    else:
        remove(paths.ssh_permitted)
    return ()


def sshd_file(appliance: ApplianceSettings, paths: Paths) -> str:
    """What is said to sshd; of two settings the first one that it reads counts."""
    word = "yes" if appliance.permit_root_login else "no"
    keys = "/" / Path("etc/ssh/moorage_keys/%u")
    return (
        "# Made from the properties at each boot.\n"
        f"PermitRootLogin {word}\n"
        f"PasswordAuthentication {word}\n"
        "KbdInteractiveAuthentication no\n"
        "AllowUsers root\n"
        # The keys of the properties lie apart, so that taking one out of them takes away just that.
        f"AuthorizedKeysFile .ssh/authorized_keys {keys}\n"
        "X11Forwarding no\n"
        "AllowAgentForwarding no\n"
        "AllowTcpForwarding no\n" + "".join(f"HostKey {host_key(paths, kind)}\n" for kind in _HOST_KEYS)
    )


def host_key(paths: Paths, kind: str) -> Path:
    """Where a host key lies."""
    return paths.etc / f"ssh/ssh_host_{kind}_key"


def _set_password(password: str, paths: Paths, commands: Commands) -> None:
    """Only once for each system disk: later it is changed with `passwd`, and stays what it is then."""
    marker = paths.system_state / "root-password-applied"
    if not password or marker.exists():
        return
    # Neither the password nor its hash is an argument: every account may read those.
    hashed = commands.run("openssl", "passwd", "-6", "-stdin", stdin=f"{password}\n".encode()).output.strip()
    below = () if paths.root == Path("/") else ("--root", str(paths.root))
    commands.run("chpasswd", "--encrypted", *below, stdin=f"root:{hashed}\n".encode())
    folder(paths.system_state, 0o700)
    put(marker, "", mode=0o600)


def _make_host_keys(paths: Paths, commands: Commands) -> None:
    for kind in _HOST_KEYS:
        path = host_key(paths, kind)
        if not path.exists():
            path.parent.mkdir(parents=True, exist_ok=True)
            commands.run("ssh-keygen", "-q", "-t", kind, "-N", "", "-C", "moorage", "-f", str(path))
