"""Repositories and what lies in them."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from moorage.oci.descriptor import Descriptor
from moorage.oci.digest import Digest
from moorage.oci.names import RepositoryName


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
class ReferrerPage:
    """Descriptors of manifests that have the same subject, ordered by digest.

    Attributes:
        next: pass it as `last` to get the following page; None when this was the last one.
    """

    descriptors: tuple[Mapping[str, object], ...]
    next: Digest | None
