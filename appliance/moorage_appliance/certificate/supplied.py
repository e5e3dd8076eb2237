"""The certificate that a site brings: everything is checked before a client has to find out."""

from collections.abc import Sequence
from datetime import datetime, timedelta

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa

from moorage_appliance.certificate import chains
from moorage_appliance.certificate.model import Names, Served, Supplied
from moorage_appliance.certificate.x509s import (
    Key,
    UnreadableError,
    addresses,
    belong_together,
    certificate_pem,
    covers,
    is_authority,
    key_pem,
    key_usage,
    read_certificate,
    read_key,
    serves,
)
from moorage_appliance.pem import Block, PemInvalidError, blocks
from moorage_appliance.problem import Problem

CERTIFICATE, KEY, CHAIN = "tls.certificate", "tls.key", "tls.chain"
#: How long before its end a certificate that nobody here can renew is warned of.
WARNED = timedelta(days=60)
_BITS = 2048
_CURVES = (ec.SECP256R1, ec.SECP384R1, ec.SECP521R1)
_FORGEABLE = (hashes.MD5, hashes.SHA1)  # noqa: S303 - to be refused
_ANOTHER = "Ask the authority for another one, or empty the tls properties to use the appliance's own."


class _RefusedError(Exception):
    def __init__(self, key: str, message: str, remedy: str) -> None:
        super().__init__(message)
        self.problem = Problem(key, message, remedy)


def checked(supplied: Supplied, names: Names, now: datetime) -> tuple[Served | None, tuple[Problem, ...]]:
    """What nginx is to serve with, or None if it cannot be used; and what is wrong or will be.

    Args:
        names: by what the appliance is reached; a certificate for other names is warned of.
    """
    try:
        key, found = _key(supplied), _certificates(supplied.certificate, CERTIFICATE)
        if not found:
            raise _RefusedError(
                CERTIFICATE,
                "The certificate is missing: a key or authorities are given.",
                "Give the certificate, or empty tls.key and tls.chain to use the appliance's own.",
            )
        server = _server(found, key)
        _check_key(key)
        _check_server(server, now)
        rest = [*found, *_certificates(supplied.chain, CHAIN)]
        chain = chains.ordered(server, rest)
        _check_chain(server, chain, now)
    except _RefusedError as refused:
        return None, (refused.problem,)
    except chains.BrokenError as broken:
        return None, (Problem(CHAIN, str(broken), broken.remedy),)
    path = [each for each in chain.path if not chains.is_root(each)] or []
    served = Served(
        certificate_pem(server, *path), key_pem(key), certificate_pem(chain.path[-1]) if chain.path else ""
    )
    if chains.is_root(server):
        served = Served(served.certificate, served.key, certificate_pem(server))
    return served, (*_warnings(server, key, chain, now), *_uncovered(server, names))


def _key(supplied: Supplied) -> Key:
    if not supplied.key.strip():
        raise _RefusedError(
            KEY,
            "The private key is missing: a certificate or authorities are given.",
            "Give the key that the certificate was asked for with.",
        )
    keys = [each for each in _blocks(supplied.key, KEY) if each.label.endswith("PRIVATE KEY")]
    if len(keys) != 1:
        raise _RefusedError(
            KEY,
            "It holds no private key." if not keys else "It holds more than one private key.",
            "Give the one key of the certificate, which begins with -----BEGIN PRIVATE KEY-----, "
            "-----BEGIN RSA PRIVATE KEY----- or -----BEGIN EC PRIVATE KEY-----.",
        )
    try:
        return read_key(keys[0])
    except UnreadableError as error:
        raise _RefusedError(
            KEY,
            f"The private key cannot be used: {error}.",
            "Give the key in PEM (PKCS#1, PKCS#8 or SEC1), whole, as openssl writes it.",
        ) from None


def _blocks(text: str, key: str) -> Sequence[Block]:
    try:
        return blocks(text)
    except PemInvalidError as error:
        encrypted = "encrypted" in str(error)
        raise _RefusedError(
            key,
            f"It cannot be read: {error}.",
            "Take its password off: openssl pkey -in server.key -out plain.key, and give that file's content."
            if encrypted
            else "Paste the whole file, from the first BEGIN to the last END; line breaks may be lost.",
        ) from None


def _certificates(text: str, key: str) -> list[x509.Certificate]:
    if not text.strip():
        return []
    found = []
    for block in _blocks(text, key):
        if block.label.endswith("PRIVATE KEY"):
            raise _RefusedError(
                key,
                "There is a private key in it, where everybody may look.",
                f"Give the key as {KEY} only; a key that others have seen should be replaced.",
            )
        if block.label not in ("CERTIFICATE", "X509 CERTIFICATE"):
            raise _RefusedError(
                key,
                f"It holds a {block.label.lower()}, not a certificate.",
                "Give certificates only, each beginning with -----BEGIN CERTIFICATE-----.",
            )
        try:
            found.append(read_certificate(block))
        except UnreadableError:
            raise _RefusedError(
                key,
                f"Certificate {len(found) + 1} in it is malformed.",
                "Paste the certificate again, whole, in PEM.",
            ) from None
    return found


