"""Copies: a manifest and everything that belongs to it, from one repository to another, no byte moved."""

from dataclasses import dataclass

from moorage.distribution.details import Details
from moorage.distribution.errors import ManifestBlobUnknownError
from moorage.distribution.manifests import Manifests
from moorage.distribution.model import ManifestSummary, StoredManifest
from moorage.distribution.tags import Tags
from moorage.distribution.uploads import Uploads
from moorage.events import Actor
from moorage.oci.digest import Digest
from moorage.oci.manifest import ImageIndex, parse_manifest
from moorage.oci.names import RepositoryName, Tag

#: Indexes inside each other, and things attached to what is attached; what lies deeper stays behind.
_DEEPEST = 8


@dataclass(frozen=True, slots=True)
class Route:
    """From where to where, and for whom."""

    actor: Actor
    source: RepositoryName
    project_id: int
    target: RepositoryName


class Copies:
    """Links blobs into another repository and puts the manifests there under the same digests.

    The children of an index come first and the tag last, so that a copy that breaks off leaves
    nothing under a name that is not whole. Signatures and whatever else is attached come along.
    """

    def __init__(self, manifests: Manifests, tags: Tags, uploads: Uploads, details: Details) -> None:
        self._manifests = manifests
        self._tags = tags
        self._uploads = uploads
        self._details = details

    def copy(self, route: Route, reference: Tag | Digest) -> Digest:
        """Copy what `reference` names in the source; a tag is made, or moved, in the target too.

        Whether the caller may pull from the source is for the caller of this method to check.

        Returns:
            The digest of the copy.

        Raises:
            NameUnknownError: there is no such source, or no such project any more.
            ManifestUnknownError: the source has no such manifest.
            ManifestBlobUnknownError: it lacks content that the manifest needs.
            ImmutableTagError: the target's tag names another manifest, and is to stay so.
        """
        found = self._manifests.get(route.source, reference)
        if not isinstance(reference, Digest):
            self._tags.check_movable(route.project_id, route.target, reference, found.digest)
        self._bring(route, found, _DEEPEST)
        if not isinstance(reference, Digest):
            self._tags.put(route.actor, route.project_id, route.target, reference, found.digest)
        return found.digest

    def _bring(self, route: Route, stored: StoredManifest, depth: int) -> None:
        parsed = parse_manifest(stored.body, stored.media_type)
        if isinstance(parsed, ImageIndex):
            self._bring_children(route, stored, depth)
        else:
            for needed in parsed.required_blobs:
                self._bring_blob(route, needed.digest)
        self._manifests.put(
            route.actor, route.project_id, route.target, stored.digest, stored.media_type, stored.body
        )
        if depth:
            for attached in self._attached(route, stored):
                self._bring(route, self._manifests.get(route.source, attached.digest), depth - 1)

    def _bring_children(self, route: Route, index: StoredManifest, depth: int) -> None:
        for entry in self._manifests.children(index.id):
            if entry.child_id is None:
                continue  # a sparse index stays sparse
            if not depth:
                raise ManifestBlobUnknownError.of([entry.descriptor.digest])
            self._bring(route, self._manifests.get(route.source, entry.descriptor.digest), depth - 1)

    def _bring_blob(self, route: Route, digest: Digest) -> None:
        mounted = self._uploads.mount(
            route.actor, route.project_id, route.target, digest, route.source, lambda project_id: True
        )
        if mounted is None:
            raise ManifestBlobUnknownError.of([digest])

    def _attached(self, route: Route, stored: StoredManifest) -> list[ManifestSummary]:
        summary = self._manifests.find_summary(route.source, stored.digest)
        return [] if summary is None else self._details.attached([summary]).get(summary.id, [])
