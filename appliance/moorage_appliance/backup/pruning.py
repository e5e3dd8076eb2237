"""Backups that are not kept any longer go, and then the content that only they named."""

import heapq
from collections.abc import Iterator
from itertools import groupby
from pathlib import Path

from moorage_appliance.backup.blob_list import read_list
from moorage_appliance.backup.copying import read_file
from moorage_appliance.backup.manifest import BLOBS, read_manifest
from moorage_appliance.backup.place import Place


def prune(place: Place, keep: int) -> tuple[list[str], int]:
    """Keep the newest backups; the place's lock must be held.

    Whatever stops it on the way: a backup that is still there has all of its content. Nothing is
    removed on the word of a list that is not as it was written.

    Returns:
        The names that are gone, and how many bytes of content went with them.

    Raises:
        BackupError: one that is to be kept is damaged; nothing was removed.
    """
    names = place.names()
    gone = names[:-keep]
    if not gone:
        return [], 0
    kept = [place.root / name / BLOBS for name in names[-keep:]]
    for path in kept:
        read_file(path, read_manifest(path.parent).part(BLOBS).wanted)
    for name in gone:
        place.drop(name)
    return gone, _remove_unnamed(place.blobs, kept)


def _remove_unnamed(root: Path, lists: list[Path]) -> int:
    """A folder at a time, so that not all names have to be in memory."""
    named = _named(lists)
    shelf, wanted = next(named, (None, set[str]()))
    freed = 0
    for folder in sorted(root.glob("*/??")):
        here = (folder.parent.name, folder.name)
        while shelf is not None and shelf < here:
            shelf, wanted = next(named, (None, set()))
        needed = wanted if shelf == here else set()
        for path in list(folder.iterdir()):
            if path.name not in needed:
                freed += path.lstat().st_size
                path.unlink()
    return freed


def _named(lists: list[Path]) -> Iterator[tuple[tuple[str, str], set[str]]]:
    """The names of blobs by folder, in order."""
    digests = heapq.merge(*(((each.algorithm, each.hex) for each in read_list(path)) for path in lists))
    for shelf, group in groupby(digests, key=lambda each: (each[0], each[1][:2])):
        yield shelf, {text for _, text in group}
