"""The blobs of a backup: those that are there already stay, the others are copied and their digests taken."""

import os
from dataclasses import dataclass, field
from pathlib import Path

from moorage_appliance.backup.blob_list import Blob, read_list
from moorage_appliance.backup.copying import copy_file, make_folders, sync_folders
from moorage_appliance.backup.errors import SourceUnreadableError, WrongBytesError
from moorage_appliance.backup.progress import Progress


@dataclass(slots=True)
class Tally:
    """What it came to.

    Attributes:
        damaged: digests of blobs that could not be copied, with the reason.
    """

    blobs: int = 0
    blob_bytes: int = 0
    copied: int = 0
    copied_bytes: int = 0
    damaged: dict[str, str] = field(default_factory=dict)


def copy_blobs(
    listed: Path, source: Path, target: Path, totals: tuple[int, int], progress: Progress
) -> Tally:
    """Copy every blob of the list that `target` lacks; durable on return.

    A name in `target` was given only to right bytes, so name and size say that it is there.

    Args:
        listed: the list.
        source, target: folders of blobs.
        totals: how many there are and their bytes, for the progress.
    """
    tally, touched = Tally(), set()
    for blob in read_list(listed):
        path = blob.below(target)
        if not is_there(blob, path):
            make_folders(path.parent)
            touched.add(path.parent)
            _copy(blob, blob.below(source), path, tally)
        tally.blobs += 1
        tally.blob_bytes += blob.size_bytes
        progress.blob(tally.blobs, totals[0], tally.blob_bytes, totals[1])
    sync_folders(touched)
    return tally


def is_there(blob: Blob, path: Path) -> bool:
    """Whether a file of the right size has the blob's name."""
    try:
        return os.lstat(path).st_size == blob.size_bytes
    except FileNotFoundError:
        return False


def _copy(blob: Blob, source: Path, target: Path, tally: Tally) -> None:
    try:
        copy_file(source, target, blob.wanted, algorithm=blob.algorithm)
    except (SourceUnreadableError, WrongBytesError) as error:
        tally.damaged[blob.digest] = str(error)
        return
    tally.copied += 1
    tally.copied_bytes += blob.size_bytes
