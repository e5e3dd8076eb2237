"""A plan in a file, a JSON object a line: what a dry run found, to be looked at and carried out later."""

import json
import os
import stat
import tempfile
from collections.abc import Iterable, Iterator
from pathlib import Path

from moorage.gc.errors import PlanInvalidError
from moorage.gc.model import Item, Kind
from moorage.oci.digest import Digest, DigestInvalidError
from moorage.oci.names import NameInvalidError, RepositoryName

_HEAD = {"moorage": "gc plan", "version": 1}


def write_plan(path: Path, items: Iterable[Item]) -> int:
    """Write a plan, whole or not at all; returns how many items it has.

    Only its owner can read it: it names repositories that not everybody may know of.

    Raises:
        PlanInvalidError: something that is no plain file is there, or nothing can be written there.
    """
    if os.path.lexists(path) and not stat.S_ISREG(os.lstat(path).st_mode):
        raise PlanInvalidError(f"{path} is no plain file; a plan would take its place")
    try:
        descriptor, partial = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
    except OSError as error:
        raise PlanInvalidError(f"{path} cannot be written: {error.strerror}") from error
    count = 0
    try:
        with open(descriptor, "w", encoding="utf-8") as file:
            file.write(json.dumps(_HEAD) + "\n")
            for item in items:
                file.write(json.dumps(_line(item)) + "\n")
                count += 1
            file.flush()
            os.fsync(file.fileno())
        os.replace(partial, path)
    except BaseException:
        os.unlink(partial)
        raise
    return count


def read_plan(path: Path) -> Iterator[Item]:
    """The items of a plan, one by one.

    Raises:
        PlanInvalidError: there is no such file, or it is no plan.
    """
    try:
        with path.open(encoding="utf-8") as file:
            if json.loads(file.readline()) != _HEAD:
                raise PlanInvalidError(f"{path} is not a plan of this release")
            for number, line in enumerate(file, 2):
                yield _item(path, number, line)
    except OSError as error:
        raise PlanInvalidError(f"{path} cannot be read: {error.strerror}") from error
    except ValueError as error:
        raise PlanInvalidError(f"{path} is not a plan") from error


def _line(item: Item) -> dict[str, object]:
    return {
        "kind": item.kind.value,
        "repository": item.repository,
        "digest": str(item.digest),
        "size_bytes": item.size_bytes,
        "why": item.why,
    }


def _item(path: Path, number: int, line: str) -> Item:
    try:
        found = json.loads(line)
        kind = Kind(found["kind"])
        name = RepositoryName.parse(found["repository"]) if kind is Kind.MANIFEST else ""
        size, why = int(found["size_bytes"]), str(found["why"])
        return Item(kind, name, Digest.parse(found["digest"]), size, why)
    except (ValueError, KeyError, TypeError, DigestInvalidError, NameInvalidError) as error:
        raise PlanInvalidError(f"line {number} of {path} is not an item of a plan") from error
