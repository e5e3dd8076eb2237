"""Every blob: its row against its file, and the file against its digest."""

import os
from itertools import product

from moorage.distribution.inspected import Seen
from moorage.distribution.inspection import Inspection
from moorage.distribution.shelves import PREFIXES, Stray
from moorage.gc.findings import Account, Finding, FindingKind
from moorage.gc.reading import PacedReader
from moorage.jobs.run import Run
from moorage.oci.digest import ALGORITHMS, Digest, DigestInvalidError


class BlobCheck:
    """Walks files and rows side by side, one folder at a time.

    Whatever seems wrong is looked at again under the digest's lock: an upload places its file before
    its row, the collector removes the row before the file, and both do it under that lock.
    """

    name = "blobs"

    def __init__(self, inspection: Inspection, reader: PacedReader) -> None:
        self._inspection = inspection
        self._reader = reader

    def run(self, run: Run, account: Account) -> None:
        """Go on after the account's cursor, until the end or until the run is to stop."""
        for algorithm, prefix in product(ALGORITHMS, PREFIXES):
            end = f"{algorithm}:{prefix}g"  # after every digest of the folder
            if account.cursor >= end:
                continue
            try:
                self._shelf(run, account, algorithm, prefix)
            except OSError as error:
                account.unreadable(f"blobs/{algorithm}/{prefix}", error)
            if run.stopping:
                return
            account.reached(self.name, end)

    def _shelf(self, run: Run, account: Account, algorithm: str, prefix: str) -> None:
        shelf = self._inspection.shelf(algorithm, prefix)
        rows = self._inspection.rows(algorithm, prefix)
        rehash = run.parameters.get("rehash") is not False
        for text in sorted(shelf.files.keys() | rows.keys()):
            if text <= account.cursor:
                continue
            if run.stopping:
                return
            size = shelf.files.get(text)
            if size is None or size != rows.get(text):
                if not self._look_again(account, text):
                    continue
            elif not rehash:
                account.checked(size)
                continue
            if rehash and not self._read(run, account, Digest.parse(text)):
                return
            account.reached(self.name, text)
        for stray in shelf.strays:
            settle_stray(self._inspection, account, stray, FindingKind.STRAY_FILE)

    def _look_again(self, account: Account, text: str) -> bool:
        """Whether the file is to be read because row and file agree after all."""
        try:
            digest = Digest.parse(text)
        except DigestInvalidError:
            account.found(Finding(FindingKind.MISSING_FILE, text, detail="the row's digest is none"))
            return False
        try:
            with self._inspection.alone(digest) as seen:
                kind = _kind(seen)
                if kind is None:
                    return seen.file is not None
                taken = seen.file is not None and self._set_aside(account, digest, kind)
        except OSError as error:
            account.unreadable(text, error)
            return False
        if seen.row_bytes is not None:
            account.checked(0)
        account.found(self._finding(kind, text, seen, taken=taken))
        account.reached(self.name, text)
        return False

    def _read(self, run: Run, account: Account, digest: Digest) -> bool:
        """Take the file's digest; False when there was no time to."""
        try:
            with self._inspection.open(digest) as file:
                found = os.fstat(file.fileno())
                actual = self._reader.digest(run, file, digest.algorithm)
        except FileNotFoundError:  # collected meanwhile
            return True
        except OSError as error:
            account.unreadable(str(digest), error)
            return True
        if actual is None:
            return False
        account.checked(found.st_size)
        if actual != digest:
            self._corrupt(account, digest, actual, found)
        return True

    def _corrupt(self, account: Account, digest: Digest, actual: Digest, found: os.stat_result) -> None:
        with self._inspection.alone(digest) as seen:
            if seen.file is None or not os.path.samestat(seen.file, found):
                return  # collected, or replaced by a new upload
            taken = self._set_aside(account, digest, FindingKind.CORRUPT)
        detail = f"its bytes are those of {actual}"
        account.found(self._finding(FindingKind.CORRUPT, str(digest), seen, taken=taken, detail=detail))

    def _set_aside(self, account: Account, digest: Digest, kind: FindingKind) -> bool:
        """Move the file away if the run may; its lock must be held."""
        if not account.repairs:
            return False
        try:
            return self._inspection.set_aside(digest, kind)
        except OSError as error:
            account.unmoved(str(digest), error)
            return False

    def _finding(self, kind: FindingKind, text: str, seen: Seen, *, taken: bool, detail: str = "") -> Finding:
        if kind is FindingKind.WRONG_SIZE:
            detail = f"its row says {seen.row_bytes} bytes"
        size = seen.file_bytes if seen.file_bytes is not None else seen.row_bytes
        images = [] if kind is FindingKind.ORPHAN_FILE else self._inspection.images(text)
        if images:
            detail = "; ".join(part for part in (detail, f"cannot be pulled: {', '.join(images)}") if part)
        done = "moved to the quarantine" if taken else ""
        if taken and kind is not FindingKind.ORPHAN_FILE:
            done += ", pushing it again heals it"
        return Finding(kind, text, size or 0, detail, done, solved=taken and kind is FindingKind.ORPHAN_FILE)


def settle_stray(inspection: Inspection, account: Account, stray: Stray, kind: FindingKind) -> None:
    """Tell of a stray that is there still, and move it away if the run may."""
    there, taken = inspection.is_there(stray), False
    if there and account.repairs:
        try:
            there = taken = inspection.set_stray_aside(stray, kind)
        except OSError as error:
            account.unmoved(stray.name, error)
    if there:
        done = "moved to the quarantine" if taken else ""
        account.found(Finding(kind, stray.name, stray.size_bytes, done=done, solved=taken))


def _kind(seen: Seen) -> FindingKind | None:
    """What is wrong with row and file, seen in one moment."""
    if seen.row_bytes is None:
        return None if seen.file is None else FindingKind.ORPHAN_FILE
    if seen.file is None:
        return FindingKind.MISSING_FILE
    return None if seen.file_bytes == seen.row_bytes else FindingKind.WRONG_SIZE
