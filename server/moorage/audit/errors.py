"""What can go wrong with the log."""

from moorage.errors import Invalid, Unavailable


class CursorInvalidError(Invalid):
    """A place in the log that this server did not give out."""


class AuditFullError(Unavailable):
    """The log cannot be written and no more rows can wait, so nothing unlogged may happen."""
