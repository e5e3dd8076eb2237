"""Many clients at once: whatever they race for, nobody gets an error and nothing is lost."""

import hashlib
import multiprocessing
import os
import threading
from datetime import timedelta
from functools import partial

import pytest

from moorage.db.connection import is_postgresql, open_database
from moorage.distribution.errors import (
    BlobInUseError,
    BlobUnknownError,
    BlobUploadUnknownError,
    DigestMismatchError,
    ManifestBlobUnknownError,
    ManifestUnknownError,
    NameUnknownError,
    UploadRangeError,
)
from moorage.distribution.locks import AdvisoryDigestLocks, FileDigestLocks
from moorage.distribution.model import StoredBlob, UploadSession
from moorage.distribution.tables import BlobLinkRow, BlobRow, ManifestBlobRow, ManifestRow, TagRow, UploadRow
from moorage.events import ManifestPushed, RepositoryCreated, TagMoved
from moorage.oci.digest import digest_of
from moorage.oci.names import RepositoryName, Tag
from tests.support.clock import SetClock
from tests.support.distribution import ALICE, APP, OTHER, Distribution, image
from tests.support.race import failures, together

DATA = b"0123456789"
DIGEST = digest_of(DATA)
ROUNDS = 8
FORKS = multiprocessing.get_context("forkserver")


@pytest.fixture
def site(database, tmp_path, clock):
    return Distribution(tmp_path, clock)


def consistent(site):
    """Nothing that was promised is missing: rows have their files, manifests their blobs."""
    sizes = dict(site.storage.walk())
    for row in BlobRow.select():
        digest = digest_of(b"").parse(row.digest)
        assert sizes[digest] == row.size_bytes
        with site.storage.open(digest) as file:
            assert hashlib.file_digest(file, digest.algorithm).hexdigest() == digest.hex
    held = {(link.repository_id, link.blob_id): link.leased_until for link in BlobLinkRow.select()}
    for edge in ManifestBlobRow.select():
        assert (edge.repository_id, edge.blob_id) in held
    for tag in TagRow.select():
        assert ManifestRow.get_by_id(tag.manifest_id).repository_id == tag.repository_id
    return True


def test_many_pushes_of_one_blob_make_one(site):
    repositories = [RepositoryName(f"library/app{number % 4}") for number in range(8)]
    bodies = [site.arrived(DATA, hashed=number % 2 == 0) for number in range(8)]
    push = partial(site.uploads.push, ALICE, site.project_id)
    results = together(
        [partial(push, name, body, DIGEST) for name, body in zip(repositories, bodies, strict=True)]
    )
    assert failures(results) == []
    assert len({blob.id for blob in results}) == BlobRow.select().count() == 1
    assert BlobLinkRow.select().count() == 4
    assert len(site.happened(RepositoryCreated)) >= 4
    assert site.spooled() == []
    assert consistent(site)


def test_two_chunks_for_one_place_one_wins(site):
    for _ in range(ROUNDS):
        session = site.uploads.start(ALICE, site.project_id, APP)
        pieces = [b"0123", b"abcdefg"]
        append = partial(site.uploads.append, ALICE, APP, session.id)
        results = together([partial(append, site.arrived(piece), 0) for piece in pieces])
        (won,) = [result for result in results if isinstance(result, UploadSession)]
        (lost,) = failures(results)
        assert isinstance(lost, UploadRangeError)
        assert lost.offset == won.received_bytes
        winner = pieces[results.index(won)]
        whole = winner + b"end"
        digest = digest_of(whole)
        site.uploads.finish(ALICE, site.project_id, APP, session.id, site.arrived(b"end"), digest)
        assert site.blobs.stat(APP, digest).size_bytes == len(whole)
    assert consistent(site)


def test_two_chunks_that_do_not_say_where_they_belong_are_never_both_taken(site):
    for _ in range(ROUNDS):
        session = site.uploads.start(ALICE, site.project_id, APP)
        append = partial(site.uploads.append, ALICE, APP, session.id)
        results = together([partial(append, site.arrived(piece)) for piece in (b"01", b"234")])
        received = site.uploads.status(ALICE, APP, session.id).received_bytes
        if failures(results):
            (won,) = [result for result in results if isinstance(result, UploadSession)]
            assert received == won.received_bytes
        else:  # one had ended before the other began
            assert received == 5


