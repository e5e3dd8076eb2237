"""What can go wrong with retention."""

from moorage.errors import Conflict, Invalid, NotFound


class RetentionUnknownError(NotFound):
    """No such policy, or the caller may not know of it."""


class RetentionExistsError(Invalid):
    """The project has a policy already; Harbor calls this a bad request."""


class RetentionInvalidError(Invalid):
    """A policy that breaks the rules for it."""


class RuleRepeatedError(Conflict):
    """Two rules of a policy say the same."""
