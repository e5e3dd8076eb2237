"""Referrers: manifests that name another one as their subject (distribution-spec, "Listing Referrers")."""

import json
from collections.abc import Iterator, Mapping

from moorage.distribution.model import ReferrerPage, StoredManifest
from moorage.distribution.store import DistributionStore
from moorage.oci.descriptor import Descriptor
from moorage.oci.digest import Digest
from moorage.oci.manifest import ImageIndex, parse_manifest
from moorage.oci.mediatypes import INDEXES
from moorage.oci.names import RepositoryName, Tag

#: An answer is an index, and no client need read a larger one.
_MOST_BYTES = 4 * 1024 * 1024
_MOST_LINES = 1000
_BATCH = 16
_TAG_HEX = 64


class Referrers:
    """Answers who refers to a manifest, which itself need not exist.

    A client that did not trust the registry to keep this list wrote one itself, an index under
    the tag ``<algorithm>-<hex>``; what it lists comes along.
    """

    def __init__(self, store: DistributionStore) -> None:
        self._store = store

    def list(
        self, repository: RepositoryName, digest: Digest, artifact_type: str | None = None
    ) -> "list[Mapping[str, object]]":
        """The first page: all of them, unless they make more than 1,000 lines or 4 MiB."""
        return [*self.page(repository, digest, artifact_type).descriptors]

    def page(
        self,
        repository: RepositoryName,
        digest: Digest,
        artifact_type: str | None = None,
        last: Digest | None = None,
    ) -> ReferrerPage:
        """Descriptors of the referrers, ordered by their digests.

        Args:
            artifact_type: only those of this type.
            last: only those after this one: `ReferrerPage.next` of the page before.
        """
        found: list[Mapping[str, object]] = []
        size = 0
        previous = last
        for one, descriptor in self._merged(repository, digest, artifact_type, last):
            size += len(json.dumps(descriptor))
            if found and (size > _MOST_BYTES or len(found) == _MOST_LINES):
                return ReferrerPage(tuple(found), previous)
            found.append(descriptor)
            previous = one
        return ReferrerPage(tuple(found), None)

    def _merged(
        self, repository: RepositoryName, subject: Digest, artifact_type: str | None, last: Digest | None
    ) -> "Iterator[tuple[Digest, Mapping[str, object]]]":
        """Those the registry knows and those of the fallback tag, each once, in order."""
        extra = self._by_tag(repository, subject, artifact_type)
        waiting = sorted(digest for digest in extra if last is None or digest > last)
        for manifest, kind in self._by_subject(repository, subject, artifact_type, last):
            while waiting and waiting[0] < manifest.digest:
                digest = waiting.pop(0)
                yield digest, extra[digest]
            if waiting and waiting[0] == manifest.digest:
                waiting.pop(0)
            yield manifest.digest, _describe(manifest, kind)
        for digest in waiting:
            yield digest, extra[digest]

    def _by_subject(
        self, repository: RepositoryName, subject: Digest, artifact_type: str | None, last: Digest | None
    ) -> "Iterator[tuple[StoredManifest, str]]":
        while batch := self._store.manifests.referring(repository, subject, artifact_type, last, _BATCH):
            yield from batch
            last = batch[-1][0].digest

    def _by_tag(
        self, repository: RepositoryName, subject: Digest, artifact_type: str | None
    ) -> dict[Digest, Mapping[str, object]]:
        tag = Tag(f"{subject.algorithm}-{subject.hex[:_TAG_HEX]}")
        stored = self._store.manifests.by_tag(repository, tag)
        if stored is None or stored.media_type not in INDEXES:
            return {}
        index = parse_manifest(stored.body, stored.media_type)
        if not isinstance(index, ImageIndex):
            return {}
        present = self._store.manifests.child_ids(stored.id)
        return {
            line.digest: _describe_line(line)
            for line in index.manifests
            if line.digest in present and artifact_type in (None, line.artifact_type)
        }


def _describe(manifest: StoredManifest, artifact_type: str) -> Mapping[str, object]:
    body = json.loads(manifest.body)
    return _descriptor(
        manifest.media_type, manifest.digest, len(manifest.body), artifact_type, body.get("annotations")
    )


def _describe_line(line: Descriptor) -> Mapping[str, object]:
    return _descriptor(line.media_type, line.digest, line.size, line.artifact_type, line.annotations)


def _descriptor(
    media_type: str, digest: Digest, size: int, artifact_type: str, annotations: Mapping[str, str] | None
) -> Mapping[str, object]:
    found: dict[str, object] = {"mediaType": media_type, "digest": str(digest), "size": size}
    if artifact_type:
        found["artifactType"] = artifact_type
    if annotations:
        found["annotations"] = dict(annotations)
    return found
