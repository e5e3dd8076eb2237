"""What can go wrong with scanners."""

from moorage.errors import Conflict, Invalid, NotFound, Unavailable


class ScannerUnknownError(NotFound):
    """There is no such registration, or a project has no scanner."""


class ScannerExistsError(Conflict):
    """A registration has that name, or that address."""


class ScannerDisabledError(Conflict):
    """A registration that is switched off cannot be what is asked of it."""


class ScannerInvalidError(Invalid):
    """A registration that breaks the rules for it."""


class ScannerAwayError(Unavailable):
    """A scanner does not answer as one; the message says how."""