def test_a_request_and_its_repetition_finish_one_upload(site):
    for number in range(ROUNDS):
        data = b"%d" % number
        session = site.uploads.start(ALICE, site.project_id, APP)
        site.uploads.append(ALICE, APP, session.id, site.arrived(data))
        finish = partial(site.uploads.finish, ALICE, site.project_id, APP, session.id, None, digest_of(data))
        results = together([finish, finish])
        known = [result for result in results if isinstance(result, StoredBlob)]
        assert known
        assert {type(error) for error in failures(results)} <= {BlobUploadUnknownError}
        assert site.blobs.stat(APP, digest_of(data)).size_bytes == len(data)
    assert UploadRow.select().count() == 0
    assert consistent(site)


def after_assembling(site, monkeypatch, happens):
    """Let something happen when a finish has just put together what was received."""
    assemble = type(site.storage).assemble
    waiting = [happens]

    def assemble_and_more(storage, *rest):
        whole = assemble(storage, *rest)
        if waiting:
            waiting.pop()()
        return whole

    monkeypatch.setattr(type(site.storage), "assemble", assemble_and_more)


def test_a_finish_that_another_one_overtook_is_answered_alike(site, monkeypatch):
    session = site.uploads.start(ALICE, site.project_id, APP)
    site.uploads.append(ALICE, APP, session.id, site.arrived(DATA))
    finish = partial(site.uploads.finish, ALICE, site.project_id, APP, session.id, None, DIGEST)
    first = []
    after_assembling(site, monkeypatch, lambda: first.append(finish()))
    assert finish() == first[0]
    assert consistent(site)


def test_a_finish_whose_upload_was_cancelled_meanwhile_finds_none(site, monkeypatch):
    session = site.uploads.start(ALICE, site.project_id, APP)
    site.uploads.append(ALICE, APP, session.id, site.arrived(DATA))
    after_assembling(site, monkeypatch, partial(site.uploads.cancel, ALICE, APP, session.id))
    with pytest.raises(BlobUploadUnknownError):
        site.uploads.finish(ALICE, site.project_id, APP, session.id, None, DIGEST)
    assert site.files() == set()


def test_a_finish_whose_upload_went_on_meanwhile_stores_nothing(site, monkeypatch):
    session = site.uploads.start(ALICE, site.project_id, APP)
    site.uploads.append(ALICE, APP, session.id, site.arrived(DATA))
    more = partial(site.uploads.append, ALICE, APP, session.id, site.arrived(b"more"))
    after_assembling(site, monkeypatch, more)
    with pytest.raises(UploadRangeError) as caught:
        site.uploads.finish(ALICE, site.project_id, APP, session.id, None, DIGEST)
    assert caught.value.offset == 14
    assert site.files() == set()
    site.uploads.finish(ALICE, site.project_id, APP, session.id, None, digest_of(DATA + b"more"))


def test_a_push_waits_for_whoever_is_removing_the_blob(site):
    site.push_blob(DATA)
    site.repositories.delete(ALICE, APP)
    removing, pushed = threading.Event(), threading.Event()

    def remove():
        with site.locks.hold(DIGEST):
            removing.set()
            assert not pushed.wait(0.3)
            BlobRow.delete().execute()
            site.storage.trash(DIGEST)

    def push():
        removing.wait()
        site.push_blob(DATA)
        pushed.set()

    assert failures(together([remove, push])) == []
    assert site.blobs.stat(APP, DIGEST).size_bytes == 10
    assert consistent(site)


def test_a_chunk_that_meets_the_end_of_its_upload_is_taken_or_refused_whole(site, tmp_path):
    for number in range(ROUNDS):
        data = b"%d" % number
        session = site.uploads.start(ALICE, site.project_id, APP)
        site.uploads.append(ALICE, APP, session.id, site.arrived(data))
        ends = [
            partial(site.uploads.finish, ALICE, site.project_id, APP, session.id, None, digest_of(data)),
            partial(site.uploads.cancel, ALICE, APP, session.id),
        ]
        append = partial(site.uploads.append, ALICE, APP, session.id, site.arrived(b"more"), len(data))
        appended, ended = together([append, ends[number % 2]])
        allowed = {BlobUploadUnknownError, UploadRangeError}
        if not isinstance(appended, Exception):  # the end may have found more than it was told of
            allowed.add(DigestMismatchError)
        assert {type(error) for error in failures([appended, ended])} <= allowed
    site.uploads.expire(timedelta(0))
    site.clock.forward(hours=1)
    site.uploads.expire(timedelta(0))
    assert list((tmp_path / "uploads").iterdir()) == []
    assert consistent(site)


