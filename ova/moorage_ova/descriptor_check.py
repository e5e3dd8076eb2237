"""Read a descriptor back and compare it with the table of properties and with the machine.

It does not use the template: what that makes is looked at through the eyes of OVF 1.1 (DSP0243) and of what
vSphere is known to refuse.
"""

# The text is of a package that the caller made or means to deploy; see _parsed for what is refused.
import xml.etree.ElementTree as ET
from collections.abc import Iterator
from dataclasses import dataclass

from moorage_appliance.properties import BY_KEY
from moorage_ova import hardware
from moorage_ova.descriptor import FORMAT, field
from moorage_ova.errors import OvaError
from moorage_ova.hardware import Kind

OVF = "{http://schemas.dmtf.org/ovf/envelope/1}"
_CIM = "{http://schemas.dmtf.org/wbem/wscim/1/cim-schema/2/"
RASD = f"{_CIM}CIM_ResourceAllocationSettingData}}"
VSSD = f"{_CIM}CIM_VirtualSystemSettingData}}"
VMW = "{http://www.vmware.com/schema/ovf}"
_UNITS = {"byte": 1, "byte * 2^10": 2**10, "byte * 2^20": 2**20, "byte * 2^30": 2**30}
#: What vSphere makes devices of.
_SUBTYPES = {
    Kind.SCSI: {"VirtualSCSI"},
    Kind.ETHERNET: {"VmxNet3"},
    Kind.CDROM: {"vmware.cdrom.remotepassthrough", "vmware.cdrom.atapi", "vmware.cdrom.iso"},
}
_SECTIONS = ("References", "DiskSection", "NetworkSection", "DeploymentOptionSection", "VirtualSystem")


@dataclass(frozen=True, slots=True)
class Read:
    """What a descriptor says.

    Attributes:
        files: names and bytes, in order.
        capacity: bytes of the disk that has a file; 0 when there is none.
        faults: what is wrong with it.
    """

    version: str
    files: tuple[tuple[str, int], ...]
    capacity: int
    properties: tuple[str, ...]
    faults: tuple[str, ...]


def read(text: bytes) -> Read:
    """Read and check a descriptor.

    Raises:
        OvaError: it cannot be read at all.
    """
    root = _parsed(text)
    system = root.find(f"{OVF}VirtualSystem")
    machine = root.find(f"{OVF}VirtualSystem/{OVF}VirtualHardwareSection")
    if system is None or machine is None:
        raise OvaError("there is no machine in it")
    files = tuple((_of(each, "href"), _number(_of(each, "size"))) for each in root.iter(f"{OVF}File"))
    disks, capacity = _disk_faults(root)
    faults = [
        *_structure_faults(root),
        *disks,
        *_machine_faults(machine),
        *_property_faults(system),
    ]
    properties = tuple(key for key, _ in _properties(system))
    return Read(_version(system, faults), files, capacity, properties, tuple(faults))


def _parsed(text: bytes) -> ET.Element:
    # Entities are declared there and nowhere else; without them the text is no larger than it looks.
    if b"<!DOCTYPE" in text:
        raise OvaError("it declares a document type, which no descriptor does")
    try:
        root = ET.fromstring(text)  # noqa: S314
    except ET.ParseError as error:
        raise OvaError(f"it is not well-formed: {error}") from None
    if root.tag != f"{OVF}Envelope":
        raise OvaError("it is no envelope of OVF 1.x")
    return root


def _structure_faults(root: ET.Element) -> Iterator[str]:
    names = tuple(each.tag.removeprefix(OVF) for each in root)
    if names != _SECTIONS:
        yield f"its sections are {', '.join(names)}, not {', '.join(_SECTIONS)}"
    for each in root.iter():
        if each.tag.endswith("Section") and (not len(each) or each[0].tag != f"{OVF}Info"):
            yield f"{each.tag.rpartition('}')[2]} does not begin with Info"
    network = root.find(f"{OVF}NetworkSection/{OVF}Network")
    if network is None or _of(network, "name") != hardware.NETWORK:
        yield f"there is no network {hardware.NETWORK!r} to be chosen"
    if not (root.findtext(f".//{OVF}EulaSection/{OVF}License") or "").strip():
        yield "the license is missing"
    sizes = [_of(each, "id") for each in root.iter(f"{OVF}Configuration")]
    if sizes != [each.name for each in hardware.SIZES]:
        yield f"the sizes are {', '.join(sizes) or 'missing'}"


def _disk_faults(root: ET.Element) -> tuple[list[str], int]:
    faults, capacity = [], 0
    found = {_of(each, "diskId"): each for each in root.iter(f"{OVF}Disk")}
    files = {_of(each, "id") for each in root.iter(f"{OVF}File")}
    wanted = {each.name: each.gib * hardware.GIB for each in hardware.EMPTY_DISKS}
    if list(found) != [hardware.SYSTEM, *wanted]:
        faults.append(f"the disks are {', '.join(found)}, not {', '.join([hardware.SYSTEM, *wanted])}")
    for name, disk in found.items():
        unit = _UNITS.get(disk.get(f"{OVF}capacityAllocationUnits", "byte"), 0)
        size, file = _number(_of(disk, "capacity")) * unit, _of(disk, "fileRef")
        if _of(disk, "format") != FORMAT:
            faults.append(f"disk {name} is not in the streaming form")
        if name == hardware.SYSTEM:
            capacity = size
            if file not in files:
                faults.append(f"disk {name} has no file")
        elif file:
            faults.append(f"disk {name} has a file; it must be empty")
        elif size != wanted.get(name, size) or not size:
            faults.append(f"disk {name} has a capacity of {size} bytes")
    return faults, capacity


