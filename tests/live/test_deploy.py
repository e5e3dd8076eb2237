"""A package is deployed into a vSphere API: imported, sent whole, started; and refused in words."""

import ssl
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result
from pyVmomi import vim

from moorage_ova.cli import main
from moorage_ova.deploy.deployment import Target, deploy
from moorage_ova.deploy.places import Wanted
from moorage_ova.deploy.trust import Trust
from moorage_ova.deploy.values import gather
from moorage_ova.deploy.vcenter import session
from moorage_ova.deploy.waiting import until_it_answers
from moorage_ova.errors import OvaError
from tests.support import small_ova
from tests.support.free_port import free_port
from tests.support.vcenter import PASSWORDS, Vcenter
from tests.support.vcenter_certificates import Issued, issue

ACCOUNT = "svc@vsphere.local"
PASSWORD = PASSWORDS[ACCOUNT]
ADDRESS = "127.0.0.3"
PLACES = Wanted(cluster="DC0_C0", network="VM Network")


@pytest.fixture(name="issued", scope="module")
def _issued(tmp_path_factory: pytest.TempPathFactory) -> Issued:
    return issue(tmp_path_factory.mktemp("issued"), "127.0.0.2")


@pytest.fixture(name="vcenter", scope="module")
def _vcenter(issued: Issued, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Vcenter]:
    found = Vcenter(issued, tmp_path_factory.mktemp("vcenter"))
    yield found
    found.stop()


@pytest.fixture(name="target")
def _target(vcenter: Vcenter, issued: Issued, request: pytest.FixtureRequest) -> Target:
    host, _, port = vcenter.address.partition(":")
    return Target(
        host,
        int(port),
        ACCOUNT,
        Trust(issued.authority),
        name=request.node.name,
        wanted=PLACES,
        values={"network.hostname": "registry.example.com"},
    )


def _quiet(_: int) -> None:
    pass


def test_the_package_is_imported_sent_whole_and_started(
    tmp_path: Path, vcenter: Vcenter, target: Target
) -> None:
    ova = small_ova.ova(tmp_path)
    told: list[int] = []
    before = vcenter.count()["Uploaded"]
    assert deploy(ova, target, PASSWORD, told.append) == target.name
    assert vcenter.count()["Uploaded"] - before == (tmp_path / "disk.vmdk").stat().st_size
    assert told[-1] == 100
    with pytest.raises(OvaError, match=f"there is a machine {target.name} already; choose another --name"):
        deploy(ova, target, PASSWORD, _quiet)
    assert vcenter.count()["Uploaded"] - before == (tmp_path / "disk.vmdk").stat().st_size


def test_the_thumbprint_is_enough_and_another_is_refused(
    tmp_path: Path, vcenter: Vcenter, target: Target, issued: Issued
) -> None:
    ova = small_ova.ova(tmp_path)
    deploy(ova, replace(target, trust=Trust(thumbprint=issued.thumbprint)), PASSWORD, _quiet)
    before = vcenter.count()["Logins"]
    with pytest.raises(OvaError, match="not the one with the given thumbprint"):
        deploy(ova, replace(target, trust=Trust(thumbprint="ab" * 32)), PASSWORD, _quiet)
    with pytest.raises(OvaError, match="cannot be verified"):
        deploy(ova, replace(target, trust=Trust()), PASSWORD, _quiet)
    assert vcenter.count()["Logins"] == before


def test_a_wrong_password_and_an_unknown_network_are_told(tmp_path: Path, target: Target) -> None:
    ova = small_ova.ova(tmp_path)
    with pytest.raises(OvaError, match="does not take this account and password"):
        deploy(ova, target, "wrong", _quiet)
    with pytest.raises(OvaError, match=r"there is no network 'nowhere'; there are: .*VM Network"):
        deploy(ova, replace(target, wanted=replace(PLACES, network="nowhere")), PASSWORD, _quiet)


def test_where_there_are_several_places_it_is_asked_or_told(tmp_path: Path, target: Target) -> None:
    ova = small_ova.ova(tmp_path)
    open_ = replace(target, wanted=Wanted(network="VM Network"))
    with pytest.raises(OvaError, match=r"which cluster\? There are several: DC0_C0, DC0_H0"):
        deploy(ova, open_, PASSWORD, _quiet)
    asked = []

    def choose(label: str, names: Sequence[str]) -> str:
        asked.append((label, tuple(names)))
        return names[0]

    assert deploy(ova, open_, PASSWORD, _quiet, ask=choose) == target.name
    assert asked == [("cluster", ("DC0_C0", "DC0_H0"))]


