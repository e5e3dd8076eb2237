"""What a check of everything stored asks, and the one thing it may do: set something aside."""

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime
from typing import BinaryIO

from moorage.distribution.inspected import BadManifest, BadRow, Counted, Seen, Unneeded
from moorage.distribution.inspection_store import InspectionStore
from moorage.distribution.locks import DigestLocks
from moorage.distribution.quarantine import Quarantine
from moorage.distribution.shelves import Shelf, Shelves, Stray
from moorage.distribution.upload_store import UploadStore
from moorage.oci.digest import ALGORITHMS, Digest, digest_of
from moorage.oci.errors import ManifestInvalidError
from moorage.oci.manifest import ImageIndex, parse_manifest

#: Images named for one finding.
_MOST_IMAGES = 20


class Inspection:
    """Looks at rows and files. Files that cannot be read raise `OSError`: never a guess."""

    def __init__(
        self,
        store: InspectionStore,
        uploads: UploadStore,
        shelves: Shelves,
        quarantine: Quarantine,
        locks: DigestLocks,
    ) -> None:
        self._store = store
        self._uploads = uploads
        self._shelves = shelves
        self._quarantine = quarantine
        self._locks = locks

    def totals(self) -> tuple[int, int]:
        """How many blobs there are, and their bytes."""
        return self._store.totals()

    def faults(self, stopping: Callable[[], bool]) -> list[str]:
        """What is wrong with the database itself; what it answers is then not to be trusted."""
        return self._store.faults(stopping)

    def rows(self, algorithm: str, prefix: str) -> dict[str, int]:
        """The sizes of the blobs whose hex begins so, by the text of their digests."""
        return self._store.blobs(algorithm, prefix)

    def shelf(self, algorithm: str, prefix: str) -> Shelf:
        """The files of those blobs."""
        return self._shelves.shelf(algorithm, prefix)

    def strays(self) -> list[Stray]:
        """What lies beside the folders of blobs."""
        return list(self._shelves.strays())

    @contextmanager
    def alone(self, digest: Digest) -> Iterator[Seen]:
        """Look again, while neither an upload nor the collector can be between file and row."""
        with self._locks.hold(digest):
            yield Seen(self._store.find(digest), self._shelves.find(digest))

    def open(self, digest: Digest) -> BinaryIO:
        """The blob's file.

        Raises:
            FileNotFoundError: there is none.
        """
        return open(self._shelves.path(digest), "rb", buffering=0)

    def set_aside(self, digest: Digest, why: str) -> bool:
        """Take the blob's file out, its row stays; False when it is gone. Its lock must be held."""
        return self._quarantine.take(self._shelves.path(digest), why)

    def set_stray_aside(self, stray: Stray, why: str) -> bool:
        """Take a stray out; False when it is gone, as that of an upload that was just ending."""
        if stray.guard is None:
            return self._quarantine.take(stray.path, why)
        with self._locks.hold(stray.guard):
            return self._quarantine.take(stray.path, why)

    def is_there(self, stray: Stray) -> bool:
        """Whether the stray is there still when nobody can be about to rename it."""
        if stray.guard is None:
            return os.path.lexists(stray.path)
        with self._locks.hold(stray.guard):
            return os.path.lexists(stray.path)

    def orphan_uploads(self, untouched_since: datetime) -> list[Stray]:
        """Folders of uploads that have no session and that nobody touched since, and other names there.

        A session's id never comes again, so what has no row after its folder was seen never gets one.
        """
        sessions, strays = self._shelves.uploads(untouched_since)
        known = self._uploads.known(sessions)
        return [*strays, *(stray for upload_id, stray in sessions.items() if upload_id not in known)]

    def images(self, digest: str) -> list[str]:
        """Images that cannot be pulled without the blob: ``repository:tag``, or by digest if untagged."""
        return self._store.images(digest, _MOST_IMAGES)

    def manifests(self, after: int, most: int) -> tuple[int | None, list[BadManifest]]:
        """The next manifests that contradict themselves.

        Returns:
            The number to go on after, None at the end; and those that are bad.
        """
        found = self._store.manifests(after, most)
        if not found:
            return None, []
        last = found[-1][0]
        edges = self._store.edges(found[0][0], last)
        bad = [self._bad(number, digest, kind, body, edges) for number, _, digest, kind, body in found]
        return last, [each for each in bad if each is not None]

    def unneeded(self, first: int, last: int) -> list[Unneeded]:
        """Blobs and manifests of these numbers that nothing but a lease or a grace keeps."""
        return self._store.unneeded(first, last)

    def projects(self, after: int, most: int) -> list[tuple[int, str]]:
        """Number and name of projects in the order of their numbers."""
        return self._store.projects(after, most)

    def counted(self, project_id: int, stopping: Callable[[], bool]) -> Counted | None:
        """What the counters of a project say, and what they should; None when there was no time."""
        return self._store.counted(project_id, stopping)

    def last_number(self) -> int:
        """The highest number that `bad_rows` and `unneeded` have to be asked about."""
        return self._store.last_number()

    def bad_rows(self, first: int, last: int) -> list[BadRow]:
        """Rows of these numbers that contradict others, which foreign keys should have forbidden."""
        return self._store.bad_rows(first, last)

    def broken_keys(self, stopping: Callable[[], bool]) -> list[BadRow]:
        """The same for all other tables, where the database can tell."""
        return self._store.broken_keys(stopping)

    def _bad(
        self, number: int, text: str, kind: str, body: bytes, edges: set[tuple[int, str]]
    ) -> BadManifest | None:
        actual = _actual(text, body)
        missing = tuple(each for each in _needs(body, kind) if (number, str(each)) not in edges)
        if str(actual) == text and not missing:
            return None
        names = tuple(self._store.names(number, _MOST_IMAGES))
        if not names:  # deleted meanwhile, and its edges with it
            return None
        return BadManifest(text, len(body), names, None if str(actual) == text else actual, missing)


def _actual(text: str, body: bytes) -> Digest:
    """The digest of a body, by the algorithm that its row names."""
    algorithm = text.partition(":")[0]
    return digest_of(body, algorithm if algorithm in ALGORITHMS else "sha256")


def _needs(body: bytes, kind: str) -> list[Digest]:
    """What a manifest must have edges to; nothing of one that this release would not take any more."""
    try:
        manifest = parse_manifest(body, kind)
    except ManifestInvalidError:
        return []
    children = manifest.required_manifests if isinstance(manifest, ImageIndex) else ()
    return [each.digest for each in (*manifest.required_blobs, *children)]
