"""What single steps write, by the word of the programs that read it; and what the registry is told."""

import shutil
import subprocess
from pathlib import Path

import pytest

from moorage_appliance.commands import Completed, SystemCommands
from moorage_appliance.paths import Paths
from moorage_appliance.settings import Settings, read_settings
from moorage_appliance.steps import firewall, logs, vcenter

VCENTER = {
    "vcenter.address": "vc.example.com",
    "vcenter.account": "reader@vsphere.local",
    "vcenter.password": "Secret-1",
    "vcenter.thumbprint": "ab" * 32,
}


def settings(values: dict[str, str]) -> Settings:
    found, problems = read_settings(values)
    assert not problems
    return found


class Machine(SystemCommands):
    """Stands in for systemctl and for the registry's command."""

    def __init__(self, code: int = 0) -> None:
        self.code = code
        self.ran: list[tuple[tuple[str, ...], bytes]] = []

    def run(self, *argv: str, stdin: bytes = b"", check: bool = True) -> Completed:
        self.ran.append((argv, stdin))
        return Completed(self.code, "", "Error: vCenter cannot be reached\n" if self.code else "")


def test_only_the_chosen_ports_are_open() -> None:
    values = {"registry.port": "8443", "registry.portal_port": "9443"}
    assert firewall.ports(settings(values)) == (80, 4443, 8443, 9443)
    assert firewall.ports(settings({"appliance.permit_root_login": "True"})) == (22, 80, 443, 4443)


def test_nft_takes_the_rules(tmp_path: Path) -> None:
    nft = shutil.which("nft", path="/usr/sbin:/usr/bin")
    assert nft is not None
    firewall.apply(settings({}), Paths(tmp_path), Machine())
    argv = (nft, "--check", "--file", tmp_path / "etc/nftables.conf")
    done = subprocess.run(argv, capture_output=True, check=False)
    if b"Operation not permitted" in done.stderr:
        pytest.skip("needs root")
    assert (done.returncode, done.stderr) == (0, b"")


@pytest.mark.parametrize("protocol", ["udp", "tcp", "tls"])
def test_rsyslog_takes_the_forwarding(tmp_path: Path, protocol: str) -> None:
    values = {"syslog.host": "log.example.com", "syslog.protocol": protocol, "syslog.port": "6514"}
    logs.apply(settings(values), Paths(tmp_path), Machine())
    file = tmp_path / "etc/rsyslog.d/moorage.conf"
    whole = tmp_path / "rsyslog.conf"
    whole.write_text(f'global(workDirectory="{tmp_path}")\n{file.read_text()}')
    argv = ("/usr/sbin/rsyslogd", "-N1", "-f", whole)
    done = subprocess.run(argv, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert "error" not in done.stderr


def test_without_a_server_nothing_is_forwarded(tmp_path: Path) -> None:
    paths, machine = Paths(tmp_path), Machine()
    logs.apply(settings({"syslog.host": "log.example.com"}), paths, machine)
    logs.apply(settings({"log.retention_days": "7"}), paths, machine)
    assert not (tmp_path / "etc/rsyslog.d/moorage.conf").exists()
    journal = (tmp_path / "etc/systemd/journald.conf.d/zz-moorage.conf").read_text()
    assert "MaxRetentionSec=7day\nForwardToSyslog=no\n" in journal


def test_vcenter_is_connected_once_with_the_password_on_standard_input(tmp_path: Path) -> None:
    paths, machine = Paths(tmp_path), Machine()
    assert vcenter.apply(settings(VCENTER), paths, machine) == ()
    assert vcenter.apply(settings(VCENTER), paths, machine) == ()
    ((argv, stdin),) = machine.ran
    assert argv[-8:] == (
        "directory",
        "connect",
        "vc.example.com",
        "--account",
        "reader@vsphere.local",
        "--thumbprint",
        "ab" * 32,
        "--password-stdin",
    )
    assert stdin == b"Secret-1\n"
    assert "Secret-1" not in (paths.state / "vcenter-applied").read_text()
    vcenter.apply(settings({**VCENTER, "vcenter.password": "Secret-2"}), paths, machine)
    assert len(machine.ran) == 2


def test_a_vcenter_that_cannot_be_reached_is_a_problem_and_tried_again(tmp_path: Path) -> None:
    paths = Paths(tmp_path)
    (problem,) = vcenter.apply(settings(VCENTER), paths, Machine(code=1))
    assert problem.property == "vcenter.address"
    assert "cannot be reached" in problem.message
    again = Machine()
    vcenter.apply(settings(VCENTER), paths, again)
    assert len(again.ran) == 1
