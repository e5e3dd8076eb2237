"""A whole boot below a temporary folder: what it writes, and that nothing stops it."""

import json
import re
import subprocess
from datetime import UTC, datetime
from pathlib import Path

import pytest

from moorage.config import load
from moorage_appliance.commands import Completed, SystemCommands
from moorage_appliance.configure import Boot
from moorage_appliance.paths import Paths
from tests.appliance.machine import environment_xml
from tests.unit.appliance.certificates import make

GOOD = {
    "network.address": "192.0.2.10/24",
    "network.gateway": "192.0.2.1",
    "network.dns": "192.0.2.53",
    "network.hostname": "registry.example.com",
    "network.ntp": "time.example.com",
    "appliance.root_password": "A long password & more!",
    "appliance.permit_root_login": "True",
    "registry.admin_password": "Administrator-1",
    "registry.port": "8443",
    "log.retention_days": "30",
}


class Machine(SystemCommands):
    """Real programs but for those that need the machine; what chpasswd got is kept."""

    def __init__(self, properties: dict[str, str] | None) -> None:
        self.properties = properties
        self.ran: list[tuple[str, ...]] = []
        self.passwords: list[str] = []

    def run(self, *argv: str, stdin: bytes = b"", check: bool = True) -> Completed:
        self.ran.append(argv)
        if argv[0] == "vmware-rpctool":
            if self.properties is None:
                return Completed(1, "", "No value found")
            return Completed(0, environment_xml(self.properties), "")
        if argv[0] in {"udevadm", "systemctl"}:
            return Completed(0, "", "")
        if argv[0] == "chpasswd":
            self.passwords.append(stdin.decode())
            return Completed(0, "", "")
        return super().run(*argv, stdin=stdin, check=check)


@pytest.fixture
def paths(tmp_path: Path) -> Paths:
    """A machine with its disks mounted and the image's files in place."""
    paths = Paths(tmp_path)
    for name in ("data", "db", "log"):
        (tmp_path / "storage" / name).mkdir(parents=True)
    paths.mounts.parent.mkdir(parents=True)
    paths.mounts.write_text(
        "".join(
            f"2{n} 1 8:{n} / {tmp_path}/storage/{name} rw - ext4 /dev/sd{n} rw\n"
            for n, name in enumerate(("data", "db", "log"))
        )
    )
    paths.vendor.parent.mkdir(parents=True)
    paths.vendor.write_text("VMware, Inc.\n")
    paths.sockets.parent.mkdir(parents=True)
    paths.tls.mkdir(parents=True)
    paths.shared.mkdir(parents=True)
    (paths.shared / "nginx.conf.j2").write_text(
        "listen {{ proxy_registry_port }} {{ proxy_extra }} landing={{ proxy_landing }}\n"
    )
    (paths.shared / "proxy.json").write_text('{"proxy_extra": "extra"}')
    return paths


def status(paths: Paths) -> dict[str, list[dict[str, str]]]:
    found: dict[str, list[dict[str, str]]] = json.loads((paths.run / "status.json").read_text())
    return found


def problems(paths: Paths) -> list[tuple[str, str]]:
    return [(each["property"], each["message"]) for each in status(paths)["problems"]]


def boot(paths: Paths, properties: dict[str, str] | None) -> Machine:
    machine = Machine(properties)
    Boot(paths, machine).configure()
    return machine


def test_good_properties_make_a_machine(paths: Paths) -> None:
    machine = boot(paths, GOOD)
    assert problems(paths) == []
    assert paths.ready.exists()
    network = (paths.etc / "systemd/network/10-moorage.network").read_text()
    assert "Address=192.0.2.10/24\nGateway=192.0.2.1\nDNS=192.0.2.53\n" in network
    assert (paths.etc / "hostname").read_text() == "registry.example.com\n"
    assert "127.0.1.1 registry.example.com registry\n" in (paths.etc / "hosts").read_text()
    assert "NTP=time.example.com" in (paths.etc / "systemd/timesyncd.conf.d/moorage.conf").read_text()
    settings = load(paths.configuration / "moorage.toml", {})
    assert settings.server.external_url == "https://registry.example.com:8443"
    assert settings.server.behind_nginx
    assert settings.database.url == f"sqlite:///{paths.root}/storage/db/moorage.sqlite"
    assert (settings.gc.cron, settings.fsck.cron, settings.audit.keep_days) == ("", "", 30)
    assert (paths.etc / "nginx/moorage.conf").read_text() == "listen 8443 extra landing=False\n"
    assert paths.admin_password.read_text() == "Administrator-1"
    assert paths.admin_password.stat().st_mode & 0o777 == 0o600
    assert (paths.run / "properties.json").stat().st_mode & 0o777 == 0o600
    assert not any("long password" in word for argv in machine.ran for word in argv)


def test_the_password_of_root_is_set_once_and_is_the_one_given(paths: Paths) -> None:
    first = boot(paths, GOOD)
    (line,) = first.passwords
    salt = re.fullmatch(r"root:\$6\$([^$]+)\$.+\n", line)
    assert salt is not None
    hashed = subprocess.run(
        ("openssl", "passwd", "-6", "-salt", salt[1], "-stdin"),
        input=f"{GOOD['appliance.root_password']}\n",
        text=True,
        capture_output=True,
        check=True,
    ).stdout
    assert line == f"root:{hashed}"
    assert boot(paths, {**GOOD, "appliance.root_password": "Quite another one"}).passwords == []


