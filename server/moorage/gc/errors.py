"""What can go wrong with garbage collection."""

from moorage.errors import Invalid


class PlanInvalidError(Invalid):
    """The file is not a plan that a dry run wrote."""
