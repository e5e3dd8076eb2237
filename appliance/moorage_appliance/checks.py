"""Single values: from the text that was filled in to what the program works with.

Each takes text without blanks around it (passwords apart) that is not empty. What is wrong is told
by `Refused` in words that never repeat the text: it may be a password in the wrong field.
"""

import base64
import binascii
import re
from collections.abc import Callable, Sequence
from ipaddress import AddressValueError, IPv4Address, IPv4Network, NetmaskValueError, ip_address
from typing import Final
from urllib.parse import urlsplit

from moorage.config.rules import database_url
from moorage_appliance import pem

_label = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?").fullmatch
_LONGEST_NAME = 253
#: What the kernel takes.
_LONGEST_HOSTNAME = 64
_separators = re.compile(r"[\s,;]+")
_url_letters = re.compile(r"[!-~]+").fullmatch
_pairs = re.compile(r"[:\s-]")
_sha256 = re.compile(r"[0-9a-f]{64}").fullmatch
_SHA1_DIGITS = 40
_WORDS: Final = {
    "true": True,
    "yes": True,
    "on": True,
    "1": True,
    "false": False,
    "no": False,
    "off": False,
    "0": False,
}
_KEY_TYPES: Final = (
    "ssh-ed25519",
    "ssh-rsa",
    "ecdsa-sha2-nistp256",
    "ecdsa-sha2-nistp384",
    "ecdsa-sha2-nistp521",
    "sk-ssh-ed25519@openssh.com",
    "sk-ecdsa-sha2-nistp256@openssh.com",
)
_key_begins = re.compile(rf"(?:^|(?<=\s))(?={'|'.join(map(re.escape, _KEY_TYPES))})")
_PREFIX_BITS = 32
_SMALLEST_PREFIX = 1


class Refused(Exception):
    """A value that cannot be used.

    Attributes:
        remedy: how to mend it.
    """

    def __init__(self, message: str, remedy: str) -> None:
        self.remedy = remedy
        super().__init__(message)


def flag(text: str) -> bool:
    """A truth value, however vSphere's clients write it."""
    try:
        return _WORDS[text.lower()]
    except KeyError:
        raise Refused("is neither True nor False", "Choose True or False.") from None


def whole(text: str, least: int, most: int) -> int:
    """A whole number of a range."""
    remedy = f"Give a whole number from {least} to {most}."
    if not (text.isascii() and text.isdigit()) or len(text) > len(str(most)) + 3:
        raise Refused("is no whole number", remedy)
    number = int(text)
    if not least <= number <= most:
        raise Refused("is out of range", remedy)
    return number


def port(text: str) -> int:
    """A port."""
    return whole(text, 1, 65535)


def address(text: str) -> tuple[IPv4Address, int | None]:
    """An IPv4 address of a machine, with the prefix if one follows it (192.0.2.10/24)."""
    remedy = "Give an address such as 192.0.2.10."
    host, slash, length = text.partition("/")
    found = _ipv4(host, remedy)
    if found.is_loopback or found.is_multicast or found.is_unspecified or found.is_reserved:
        raise Refused("is no address of a machine in a network", remedy)
    return found, prefix(length) if slash else None


def gateway(text: str) -> IPv4Address:
    """The address of a router."""
    return address(text)[0] if "/" not in text else _ipv4(text, "Give an address such as 192.0.2.1.")


def prefix(text: str) -> int:
    """A netmask as 255.255.255.0, 24 or /24."""
    text = text.removeprefix("/")
    if text.isascii() and text.isdigit():
        return whole(text, _SMALLEST_PREFIX, _PREFIX_BITS)
    remedy = "Give a netmask such as 255.255.255.0, or a length such as 24."
    try:
        mask = int(IPv4Address(text))
        found = IPv4Network(f"0.0.0.0/{text}").prefixlen
    except (AddressValueError, NetmaskValueError, ValueError):
        raise Refused("is no netmask", remedy) from None
    # The other way round (0.0.0.255) it would be taken as well.
    if found < _SMALLEST_PREFIX or mask != int(IPv4Network(f"0.0.0.0/{found}").netmask):
        raise Refused("is no netmask", remedy)
    return found


def name(text: str) -> str:
    """A DNS name (RFC 1123, section 2.1) in small letters; a dot at its end is taken off."""
    text = text.removesuffix(".")
    if len(text) > _LONGEST_NAME or not all(map(_label, text.split("."))):
        raise Refused(
            "is no DNS name",
            "Give a name of letters, digits and hyphens between dots, such as registry.example.com.",
        )
    if text.rpartition(".")[2].isdigit():
        raise Refused("is a number, not a name", "Give a name such as registry.example.com.")
    return text.lower()


def hostname(text: str) -> str:
    """The name of this machine."""
    found = name(text)
    if found == "localhost" or found.endswith((".localhost", ".localdomain")):
        raise Refused(
            "is what every machine calls itself", "Give the name by which clients reach the registry."
        )
    if len(found) > _LONGEST_HOSTNAME:
        raise Refused(f"has more than {_LONGEST_HOSTNAME} letters", "Give a shorter name.")
    return found


def host(text: str) -> str:
    """A DNS name or an address."""
    try:
        return str(ip_address(text.removeprefix("[").removesuffix("]")))
    except ValueError:
        return name(text)


def addresses(text: str) -> tuple[str, ...]:
    """Addresses with blanks or commas between them, each once."""
    return _each(text, _address, "Give addresses such as 192.0.2.53 with blanks between them.")


