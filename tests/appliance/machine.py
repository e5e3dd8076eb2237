"""A virtual machine with the hardware of the appliance's OVF, under qemu: pvscsi, vmxnet3, a CD drive."""

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeVar
from xml.sax.saxutils import quoteattr

from tests.support.free_port import free_port

_QEMU = "qemu-system-x86_64"
_OVMF = Path("/usr/share/OVMF/OVMF_CODE.fd")
_OVMF_VARIABLES = Path("/usr/share/OVMF/OVMF_VARS.fd")
_ENVIRONMENT = "http://schemas.dmtf.org/ovf/environment/1"
GUEST_ADDRESS = "10.0.2.15"
GATEWAY = "10.0.2.2"
_MOST_FAULTS = 3
T = TypeVar("T")


class MachineError(Exception):
    """The machine did not do what it was to do; the text ends with what its console showed last."""


def environment_xml(properties: Mapping[str, str]) -> str:
    """The OVF environment with which vSphere tells a machine its properties (DSP0243, Environment)."""
    entries = "".join(
        f"<Property oe:key={quoteattr(key)} oe:value={quoteattr(value)}/>"
        for key, value in properties.items()
    )
    return (
        '<?xml version="1.0" encoding="UTF-8"?>\n'
        f'<Environment xmlns="{_ENVIRONMENT}" xmlns:oe="{_ENVIRONMENT}" oe:id="">'
        "<PlatformSection><Kind>VMware ESXi</Kind><Version>8.0.3</Version><Vendor>VMware, Inc.</Vendor>"
        f"<Locale>en</Locale></PlatformSection><PropertySection>{entries}</PropertySection></Environment>\n"
    )


@dataclass
class Disks:
    """The disks of one appliance in the order of their SCSI units; each a layer above what it began with.

    Attributes:
        folder: where they are kept.
        system: the appliance's disk, which is not written to.
    """

    folder: Path
    system: Path
    sizes: Mapping[str, str] = field(default_factory=lambda: {"data": "4G", "db": "2G", "log": "2G"})

    def make(self) -> None:
        """Make what is missing."""
        self.folder.mkdir(parents=True, exist_ok=True)
        if not self.path("system").exists():
            kind = "vmdk" if self.system.suffix == ".vmdk" else "raw"
            backing = ("-b", str(self.system.resolve()), "-F", kind)
            subprocess.run(
                ("qemu-img", "create", "-q", "-f", "qcow2", *backing, str(self.path("system"))), check=True
            )
        for name, size in self.sizes.items():
            if not self.path(name).exists():
                subprocess.run(
                    ("qemu-img", "create", "-q", "-f", "qcow2", str(self.path(name)), size), check=True
                )

    def grow(self, name: str, by: str) -> None:
        """Let a disk of a machine that is off be larger, as an administrator of vSphere does."""
        subprocess.run(("qemu-img", "resize", "-q", str(self.path(name)), f"+{by}"), check=True)

    def path(self, name: str) -> Path:
        return self.folder / f"{name}.qcow2"

    @property
    def names(self) -> Sequence[str]:
        return ("system", *self.sizes)


