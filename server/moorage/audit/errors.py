"""What can go wrong with the log."""

from moorage.errors import Invalid, NotFound, Unavailable


class CursorInvalidError(Invalid):
    """A place in the log that this server did not give out."""


class AuditFullError(Unavailable):
    """The log cannot be written and no more rows can wait, so nothing unlogged may happen."""


class PurgeInvalidError(Invalid):
    """What a purge was asked for makes no sense."""


class ArchiveFailedError(Unavailable):
    """Entries cannot be written to the archive, so they stay in the log."""


class ArchiveUnknownError(NotFound):
    """There is no such file in the archive."""