def test_an_upload_that_is_stopped_gives_the_lease_up(
    tmp_path: Path, vcenter: Vcenter, target: Target
) -> None:
    def stopped(_: int) -> None:
        raise KeyboardInterrupt

    before = vcenter.count()["Aborted"]
    with pytest.raises(KeyboardInterrupt):
        deploy(small_ova.ova(tmp_path), target, PASSWORD, stopped)
    assert vcenter.count()["Aborted"] == before + 1


def test_secrets_are_not_taken_from_the_command_line(tmp_path: Path) -> None:
    with pytest.raises(OvaError, match="is secret"):
        gather(None, ["registry.admin_password=Longenough12345"])
    file = tmp_path / "p.toml"
    file.write_text('[registry]\nadmin_password = "Longenough12345"\nport = 8443\ngc_on_restart = true\n')
    assert gather(file, ["registry.port=444"]) == {
        "registry.admin_password": "Longenough12345",
        "registry.port": "444",
        "registry.gc_on_restart": "True",
    }
    for wrong in (
        "registry.port=0",
        "nothing.at_all=1",
        "syslog.protocol=smoke",
        "registry.gc_on_restart=yes",
    ):
        with pytest.raises(OvaError):
            gather(None, [wrong])


def test_values_that_the_appliance_would_refuse_are_refused_before(tmp_path: Path) -> None:
    with pytest.raises(OvaError, match=r"network\.netmask") as told:
        gather(None, ["network.address=192.0.2.10", "network.gateway=198.51.100.1"])
    assert "198.51.100.1" not in str(told.value)


def test_it_waits_for_the_address_and_the_first_answer(
    tmp_path: Path, target: Target, issued: Issued
) -> None:
    """The whole command, against a machine that gets an address and then serves."""
    with _registry(issued, 401) as port:
        done = _deploy_command(tmp_path, target, port, issued)
    assert done.exit_code == 0, done.output
    assert "disk 100 %" in done.output
    assert f"its address is {ADDRESS}" in done.output
    assert f"the registry answers at https://{ADDRESS}:{port}" in done.output
    pairs = [issued.thumbprint.upper()[at : at + 2] for at in range(0, 64, 2)]
    assert ":".join(pairs) in done.output
    assert PASSWORD not in done.output


def test_a_machine_that_never_answers_is_told(tmp_path: Path, target: Target) -> None:
    deploy(small_ova.ova(tmp_path), target, PASSWORD, _quiet)
    _tell_the_address(target)
    with session(target.host, target.port, ACCOUNT, PASSWORD, target.trust) as content:
        machine = content.searchIndex.FindByInventoryPath(f"DC0/vm/{target.name}")
        said: list[str] = []
        with pytest.raises(OvaError, match=f"has the address {ADDRESS}, but nothing answered"):
            until_it_answers(machine, free_port(), 3, said.append)
        assert ADDRESS in said[-1]


def _deploy_command(folder: Path, target: Target, port: int, issued: Issued) -> Result:
    secret = folder / "password"
    secret.write_text(PASSWORD)
    words = ["deploy", str(small_ova.ova(folder)), "--vcenter", f"{target.host}:{target.port}"]
    words += ["--account", ACCOUNT, "--password-file", str(secret), "--ca", str(issued.authority)]
    words += ["--name", target.name, "--cluster", "DC0_C0", "--network", "VM Network"]
    words += ["--property", f"registry.port={port}", "--minutes", "2"]
    tools = threading.Thread(target=_tell_the_address, args=(target,))
    tools.start()
    try:
        return CliRunner().invoke(main, words)
    finally:
        tools.join()


def _tell_the_address(target: Target) -> None:
    """What VMware Tools in the machine would tell."""
    with session(target.host, target.port, ACCOUNT, PASSWORD, target.trust) as content:
        machine: Any = None
        while machine is None or machine.runtime.powerState != "poweredOn":
            machine = content.searchIndex.FindByInventoryPath(f"DC0/vm/{target.name}")
        told = vim.option.OptionValue(key="SET.guest.ipAddress", value=ADDRESS)
        machine.ReconfigVM_Task(vim.vm.ConfigSpec(extraConfig=[told]))


@contextmanager
def _registry(issued: Issued, status: int) -> Iterator[int]:
    """Something that answers as a registry does."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(status)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(issued.certificate, issued.key)
    server = ThreadingHTTPServer((ADDRESS, 0), Handler)
    server.socket = context.wrap_socket(server.socket, server_side=True)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield server.server_address[1]
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
