"""An authority of a test's own, and a certificate by it for one address."""

import ipaddress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID


@dataclass(frozen=True)
class Issued:
    """Files in PEM, and the certificate's SHA-256."""

    authority: Path
    certificate: Path
    key: Path
    thumbprint: str


def issue(folder: Path, address: str) -> Issued:
    """Write them; good from yesterday until tomorrow."""
    folder.mkdir(parents=True, exist_ok=True)
    issuer, secret = (ec.generate_private_key(ec.SECP256R1()) for _ in range(2))
    authority = _builder("authority of a test", "authority of a test", issuer.public_key())
    authority = authority.add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
    usage = x509.KeyUsage(False, False, False, False, False, True, True, False, False)
    authority = authority.add_extension(usage, critical=True)
    names = x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address(address))])
    leaf = _builder("vcenter of a test", "authority of a test", secret.public_key())
    leaf = leaf.add_extension(names, critical=False)
    signed = leaf.sign(issuer, hashes.SHA256())
    made = Issued(
        folder / "authority.pem",
        folder / "certificate.pem",
        folder / "key.pem",
        signed.fingerprint(hashes.SHA256()).hex(),
    )
    made.authority.write_bytes(_pem(authority.sign(issuer, hashes.SHA256())))
    made.certificate.write_bytes(_pem(signed))
    made.key.write_bytes(
        secret.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.TraditionalOpenSSL,
            serialization.NoEncryption(),
        )
    )
    made.key.chmod(0o600)
    return made


def _builder(subject: str, issuer: str, key: ec.EllipticCurvePublicKey) -> x509.CertificateBuilder:
    now = datetime.now(UTC)
    return (
        x509.CertificateBuilder()
        .subject_name(_name(subject))
        .issuer_name(_name(issuer))
        .public_key(key)
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
    )


def _name(common: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common)])


def _pem(certificate: x509.Certificate) -> bytes:
    return certificate.public_bytes(serialization.Encoding.PEM)
