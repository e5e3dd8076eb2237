"""Removal of manifests that nothing names any more, judged again under their locks."""

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from moorage.crashpoints import reach
from moorage.distribution.changes import change
from moorage.distribution.condemn_store import CondemnStore
from moorage.distribution.condemning import Fate
from moorage.distribution.errors import NameUnknownError
from moorage.distribution.model import ManifestFacts, Repository
from moorage.distribution.removal import Removal
from moorage.distribution.storage import never
from moorage.distribution.store import DistributionStore
from moorage.events import Actor
from moorage.oci.names import RepositoryName

_log = logging.getLogger(__name__)

#: Those of the manifests that may go, asked inside the transaction that has them locked.
Choose = Callable[[Sequence[ManifestFacts]], Sequence[ManifestFacts]]


@dataclass(frozen=True, slots=True)
class CollectedManifest:
    """What became of a manifest.

    Attributes:
        fate: BUSY also when it was found to be needed, or to be gone, at the last moment.
        fault: why it failed.
    """

    facts: ManifestFacts
    fate: Fate
    fault: str = ""


class Collecting:
    """Removes manifests as anybody would who may delete them, and never one that is named by a tag."""

    def __init__(self, store: DistributionStore, condemn_store: CondemnStore, removal: Removal) -> None:
        self._store = store
        self._condemn_store = condemn_store
        self._removal = removal

    def collect(
        self,
        actor: Actor,
        manifests: Sequence[ManifestFacts],
        choose: Choose,
        stopping: Callable[[], bool] = never,
    ) -> list[CollectedManifest]:
        """Remove those of the manifests that are chosen again while nobody can push or name them.

        All in one transaction; when that fails, one by one. Those that were not reached before
        `stopping` are left out.
        """
        if not manifests:
            return []
        reach("gc.manifests.before")
        try:
            found = self._collect(actor, manifests, choose)
        except Exception:
            _log.exception("a batch of manifests could not be removed; trying one by one")
            found = [self._alone(actor, each, choose) for each in manifests if not stopping()]
        reach("gc.manifests.committed")
        return found

    def _alone(self, actor: Actor, manifest: ManifestFacts, choose: Choose) -> CollectedManifest:
        try:
            return self._collect(actor, [manifest], choose)[0]
        except Exception as error:  # told to whoever asked, who tries again later
            _log.warning(
                "a manifest could not be removed",
                extra={"digest": str(manifest.key.digest), "cause": str(error)},
            )
            return CollectedManifest(manifest, Fate.FAILED, f"{type(error).__name__}: {error}")

    def _collect(
        self, actor: Actor, manifests: Sequence[ManifestFacts], choose: Choose
    ) -> list[CollectedManifest]:
        # Undone by a power cut, they are garbage as before.
        gone = change(lambda: self._write(actor, [each.id for each in manifests], choose), durable=False)
        return [CollectedManifest(each, Fate.GONE if each.id in gone else Fate.BUSY) for each in manifests]

    def _write(self, actor: Actor, manifest_ids: Sequence[int], choose: Choose) -> set[int]:
        doomed = choose(self._condemn_store.lock_manifests(manifest_ids))
        names = {each.key.repository for each in doomed}
        repositories = {name: self._repository(name) for name in names}
        found = {each.id: (repositories[each.key.repository], each.key.digest) for each in doomed}
        self._removal.finish(actor, self._removal.take_out(found))
        reach("gc.manifests.written")
        return {each.id for each in doomed}

    def _repository(self, name: RepositoryName) -> Repository:
        repository = self._store.repositories.hold(name)  # whose name is to stay until we are done
        if repository is None:
            raise NameUnknownError.of(name)
        return repository
