"""The blobs that a database names: ``blobs.txt``, a digest and a size a line, in the order of the digests."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from moorage_appliance.backup.copying import Copied
from moorage_appliance.backup.errors import BackupError

_LINE = re.compile(r"(sha256:[0-9a-f]{64}|sha512:[0-9a-f]{128}) (0|[1-9][0-9]*)\n").fullmatch


@dataclass(frozen=True, slots=True)
class Blob:
    """One blob of a list."""

    digest: str
    size_bytes: int

    @property
    def algorithm(self) -> str:
        """Of its digest."""
        return self.digest.partition(":")[0]

    @property
    def hex(self) -> str:
        """Its digest's digits."""
        return self.digest.partition(":")[2]

    @property
    def wanted(self) -> Copied:
        """What its bytes have to be."""
        return Copied(self.size_bytes, self.hex)

    def below(self, root: Path) -> Path:
        """Its file in a folder of blobs, the registry's or a backup's."""
        return root / self.algorithm / self.hex[:2] / self.hex


def read_list(path: Path) -> Iterator[Blob]:
    """The blobs, one by one.

    Raises:
        BackupError: it cannot be read, or is no such list.
    """
    try:
        with path.open(encoding="ascii", errors="replace") as file:
            for number, line in enumerate(file, 1):
                match = _LINE(line)
                if match is None:
                    raise BackupError(f"line {number} of {path} names no blob")
                yield Blob(match[1], int(match[2]))
    except OSError as error:
        raise BackupError(f"{path} cannot be read: {error.strerror}") from error
