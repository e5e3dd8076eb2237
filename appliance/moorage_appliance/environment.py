"""What vSphere tells the machine: the OVF environment (DSP0243, chapter 11).

It comes over guestinfo, or else on a CD that is there as long as the machine is (the "ISO transport").
It holds passwords in clear, so nothing of it stands in a message but the names of properties.
"""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from difflib import get_close_matches
from pathlib import Path
from typing import Literal, NoReturn
from xml.parsers import expat

from moorage_appliance.commands import CommandFailedError, Commands
from moorage_appliance.paths import Paths
from moorage_appliance.problem import Problem
from moorage_appliance.properties import BY_KEY

NAMESPACE = "http://schemas.dmtf.org/ovf/environment/1"
LARGEST = 2**20
_FILE = "ovf-env.xml"
_MARK = " "
_WAY = [f"{NAMESPACE}{_MARK}{name}" for name in ("Environment", "PropertySection", "Property")]
_LONGEST_SHOWN = 60

Source = Literal["guestinfo", "iso", "none"]


class EnvironmentInvalidError(Exception):
    """Something that is no OVF environment, in words without its content."""


@dataclass(frozen=True, slots=True)
class Environment:
    """What was told.

    Attributes:
        values: of the properties that we know, as they came; those that nobody gave are missing.
        source: the way it came.
    """

    values: Mapping[str, str] = field(repr=False)
    source: Source
    problems: tuple[Problem, ...] = ()


def read_environment(paths: Paths, commands: Commands) -> Environment:
    """Ask guestinfo, then the CD; without an answer there are no values, and that is no error."""
    problems: list[Problem] = []
    for source, read in (("guestinfo", _of_guestinfo), ("iso", _of_disc)):
        try:
            body = read(paths, commands)
            if body is not None:
                found = parse(body)
                values, told = _known(found)
                return Environment(values, source, (*problems, *told))  # type: ignore[arg-type]
        except EnvironmentInvalidError as error:
            problems.append(_unreadable(source, str(error)))
        except (OSError, CommandFailedError):
            problems.append(_unreadable(source, "it cannot be read"))
    return Environment({}, "none", tuple(problems))


def parse(body: bytes) -> tuple[tuple[str, str], ...]:
    """The properties of the machine itself, in their order; those of its neighbours are left out.

    Raises:
        EnvironmentInvalidError: too large, not well-formed, or with a document type.
    """
    if len(body) > LARGEST:
        raise EnvironmentInvalidError(f"it is larger than {LARGEST} bytes")
    parser = expat.ParserCreate(namespace_separator=_MARK)
    found: list[tuple[str, str]] = []
    way: list[str] = []

    def begin(name: str, attributes: dict[str, str]) -> None:
        way.append(name)
        if way[0] != _WAY[0]:
            raise EnvironmentInvalidError("it is no OVF environment")
        if way == _WAY:
            key, value = (attributes.get(f"{NAMESPACE}{_MARK}{name}") for name in ("key", "value"))
            if key is None or value is None:
                raise EnvironmentInvalidError("a property has no key or no value")
            found.append((key, value))

    def end(_: str) -> None:
        way.pop()

    def refuse(*_: object) -> NoReturn:
        raise EnvironmentInvalidError("it has a document type, which an OVF environment never has")

    parser.StartElementHandler = begin
    parser.EndElementHandler = end
    # Without a document type there are no entities but the five of XML.
    parser.StartDoctypeDeclHandler = refuse
    try:
        parser.Parse(body, True)
    except (expat.ExpatError, UnicodeError, LookupError, ValueError):
        place = f"line {parser.ErrorLineNumber}"
        raise EnvironmentInvalidError(f"it is not well-formed XML ({place})") from None
    return tuple(found)


def _of_guestinfo(paths: Paths, commands: Commands) -> bytes | None:
    vendor = paths.vendor
    if not vendor.is_file() or not vendor.read_text(errors="replace").startswith("VMware"):
        return None
    try:
        answer = commands.run("vmware-rpctool", "info-get guestinfo.ovfEnv", check=False)
    except CommandFailedError:
        return None
    if answer.code or not answer.output.strip():
        return None
    # The declaration of XML must be at the very beginning.
    return answer.output.strip().encode()


def _of_disc(paths: Paths, commands: Commands) -> bytes | None:
    for device in paths.discs:
        if device.exists():
            with _mounted(device, paths, commands) as folder:
                file = None if folder is None else folder / _FILE
                if file is not None and file.is_file():
                    with file.open("rb") as opened:
                        return opened.read(LARGEST + 1)
    return None


@contextmanager
def _mounted(device: Path, paths: Paths, commands: Commands) -> Iterator[Path | None]:
    """Where the disc can be read; None when there is none in the drive."""
    folder = paths.run / "disc"
    folder.mkdir(parents=True, exist_ok=True)
    options = "ro,nosuid,nodev,noexec"
    done = commands.run("mount", "-t", "iso9660", "-o", options, str(device), str(folder), check=False)
    if done.code:
        yield None
        return
    try:
        yield folder
    finally:
        commands.run("umount", str(folder), check=False)


def _known(found: tuple[tuple[str, str], ...]) -> tuple[dict[str, str], tuple[Problem, ...]]:
    values: dict[str, str] = {}
    problems: list[Problem] = []
    for key, value in found:
        if key not in BY_KEY:
            problems.append(_unknown(key))
        elif key in values:
            problems.append(Problem(key, "is given twice; the first one counts", "Give it once."))
        else:
            values[key] = value
    return values, tuple(problems)


def _unknown(key: str) -> Problem:
    shown = "".join(each if each.isprintable() else "?" for each in key[:_LONGEST_SHOWN])
    close = get_close_matches(key[:_LONGEST_SHOWN], BY_KEY, n=1)
    remedy = f"Did you mean {close[0]}?" if close else "Remove it from the machine's vApp options."
    return Problem(shown, "there is no such property", remedy)


def _unreadable(source: str, reason: str) -> Problem:
    way = "over guestinfo" if source == "guestinfo" else "on the CD"
    return Problem(
        "",
        f"The OVF environment that came {way} was not taken: {reason}.",
        "Power the machine off and on again from vSphere, which makes a new one.",
    )
