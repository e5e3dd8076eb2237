"""The ``Authorization`` header, read strictly."""

import base64
import binascii
from dataclasses import dataclass, field

from moorage.errors import Unauthenticated

#: Longer headers are refused before anything looks at them.
MAX_HEADER = 17 * 1024
_MAX_PART = 1024


class CredentialMalformedError(Unauthenticated):
    """The header is neither Basic nor Bearer, or not well-formed."""


@dataclass(frozen=True, slots=True)
class Basic:
    """A name and a secret."""

    name: str
    password: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class Bearer:
    """A token."""

    token: str = field(repr=False)


def parse_authorization(header: str | None) -> Basic | Bearer | None:
    """Read the header; None when there is none.

    Raises:
        CredentialMalformedError: it is there and cannot be read.
    """
    if header is None:
        return None
    if len(header) > MAX_HEADER:
        raise CredentialMalformedError("the Authorization header is too long")
    scheme, _, value = header.strip().partition(" ")
    value = value.strip()
    if scheme.lower() == "bearer" and value:
        return Bearer(value)
    if scheme.lower() == "basic" and value:
        return _basic(value)
    raise CredentialMalformedError("the Authorization header is neither Basic nor Bearer")


def check_login(name: str, password: str) -> Basic:
    """A name and a password that can be looked up: not empty, not endless, no control characters.

    Raises:
        CredentialMalformedError: they are not.
    """
    if not name or len(name) > _MAX_PART or len(password) > _MAX_PART:
        raise CredentialMalformedError("the name or the password is empty or too long")
    if not name.isprintable() or "\0" in password:
        raise CredentialMalformedError("the name or the password has control characters")
    return Basic(name, password)


def _basic(value: str) -> Basic:
    try:
        text = base64.b64decode(value, validate=True).decode("utf-8")
    except (binascii.Error, UnicodeError, ValueError):
        raise CredentialMalformedError("the Basic credential is not base64 of UTF-8 text") from None
    name, colon, password = text.partition(":")
    if not colon:
        raise CredentialMalformedError("the Basic credential has no colon")
    return check_login(name, password)
