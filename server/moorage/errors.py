"""The kinds of failure; HTTP statuses for them live in one table, `web.problems`.

A capability subclasses a kind once and gives it its protocol `code`. Two levels, no more.
"""

from collections.abc import Mapping


class MoorageError(Exception):
    """Something a caller can be told about.

    Attributes:
        code: the protocol's own error code, for instance ``MANIFEST_UNKNOWN``.
        message: one sentence for a person; never holds a secret.
        detail: more, as plain JSON values, or None.
    """

    code = "UNKNOWN"

    def __init__(self, message: str = "", detail: Mapping[str, object] | None = None) -> None:
        super().__init__(message)
        self.message = message or type(self).__name__
        self.detail = detail


class NotFound(MoorageError):
    """The thing does not exist, or the caller may not know that it does."""

    code = "NOT_FOUND"


class Conflict(MoorageError):
    """The thing is there already, or is not in the state that the call needs."""

    code = "CONFLICT"


class Invalid(MoorageError):
    """The request itself is malformed."""

    code = "BAD_REQUEST"


class Denied(MoorageError):
    """The caller is known and may not do this."""

    code = "DENIED"


class Unauthenticated(MoorageError):
    """The caller must say who they are (again)."""

    code = "UNAUTHORIZED"


class PreconditionFailed(MoorageError):
    """A rule of the project, or another object that depends on this one, forbids it."""

    code = "PRECONDITION"


class RangeInvalid(MoorageError):
    """The bytes asked for, or the place where bytes should go, do not exist."""

    code = "RANGE_INVALID"


class TooLarge(MoorageError):
    """The body is larger than the limit for it."""

    code = "SIZE_INVALID"


class RateLimited(MoorageError):
    """Too many attempts.

    Attributes:
        retry_after: seconds until it is worth trying again.
    """

    code = "TOOMANYREQUESTS"

    def __init__(self, message: str = "", *, retry_after: int = 1) -> None:
        super().__init__(message)
        self.retry_after = retry_after


class Unsupported(MoorageError):
    """The operation is not offered."""

    code = "UNSUPPORTED"


class Unavailable(MoorageError):
    """A part this call needs is ill or full; the same call may work later."""

    code = "UNAVAILABLE"
