"""The answers to Debian's installer, for a build on vSphere: the same packages as in the image built here."""

from pathlib import Path
from urllib.parse import urlsplit

from moorage_ova.base import PACKAGES, SUITE
from moorage_ova.errors import OvaError


def answers(template: Path, mirror: str, public_key: str) -> str:
    """The text of ``preseed.cfg``.

    Args:
        template: packer/http/preseed.cfg.in.
        mirror: address of a Debian mirror that the machine can reach, http.
        public_key: of the key that Packer logs in with.

    Raises:
        OvaError: the installer cannot use such a mirror, or such a key.
    """
    parts = urlsplit(mirror)
    if parts.scheme != "http" or not parts.hostname:
        raise OvaError(f"{mirror}: Debian's installer needs the address of a mirror that begins with http://")
    if not public_key.strip().startswith("ssh-") or "'" in public_key or "\n" in public_key.strip():
        raise OvaError("the key is no line of OpenSSH's public form")
    text = template.read_text()
    values = {
        "MIRROR_HOST": parts.netloc,
        "MIRROR_FOLDER": parts.path or "/debian",
        "SUITE": SUITE,
        "PACKAGES": " ".join(PACKAGES),
        "KEY": public_key.strip(),
    }
    for name, value in values.items():
        text = text.replace(f"@{name}@", value)
    return text
