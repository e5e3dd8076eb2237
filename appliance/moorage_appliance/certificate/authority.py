"""The appliance's own authority and the certificates it makes.

The authority has no name constraints: the appliance may be given another name or address later, and
what clients trust must stay the same then. It signs servers' certificates only (a path of length 0),
and its key never leaves the data disk.
"""

from dataclasses import dataclass, field
from datetime import datetime, timedelta

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from moorage_appliance.certificate.model import Names
from moorage_appliance.certificate.x509s import Key

#: Days that an authority lives.
AUTHORITY_DAYS = 3653
#: Days that a server's certificate lives: browsers take no more than 398.
SERVER_DAYS = 397
# Clients' clocks may be behind.
_EARLIER = timedelta(days=1)
_LONGEST_NAME = 64


@dataclass(frozen=True, slots=True)
class Pair:
    """A certificate and its key."""

    certificate: x509.Certificate
    key: Key = field(repr=False)


def make_authority(now: datetime) -> Pair:
    """A new authority. Its name has a number, so that those of several appliances can be told apart."""
    key = ec.generate_private_key(ec.SECP256R1())
    serial = x509.random_serial_number()
    name = x509.Name(
        [
            x509.NameAttribute(NameOID.ORGANIZATION_NAME, "Moorage"),
            x509.NameAttribute(NameOID.COMMON_NAME, f"Moorage appliance authority {serial:X}"[:36]),
        ]
    )
    begins = now - _EARLIER
    made = (
        x509.CertificateBuilder(name, name, key.public_key(), serial)
        .not_valid_before(begins)
        .not_valid_after(begins + timedelta(days=AUTHORITY_DAYS))
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(_usage(authority=True), critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .sign(key, hashes.SHA256())
    )
    return Pair(made, key)


def issue(authority: Pair, names: Names, now: datetime) -> Pair:
    """A server's certificate with a new key, for all the names; it never outlives its authority."""
    key = ec.generate_private_key(ec.SECP256R1())
    hosts, addresses = sorted(names.hosts), sorted(names.addresses, key=lambda each: (each.version, each))
    general: list[x509.GeneralName] = [*map(x509.DNSName, hosts), *map(x509.IPAddress, addresses)]
    shown = next((each for each in (*hosts, *map(str, addresses)) if len(each) <= _LONGEST_NAME), "moorage")
    issuer, begins = authority.certificate, now - _EARLIER
    ends = min(begins + timedelta(days=SERVER_DAYS), issuer.not_valid_after_utc)
    identifier = issuer.extensions.get_extension_for_class(x509.SubjectKeyIdentifier).value
    made = (
        x509.CertificateBuilder(
            issuer.subject,
            x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, shown)]),
            key.public_key(),
            x509.random_serial_number(),
        )
        .not_valid_before(begins)
        .not_valid_after(ends)
        .add_extension(x509.SubjectAlternativeName(general or [x509.DNSName("localhost")]), critical=False)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(_usage(authority=False), critical=True)
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .add_extension(
            x509.AuthorityKeyIdentifier.from_issuer_subject_key_identifier(identifier), critical=False
        )
        .sign(authority.key, hashes.SHA256())
    )
    return Pair(made, key)


def _usage(*, authority: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=not authority,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=authority,
        crl_sign=authority,
        encipher_only=False,
        decipher_only=False,
    )