def _machine_faults(machine: ET.Element) -> Iterator[str]:
    transports = machine.get(f"{OVF}transport", "").split()
    yield from (
        f"properties cannot arrive by {each}" for each in hardware.TRANSPORTS if each not in transports
    )
    family = machine.findtext(f"{OVF}System/{VSSD}VirtualSystemType")
    if family != hardware.HARDWARE_VERSION:
        yield f"the hardware version is {family}, not {hardware.HARDWARE_VERSION}"
    settings = {each.get(f"{VMW}key"): each.get(f"{VMW}value") for each in machine.iter(f"{VMW}Config")}
    if settings.get("firmware") not in ("bios", "efi"):
        yield f"the firmware is {settings.get('firmware')}"
    found = list(machine.iter(f"{OVF}Item"))
    kinds = {_setting(each, "InstanceID"): _setting(each, "ResourceType") for each in found}
    for each in found:
        yield from _item_faults(each, kinds)
    present = sorted(_signature(each) for each in found)
    wanted = sorted(
        (each.size, *(f"{name}={value}" for name, value in each.settings if name != "ElementName"))
        for each in hardware.items()
    )
    yield from (
        f"this is no device of the appliance: {' '.join(each)}" for each in present if each not in wanted
    )
    yield from (f"a device is missing: {' '.join(each)}" for each in wanted if each not in present)


def _signature(item: ET.Element) -> tuple[str, ...]:
    pairs = ((each.tag.removeprefix(RASD), (each.text or "").strip()) for each in item)
    size = item.get(f"{OVF}configuration", "")
    return (size, *(f"{name}={value}" for name, value in sorted(pairs) if name != "ElementName"))


def _item_faults(item: ET.Element, kinds: dict[str, str]) -> Iterator[str]:
    name = _setting(item, "ElementName") or "an item without a name"
    tags = [each.tag for each in item if each.tag.startswith(RASD)]
    if tags != sorted(tags):
        yield f"{name}: its settings are not in the order of the alphabet, which the schema demands"
    number = _setting(item, "ResourceType")
    if number not in {str(int(kind)) for kind in Kind}:
        yield f"{name}: vSphere's machines of this kind have no device of type {number}"
        return
    kind = Kind(int(number))
    subtype = _setting(item, "ResourceSubType")
    if kind in _SUBTYPES and subtype not in _SUBTYPES[kind]:
        yield f"{name}: there is no {subtype or 'device without a subtype'} in the appliance's kernel"
    parents = {Kind.DISK: Kind.SCSI, Kind.CDROM: Kind.IDE}
    if kind in parents and kinds.get(_setting(item, "Parent")) != str(int(parents[kind])):
        yield f"{name}: it hangs on no {parents[kind].name} controller"


def _property_faults(system: ET.Element) -> Iterator[str]:
    found = dict(_properties(system))
    yield from (f"the property {key} is missing" for key in BY_KEY if key not in found)
    for key, attributes in found.items():
        if key not in BY_KEY:
            yield f"the property {key} is not the appliance's"
            continue
        wanted = dict(field(BY_KEY[key]).attributes)
        yield from (
            f"the property {key} has {name} {attributes.get(name)!r}, not {wanted.get(name)!r}"
            for name in sorted(attributes.keys() | wanted.keys())
            if attributes.get(name) != wanted.get(name) and not (name == "value" and BY_KEY[key].secret)
        )
        if BY_KEY[key].secret and attributes.get("value"):
            yield f"the property {key} has a value, the same for everybody"


def _properties(system: ET.Element) -> Iterator[tuple[str, dict[str, str]]]:
    for section in system.iter(f"{OVF}ProductSection"):
        name = section.get(f"{OVF}class", "")
        for each in section.iter(f"{OVF}Property"):
            attributes = {key.removeprefix(OVF): value for key, value in each.attrib.items()}
            key = f"{name}.{attributes.get('key', '')}" if name else attributes.get("key", "")
            yield key, attributes


def _version(system: ET.Element, faults: list[str]) -> str:
    version = system.findtext(f"{OVF}ProductSection/{OVF}Version") or ""
    if not version or not system.findtext(f"{OVF}ProductSection/{OVF}Product"):
        faults.append("the product's name or version is missing")
    return version


def _of(element: ET.Element, name: str) -> str:
    return element.get(f"{OVF}{name}", "")


def _setting(item: ET.Element, name: str) -> str:
    return item.findtext(f"{RASD}{name}") or ""


def _number(text: str) -> int:
    return int(text) if text.isascii() and text.isdigit() else 0
