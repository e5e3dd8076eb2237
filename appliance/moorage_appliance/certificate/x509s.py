"""Certificates and keys one by one: read, described, compared."""

import base64
from datetime import datetime
from ipaddress import ip_address

from cryptography import x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.x509.oid import ExtendedKeyUsageOID

from moorage_appliance.certificate.model import Address, Described
from moorage_appliance.pem import Block

Key = rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey | ed25519.Ed25519PrivateKey
KEYS = (rsa.RSAPrivateKey, ec.EllipticCurvePrivateKey, ed25519.Ed25519PrivateKey)
_WILD = "*."


class UnreadableError(Exception):
    """Bytes that are no certificate or key that a server could use."""


def read_certificate(block: Block) -> x509.Certificate:
    """Read one, with everything that is looked at later.

    Raises:
        UnreadableError: it is malformed.
    """
    try:
        found = x509.load_der_x509_certificate(_der(block))
        _ = found.extensions, found.subject.rfc4514_string(), found.issuer.rfc4514_string()
        found.public_key()
    except (ValueError, UnsupportedAlgorithm, x509.UnsupportedGeneralNameType) as error:
        raise UnreadableError("it is malformed") from error
    return found


def read_key(block: Block) -> Key:
    """Read a private key: PKCS#1, PKCS#8 or SEC1.

    Raises:
        UnreadableError: it is malformed, or of a kind that clients do not know.
    """
    try:
        found = serialization.load_der_private_key(_der(block), None)
    except (ValueError, TypeError, UnsupportedAlgorithm) as error:
        raise UnreadableError("it is malformed") from error
    if not isinstance(found, KEYS):
        raise UnreadableError("its kind is none that clients know; RSA, EC and Ed25519 are")
    return found


def belong_together(certificate: x509.Certificate, key: Key) -> bool:
    """Whether the key is that of the certificate."""
    return _public(certificate) == key.public_key().public_bytes(*_PUBLIC)


def signed_by(certificate: x509.Certificate, issuer: x509.Certificate) -> bool:
    """Whether the issuer's key has signed the certificate, under the issuer's name."""
    try:
        certificate.verify_directly_issued_by(issuer)
    except (ValueError, TypeError, InvalidSignature, UnsupportedAlgorithm):
        return False
    return True


def is_authority(certificate: x509.Certificate) -> bool:
    """Whether it may sign others."""
    try:
        if not certificate.extensions.get_extension_for_class(x509.BasicConstraints).value.ca:
            return False
    except x509.ExtensionNotFound:
        return False
    usage = key_usage(certificate)
    return usage is None or usage.key_cert_sign


def key_usage(certificate: x509.Certificate) -> x509.KeyUsage | None:
    """What its key may do, if it says so."""
    try:
        return certificate.extensions.get_extension_for_class(x509.KeyUsage).value
    except x509.ExtensionNotFound:
        return None


def serves(certificate: x509.Certificate) -> bool:
    """Whether it may be a server's."""
    try:
        allowed = certificate.extensions.get_extension_for_class(x509.ExtendedKeyUsage).value
    except x509.ExtensionNotFound:
        return True
    return bool({ExtendedKeyUsageOID.SERVER_AUTH, ExtendedKeyUsageOID.ANY_EXTENDED_KEY_USAGE} & {*allowed})


def hosts(certificate: x509.Certificate) -> tuple[str, ...]:
    """The host names it is for, in lower case."""
    names = _alternatives(certificate)
    return tuple(each.lower() for each in names.get_values_for_type(x509.DNSName)) if names else ()


def addresses(certificate: x509.Certificate) -> tuple[Address, ...]:
    """The addresses it is for."""
    names = _alternatives(certificate)
    # A constraint on networks is no name of a server's.
    found = names.get_values_for_type(x509.IPAddress) if names else []
    return tuple(ip_address(str(each)) for each in found if "/" not in str(each))


def covers(certificate: x509.Certificate, host: str) -> bool:
    """Whether a client that asked for the host takes the certificate (RFC 6125, 6.4.3)."""
    host = host.lower().rstrip(".")
    rest = host.partition(".")[2]
    known = {each.rstrip(".") for each in hosts(certificate)}
    return host in known or bool(rest and _WILD + rest in known)


def described(certificate: x509.Certificate) -> Described:
    """A certificate in words."""
    digest = certificate.fingerprint(hashes.SHA256())
    return Described(
        subject=certificate.subject.rfc4514_string(),
        issuer=certificate.issuer.rfc4514_string(),
        names=(*hosts(certificate), *map(str, addresses(certificate))),
        not_before=certificate.not_valid_before_utc,
        not_after=certificate.not_valid_after_utc,
        fingerprint=digest.hex(":").upper(),
        algorithm=_algorithm(certificate),
    )


def certificate_pem(*certificates: x509.Certificate) -> str:
    """Certificates in PEM, one after the other."""
    return "".join(each.public_bytes(serialization.Encoding.PEM).decode() for each in certificates)


def key_pem(key: Key) -> str:
    """A key in PEM, PKCS#8, not encrypted."""
    return key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    ).decode()


def is_valid_at(certificate: x509.Certificate, now: datetime) -> bool:
    """Whether it has begun and not ended."""
    return certificate.not_valid_before_utc <= now < certificate.not_valid_after_utc


_PUBLIC = (serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)


def _der(block: Block) -> bytes:
    return base64.b64decode("".join(block.text.splitlines()[1:-1]))


def _public(certificate: x509.Certificate) -> bytes:
    return certificate.public_key().public_bytes(*_PUBLIC)


def _alternatives(certificate: x509.Certificate) -> x509.SubjectAlternativeName | None:
    try:
        return certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except x509.ExtensionNotFound:
        return None


def _algorithm(certificate: x509.Certificate) -> str:
    key = certificate.public_key()
    if isinstance(key, rsa.RSAPublicKey):
        return f"RSA {key.key_size}"
    if isinstance(key, ec.EllipticCurvePublicKey):
        return f"EC {key.curve.name}"
    return type(key).__name__.removesuffix("PublicKey").lstrip("_")
