"""The bill of materials of the image has what CycloneDX asks for."""

import hashlib
import json
import re
import zipfile
from pathlib import Path
from typing import Any

import pytest

from moorage_ova.commit import Commit
from moorage_ova.sbom import write_sbom

_COMMIT = Commit("1.2.3", "a" * 40, 1_764_000_000, False)
_STATUS = """Package: openssl
Status: install ok installed
Architecture: amd64
Version: 3.5.4-1~deb13u1
Description: Secure Sockets Layer toolkit
 Package: not a field

Package: libc-bin
Status: install ok installed
Architecture: amd64
Source: glibc (2.41-12)
Version: 2.41-12

Package: gone
Status: deinstall ok config-files
Architecture: amd64
Version: 1:1.0
"""


@pytest.fixture
def bill(tmp_path: Path) -> dict[str, Any]:
    root, wheels = tmp_path / "root", tmp_path / "wheels"
    (root / "var/lib/dpkg").mkdir(parents=True)
    (root / "var/lib/dpkg/status").write_text(_STATUS)
    (root / "usr/share/doc/openssl").mkdir(parents=True)
    (root / "usr/share/doc/openssl/copyright").write_text(
        "Format: https://www.debian.org/doc/packaging-manuals/copyright-format/1.0/\n\n"
        "Files: *\nCopyright: someone\nLicense: Apache-2.0\n the text\n"
    )
    wheels.mkdir()
    with zipfile.ZipFile(wheels / "Zope_Thing-1.0-py3-none-any.whl", "w") as archive:
        archive.writestr(
            "Zope_Thing-1.0.dist-info/METADATA",
            "Metadata-Version: 2.4\nName: Zope_Thing\nVersion: 1.0\nLicense-Expression: MIT\n",
        )
    write_sbom(tmp_path / "sbom.json", _COMMIT, root, wheels)
    write_sbom(tmp_path / "again.json", _COMMIT, root, wheels)
    assert (tmp_path / "sbom.json").read_bytes() == (tmp_path / "again.json").read_bytes()
    found: dict[str, Any] = json.loads((tmp_path / "sbom.json").read_text())
    found["wheel"] = hashlib.sha256((wheels / "Zope_Thing-1.0-py3-none-any.whl").read_bytes()).hexdigest()
    return found


def test_it_has_the_fields_that_cyclonedx_requires(bill: dict[str, Any]) -> None:
    assert (bill["bomFormat"], bill["specVersion"], bill["version"]) == ("CycloneDX", "1.6", 1)
    assert re.fullmatch(r"urn:uuid:[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", bill["serialNumber"])
    assert bill["metadata"]["timestamp"] == "2025-11-24T16:00:00Z"
    for each in (*bill["components"], bill["metadata"]["component"]):
        assert each["type"] in {"library", "operating-system"}
        assert each["name"]
    references = [each["bom-ref"] for each in bill["components"]]
    assert len(references) == len(set(references))


def test_it_names_installed_packages_and_their_sources_and_licences(bill: dict[str, Any]) -> None:
    named = {each["name"]: each for each in bill["components"]}
    assert set(named) == {"openssl", "libc-bin", "Zope_Thing"}
    assert named["openssl"]["licenses"] == [{"license": {"name": "Apache-2.0"}}]
    assert named["libc-bin"]["properties"] == [{"name": "debian:source", "value": "glibc"}]
    assert named["openssl"]["purl"].startswith("pkg:deb/debian/openssl@3.5.4-1~deb13u1?arch=amd64")


def test_it_names_wheels_with_their_hashes(bill: dict[str, Any]) -> None:
    wheel = next(each for each in bill["components"] if each["name"] == "Zope_Thing")
    assert wheel["purl"] == "pkg:pypi/zope-thing@1.0"
    assert wheel["hashes"] == [{"alg": "SHA-256", "content": bill["wheel"]}]
    assert wheel["licenses"] == [{"expression": "MIT"}]
