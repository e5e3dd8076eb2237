"""What a person is told of a certificate before they trust it, and which ones can be trusted as issuers."""

import hashlib
import re
from dataclasses import dataclass
from datetime import datetime

from cryptography import x509

from moorage.errors import Invalid

THUMBPRINT_LENGTH = 64
_separators = re.compile(r"[:\s-]")
_hex = re.compile(r"[0-9a-f]+").fullmatch
_SHA1_LENGTH = 40


class CertificateInvalidError(Invalid):
    """Text that holds no certificate, or no thumbprint."""


@dataclass(frozen=True, slots=True)
class Certificate:
    """A certificate in words.

    Attributes:
        thumbprint: SHA-256 over all of it, 64 hexadecimal digits in lower case.
    """

    thumbprint: str
    subject: str
    issuer: str
    not_after: datetime

    @property
    def shown(self) -> str:
        """The thumbprint as vSphere's screens write it: pairs in upper case between colons."""
        return shown_thumbprint(self.thumbprint)


def thumbprint_of(der: bytes) -> str:
    """SHA-256 over a certificate in DER, 64 hexadecimal digits in lower case."""
    return hashlib.sha256(der).hexdigest()


def shown_thumbprint(thumbprint: str) -> str:
    """In pairs between colons, as screens and tools write it."""
    pairs = (thumbprint[at : at + 2] for at in range(0, len(thumbprint), 2))
    return ":".join(pairs).upper()


def parse_thumbprint(text: str) -> str:
    """The canonical form of a SHA-256 thumbprint, however its pairs are separated.

    Raises:
        CertificateInvalidError: it is none.
    """
    found = _separators.sub("", text).lower()
    if len(found) == _SHA1_LENGTH and _hex(found):
        raise CertificateInvalidError("this is a SHA-1 thumbprint, which can be forged; give the SHA-256 one")
    if len(found) != THUMBPRINT_LENGTH or _hex(found) is None:
        raise CertificateInvalidError("a SHA-256 thumbprint has 64 hexadecimal digits")
    return found


def described(der: bytes) -> Certificate:
    """A certificate in words.

    Raises:
        CertificateInvalidError: the bytes are none.
    """
    try:
        found = x509.load_der_x509_certificate(der)
        subject, issuer = found.subject.rfc4514_string(), found.issuer.rfc4514_string()
    except ValueError:
        raise CertificateInvalidError("the server's certificate is malformed") from None
    return Certificate(thumbprint_of(der), subject, issuer, found.not_valid_after_utc)


def checked_authorities(pem: str) -> str:
    """The same text, if it is one or more certificates in PEM and nothing secret.

    Raises:
        CertificateInvalidError: it is not.
    """
    if "PRIVATE KEY" in pem:
        raise CertificateInvalidError("there is a private key among the certificates; leave it out")
    try:
        found = x509.load_pem_x509_certificates(pem.encode())
    except ValueError:
        found = []
    if not found:
        raise CertificateInvalidError("certificates of issuers are to be in PEM, -----BEGIN CERTIFICATE-----")
    return pem.strip() + "\n"