class Machine:
    """One run of the appliance, from power-on to power-off.

    Args:
        disks: which it writes to.
        properties: the OVF properties; None leaves the CD drive empty.
        efi: firmware; Debian's EFI does not see disks at pvscsi, so they are SATA's then.
        ports: of the guest, each at a free port of ours that `ports` of this object tells.
        alike: of the guest, at the same numbers of ours.
    """

    def __init__(
        self,
        disks: Disks,
        properties: Mapping[str, str] | None,
        *,
        efi: bool = False,
        memory: int = 2048,
        processors: int = 2,
        ports: Sequence[int] = (22, 80, 443),
        alike: Sequence[int] = (),
    ) -> None:
        self._disks = disks
        self._properties = properties
        self._efi = efi
        self._memory = memory
        self._processors = processors
        self._process: subprocess.Popen[bytes] | None = None
        self.ports = {guest: free_port() for guest in ports} | {each: each for each in alike}
        self.console_log = disks.folder / "console.log"
        self.started_at = 0.0
        self.emulator_faults = 0

    def __enter__(self) -> "Machine":
        self.power_on()
        return self

    def __exit__(self, *_: object) -> None:
        self.pull_the_plug()

    def power_on(self) -> None:
        """Start it; returns at once."""
        self._disks.make()
        words = [_QEMU, "-machine", "q35", "-accel", "tcg,thread=multi,tb-size=256", "-cpu", "max"]
        words += ["-smp", str(self._processors), "-m", str(self._memory), "-display", "none", "-vga", "std"]
        words += ["-serial", f"file:{self.console_log}", "-monitor", f"unix:{self._monitor},server,nowait"]
        words += [*self._firmware(), *self._disk_words(), *self._network(), *self._cd()]
        self.started_at = time.monotonic()
        self._process = subprocess.Popen(words, stdin=subprocess.DEVNULL)

    def pull_the_plug(self) -> None:
        """End it at once, as a power cut does."""
        if self._process is not None:
            with suppress(ProcessLookupError):
                os.kill(self._process.pid, signal.SIGKILL)
            self._process.wait()
            self._process = None

    def wait_off(self, seconds: float = 180) -> None:
        """Wait until it has switched itself off.

        Raises:
            MachineError: it has not in time.
        """
        assert self._process is not None
        try:
            self._process.wait(seconds)
        except subprocess.TimeoutExpired:
            raise self._wrong(f"it did not switch off within {seconds:.0f} s") from None
        self._process = None

    def until(self, what: str, ask: Callable[[], T | None], seconds: float = 240) -> T:
        """Ask again and again until there is an answer.

        Raises:
            MachineError: there is none in time, or the machine ended.
        """
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            if self._emulator_failed():
                end = time.monotonic() + seconds
            if self._process is None or self._process.poll() is not None:
                raise self._wrong(f"the machine ended before: {what}")
            found = ask()
            if found is not None:
                return found
            time.sleep(0.5)  # it cannot tell us; what we wait for is in another machine
        raise self._wrong(f"not within {seconds:.0f} s: {what}")

    def screenshot(self, path: Path) -> None:
        """Write what its screen shows, as a PPM picture."""
        with socket.socket(socket.AF_UNIX) as monitor:
            monitor.connect(str(self._monitor))
            monitor.recv(4096)
            monitor.sendall(f"screendump {path}\n".encode())
            end = time.monotonic() + 10
            while not path.exists() and time.monotonic() < end:
                monitor.recv(4096)

    def console(self, lines: int = 40) -> str:
        """The last lines of the serial console."""
        if not self.console_log.exists():
            return ""
        return "\n".join(self.console_log.read_text(errors="replace").splitlines()[-lines:])

    def _emulator_failed(self) -> bool:
        """Whether the emulator, and not the guest, was at fault; the machine was switched on again then.

        Linux patches its own code while it runs, with a breakpoint in between. With one thread for each
        processor qemu 7.2 now and then still sees the breakpoint after it was taken out.
        """
        if "Oops: int3" not in self.console(200) or self.emulator_faults == _MOST_FAULTS:
            return False
        self.emulator_faults += 1
        print(f"\n  the emulator failed, switched on again:\n{self.console(60)}", file=sys.__stdout__)
        self.pull_the_plug()
        self.console_log.unlink()
        self.power_on()
        return True

    @property
    def _monitor(self) -> Path:
        return self._disks.folder / "monitor"

    def _wrong(self, what: str) -> MachineError:
        return MachineError(f"{what}\n--- console ---\n{self.console()}")

    def _firmware(self) -> list[str]:
        if not self._efi:
            return []
        variables = self._disks.folder / "efi.vars"
        if not variables.exists():
            variables.write_bytes(_OVMF_VARIABLES.read_bytes())
        code = f"if=pflash,format=raw,readonly=on,file={_OVMF}"
        return ["-drive", code, "-drive", f"if=pflash,format=raw,file={variables}"]

    def _disk_words(self) -> list[str]:
        words = [] if self._efi else ["-device", "pvscsi,id=scsi0"]
        for number, name in enumerate(self._disks.names):
            words += [
                "-drive",
                f"if=none,id=d{number},file={self._disks.path(name)},format=qcow2,cache=writeback",
            ]
            if self._efi:
                words += ["-device", f"ide-hd,bus=ide.{number + 1},drive=d{number}"]
            else:
                words += ["-device", f"scsi-hd,bus=scsi0.0,scsi-id={number},drive=d{number}"]
        return words

    def _network(self) -> list[str]:
        forwarded = "".join(f",hostfwd=tcp:127.0.0.1:{ours}-:{guest}" for guest, ours in self.ports.items())
        return ["-netdev", f"user,id=n0,restrict=on{forwarded}", "-device", "vmxnet3,netdev=n0"]

    def _cd(self) -> list[str]:
        if self._properties is None:
            return []
        folder = self._disks.folder / "cd"
        folder.mkdir(exist_ok=True)
        (folder / "ovf-env.xml").write_text(environment_xml(self._properties))
        iso = self._disks.folder / "ovf-env.iso"
        words = ("xorriso", "-as", "mkisofs", "-quiet", "-V", "OVF ENV", "-o", str(iso), str(folder))
        subprocess.run(words, check=True, capture_output=True)
        return [
            "-drive",
            f"if=none,id=cd,media=cdrom,readonly=on,file={iso}",
            "-device",
            "ide-cd,bus=ide.0,drive=cd",
        ]
