"""The descriptor: every property, in the words of OVF, and the machine that vSphere makes of it."""

import xml.etree.ElementTree as ET
from dataclasses import replace

import pytest

from moorage_appliance.properties import BY_KEY, PROPERTIES, Kind
from moorage_ova import hardware
from moorage_ova.descriptor import SystemDisk, describe
from moorage_ova.errors import OvaError

OVF = "{http://schemas.dmtf.org/ovf/envelope/1}"
RASD = "{http://schemas.dmtf.org/wbem/wscim/1/cim-schema/2/CIM_ResourceAllocationSettingData}"
DISK = SystemDisk("moorage-disk1.vmdk", 1234, 4 * 2**30)


@pytest.fixture(name="envelope")
def _envelope() -> ET.Element:
    return ET.fromstring(describe(DISK, "1.2.3"))  # noqa: S314


def _properties(envelope: ET.Element) -> dict[str, ET.Element]:
    return {
        f"{section.get(f'{OVF}class')}.{each.get(f'{OVF}key')}": each
        for section in envelope.iter(f"{OVF}ProductSection")
        for each in section.iter(f"{OVF}Property")
    }


def test_every_property_is_asked_for_once_and_may_be_changed(envelope: ET.Element) -> None:
    found = _properties(envelope)
    assert list(found) == [each.key for each in PROPERTIES]
    assert {each.get(f"{OVF}userConfigurable") for each in found.values()} == {"true"}
    assert [each.findtext(f"{OVF}Label") for each in found.values()] == [each.label for each in PROPERTIES]


def test_no_password_has_a_default_and_all_are_hidden(envelope: ET.Element) -> None:
    for key, each in _properties(envelope).items():
        secret = BY_KEY[key].secret
        assert (each.get(f"{OVF}password") == "true") is secret
        assert not (secret and each.get(f"{OVF}value"))
    assert _properties(envelope)["registry.admin_password"].get(f"{OVF}type") == "string"


def test_numbers_choices_flags_and_lengths_are_checked_by_the_deployment(envelope: ET.Element) -> None:
    found = _properties(envelope)
    expected = {
        "registry.port": ("uint16", "MinValue(1) MaxValue(65535)", "443"),
        "syslog.protocol": ("string", 'ValueMap{"udp", "tcp", "tls"}', "tcp"),
        "registry.gc_on_restart": ("boolean", None, "False"),
        "network.hostname": ("string", "MaxLen(255)", ""),
        "appliance.root_password": ("string", "MaxLen(128)", None),
    }
    for key, wanted in expected.items():
        assert tuple(found[key].get(f"{OVF}{name}") for name in ("type", "qualifiers", "value")) == wanted


def test_nothing_may_not_stay_empty(envelope: ET.Element) -> None:
    assert not [
        key for key, each in _properties(envelope).items() if "MinLen" in each.get(f"{OVF}qualifiers", "")
    ]


def test_the_settings_of_each_device_are_in_the_order_of_the_alphabet(envelope: ET.Element) -> None:
    for item in envelope.iter(f"{OVF}Item"):
        names = [each.tag.removeprefix(RASD) for each in item]
        assert names == sorted(names)
        assert {"ElementName", "InstanceID", "ResourceType"} <= set(names)


def test_the_disks_are_where_the_appliance_looks_for_them(envelope: ET.Element) -> None:
    places = {
        each.findtext(f"{RASD}HostResource"): each.findtext(f"{RASD}AddressOnParent")
        for each in envelope.iter(f"{OVF}Item")
        if each.findtext(f"{RASD}ResourceType") == "17"
    }
    assert places == {
        "ovf:/disk/system": "0",
        "ovf:/disk/data": "1",
        "ovf:/disk/database": "2",
        "ovf:/disk/log": "3",
    }
    files = {each.get(f"{OVF}diskId"): each.get(f"{OVF}fileRef") for each in envelope.iter(f"{OVF}Disk")}
    assert files == {"system": "system-file", "data": None, "database": None, "log": None}
    system = next(envelope.iter(f"{OVF}Disk"))
    assert int(system.get(f"{OVF}capacity", "")) * 2**20 == DISK.capacity


def test_the_smallest_size_is_taken_unless_another_is_chosen(envelope: ET.Element) -> None:
    default = [each for each in envelope.iter(f"{OVF}Configuration") if each.get(f"{OVF}default") == "true"]
    assert [each.get(f"{OVF}id") for each in default] == [hardware.SIZES[0].name]
    amounts = {
        each.findtext(f"{RASD}ResourceType"): each.findtext(f"{RASD}VirtualQuantity")
        for each in envelope.iter(f"{OVF}Item")
        if each.get(f"{OVF}configuration") == hardware.SIZES[0].name
    }
    assert amounts == {"3": "2", "4": "4096"}


def test_the_license_is_shown(envelope: ET.Element) -> None:
    assert "Apache License" in (envelope.findtext(f".//{OVF}EulaSection/{OVF}License") or "")


def test_what_a_property_says_cannot_break_the_descriptor() -> None:
    odd = replace(PROPERTIES[0], label='<b> & "quoted"', description="</Description>", default="'\"<&")
    envelope = ET.fromstring(describe(DISK, "1 & <2>", [odd]))  # noqa: S314
    found = _properties(envelope)["network.address"]
    assert found.findtext(f"{OVF}Label") == odd.label
    assert found.findtext(f"{OVF}Description") == odd.description
    assert found.get(f"{OVF}value") == odd.default


def test_a_class_in_two_places_is_refused() -> None:
    torn = [BY_KEY["network.address"], BY_KEY["tls.key"], BY_KEY["network.dns"]]
    with pytest.raises(OvaError, match="do not stand together"):
        describe(DISK, "1", torn)


def test_a_disk_that_vsphere_cannot_make_is_refused() -> None:
    with pytest.raises(OvaError, match="whole number of MiB"):
        describe(replace(DISK, capacity=2**20 + 512), "1")


def test_defaults_fit_their_own_limits() -> None:
    for each in PROPERTIES:
        if each.kind is Kind.NUMBER:
            assert each.minimum <= int(each.default) <= each.maximum <= 65535
        if each.kind is Kind.CHOICE:
            assert each.default in each.choices
