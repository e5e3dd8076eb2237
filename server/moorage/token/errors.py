"""What can go wrong with scopes and tokens."""

from moorage.errors import Invalid, Unauthenticated


class ScopeInvalidError(Invalid):
    """The text is no scope, or there are too many of them."""


class TokenInvalidError(Unauthenticated):
    """The text is no token of ours, or not one for this use."""


class TokenExpiredError(Unauthenticated):
    """The token was good once."""
