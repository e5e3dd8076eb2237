"""What can go wrong in the registry: a class for each code (distribution-spec 1.1.1, "Error codes")."""

from collections.abc import Iterable, Mapping

from moorage.errors import Conflict, Invalid, NotFound, RangeInvalid, RateLimited, Unavailable, Unsupported
from moorage.oci.digest import Digest
from moorage.oci.names import RepositoryName


class NameUnknownError(NotFound):
    """The registry has no such repository."""

    code = "NAME_UNKNOWN"

    @classmethod
    def of(cls, name: RepositoryName) -> "NameUnknownError":
        """The error for a repository's name."""
        return cls(f"there is no repository {name}", {"name": str(name)})


class BlobUnknownError(NotFound):
    """The repository does not hold the blob, or the blob's file is damaged."""

    code = "BLOB_UNKNOWN"

    @classmethod
    def of(cls, digest: Digest) -> "BlobUnknownError":
        """The error for a digest."""
        return cls("the repository does not hold this blob", {"digest": str(digest)})


class BlobUploadUnknownError(NotFound):
    """No such upload session here, or it belongs to someone else."""

    code = "BLOB_UPLOAD_UNKNOWN"


class BlobUploadInvalidError(Invalid):
    """The upload session is damaged, or the body was not handed over as it must be."""

    code = "BLOB_UPLOAD_INVALID"


class DigestMismatchError(Invalid):
    """The content does not have the digest that the client promised."""

    code = "DIGEST_INVALID"

    @classmethod
    def between(cls, promised: Digest, actual: Digest) -> "DigestMismatchError":
        """The error for content that has another digest than promised."""
        return cls(
            "the content does not have the promised digest",
            {"promised": str(promised), "actual": str(actual)},
        )


class SizeMismatchError(Invalid):
    """The content does not have the length that was promised."""

    code = "SIZE_INVALID"


class ManifestUnknownError(NotFound):
    """The repository has no such manifest or tag."""

    code = "MANIFEST_UNKNOWN"

    @classmethod
    def of(cls, reference: str | Digest) -> "ManifestUnknownError":
        """The error for a tag or a digest."""
        return cls("there is no such manifest", {"reference": str(reference)})


class ManifestBlobUnknownError(NotFound):
    """A manifest refers to blobs or manifests that the repository does not hold."""

    code = "MANIFEST_BLOB_UNKNOWN"

    @classmethod
    def of(cls, missing: Iterable[Digest]) -> "ManifestBlobUnknownError":
        """The error that names everything missing."""
        digests = [str(digest) for digest in missing]
        return cls("the manifest refers to content that is not in this repository", {"digests": digests})


class ManifestInUseError(Unsupported):
    """An index lists the manifest."""


class TagMovedError(Conflict):
    """The tag names another manifest than the caller looked at, or was pushed since."""


class ManifestTaggedError(Conflict):
    """A tag names the manifest, which the caller took for untagged."""


class BlobInUseError(Unsupported):
    """A manifest of the repository needs the blob."""


class ListTooWideError(Invalid):
    """A list cannot be asked for this with so much in it."""


class ContentUnreadableError(Invalid):
    """What an artifact holds is damaged, or larger than what is looked through."""


class LabelUnknownError(NotFound):
    """No such label, or not one for this project, or not on this artifact."""


class LabelExistsError(Conflict):
    """The project, or everybody, has a label of that name."""


class LabelAddedError(Conflict):
    """The artifact bears the label."""


class LabelInvalidError(Invalid):
    """A label that breaks the rules for it."""


class UploadRangeError(RangeInvalid):
    """The chunk does not begin where the upload stands.

    Attributes:
        offset: where it stands: how many bytes were received, which is where the next one belongs.
    """

    code = "BLOB_UPLOAD_INVALID"

    def __init__(
        self, message: str = "", detail: Mapping[str, object] | None = None, *, offset: int = 0
    ) -> None:
        super().__init__(message, detail)
        self.offset = offset

    @classmethod
    def at(cls, offset: int) -> "UploadRangeError":
        """The error for an upload of which `offset` bytes were received."""
        return cls("the chunk does not begin where the upload stands", {"received": offset}, offset=offset)


class StorageFullError(Unavailable):
    """There is no room on the disk (or its quota is used up); nothing was changed."""


class TooManyUploadsError(RateLimited):
    """The account has too many uploads open."""
