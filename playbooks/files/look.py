"""Prints what is wrong with a configured image, as JSON. Runs inside of it."""

import json
import os
import pwd
import re
import stat
import subprocess
from pathlib import Path

_UNITS = Path("/usr/lib/systemd/system")
_MASKED = ("apt-daily.timer", "apt-daily-upgrade.timer", "e2scrub_all.timer", "getty@tty1.service")
_ENABLED = ("nftables.service", "systemd-networkd.service", "systemd-timesyncd.service", "nginx.service")
_ACCOUNT_ID = 10000
_SECRET = re.compile(r"-----BEGIN [A-Z ]*PRIVATE KEY-----|(?i:acquire::https?::proxy)")


def state(unit: str) -> str:
    """What systemd says of a unit: enabled, masked and so on."""
    done = subprocess.run(
        ["systemctl", "--root=/", "is-enabled", unit], capture_output=True, text=True, check=False
    )
    return done.stdout.strip()


def problems() -> list[str]:
    """Everything that is not as it should be."""
    found = [f"{unit} is {state(unit)}" for unit in _MASKED if state(unit) != "masked"]
    wanted = [
        path.name for path in _UNITS.glob("moorage*") if path.is_file() and "[Install]" in path.read_text()
    ]
    found += [f"{unit} is not enabled" for unit in (*_ENABLED, *wanted) if state(unit) != "enabled"]
    account = pwd.getpwnam("moorage")
    if (account.pw_uid, account.pw_gid) != (_ACCOUNT_ID, _ACCOUNT_ID) or "nologin" not in account.pw_shell:
        found.append(f"the account is {account}")
    for line in Path("/etc/shadow").read_text().splitlines():
        name, password = line.split(":")[:2]
        if not password.startswith(("!", "*")):
            found.append(f"{name} has a password")
    for path in (Path("/etc/moorage"), Path("/etc/moorage/tls")):
        about = path.stat()
        if (about.st_uid, about.st_gid, stat.S_IMODE(about.st_mode)) != (0, _ACCOUNT_ID, 0o750):
            found.append(f"{path} is open to others")
    if "policy drop" not in Path("/etc/nftables.conf").read_text():
        found.append("the firewall lets in what it does not know")
    found += [f"{path} is there" for path in Path("/etc/apt").glob("sources.list*")]
    for program in ("moorage", "moorage-appliance"):
        if not os.access(f"/opt/moorage/bin/{program}", os.X_OK):
            found.append(f"{program} is not installed")
    return found + secrets()


def secrets() -> list[str]:
    """Files of the configuration with keys, or with a proxy of the build; the host's own keys go later."""
    found = []
    for folder, _, names in os.walk("/etc"):
        for path in (Path(folder, name) for name in names if not name.startswith("ssh_host_")):
            if path.is_file() and not path.is_symlink() and _SECRET.search(path.read_text(errors="replace")):
                found.append(f"{path} holds a key or a proxy")
    return found


if __name__ == "__main__":
    version = Path("/usr/share/moorage/version").read_text().strip()
    print(json.dumps({"version": version, "problems": problems()}))
