"""What projects use, by the counters and by what they count."""

from moorage.db.connection import Statement
from moorage.distribution.changes import change
from moorage.distribution.tables import BlobRow, ProjectBlobRow
from tests.support.distribution import Distribution

_BLOBS = Statement(
    "SELECT COALESCE(sum(size_bytes), 0) FROM blob WHERE id IN (SELECT blob_id FROM blob_link "
    "WHERE repository_id IN (SELECT id FROM repository WHERE project_id = ?))"
)
_BODIES = Statement(
    "SELECT COALESCE(sum(length(body)), 0) FROM manifest "
    "WHERE repository_id IN (SELECT id FROM repository WHERE project_id = ?)"
)
_LINKS = Statement(
    "SELECT r.project_id, l.blob_id, count(*) FROM blob_link l "
    "JOIN repository r ON r.id = l.repository_id GROUP BY 1, 2"
)


def summed(project_id: int) -> int:
    """The bytes that a project holds, added up from the links and the manifests themselves."""
    return sum(int(row[0]) for each in (_BLOBS, _BODIES) for row in each.all(project_id))


def right(site: Distribution, *project_ids: int) -> bool:
    """Whether all counters of these projects say what is true; ``library`` by default."""
    counters = ProjectBlobRow.select(ProjectBlobRow.project_id, ProjectBlobRow.blob_id, ProjectBlobRow.links)
    assert sorted(counters.tuples()) == sorted(_LINKS.all())
    for project_id in project_ids or (site.project_id,):
        assert site.usage.of(project_id) == summed(project_id)
    return True


def expired(site: Distribution) -> int:
    """What the collector does with leases that are over; returns how many links went."""

    def unlink() -> int:
        ids = [row.id for row in BlobRow.select(BlobRow.id)]
        return site.blob_store.unlink_expired(ids, site.clock())

    return change(unlink)