def test_changed_properties_are_applied_at_the_next_boot(paths: Paths) -> None:
    boot(paths, GOOD)
    boot(paths, {**GOOD, "network.address": "", "network.gateway": "", "registry.port": "443"})
    assert "DHCP=yes" in (paths.etc / "systemd/network/10-moorage.network").read_text()
    assert (
        load(paths.configuration / "moorage.toml", {}).server.external_url == "https://registry.example.com"
    )


def test_without_properties_those_of_the_last_boot_are_used(paths: Paths) -> None:
    boot(paths, GOOD)
    boot(paths, None)
    assert "Address=192.0.2.10/24" in (paths.etc / "systemd/network/10-moorage.network").read_text()
    assert [each["warning"] for each in status(paths)["problems"]] == [True]
    assert paths.ready.exists()
    kept = (paths.state / "properties.json").read_text()
    assert "long password" not in kept
    assert "Administrator-1" not in kept


def test_a_machine_that_never_had_properties_works(paths: Paths) -> None:
    boot(paths, None)
    assert problems(paths) == []
    assert paths.ready.exists()
    assert paths.admin_password.read_text() == ""
    assert load(paths.configuration / "moorage.toml", {}).server.external_url == ""


def test_a_bad_value_is_told_and_the_registry_starts(paths: Paths) -> None:
    boot(paths, {**GOOD, "network.address": "192.0.2.300"})
    assert "network.address" in [name for name, _ in problems(paths)]
    assert paths.ready.exists()
    assert "DHCP=yes" in (paths.etc / "systemd/network/10-moorage.network").read_text()


def test_a_bad_database_keeps_the_registry_off_and_nginx_says_why(paths: Paths) -> None:
    boot(paths, {**GOOD, "registry.database_url": "mysql://x"})
    assert [name for name, _ in problems(paths)] == ["registry.database_url"]
    assert not paths.ready.exists()
    assert "landing=True" in (paths.etc / "nginx/moorage.conf").read_text()


@pytest.mark.parametrize("missing", ["data", "db"])
def test_without_its_disk_the_registry_stays_off(paths: Paths, missing: str) -> None:
    lines = paths.mounts.read_text().splitlines(keepends=True)
    paths.mounts.write_text("".join(line for line in lines if f"/storage/{missing} " not in line))
    boot(paths, GOOD)
    assert not paths.ready.exists()
    assert any("is not mounted" in message for _, message in problems(paths))


def test_a_step_that_fails_stops_no_other(paths: Paths) -> None:
    (paths.shared / "nginx.conf.j2").write_text("{{ nobody_knows }}")
    (paths.etc / "hostname").mkdir(parents=True)
    boot(paths, GOOD)
    failed = {each["name"] for each in status(paths)["phases"] if each["state"] == "failed"}
    assert failed == {"hostname", "proxy"}
    assert (paths.configuration / "moorage.toml").exists()


def test_no_secret_stands_in_the_status(paths: Paths) -> None:
    boot(
        paths,
        {**GOOD, "registry.database_url": "postgresql://me:Hidden-1@h:x/y", "vcenter.password": "Hidden-2"},
    )
    said = (paths.run / "status.json").read_text()
    assert "registry.database_url" in said
    secrets = ("Hidden-1", "Hidden-2", "A long password", "Administrator-1")
    assert not any(secret in said for secret in secrets)


def test_ssh_starts_only_when_root_may_log_in(paths: Paths) -> None:
    boot(paths, GOOD)
    assert paths.ssh_permitted.exists()
    configuration = paths.etc / "ssh/sshd_config.d/10-moorage.conf"
    Path("/run/sshd").mkdir(exist_ok=True)  # as its unit does
    subprocess.run(("/usr/sbin/sshd", "-t", "-f", configuration), check=True)
    assert "PermitRootLogin yes" in configuration.read_text()
    boot(paths, {**GOOD, "appliance.permit_root_login": "False"})
    assert not paths.ssh_permitted.exists()
    assert "PermitRootLogin no" in configuration.read_text()


def test_a_key_of_another_certificate_keeps_the_registry_off_and_the_page_says_why(paths: Paths) -> None:
    now = datetime.now(UTC)
    one, other = (make("registry.example.com", begins=now) for _ in range(2))
    boot(paths, {**GOOD, "tls.certificate": one.pem.replace("\n", " "), "tls.key": other.key_pem()})
    assert not paths.ready.exists()
    assert "landing=True" in (paths.etc / "nginx/moorage.conf").read_text()
    assert (paths.tls / "server.crt").is_file()
    page = (paths.run / "landing/index.html").read_text()
    assert "tls.key" in page
    assert "The registry is not running" in page
    boot(paths, {**GOOD, "tls.certificate": one.pem.replace("\n", " "), "tls.key": one.key_pem()})
    assert paths.ready.exists()
    assert (paths.tls / "server.crt").read_text() == one.pem


def test_without_a_certificate_the_registry_hands_out_the_own_authority(paths: Paths) -> None:
    boot(paths, GOOD)
    served = load(paths.configuration / "moorage.toml", {}).server.ca_file
    assert "BEGIN CERTIFICATE" in Path(served).read_text()


def test_half_of_a_restore_does_not_start(paths: Paths) -> None:
    journal = paths.data / ".restore/journal.json"
    journal.parent.mkdir()
    journal.write_text("{}")
    Boot(paths, Machine(GOOD)).configure()
    assert not paths.ready.exists()
    status = json.loads((paths.run / "status.json").read_text())
    assert any("restore` with the same backup" in each["remedy"] for each in status["problems"])
    journal.unlink()
    Boot(paths, Machine(GOOD)).configure()
    assert paths.ready.exists()
