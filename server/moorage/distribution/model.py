"""Repositories and what lies in them."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from moorage.oci.descriptor import Descriptor
from moorage.oci.digest import Digest
from moorage.oci.names import RepositoryName

#: Part of its storage limit from which on a project is said to be near it.
NEAR_PERCENT = 85


@dataclass(frozen=True, slots=True)
class Repository:
    """A named collection of manifests and blobs inside a project."""

    id: int
    project_id: int
    name: RepositoryName
    description: str
    pull_count: int
    created_at: datetime
    updated_at: datetime


@dataclass(frozen=True, slots=True)
class StoredManifest:
    """A manifest as it was pushed: `body` is byte for byte what the client sent."""

    id: int
    repository_id: int
    digest: Digest
    media_type: str
    body: bytes


@dataclass(frozen=True, slots=True)
class ManifestSummary:
    """A manifest without its bytes, for lists.

    Attributes:
        config_media_type: of the config blob; empty for an index.
        size_bytes: of the manifest and everything it refers to, as its descriptors say.
    """

    id: int
    repository_id: int
    digest: Digest
    media_type: str
    artifact_type: str
    config_media_type: str
    subject: Digest | None
    size_bytes: int
    pushed_at: datetime
    pulled_at: datetime | None


@dataclass(frozen=True, slots=True)
class StoredBlob:
    """A blob that one repository holds."""

    id: int
    digest: Digest
    size_bytes: int


@dataclass(frozen=True, slots=True)
class UploadSession:
    """An upload under way.

    Attributes:
        id: 32 hex digits.
        subject: `Principal.key` of the account that opened it; nobody else may touch it.
        received_bytes: acknowledged so far, all of them durable.
        digest: of exactly those bytes, when it was taken on the way in; else None.
    """

    id: str
    repository_id: int
    subject: str
    received_bytes: int
    digest: Digest | None
    started_at: datetime
    updated_at: datetime


@dataclass(frozen=True, slots=True)
class TagEntry:
    """A tag and the manifest it names."""

    id: int
    repository_id: int
    name: str
    digest: Digest
    pushed_at: datetime
    pulled_at: datetime | None


@dataclass(frozen=True, slots=True)
class Label:
    """A word with a colour that artifacts can bear.

    Attributes:
        project_id: whose artifacts can bear it; None for those of every project.
        color: ``#`` and hex digits, or "".
    """

    id: int
    project_id: int | None
    name: str
    description: str
    color: str
    created_at: datetime
    updated_at: datetime


@dataclass(frozen=True, slots=True)
class LabelFilter:
    """Which labels a list shows.

    Attributes:
        project_id: None for everybody's labels.
        name: the whole name; "" for any.
        part: a part of the name, whatever its case; "" for any.
    """

    project_id: int | None = None
    name: str = ""
    part: str = ""


@dataclass(frozen=True, slots=True)
class PutResult:
    """What a manifest push came to.

    Attributes:
        subject: the manifest that this one refers to as its subject.
        created: False when the repository had the manifest before.
    """

    digest: Digest
    subject: Digest | None
    created: bool


@dataclass(frozen=True, slots=True)
class IndexEntry:
    """A line of an index.

    Attributes:
        child_id: of the manifest it names; None when that is absent (sparse) or no manifest.
    """

    parent_id: int
    child_id: int | None
    descriptor: Descriptor


@dataclass(frozen=True, slots=True)
class ProjectUsage:
    """How much a project holds, and how much it may.

    Attributes:
        owner_id: 0 when the owner's account is gone.
        limit_bytes: -1 when there is no limit.
        updated_at: when the limit was last set.
    """

    project_id: int
    name: str
    owner_id: int
    owner_name: str
    limit_bytes: int
    used_bytes: int
    created_at: datetime
    updated_at: datetime

    @property
    def used_percent(self) -> float | None:
        """The used part of the limit; None without a limit."""
        if self.limit_bytes < 0:
            return None
        return 100 * self.used_bytes / self.limit_bytes if self.limit_bytes else 100.0

    @property
    def is_near_limit(self) -> bool:
        """Whether someone should look before pushes are refused."""
        percent = self.used_percent
        return percent is not None and percent >= NEAR_PERCENT


@dataclass(frozen=True, slots=True)
class ReferrerPage:
    """Descriptors of manifests that have the same subject, ordered by digest.

    Attributes:
        next: pass it as `last` to get the following page; None when this was the last one.
    """

    descriptors: tuple[Mapping[str, object], ...]
    next: Digest | None


@dataclass(frozen=True, slots=True, order=True)
class ManifestKey:
    """What a manifest is called in the whole registry."""

    repository: RepositoryName
    digest: Digest


@dataclass(frozen=True, slots=True)
class ManifestFacts:
    """What speaks for and against keeping a manifest.

    Attributes:
        size_bytes: of its body.
        tagged: whether a tag names it.
        parent_id: of one index that lists it; None when none does.
        subject_id: of the manifest it is about, if the repository has that.
        held_until: when the last hold on it ends.
    """

    id: int
    key: ManifestKey
    size_bytes: int
    pushed_at: datetime
    pulled_at: datetime | None
    tagged: bool
    parent_id: int | None
    subject_id: int | None
    held_until: datetime | None


@dataclass(frozen=True, slots=True)
class BlobFacts:
    """What speaks for and against keeping a blob.

    Attributes:
        id: None when there is no row of it.
        size_bytes: by its row, else of its file; None when there is neither.
        kept: whether a repository holds it for good.
        expired: how many repositories hold it by a lease that is over.
        next_end: when the first of the other leases ends.
        last_end: when the last of them ends.
    """

    id: int | None
    digest: Digest
    size_bytes: int | None
    kept: bool
    expired: int
    next_end: datetime | None
    last_end: datetime | None

    @classmethod
    def absent(cls, digest: Digest) -> "BlobFacts":
        """A blob without a row."""
        return cls(None, digest, None, False, 0, None, None)
