"""The first administrator's password where nobody gave one: it lies in a file until it is changed."""

import logging
import os
from pathlib import Path

FIRST_ADMINISTRATOR = "admin"
PASSWORD_FILE = "admin-password"  # noqa: S105 - the name of a file, not a password

_log = logging.getLogger(__name__)


class MadeUpPassword:
    """The file with it.

    Args:
        folder: the data folder.
    """

    def __init__(self, folder: Path) -> None:
        self._path = folder / PASSWORD_FILE

    def keep(self, password: str) -> None:
        """Write it down for its owner's eyes alone."""
        self._path.unlink(missing_ok=True)
        descriptor = os.open(self._path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o600)
        with os.fdopen(descriptor, "w") as file:
            file.write(password + "\n")
            file.flush()
            os.fsync(file.fileno())

    def changed(self, name: str) -> None:
        """The password of the account `name` is another one now: what the file says is wrong from here on.

        Called after the change is durable, never before: the file may be the only copy. A file that cannot
        be removed is told to the log; the password is changed all the same.
        """
        if name != FIRST_ADMINISTRATOR:
            return
        try:
            self._path.unlink(missing_ok=True)
        except OSError as error:
            _log.warning("%s holds an old password and cannot be removed: %s", self._path, error)
