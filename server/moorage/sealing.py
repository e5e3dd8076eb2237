"""Secrets that must be read back, such as the password of a service account, as they lie in the database.

AES-256-GCM with a key from a file beside the signing keys: whoever has the database or a copy of it alone
has none of them. A sealed text names its version, is bound to what it is for, and cannot be moved.
"""

import base64
import os

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from moorage.errors import Unavailable

KEY_BYTES = 32
_NONCE_BYTES = 12
_VERSION = "v1"


class SealBrokenError(Unavailable):
    """A sealed text that this registry's key does not open: moved, changed, or sealed with another key."""


def seal(key: bytes, text: str, purpose: str) -> str:
    """The text, readable only with the key and for the same purpose."""
    nonce = os.urandom(_NONCE_BYTES)
    sealed = AESGCM(key).encrypt(nonce, text.encode(), _bound(purpose))
    return f"{_VERSION}.{base64.urlsafe_b64encode(nonce + sealed).decode()}"


def unseal(key: bytes, sealed: str, purpose: str) -> str:
    """What was sealed.

    Raises:
        SealBrokenError: it was not sealed with this key for this purpose.
    """
    version, _, body = sealed.partition(".")
    try:
        if version != _VERSION:
            raise ValueError(version)
        content = base64.urlsafe_b64decode(body)
        return AESGCM(key).decrypt(content[:_NONCE_BYTES], content[_NONCE_BYTES:], _bound(purpose)).decode()
    except (InvalidTag, ValueError):
        raise SealBrokenError("a stored secret cannot be read with this registry's key") from None


def _bound(purpose: str) -> bytes:
    return f"moorage sealed secret\0{purpose}".encode()
