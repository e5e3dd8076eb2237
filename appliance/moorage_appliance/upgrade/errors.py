"""What ends an upgrade, in words for whoever started it."""


class UpgradeError(Exception):
    """It could not be done; the release that ran before runs on, or runs again."""


class BundleInvalidError(UpgradeError):
    """The file is no bundle for this appliance; nothing was changed."""
