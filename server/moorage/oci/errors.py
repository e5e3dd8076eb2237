"""What can go wrong with the bodies of the OCI specifications."""

from moorage.errors import Invalid, TooLarge


class ManifestInvalidError(Invalid):
    """The body is no manifest, or not the kind it was sent as."""

    code = "MANIFEST_INVALID"


class ManifestTooLargeError(TooLarge):
    """The manifest has more bytes than any may have."""
