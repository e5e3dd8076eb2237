"""What can go wrong when a setting is changed."""

from moorage.errors import Denied, Invalid


class SettingUnknownError(Invalid):
    """There is no setting of that name."""


class SettingInvalidError(Invalid):
    """A value that the setting cannot have."""


class SettingFixedError(Denied):
    """The setting says what this registry is, or comes from the configuration file; nobody sets it here."""