def names(text: str) -> tuple[str, ...]:
    """DNS names with blanks or commas between them."""
    return _each(text, name, "Give domains such as example.com with blanks between them.")


def hosts(text: str) -> tuple[str, ...]:
    """DNS names or addresses with blanks or commas between them."""
    return _each(text, host, "Give names or addresses with blanks between them.")


def exceptions(text: str) -> tuple[str, ...]:
    """What is not reached through a proxy; no more is asked of it than that it fits into an environment."""
    found = tuple(part for part in _separators.split(text) if part)
    if not all(map(_url_letters, found)):
        raise Refused(
            "has letters that are in no name", "Give names, domains and addresses with commas between."
        )
    return found


def proxy(text: str) -> str:
    """The URL of a proxy, maybe with an account; http:// is added where it is missing."""
    remedy = "Give a URL such as http://proxy.example.com:3128; write / ? # @ : in a password as %XX."
    if "://" not in text:
        text = f"http://{text}"
    if _url_letters(text) is None or '"' in text or "\\" in text:
        raise Refused("has letters that are in no URL", remedy)
    try:
        parts = urlsplit(text)
        port = parts.port
    except ValueError:
        raise Refused("has a malformed host or port", remedy) from None
    if parts.scheme not in {"http", "https"} or not parts.hostname or port == 0:
        raise Refused("does not begin with http:// or https:// and a host", remedy)
    if parts.path not in {"", "/"} or parts.query or parts.fragment:
        raise Refused("has more than scheme, account, host and port", remedy)
    return text.removesuffix("/")


def postgresql(text: str) -> str:
    """The URL of a database on a PostgreSQL server."""
    remedy = "Give postgresql://account:password@host:5432/name; write / ? # [ ] @ : in a password as %XX."
    if not text.startswith(("postgresql://", "postgres://")):
        raise Refused("does not begin with postgresql://", remedy)
    try:
        return database_url(text)
    except ValueError as error:
        raise Refused(str(error), remedy) from None


def thumbprint(text: str) -> str:
    """SHA-256 of a certificate: 64 digits in small letters, however they were separated."""
    remedy = "Give the SHA-256 thumbprint: 32 pairs of hexadecimal digits."
    found = _pairs.sub("", text).lower()
    if len(found) == _SHA1_DIGITS:
        raise Refused("is a SHA-1 thumbprint, which can be forged", remedy)
    if _sha256(found) is None:
        raise Refused("is no SHA-256 thumbprint", remedy)
    return found


def ssh_keys(text: str) -> tuple[str, ...]:
    """Public keys for `authorized_keys`; of several on one line each begins with its type."""
    remedy = "Give public keys such as ssh-ed25519 AAAA... name, without options in front of them."
    found = [" ".join(part.split()) for line in text.splitlines() for part in _key_begins.split(line)]
    keys = tuple(each for each in found if each and not each.startswith("#"))
    if not keys:
        raise Refused("holds no key", remedy)
    for key in keys:
        kind, _, rest = key.partition(" ")
        if kind not in _KEY_TYPES:
            raise Refused("has a line that is no public key", remedy)
        if not key.isprintable() or not _is_of(kind, rest.partition(" ")[0]):
            raise Refused("has a key that is damaged or cut off", remedy)
    return keys


def certificates(text: str) -> str:
    """Certificates in PEM, wrapped anew."""
    remedy = "Paste the certificate in PEM with its lines BEGIN CERTIFICATE and END CERTIFICATE."
    found = _pem(text, remedy)
    if any(block.label != "CERTIFICATE" for block in found):
        raise Refused("holds something else than certificates", remedy)
    return "".join(block.text for block in found)


def password(text: str) -> str:
    """A password that can be typed."""
    if not text.isprintable():
        raise Refused("has a character that cannot be typed", "Choose another one.")
    return text


def admin_password(text: str) -> str:
    """A password that the registry takes for its administrator."""
    password(text)
    if not (any(map(str.islower, text)) and any(map(str.isupper, text)) and any(map(str.isdigit, text))):
        message = "has no small letter, no capital or no digit"
        raise Refused(message, "Choose one with a small letter, a capital and a digit.")
    return text


def _pem(text: str, remedy: str) -> Sequence[pem.Block]:
    try:
        return pem.blocks(text)
    except pem.PemInvalidError as error:
        raise Refused(f"cannot be used: {error}", remedy) from None


def _is_of(kind: str, body: str) -> bool:
    """Whether a key's body says the type in front of it (RFC 4253, section 6.6)."""
    try:
        raw = base64.b64decode(body, validate=True)
    except (binascii.Error, ValueError):
        return False
    start = len(kind).to_bytes(4, "big") + kind.encode()
    return raw.startswith(start) and len(raw) > len(start) + 32


def _ipv4(text: str, remedy: str) -> IPv4Address:
    try:
        return IPv4Address(text)
    except AddressValueError:
        raise Refused("is no IPv4 address", remedy) from None


def _address(text: str) -> str:
    try:
        return str(ip_address(text))
    except ValueError:
        raise Refused("is no address", "") from None


def _each(text: str, check: Callable[[str], str], remedy: str) -> tuple[str, ...]:
    try:
        return tuple(dict.fromkeys(check(part) for part in _separators.split(text) if part))
    except Refused:
        raise Refused("has an entry that is none of these", remedy) from None
