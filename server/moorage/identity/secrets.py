"""Secrets that we make: too random to guess, so a plain digest of one is safe to keep."""

import hashlib
import hmac
import secrets

#: What every personal access token begins with, so that scanners of leaked secrets find them.
ACCESS_TOKEN_PREFIX = "moor_pat_"  # noqa: S105 - a public prefix

_RANDOM_BYTES = 32


def new_secret(prefix: str = "") -> str:
    """A new secret of 256 random bits, in characters that need no quoting anywhere."""
    return prefix + secrets.token_urlsafe(_RANDOM_BYTES)


def digest_secret(secret: str) -> str:
    """What is stored of a secret: 64 hex digits of SHA-256."""
    return hashlib.sha256(secret.encode("utf-8", "surrogatepass")).hexdigest()


def matches(digest: str, secret: str) -> bool:
    """Whether `digest` is that of `secret`, in a time that does not tell how much of it is."""
    return hmac.compare_digest(digest, digest_secret(secret))
