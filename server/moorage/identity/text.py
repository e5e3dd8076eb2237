"""Text from outside, before it comes near a column."""

import re

from moorage.identity.errors import AccountInvalidError

MAX_TEXT = 255

_unstorable = re.compile("[\0\ud800-\udfff]").search
_unprintable = re.compile("[\0-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]").search


def is_storable(text: str) -> bool:
    """Whether both databases can hold it: PostgreSQL has no NUL, neither has half a surrogate pair."""
    return _unstorable(text) is None


def checked(text: str, what: str, limit: int = MAX_TEXT) -> str:
    """The same text, if it fits in one line of at most `limit` characters.

    Raises:
        AccountInvalidError: it is longer, or has a control character; `what` names it.
    """
    if len(text) > limit:
        raise AccountInvalidError(f"the {what} has more than {limit} characters")
    if _unprintable(text):
        raise AccountInvalidError(f"the {what} has a character that cannot be printed")
    return text
