"""What can go wrong with the log."""

from moorage.errors import Conflict, Invalid, NotFound, Unavailable


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


class SyslogInvalidError(Invalid):
    """The settings of the syslog server cannot be used: a certificate, a key."""


class SyslogOffError(Conflict):
    """No syslog server is named in the settings."""


class LineBrokenError(Exception):
    """The connection to the syslog server is gone, or there was none.

    Attributes:
        in_order: the server closed it and had read whatever its system acknowledged.
    """

    def __init__(self, cause: str, *, in_order: bool = False) -> None:
        super().__init__(cause)
        self.in_order = in_order
