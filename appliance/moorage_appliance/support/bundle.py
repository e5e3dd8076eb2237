"""The archive that support is sent: every member goes through `Hiding` on its way in."""

import gzip
import io
import json
import os
import tarfile
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from moorage_appliance.commands import CommandFailedError, Commands
from moorage_appliance.overview import overview
from moorage_appliance.paths import Paths
from moorage_appliance.support.hiding import HIDDEN, Hiding
from moorage_appliance.support.members import FromFile, Member, members
from moorage_appliance.support.secret_values import secret_values

#: Of a file this much of its end.
_MOST_BYTES = 8 << 20


class BundleError(Exception):
    """The archive could not be written."""


@dataclass(frozen=True, slots=True)
class Bundled:
    """What was made.

    Attributes:
        missing: members that say only why there is nothing in them.
    """

    path: Path
    members: int
    missing: tuple[str, ...]
    size_bytes: int


def make_bundle(paths: Paths, commands: Commands, target: Path, *, days: int, now: datetime) -> Bundled:
    """Write the archive, whole or not at all, readable for root alone.

    Raises:
        BundleError: there is such a file already, or it cannot be written.
    """
    if os.path.lexists(target):
        raise BundleError(f"{target} is there already")
    partial = target.with_name(f".{target.name}.{os.getpid()}")
    try:
        descriptor = os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o600)
        with os.fdopen(descriptor, "wb") as file:
            names, missing = _write(file, _entries(paths, commands, days), now)
            file.flush()
            os.fsync(file.fileno())
        # A link fails where a rename would replace what somebody else made meanwhile.
        os.link(partial, target)
    except OSError as error:
        raise BundleError(f"{target} cannot be written: {error.strerror or error}") from error
    finally:
        partial.unlink(missing_ok=True)
    return Bundled(target, len(names), missing, target.stat().st_size)


def _write(
    file: io.BufferedWriter, entries: Iterator[tuple[str, str, bool]], now: datetime
) -> tuple[list[str], tuple[str, ...]]:
    names, missing = [], []
    top = f"moorage-support-{now.astimezone(UTC):%Y%m%dT%H%M%SZ}"
    with gzip.GzipFile(fileobj=file, mode="wb") as packed, tarfile.open(fileobj=packed, mode="w|") as archive:
        for name, text, found in entries:
            body = text.encode(errors="replace")
            entry = tarfile.TarInfo(f"{top}/{name}")
            entry.size, entry.mode, entry.mtime = len(body), 0o600, int(now.timestamp())
            archive.addfile(entry, io.BytesIO(body))
            names.append(name)
            missing += [] if found else [name]
    return names, tuple(missing)


def _entries(paths: Paths, commands: Commands, days: int) -> Iterator[tuple[str, str, bool]]:
    """Name, text without secrets, and whether there is anything in it."""
    hiding = Hiding(secret_values(paths))
    yield "README.txt", _about(days), True
    yield (
        "overview.json",
        hiding.hide(json.dumps(overview(paths, commands).row(), indent=1, default=str)),
        True,
    )
    for member in members(paths, days):
        text, found = _take(member, commands)
        yield member.name, hiding.hide(text), found


def _take(member: Member, commands: Commands) -> tuple[str, bool]:
    if isinstance(member, FromFile):
        try:
            with member.path.open("rb") as file:
                file.seek(max(0, file.seek(0, os.SEEK_END) - _MOST_BYTES))
                return file.read().decode(errors="replace"), True
        except OSError as error:
            return f"{member.path}: {error.strerror}\n", False
    try:
        done = commands.run(*member.argv, check=False)
    except CommandFailedError as error:
        return f"{error}\n", False
    end = f"[it ended with {done.code}]\n" if done.code else ""
    return done.output + done.errors + end, not done.code


def _about(days: int) -> str:
    return (
        "State of a Moorage appliance: versions, configuration, units, disks, network, and the journal of\n"
        f"{days} days. Passwords, keys and tokens were taken out; {HIDDEN} stands where they were.\n"
        "Names of hosts, people, projects and repositories are in it. Read it before you give it away.\n"
    )
