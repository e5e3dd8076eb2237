"""Where this machine gets its Debian packages from; the image is made from the same place.

Nothing of it is written into the image.
"""

import os
import re
from dataclasses import dataclass
from pathlib import Path

from moorage_ova.errors import OvaError

_FOLDER = Path("/etc/apt")
_SECURITY = "-security"
_IN_BRACKETS = re.compile(r"\[[^\]]*\]")


@dataclass(frozen=True, slots=True)
class Sources:
    """Addresses of a Debian mirror and of its security updates."""

    main: str
    security: str

    def lines(self, suite: str) -> tuple[str, str, str]:
        """One-line sources of a suite, as apt and mmdebstrap take them."""
        return (
            f"deb {self.main} {suite} main",
            f"deb {self.main} {suite}-updates main",
            f"deb {self.security} {suite}{_SECURITY} main",
        )


def sources(folder: Path = _FOLDER) -> Sources:
    """What the files of apt name, unless ``MOORAGE_DEBIAN`` and ``MOORAGE_DEBIAN_SECURITY`` say otherwise.

    Args:
        folder: apt's folder of configuration.

    Raises:
        OvaError: there is no Debian source in them.
    """
    found = {
        "main": os.environ.get("MOORAGE_DEBIAN", ""),
        "security": os.environ.get("MOORAGE_DEBIAN_SECURITY", ""),
    }
    for address, suites in _entries(folder):
        for suite in suites:
            kind = "security" if suite.endswith(_SECURITY) else "main"
            if "/debian" in address or kind == "security":
                found[kind] = found[kind] or address
    if not found["main"] or not found["security"]:
        raise OvaError(
            "no Debian mirror is known: the image is built from the package sources of this machine, "
            "and these name none; MOORAGE_DEBIAN and MOORAGE_DEBIAN_SECURITY may hold the addresses"
        )
    return Sources(found["main"], found["security"])


def _entries(folder: Path) -> list[tuple[str, list[str]]]:
    """Address and suites of every source that is switched on, Debian's own files first."""
    found = []
    parts = folder / "sources.list.d"
    for path in [*sorted(parts.glob("debian*.sources")), folder / "sources.list", *sorted(parts.glob("*"))]:
        if path.suffix == ".sources" and path.is_file():
            found += _deb822(path.read_text())
        elif path.suffix == ".list" and path.is_file():
            found += _one_line(path.read_text())
    return found


def _deb822(text: str) -> list[tuple[str, list[str]]]:
    found = []
    for stanza in text.split("\n\n"):
        lines = [line for line in stanza.splitlines() if ":" in line and line[0] not in "# "]
        fields = {
            name.strip().lower(): value.split() for name, _, value in (line.partition(":") for line in lines)
        }
        if "deb" in fields.get("types", []) and fields.get("enabled") != ["no"]:
            found += [(address, fields.get("suites", [])) for address in fields.get("uris", [])]
    return found


def _one_line(text: str) -> list[tuple[str, list[str]]]:
    found = []
    for line in text.splitlines():
        words = _IN_BRACKETS.sub("", line).split()
        if len(words) > 2 and words[0] == "deb":  # noqa: PLR2004 - kind, address, suite
            found.append((words[1], [words[2]]))
    return found
