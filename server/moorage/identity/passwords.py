"""Passwords: the only file that knows how they are hashed.

Argon2id takes passwords of any length whole. Text is put into Unicode's composed form first, as
RFC 8265 section 4.2 has it, because keyboards differ in how they send the same letter.
"""

import unicodedata

from passlib.context import CryptContext
from passlib.exc import PasslibSecurityError

from moorage.identity.errors import AccountInvalidError
from moorage.identity.secrets import ACCESS_TOKEN_PREFIX
from moorage.identity.text import is_storable

MIN_LENGTH = 8
MAX_LENGTH = 256

# 19 MiB, two passes, one lane: about 30 ms of one core, so that a login storm cannot take the memory.
_CONTEXT = CryptContext(
    schemes=["argon2"],
    argon2__type="ID",
    argon2__memory_cost=19456,
    argon2__rounds=2,
    argon2__parallelism=1,
)
# Else the first login would load it, and of two first logins at once one would fail.
_CONTEXT.handler("argon2").set_backend()


def check_strength(password: str) -> None:
    """Whether a new password is good enough: length, and a lower, an upper-case letter and a digit.

    Raises:
        AccountInvalidError: it is not; the message says what is missing, and never the password.
    """
    if not MIN_LENGTH <= len(password) <= MAX_LENGTH:
        raise AccountInvalidError(f"a password has {MIN_LENGTH} to {MAX_LENGTH} characters")
    if not is_storable(password):
        raise AccountInvalidError("the password has a character that cannot be typed")
    if password.startswith(ACCESS_TOKEN_PREFIX):
        raise AccountInvalidError(f"a password cannot begin with {ACCESS_TOKEN_PREFIX}")
    missing = [
        what
        for what, test in (
            ("a lower-case letter", str.islower),
            ("an upper-case letter", str.isupper),
            ("a digit", str.isdigit),
        )
        if not any(test(letter) for letter in password)
    ]
    if missing:
        raise AccountInvalidError(f"the password needs {' and '.join(missing)}")


def hash_password(password: str) -> str:
    """The hash to store; takes tens of milliseconds, so never inside a transaction."""
    hashed: str = _CONTEXT.hash(_prepared(password))
    return hashed


def verify_password(hashed: str, password: str) -> bool:
    """Whether `password` is the one that was hashed; costs the same whatever the answer."""
    try:
        right: bool = _CONTEXT.verify(_prepared(password), hashed)
    except (ValueError, TypeError, PasslibSecurityError):  # the stored text is no hash: nobody logs in
        waste_time(password)
        return False
    return right and len(password) <= MAX_LENGTH


def needs_rehash(hashed: str) -> bool:
    """Whether it was hashed with other costs than a new one would be."""
    stale: bool = _CONTEXT.needs_update(hashed)
    return stale


def waste_time(password: str) -> None:
    """Do the work of a comparison for an account that is not there, so that a clock tells nothing."""
    _CONTEXT.hash(_prepared(password))


def _prepared(password: str) -> bytes:
    # Cut to what a password may have, so that a huge one costs no more than a short one.
    text = unicodedata.normalize("NFC", password[: MAX_LENGTH + 1])
    return text.encode("utf-8", "surrogatepass").replace(b"\0", b"\xff")
