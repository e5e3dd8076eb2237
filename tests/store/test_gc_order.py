"""The registry takes the very steps, in the very order, that the model in `tests/unit/gc` goes through."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from moorage.db.connection import database as handle
from moorage.distribution import changes, storage
from tests.support.collection import Yard
from tests.support.distribution import ALICE, APP, image
from tests.unit.gc.client import Client
from tests.unit.gc.collector import Collector
from tests.unit.gc.deleters import Deleter
from tests.unit.gc.model import DURABLE, HOME, KEPT, NO_LINK, OVER, At, Role, World

#: Beginnings of statements, by the name of the step that runs them.
STATEMENTS = {
    "links": "DELETE FROM blob_link",
    "judge": "DELETE FROM blob ",
    "put.edge": "INSERT INTO manifest_blob",
    "keep": "UPDATE blob_link SET leased_until = NULL",
    "lease": "UPDATE blob_link SET leased_until",
    "row": "INSERT INTO blob ",
    "link": "INSERT INTO blob_link",
    "note": "INSERT INTO gc_candidate",
    "drop": "WITH looked_at",
    "out": "DELETE FROM manifest ",
}


@pytest.fixture
def yard(database, tmp_path, clock):
    return Yard(tmp_path, clock)


@pytest.fixture
def steps(monkeypatch) -> list[str]:
    """What happens from now on: locks, files, statements, commits."""
    seen: list[str] = []

    def told(place: Any, name: str, word: str) -> None:
        original = getattr(place, name)

        def tell(*words: Any, **more: Any) -> Any:
            seen.append(word)
            return original(*words, **more)

        monkeypatch.setattr(place, name, tell)

    told(storage, "_name", "place")
    told(storage, "sync_folder", "sync")
    told(storage.FilesystemStorage, "trash", "trash")
    original_atomic, original_execute = changes.atomic, handle.obj.execute_sql

    @contextmanager
    def atomic(**how: Any) -> Iterator[None]:
        with original_atomic(**how):
            yield
        seen.append("commit")

    def execute_sql(sql: str, params: Any = None, *rest: Any, **named: Any) -> Any:
        seen.extend(name for name, begin in STATEMENTS.items() if sql.startswith(begin))
        return original_execute(sql, params, *rest, **named)

    monkeypatch.setattr(changes, "atomic", atomic)
    monkeypatch.setattr(handle.obj, "execute_sql", execute_sql)
    return seen


def watch_locks(yard: Yard, seen: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("hold", "hold_free"):
        original = getattr(type(yard.locks), name)

        @contextmanager
        def hold(locks: Any, *what: Any, original: Any = original) -> Iterator[Any]:
            with original(locks, *what) as taken:
                seen.append("lock")
                yield taken
                seen.append("unlock")

        monkeypatch.setattr(type(yard.locks), name, hold)


def modelled(role: Role, world: World) -> list[str]:
    """The steps of one process that nobody disturbs."""
    names: list[str] = []
    world = world._replace(at=(At(role.first),))
    while (step := world.at[0].step) != HOME:
        after = role.steps[step](world)
        if after is None:
            break
        names.append(step)
        world = after
    return names


def in_order(seen: list[str], wanted: list[str]) -> bool:
    """Whether all of these are among what was seen, in this order."""
    rest = iter(seen)
    return all(any(each == word for each in rest) for word in wanted)


def test_an_upload(yard, steps, monkeypatch):
    watch_locks(yard, steps, monkeypatch)
    yard.push_blob(b"some layer")
    assert modelled(Client(0), World(()))[:5] == [
        *("upload.lock", "upload.place", "upload.sync", "upload.commit", "upload.unlock")
    ]
    upload = steps[steps.index("lock") :]
    assert in_order(upload, ["lock", "place", "sync", "row", "link", "note", "commit", "unlock"]), upload


def test_an_upload_of_what_is_there_syncs_the_folder_all_the_same(yard, steps, monkeypatch):
    yard.push_blob(b"some layer")
    del steps[:]
    watch_locks(yard, steps, monkeypatch)
    yard.push_blob(b"some layer")
    upload = steps[steps.index("lock") :]
    assert "place" not in upload
    assert in_order(upload, ["lock", "sync", "commit", "unlock"]), upload


def test_a_manifest(yard, steps):
    yard.push_blob(b"{}")
    del steps[:]
    yard.push_manifest(image(b"{}"), "v1")
    assert modelled(Client(0), World(()))[5:] == ["put", "put.edge", "put.commit"]
    assert in_order(steps, ["put.edge", "keep", "commit"]), steps
    assert steps.count("commit") == 1


def test_a_deletion_makes_a_lease_and_a_candidate_in_its_own_transaction(yard, steps):
    digest = yard.push_image("v1", b"some layer")
    del steps[:]
    yard.manifests.delete(ALICE, yard.project_id, APP, digest)
    kept = World((), row=True, file=DURABLE, links=(KEPT, NO_LINK), manifests=(True, False))
    assert modelled(Deleter(0), kept) == ["delete"]
    assert in_order(steps, ["out", "lease", "note", "commit"]), steps
    assert steps.count("commit") == 1


def test_a_collection(yard, steps, clock, monkeypatch):
    yard.push_blob(b"some layer")
    clock.forward(hours=25)
    del steps[:]
    watch_locks(yard, steps, monkeypatch)
    yard.collect()
    over = World((), row=True, file=DURABLE, links=(OVER, NO_LINK), candidate=True)
    assert modelled(Collector(0, None, []), over) == [
        *("pick", "lock", "links", "judge", "condemn.commit", "trash", "unlock, then drop", "drop")
    ]
    collection = steps[steps.index("lock") :]
    assert in_order(collection, ["lock", "links", "judge", "commit", "trash", "unlock", "drop"]), collection
    assert yard.files() == set()
