"""A site's own certificate authority, and certificates of it."""

import ipaddress
from datetime import UTC, datetime, timedelta

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import PrivateFormat
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

_BITS = 2048
_NONE = serialization.NoEncryption()


class SiteAuthority:
    """Signs certificates of servers."""

    def __init__(self) -> None:
        self._key = new_key()
        name = _name("authority of a site")
        builder = _builder(name, name, self._key).add_extension(x509.BasicConstraints(True, None), True)
        self._certificate = builder.add_extension(_usage(signs=True), True).sign(self._key, hashes.SHA256())

    @property
    def pem(self) -> str:
        return _pem(self._certificate)

    def certify(self, key: rsa.RSAPrivateKey, host: str, address: str) -> str:
        """A certificate in PEM."""
        names = x509.SubjectAlternativeName(
            [x509.DNSName(host), x509.IPAddress(ipaddress.ip_address(address))]
        )
        use = x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH])
        builder = _builder(_name(host), self._certificate.subject, key).add_extension(names, False)
        builder = builder.add_extension(x509.BasicConstraints(False, None), True).add_extension(use, False)
        return _pem(builder.sign(self._key, hashes.SHA256()))


def new_key() -> rsa.RSAPrivateKey:
    """A key that was never used."""
    return rsa.generate_private_key(65537, _BITS)


def key_pem(key: rsa.RSAPrivateKey, form: PrivateFormat, password: str = "") -> str:
    """A key in PEM: PKCS#1 (`TraditionalOpenSSL`) or PKCS#8, encrypted when there is a password."""
    locked = serialization.BestAvailableEncryption(password.encode()) if password else _NONE
    return key.private_bytes(serialization.Encoding.PEM, form, locked).decode()


def one_line(pem: str) -> str:
    """As it looks after it was pasted into a field of one line."""
    return " ".join(pem.split("\n")).strip()


def _builder(subject: x509.Name, issuer: x509.Name, key: rsa.RSAPrivateKey) -> x509.CertificateBuilder:
    now = datetime.now(UTC)
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=300))
    )


def _usage(*, signs: bool) -> x509.KeyUsage:
    return x509.KeyUsage(True, False, False, False, False, signs, signs, False, False)


def _name(text: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, text)])


def _pem(certificate: x509.Certificate) -> str:
    return certificate.public_bytes(serialization.Encoding.PEM).decode()
