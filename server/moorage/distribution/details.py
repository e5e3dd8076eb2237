"""What stands beside each manifest of a list: its annotations, the lines of an index, what is attached.

A page of a list costs as many statements as an empty one.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field

from moorage.distribution.detail_store import DetailStore
from moorage.distribution.model import IndexEntry, ManifestSummary, StoredManifest
from moorage.oci.descriptor import Descriptor
from moorage.oci.digest import Digest
from moorage.oci.errors import ManifestInvalidError
from moorage.oci.manifest import MAX_MANIFEST_BYTES, ImageIndex, parse_manifest

#: Bodies above this size are left out of lists, so that a page never takes a gigabyte.
LISTED_BYTES = 64 * 1024
#: Attached manifests shown in a list; asking for one manifest's own shows the others.
LISTED_ATTACHED = 1000


@dataclass(frozen=True, slots=True)
class Detail:
    """What the body of a manifest says, and what it does not.

    Attributes:
        entries: the lines of an index; empty for any other manifest.
        config, layers: None and empty for an index.
    """

    annotations: Mapping[str, str] = field(default_factory=dict)
    entries: tuple[IndexEntry, ...] = ()
    config: Descriptor | None = None
    layers: tuple[Descriptor, ...] = ()


NOTHING = Detail()


class Details:
    """Reads what lists of manifests do not hold."""

    def __init__(self, store: DetailStore) -> None:
        self._store = store

    def of(self, manifests: Collection[ManifestSummary], most_bytes: int = LISTED_BYTES) -> dict[int, Detail]:
        """The details of each manifest by its number; those over `most_bytes` are left out."""
        stored = self._store.bodies([each.id for each in manifests], most_bytes)
        children = self._store.child_ids(list(stored))
        return {number: _detail(one, children.get(number, {})) for number, one in stored.items()}

    def of_one(self, manifest: ManifestSummary) -> Detail:
        """The details of one manifest, however large."""
        return self.of([manifest], MAX_MANIFEST_BYTES).get(manifest.id, NOTHING)

    def attached(
        self, manifests: Sequence[ManifestSummary], *, limit: int = LISTED_ATTACHED, offset: int = 0
    ) -> dict[int, list[ManifestSummary]]:
        """What names one of these manifests as its subject in the same repository, by that one's number."""
        numbers = {(each.repository_id, each.digest): each.id for each in manifests}
        found: dict[int, list[ManifestSummary]] = {}
        if not numbers:
            return found
        repositories, subjects = zip(*numbers, strict=True)
        for one in self._store.attached(set(repositories), set(subjects), limit, offset):
            number = None if one.subject is None else numbers.get((one.repository_id, one.subject))
            if number is not None:
                found.setdefault(number, []).append(one)
        return found

    def artifact_counts(self, repository_ids: Collection[int]) -> dict[int, int]:
        """How many manifests lists of each repository show; repositories without any are left out."""
        return self._store.listed_counts(repository_ids)

    def count_attached(self, manifest: ManifestSummary) -> int:
        """How many manifests name this one as their subject."""
        return self._store.count_attached([manifest.repository_id], [manifest.digest])


def _detail(stored: StoredManifest, children: Mapping[Digest, int]) -> Detail:
    try:
        parsed = parse_manifest(stored.body, stored.media_type)
    except ManifestInvalidError:  # an older release took what this one would not
        return NOTHING
    if not isinstance(parsed, ImageIndex):
        return Detail(parsed.annotations, (), parsed.config, parsed.layers)
    lines = tuple(IndexEntry(stored.id, children.get(line.digest), line) for line in parsed.manifests)
    return Detail(parsed.annotations, lines)
