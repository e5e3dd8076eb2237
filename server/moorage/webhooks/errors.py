"""What can go wrong with webhooks."""

from moorage.errors import Conflict, Invalid, NotFound


class WebhookUnknownError(NotFound):
    """The project has no such policy, or the policy no such delivery."""


class WebhookExistsError(Conflict):
    """The project has a policy of that name."""


class WebhookInvalidError(Invalid):
    """A policy that breaks the rules for it."""
