"""The OVF descriptor (DMTF DSP0243 1.1): the machine, the table of properties, one disk's file."""

from collections.abc import Iterable
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from moorage_appliance.properties import PROPERTIES, Kind, Property
from moorage_ova import hardware
from moorage_ova.errors import OvaError

FORMAT = "http://www.vmware.com/interfaces/specifications/vmdk.html#streamOptimized"
_SOURCES = Path(__file__).parents[1] / "descriptor"
_TYPES = {Kind.FLAG: "boolean", Kind.NUMBER: "uint16"}
_MIB = 2**20
#: The appliance keeps time by NTP; two that set one clock fight.
_SETTINGS = (("firmware", hardware.FIRMWARE), ("tools.syncTimeWithHost", "false"))


@dataclass(frozen=True, slots=True)
class SystemDisk:
    """The file of the system's disk.

    Attributes:
        href: its name in the package.
        size: its bytes.
        capacity: bytes of the disk that it holds.
    """

    href: str
    size: int
    capacity: int


@dataclass(frozen=True, slots=True)
class Field:
    """A property as the descriptor has it."""

    category: str
    label: str
    description: str
    attributes: tuple[tuple[str, str], ...]


def describe(disk: SystemDisk, version: str, properties: Iterable[Property] = PROPERTIES) -> str:
    """The descriptor's text.

    Raises:
        OvaError: the disk is no whole number of MiB, or a class of the properties is torn apart.
    """
    if disk.capacity % _MIB:
        raise OvaError(f"the capacity of {disk.href} is no whole number of MiB: {disk.capacity} bytes")
    templates = Environment(
        loader=FileSystemLoader(_SOURCES),
        undefined=StrictUndefined,
        autoescape=True,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    return templates.get_template("moorage.ovf.j2").render(
        disk=disk,
        version=version,
        format=FORMAT,
        system=hardware.SYSTEM,
        empty_disks=hardware.EMPTY_DISKS,
        network=hardware.NETWORK,
        sizes=hardware.SIZES,
        guest=hardware.GUEST,
        guest_cim=hardware.GUEST_CIM,
        transports=hardware.TRANSPORTS,
        hardware_version=hardware.HARDWARE_VERSION,
        items=hardware.items(),
        settings=_SETTINGS,
        eula=(_SOURCES / "eula.txt").read_text().strip(),
        classes=_classes(properties),
    )


def field(each: Property) -> Field:
    """A property in the descriptor's terms.

    All may stay empty, and a shortest length would have the deployment refuse that: the appliance itself
    checks it.
    """
    attributes = {
        "key": each.key.partition(".")[2],
        "type": _TYPES.get(each.kind, "string"),
        "qualifiers": _qualifiers(each),
        "userConfigurable": "true",
        "value": each.default,
        "password": "true" if each.secret else "",
    }
    kept = {name: value for name, value in attributes.items() if value or name == "value"}
    if each.secret:
        # A value in the descriptor would be the same password everywhere.
        del kept["value"]
    return Field(each.category, each.label, each.description, tuple(kept.items()))


def _qualifiers(each: Property) -> str:
    if each.kind is Kind.FLAG:
        return ""
    if each.kind is Kind.NUMBER:
        return f"MinValue({each.minimum}) MaxValue({each.maximum})"
    if each.kind is Kind.CHOICE:
        return "ValueMap{" + ", ".join(f'"{choice}"' for choice in each.choices) + "}"
    return f"MaxLen({each.maximum})"


def _classes(properties: Iterable[Property]) -> list[tuple[str, list[Field]]]:
    """A section for each class: a key must not hold a point, so that the class stands apart."""
    found = [
        (name, [field(each) for each in some])
        for name, some in groupby(properties, key=lambda each: each.key.partition(".")[0])
    ]
    if len({name for name, _ in found}) != len(found):
        raise OvaError("the properties of a class do not stand together")
    return found