def test_a_tag_that_many_move_tells_one_unbroken_story(site):
    site.push_blob(DATA)
    for number in range(6):
        site.push_blob(b"config %d" % number)
    bodies = [image(b"config %d" % number, DATA) for number in range(6)]
    results = together([partial(site.push_manifest, body, "latest") for body in bodies])
    assert failures(results) == []
    moves = [(event.previous, event.digest) for event in site.happened(TagMoved)]
    last = site.manifests.get(APP, Tag("latest")).digest
    story, previous, left = [], None, set(moves)  # a change that began again is told again
    while (step := next((move for move in left if move[0] == previous), None)) is not None:
        left.remove(step)
        story.append(step)
        previous = step[1]
    assert previous == last
    assert {digest for _, digest in story} == set(results)
    assert consistent(site)


def test_one_manifest_pushed_by_many_is_created_once(site):
    site.push_blob(DATA)
    body = image(DATA, DATA)
    put = partial(site.manifests.put, ALICE, site.project_id, APP)
    results = together([partial(put, Tag(f"v{number}"), None, body) for number in range(6)])
    assert failures(results) == []
    assert sorted(result.created for result in results) == [False] * 5 + [True]
    assert len(site.tags.names(APP, 10)) == 6
    assert {event.tag for event in site.happened(ManifestPushed)} == {f"v{number}" for number in range(6)}
    assert consistent(site)


def test_many_repositories_of_one_name_are_one(site):
    ensure = partial(site.repositories.ensure, ALICE, site.project_id, APP)
    results = together([ensure] * 6)
    assert failures(results) == []
    assert len({repository.id for repository in results}) == 1


def test_a_push_and_the_deletion_of_its_layer_never_both_succeed(site):
    site.push_blob(b"config")
    body = image(b"config", DATA)
    for _ in range(ROUNDS):
        site.push_blob(DATA)
        push = partial(site.push_manifest, body, "v1")
        delete = partial(site.blobs.delete, ALICE, site.project_id, APP, DIGEST)
        pushed, deleted = together([push, delete])
        if isinstance(pushed, Exception):
            assert isinstance(pushed, ManifestBlobUnknownError)
            assert deleted is None
        else:
            assert isinstance(deleted, BlobInUseError)
            assert site.blobs.stat(APP, DIGEST).size_bytes == 10
            site.manifests.delete(ALICE, site.project_id, APP, pushed)
        assert consistent(site)


def test_two_images_that_share_layers_are_pushed_and_deleted_in_a_loop(site):
    shared = [b"layer %d" % number for number in range(10)]
    for data in (*shared, b"config 0", b"config 1"):
        site.push_blob(data)
    bodies = [image(b"config 0", *shared), image(b"config 1", *reversed(shared))]

    def churn(body, tag):
        for _ in range(ROUNDS):
            digest = site.push_manifest(body, tag)
            site.manifests.delete(ALICE, site.project_id, APP, digest)

    results = together([partial(churn, body, f"v{place}") for place, body in enumerate(bodies)])
    assert failures(results) == []
    for body in bodies:
        site.push_manifest(body, "end")
    assert consistent(site)


def test_a_tag_moves_while_what_it_named_is_deleted(site):
    site.push_blob(DATA)
    bodies = []
    for number in range(2):
        site.push_blob(b"config %d" % number)
        bodies.append(image(b"config %d" % number, DATA))
    for _ in range(ROUNDS):
        old = site.push_manifest(bodies[0], "latest")
        push = partial(site.push_manifest, bodies[1], "latest")
        delete = partial(site.manifests.delete, ALICE, site.project_id, APP, old)
        assert failures(together([push, delete])) == []
        assert site.manifests.get(APP, Tag("latest")).digest == digest_of(bodies[1])
        site.manifests.delete(ALICE, site.project_id, APP, digest_of(bodies[1]))
    assert consistent(site)