def _server(found: Sequence[x509.Certificate], key: Key) -> x509.Certificate:
    for each in found:
        if belong_together(each, key):
            return each
    raise _RefusedError(
        KEY,
        f"The key is not that of the certificate {chains.named(found[0])}.",
        "Give the key that this certificate was asked for with, or the certificate of this key.",
    )


def _check_key(key: Key) -> None:
    if isinstance(key, rsa.RSAPrivateKey) and key.key_size < _BITS:
        raise _RefusedError(
            KEY,
            f"An RSA key of {key.key_size} bits can be broken; clients refuse it.",
            "Make a key of 2048 bits or more, or one on the curve P-256, and have it signed.",
        )
    if isinstance(key, ec.EllipticCurvePrivateKey) and not isinstance(key.curve, _CURVES):
        raise _RefusedError(
            KEY,
            f"Clients do not know the curve {key.curve.name}.",
            "Make a key on the curve P-256, P-384 or P-521, and have it signed.",
        )


def _check_server(server: x509.Certificate, now: datetime) -> None:
    _check_time(server, CERTIFICATE, now)
    _check_signature(server, CERTIFICATE)
    if not serves(server):
        raise _RefusedError(
            CERTIFICATE, "It is not for servers: its extended key usage lacks serverAuth.", _ANOTHER
        )


def _check_chain(server: x509.Certificate, chain: chains.Chain, now: datetime) -> None:
    for each in chain.path:
        _check_time(each, CHAIN, now)
        if not chains.is_root(each):
            _check_signature(each, CHAIN)
        if not is_authority(each):
            raise _RefusedError(
                CHAIN,
                f"{chains.named(each)} may not sign other certificates, so clients refuse "
                f"{chains.named(server)}.",
                "Give the certificates of the authorities, as the authority publishes them.",
            )


def _check_time(certificate: x509.Certificate, key: str, now: datetime) -> None:
    begins, ends = certificate.not_valid_before_utc, certificate.not_valid_after_utc
    if now >= ends:
        raise _RefusedError(
            key,
            f"{chains.named(certificate)} ended on {ends:%Y-%m-%d %H:%M} UTC.",
            f"Give its successor. (The appliance's clock says {now:%Y-%m-%d %H:%M} UTC.)",
        )
    if now < begins:
        raise _RefusedError(
            key,
            f"{chains.named(certificate)} begins on {begins:%Y-%m-%d %H:%M} UTC only.",
            f"The appliance's clock says {now:%Y-%m-%d %H:%M} UTC: mend network.ntp or the clock of the "
            "host and restart, or give a certificate that is valid today.",
        )


def _check_signature(certificate: x509.Certificate, key: str) -> None:
    if isinstance(certificate.signature_hash_algorithm, _FORGEABLE):
        name = certificate.signature_hash_algorithm.name.upper()
        raise _RefusedError(
            key, f"{chains.named(certificate)} is signed with {name}; clients refuse that.", _ANOTHER
        )


def _warnings(server: x509.Certificate, key: Key, chain: chains.Chain, now: datetime) -> list[Problem]:
    found = []
    for each in (server, *chain.path):
        if each.not_valid_after_utc - now < WARNED:
            days = (each.not_valid_after_utc - now).days
            where = CERTIFICATE if each is server else CHAIN
            message = f"{chains.named(each)} ends in {days} days, on {each.not_valid_after_utc:%Y-%m-%d}."
            remedy = "Give its successor in the properties and restart the appliance."
            found.append(Problem(where, message, remedy, warning=True))
    if not chain.path and not chains.is_root(server):
        found.append(
            Problem(
                CHAIN,
                f"The authority {server.issuer.rfc4514_string()} is not given: clients that do not know it "
                "already cannot fetch it from the registry.",
                "Give the authorities up to the root.",
                warning=True,
            )
        )
    if chain.others:
        left = ", ".join(chains.named(each) for each in chain.others)
        message = f"These have not signed the certificate, and are left out: {left}."
        found.append(Problem(CHAIN, message, "Take them out.", warning=True))
    usage = key_usage(server)
    if usage is not None and not usage.digital_signature:
        message = "Its key usage lacks digitalSignature; browsers may refuse it."
        found.append(Problem(CERTIFICATE, message, _ANOTHER, warning=True))
    if isinstance(key, ed25519.Ed25519PrivateKey):
        message = "Browsers do not know Ed25519: they cannot open the portal."
        remedy = "Use a key on the curve P-256, or RSA, if people are to use the portal."
        found.append(Problem(KEY, message, remedy, warning=True))
    return found


def _uncovered(server: x509.Certificate, names: Names) -> list[Problem]:
    if any(covers(server, host) for host in names.hosts) or names.addresses & {*addresses(server)}:
        return []
    if not names.hosts and not names.complete:
        return []
    wanted = (
        ", ".join((*sorted(names.hosts), *map(str, sorted(names.addresses, key=str)))) or "this appliance"
    )
    message = f"It is not for {wanted}: clients will refuse it under that name."
    remedy = "Give a certificate with the name among its subject alternative names, or mend network.hostname."
    return [Problem(CERTIFICATE, message, remedy, warning=True)]
