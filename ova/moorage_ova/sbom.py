"""The bill of materials of the image (CycloneDX 1.6, JSON): Debian's packages and Python's wheels."""

import email
import json
import re
import uuid
import zipfile
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from email.message import Message
from pathlib import Path
from urllib.parse import quote

from moorage_ova.base import SUITE
from moorage_ova.commit import Commit
from moorage_ova.manifest import digest

Component = dict[str, object]
_LICENCE = re.compile(r"(?m)^License:[ \t]*(\S.*)$")
_INSTALLED = "install ok installed"


def write_sbom(path: Path, commit: Commit, root: Path, wheels: Path) -> None:
    """Write the bill of the image in folder `root`, whose environment was made of the files in `wheels`."""
    components = [*debian_packages(root), *python_wheels(wheels)]
    said = {
        "$schema": "http://cyclonedx.org/schema/bom-1.6.schema.json",
        "bomFormat": "CycloneDX",
        "specVersion": "1.6",
        "serialNumber": f"urn:uuid:{uuid.uuid5(uuid.NAMESPACE_OID, f'moorage/{commit.seed}/sbom')}",
        "version": 1,
        "metadata": {
            "timestamp": datetime.fromtimestamp(commit.epoch, UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
            "component": {
                "type": "operating-system",
                "bom-ref": "moorage-appliance",
                "name": "moorage-appliance",
                "version": commit.version,
            },
        },
        "components": components,
    }
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(said, indent=1, ensure_ascii=False) + "\n")


def debian_packages(root: Path) -> Iterator[Component]:
    """Every installed package of the image, by name."""
    text = (root / "var/lib/dpkg/status").read_text()
    stanzas = (_fields(each) for each in text.split("\n\n") if each.strip())
    for package in sorted(stanzas, key=lambda each: each["Package"]):
        if package.get("Status") != _INSTALLED:
            continue
        name, version = package["Package"], package["Version"]
        arch = package.get("Architecture", "all")
        url = f"pkg:deb/debian/{quote(name)}@{quote(version, safe='')}?arch={arch}&distro={SUITE}"
        source = package.get("Source", name).split(" ")[0]
        component: Component = {
            "type": "library",
            "bom-ref": url,
            "name": name,
            "version": version,
            "purl": url,
            "supplier": {"name": "Debian"},
            "properties": [{"name": "debian:source", "value": source}],
        }
        yield component | _licences(_debian_licences(root / "usr/share/doc" / name / "copyright"))


def python_wheels(folder: Path) -> Iterator[Component]:
    """Every wheel in `folder`, with its hash."""
    for path in sorted(folder.glob("*.whl")):
        about = _metadata(path)
        name, version = str(about["Name"]), str(about["Version"])
        url = f"pkg:pypi/{re.sub(r'[-_.]+', '-', name).lower()}@{quote(version, safe='')}"
        component: Component = {
            "type": "library",
            "bom-ref": url,
            "name": name,
            "version": version,
            "purl": url,
            "hashes": [{"alg": "SHA-256", "content": digest(path)}],
        }
        licence = str(about["License-Expression"] or "")
        if licence:
            yield component | {"licenses": [{"expression": licence}]}
        else:
            # Some give the whole text there; a name has one short line.
            given = str(about["License"] or "")
            yield component | _licences([given] if 0 < len(given) < 60 and "\n" not in given else [])  # noqa: PLR2004


def _licences(names: list[str]) -> Component:
    return {"licenses": [{"license": {"name": each}} for each in names]} if names else {}


def _debian_licences(path: Path) -> list[str]:
    """Short names out of a machine-readable file of copyright; none out of another form."""
    if not path.is_file():
        return []
    text = path.read_text(errors="replace")
    if not text.startswith("Format:"):
        return []
    return sorted({each.strip() for each in _LICENCE.findall(text)})


def _fields(stanza: str) -> Mapping[str, str]:
    lines = (line.partition(": ") for line in stanza.splitlines() if line[:1] not in {" ", "\t"})
    return {name: value for name, _, value in lines}


def _metadata(wheel: Path) -> "Message[str, str]":
    with zipfile.ZipFile(wheel) as archive:
        name = next(each for each in archive.namelist() if each.endswith(".dist-info/METADATA"))
        return email.message_from_string(archive.read(name).decode())
