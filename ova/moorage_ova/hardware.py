"""The virtual machine that the appliance is: the only description of it.

The numbers of kinds of devices are those of CIM's resource allocation settings (DMTF DSP1041).
"""

from dataclasses import dataclass
from enum import IntEnum

#: vSphere 6.7 Update 2 and everything after it.
HARDWARE_VERSION = "vmx-15"
#: The newest Debian that each vSphere with this hardware version knows; it only steers what is suggested.
GUEST = "debian10_64Guest"
#: CIM's number of Debian with 64 bits.
GUEST_CIM = 96
#: What grub in the image is tried with on pvscsi; the image starts by EFI as well.
FIRMWARE = "bios"
#: guestinfo is read first. The ISO needs the CD-ROM.
TRANSPORTS = ("com.vmware.guestInfo", "iso")
NETWORK = "Network"
GIB = 2**30


class Kind(IntEnum):
    """Kinds of devices."""

    CPU = 3
    MEMORY = 4
    IDE = 5
    SCSI = 6
    ETHERNET = 10
    CDROM = 15
    DISK = 17


@dataclass(frozen=True, slots=True)
class EmptyDisk:
    """A disk that the appliance makes a file system on when it first starts.

    Attributes:
        name: its id in the descriptor.
        gib: capacity; the file system follows when the disk is made larger.
    """

    name: str
    gib: int


#: In the order of their places at the controller, 1 and up; the system is at 0.
EMPTY_DISKS = (EmptyDisk("data", 100), EmptyDisk("database", 20), EmptyDisk("log", 20))
SYSTEM = "system"


@dataclass(frozen=True, slots=True)
class Size:
    """One of the sizes that a deployment offers."""

    name: str
    label: str
    description: str
    cpus: int
    memory_mib: int


#: The first is taken unless another is chosen. The registry runs as many processes as there are CPUs.
SIZES = (
    Size("small", "Small", "2 vCPU and 4 GiB.", 2, 4096),
    Size("medium", "Medium", "4 vCPU and 8 GiB, for more clients at once.", 4, 8192),
    Size("large", "Large", "8 vCPU and 16 GiB, for large clusters that pull all at once.", 8, 16384),
)


@dataclass(frozen=True, slots=True)
class Item:
    """A device, or an amount of something.

    Attributes:
        settings: names and values of the namespace rasd.
        size: only in this size of the deployment.
        required: whether a host without it must refuse the machine.
    """

    kind: Kind
    settings: tuple[tuple[str, str], ...]
    size: str = ""
    required: bool = True


def items() -> tuple[Item, ...]:
    """Everything the machine has; the settings of each by name, as the schema demands."""
    return (*_amounts(), *_controllers(), *_disks(), *_others())


def _amounts() -> list[Item]:
    found = []
    for size in SIZES:
        cpus, memory = str(size.cpus), str(size.memory_mib)
        found += [
            _item(
                Kind.CPU,
                1,
                f"{cpus} virtual CPUs",
                size=size.name,
                AllocationUnits="hertz * 10^6",
                VirtualQuantity=cpus,
            ),
            _item(
                Kind.MEMORY,
                2,
                f"{memory} MiB of memory",
                size=size.name,
                AllocationUnits="byte * 2^20",
                VirtualQuantity=memory,
            ),
        ]
    return sorted(found, key=lambda each: each.kind)


def _controllers() -> list[Item]:
    return [
        _item(Kind.SCSI, 3, "SCSI controller 0", Address="0", ResourceSubType="VirtualSCSI"),
        _item(Kind.IDE, 4, "IDE controller 0", Address="0"),
    ]


def _disks() -> list[Item]:
    names = (SYSTEM, *(each.name for each in EMPTY_DISKS))
    return [
        _item(
            Kind.DISK,
            10 + place,
            f"Hard disk {place + 1} ({name})",
            AddressOnParent=str(place),
            HostResource=f"ovf:/disk/{name}",
            Parent="3",
        )
        for place, name in enumerate(names)
    ]


def _others() -> list[Item]:
    return [
        _item(
            Kind.CDROM,
            5,
            "CD/DVD drive 1",
            required=False,
            AddressOnParent="0",
            AutomaticAllocation="false",
            Parent="4",
            ResourceSubType="vmware.cdrom.remotepassthrough",
        ),
        _item(
            Kind.ETHERNET,
            6,
            "Network adapter 1",
            AddressOnParent="7",
            AutomaticAllocation="true",
            Connection=NETWORK,
            ResourceSubType="VmxNet3",
        ),
    ]


def _item(
    kind: Kind, number: int, name: str, *, size: str = "", required: bool = True, **settings: str
) -> Item:
    whole = {"ElementName": name, "InstanceID": str(number), "ResourceType": str(int(kind)), **settings}
    return Item(kind, tuple(sorted(whole.items())), size, required)