def test_a_mount_meets_the_deletion_of_its_source(site):
    for number in range(ROUNDS):
        target = RepositoryName(f"library/target{number}")
        site.push_blob(DATA)
        mount = partial(site.uploads.mount, ALICE, site.project_id, target, DIGEST, APP, lambda _: False)
        delete = partial(site.repositories.delete, ALICE, APP)
        mounted, deleted = together([mount, delete])
        assert deleted is None
        assert not isinstance(mounted, Exception)
        if mounted is None:
            with pytest.raises(BlobUnknownError):
                site.blobs.stat(target, DIGEST)
        else:
            assert site.blobs.stat(target, DIGEST) == mounted
    assert consistent(site)


def test_pushes_meet_the_deletion_of_their_repository(site):
    body = image(b"config", DATA)
    for _ in range(ROUNDS):
        site.push_blob(b"config")
        site.push_blob(DATA)
        push = partial(site.push_manifest, body, "v1")
        blob = partial(
            site.uploads.push, ALICE, site.project_id, APP, site.arrived(b"new"), digest_of(b"new")
        )
        start = partial(site.uploads.start, ALICE, site.project_id, APP)
        delete = partial(site.repositories.delete, ALICE, APP)
        results = together([push, blob, start, delete])
        assert results[3] is None
        assert {type(error) for error in failures(results)} <= {ManifestBlobUnknownError}
        assert consistent(site)


def test_a_deleted_manifest_is_never_tagged(site):
    site.push_blob(DATA)
    body = image(DATA)
    for _ in range(ROUNDS):
        digest = site.push_manifest(body, "v1")
        tag = partial(site.tags.put, ALICE, site.project_id, APP, Tag("v2"), digest)
        delete = partial(site.manifests.delete, ALICE, site.project_id, APP, digest)
        results = together([tag, delete])
        assert {type(error) for error in failures(results)} <= {ManifestUnknownError}
        assert results[1] is None
        assert site.tags.names(APP, 10) == []


def test_two_delete_the_same_things(site):
    digest = site.push_image("v1", DATA)
    deletions = [
        (partial(site.tags.delete, ALICE, site.project_id, APP, Tag("v1")), ManifestUnknownError),
        (partial(site.manifests.delete, ALICE, site.project_id, APP, digest), ManifestUnknownError),
        (partial(site.blobs.delete, ALICE, site.project_id, APP, DIGEST), BlobUnknownError),
        (partial(site.repositories.delete, ALICE, APP), NameUnknownError),
    ]
    for delete, gone in deletions:
        (lost,) = failures(together([delete, delete]))
        assert type(lost) is gone


@pytest.mark.parametrize("upload", [True, False])
def test_a_lock_keeps_the_others_waiting_until_it_is_let_go(database, tmp_path, upload):
    locks = AdvisoryDigestLocks() if is_postgresql() else FileDigestLocks(tmp_path / "locks")
    taken, order = threading.Event(), []

    def hold():
        return locks.hold_upload("ab" * 16) if upload else locks.hold(DIGEST)

    def first():
        with hold():
            taken.set()
            assert not second_in.wait(0.2)
            order.append("first")

    def second():
        taken.wait()
        with hold():
            second_in.set()
            order.append("second")

    second_in = threading.Event()
    assert failures(together([first, second])) == []
    assert order == ["first", "second"]


def test_an_upload_and_a_digest_of_the_same_letters_do_not_share_a_lock(database, tmp_path):
    locks = AdvisoryDigestLocks() if is_postgresql() else FileDigestLocks(tmp_path / "locks")
    with locks.hold_upload(DIGEST.hex[:32]), locks.hold(DIGEST):
        pass


def push_from_elsewhere(url, folder, project_id, datas, results):
    """What another process does: push blobs that others push as well."""
    open_database(url)
    site = Distribution(folder, SetClock(), project_id=project_id)
    for data in datas:
        blob = site.uploads.push(ALICE, project_id, OTHER, site.arrived(data), digest_of(data))
        results.put((os.getpid(), blob.size_bytes))


def test_several_processes_push_the_same_blobs(site, database, tmp_path):
    datas = [b"blob %d" % number for number in range(10)]
    results = FORKS.Queue()
    work = (database, tmp_path, site.project_id, datas, results)
    workers = [FORKS.Process(target=push_from_elsewhere, args=work, daemon=True) for _ in range(3)]
    for worker in workers:
        worker.start()
    told = [results.get(timeout=60) for _ in range(30)]
    for worker in workers:
        worker.join(60)
        assert worker.exitcode == 0
    assert len({process for process, _ in told}) == 3
    assert BlobRow.select().count() == 10
    assert site.files() == {digest_of(data) for data in datas}
    assert consistent(site)
