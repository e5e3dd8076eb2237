"""What a check gets to see."""

import os
from dataclasses import dataclass

from moorage.oci.digest import Digest


@dataclass(frozen=True, slots=True)
class BadRow:
    """A row that contradicts another one.

    Attributes:
        repository: its name, or "" when that is gone too.
        text: what is wrong, for a person.
    """

    repository: str
    text: str


@dataclass(frozen=True, slots=True)
class Unneeded:
    """What the collector will have to look at.

    Attributes:
        repository: of a manifest; empty for a blob.
        size_bytes: of the blob, or of the manifest's body.
    """

    repository: str
    digest: Digest
    size_bytes: int


@dataclass(frozen=True, slots=True)
class Counted:
    """What a project uses: as its counters say, and as it is.

    Attributes:
        wrong: counters of single blobs that are not what they should be.
    """

    used_bytes: int
    actual_bytes: int
    wrong: int

    @property
    def right(self) -> bool:
        """Whether every counter is what it should be."""
        return self.used_bytes == self.actual_bytes and not self.wrong


@dataclass(frozen=True, slots=True)
class Seen:
    """A digest as it is while nobody else may change it.

    Attributes:
        row_bytes: the size that its row says; None: no row.
        file: its file; None: no file.
    """

    row_bytes: int | None
    file: os.stat_result | None

    @property
    def file_bytes(self) -> int | None:
        """The size of its file; None: no file."""
        return None if self.file is None else self.file.st_size


@dataclass(frozen=True, slots=True)
class BadManifest:
    """A manifest whose row contradicts its body.

    Attributes:
        actual: the body's digest, when that is another one than the row's.
        missing: digests in the body that no edge keeps from being collected.
        names: ``repository:tag`` of each tag, or the repository alone.
    """

    digest: str
    size_bytes: int
    names: tuple[str, ...]
    actual: Digest | None = None
    missing: tuple[Digest, ...] = ()
