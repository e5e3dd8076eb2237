"""The certificate of the authority that clients have to trust, as `server.ca_file` names it."""

import re
from pathlib import Path

from moorage.errors import NotFound

_LARGEST = 1024 * 1024
_blocks = re.compile(
    r"-----BEGIN CERTIFICATE-----\r?\n[A-Za-z0-9+/=\r\n]+-----END CERTIFICATE-----", re.ASCII
).findall


class CertificateUnknownError(NotFound):
    """No authority is configured, or its file cannot be read."""


def authority(path: str) -> str:
    """The certificates of the file, as PEM; whatever else it holds, a key for instance, is left out.

    Raises:
        CertificateUnknownError: there is none.
    """
    if not path:
        raise CertificateUnknownError("this registry has no certificate authority of its own to hand out")
    try:
        with Path(path).open(encoding="ascii", errors="replace") as file:
            found = _blocks(file.read(_LARGEST))
    except OSError:
        found = []
    if not found:
        raise CertificateUnknownError("this registry has no certificate authority of its own to hand out")
    return "\n".join(found) + "\n"


def has_authority(path: str) -> bool:
    """Whether `authority` finds one."""
    try:
        return bool(authority(path))
    except CertificateUnknownError:
        return False
