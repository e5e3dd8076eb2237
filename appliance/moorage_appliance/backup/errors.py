"""What ends a backup or a restore, in words for whoever started it."""


class BackupError(Exception):
    """It could not be done; what was there before is as it was."""


class WrongBytesError(BackupError):
    """Bytes that are not what their digest says."""


class SourceUnreadableError(BackupError):
    """What is to be copied is missing or cannot be read."""
