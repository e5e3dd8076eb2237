"""What vSphere refuses in the middle of a deployment is told in words; a broken import is given up."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from moorage_appliance.properties import PROPERTIES
from moorage_ova.deploy.deployment import Target, deploy
from moorage_ova.deploy.places import Wanted
from moorage_ova.deploy.trust import Trust
from moorage_ova.errors import OvaError
from moorage_ova.hardware import NETWORK, SIZES
from tests.support import small_ova
from tests.support.govmomi import import_ova
from tests.support.vcenter import PASSWORDS, Vcenter
from tests.support.vcenter_certificates import issue

ACCOUNT = "svc@vsphere.local"
PASSWORD = PASSWORDS[ACCOUNT]


@pytest.fixture(name="vcenter", scope="module")
def _vcenter(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Vcenter]:
    folder = tmp_path_factory.mktemp("vcenter")
    found = Vcenter(issue(folder / "issued", "127.0.0.2"), folder)
    yield found
    found.stop()


@pytest.fixture(name="target")
def _target(vcenter: Vcenter, request: pytest.FixtureRequest) -> Target:
    host, _, port = vcenter.address.partition(":")
    places = Wanted(cluster="DC0_C0", network="VM Network")
    trust = Trust(vcenter.issued.authority)
    return Target(host, int(port), ACCOUNT, trust, request.node.name, wanted=places)


def _refusal(folder: Path, target: Target) -> str:
    with pytest.raises(OvaError) as told:
        deploy(small_ova.ova(folder), target, PASSWORD, lambda _: None)
    return str(told.value)


def test_an_account_without_rights(tmp_path: Path, vcenter: Vcenter, target: Target) -> None:
    detail = '<object type="ResourcePool">resgroup-1</object><privilegeId>VApp.Import</privilegeId>'
    vcenter.refuse("ImportVApp", "NoPermission", "Permission to perform this operation was denied.", detail)
    assert _refusal(tmp_path, target) == f"the account lacks the privilege VApp.Import in {vcenter.address}"


def test_a_full_datastore(tmp_path: Path, vcenter: Vcenter, target: Target) -> None:
    text = "Insufficient disk space on datastore 'LocalDS_0'."
    detail = "<file>disk</file><datastore>LocalDS_0</datastore>"
    vcenter.refuse("ImportVApp", "NoDiskSpace", text, detail)
    assert _refusal(tmp_path, target) == f"{vcenter.address} refused: {text}"


def test_a_host_in_maintenance(tmp_path: Path, vcenter: Vcenter, target: Target) -> None:
    text = "The operation is not allowed in the current state."
    vcenter.refuse("ImportVApp", "InvalidState", text)
    assert _refusal(tmp_path, target) == f"{vcenter.address} cannot do that now: {text}"


def test_a_machine_that_is_not_started_stays_and_is_told(
    tmp_path: Path, vcenter: Vcenter, target: Target
) -> None:
    before = vcenter.count()["Aborted"]
    vcenter.refuse("PowerOnVM_Task", "InvalidState", "No host is compatible.")
    told = _refusal(tmp_path, target)
    assert told == "the machine is imported, but vSphere does not start it: No host is compatible."
    assert vcenter.count()["Aborted"] == before


def test_an_upload_that_breaks_off_is_told_and_given_up(
    tmp_path: Path, vcenter: Vcenter, target: Target
) -> None:
    before = vcenter.count()["Aborted"]
    vcenter.refuse("nfc", "", "")
    told = _refusal(tmp_path, target)
    assert told.startswith(f"the upload of moorage-1.2.3-disk1.vmdk to {target.host} broke off: ")
    assert vcenter.count()["Aborted"] == before + 1


def test_govmomi_takes_the_same_package(tmp_path: Path, vcenter: Vcenter, target: Target) -> None:
    ova = small_ova.ova(tmp_path)
    before = vcenter.count()["Uploaded"]
    found = import_ova(vcenter, ACCOUNT, PASSWORD, ova, target.name, "DC0_C0/Resources", "VM Network")
    size = (tmp_path / "disk.vmdk").stat().st_size
    assert sorted(found["Properties"]) == sorted(each.key for each in PROPERTIES)
    assert found["Sizes"] == [each.name for each in SIZES]
    assert (found["Networks"], found["Warnings"]) == ([NETWORK], None)
    assert found["Sent"] == {"moorage-1.2.3-disk1.vmdk": size}
    assert vcenter.count()["Uploaded"] - before == size
    assert found["Power"] == "poweredOn"
