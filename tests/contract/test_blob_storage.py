"""What every storage of blobs must do; a new one is added to `storage`."""

import os
import threading
import time
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest

from moorage.distribution.errors import BlobUploadInvalidError
from moorage.distribution.spool import Spool, Spooled
from moorage.distribution.storage import BlobStorage, FilesystemStorage
from moorage.oci.digest import Digest, digest_of, hasher

UPLOAD = "0123456789abcdef" * 2
OTHER_UPLOAD = "f" * 32
DATA = b"0123456789"
DIGEST = digest_of(DATA)

Arrive = Callable[..., Spooled]


@pytest.fixture(params=["filesystem"])
def storage(request: pytest.FixtureRequest, tmp_path: Path) -> BlobStorage:
    return {"filesystem": FilesystemStorage}[request.param](tmp_path)


@pytest.fixture
def arrive(storage: BlobStorage, tmp_path: Path) -> Arrive:
    spool = Spool(tmp_path / "spool")

    def arrive(data: bytes) -> Spooled:
        path = spool.new_path()
        Path(path).write_bytes(data)
        return spool.adopt(path)

    return arrive


@pytest.fixture
def put(storage: BlobStorage, arrive: Arrive) -> Callable[..., Digest]:
    """Stores a blob under its digest, or under any other."""

    def put(data: bytes, digest: Digest | None = None) -> Digest:
        storage.place(storage.settle(arrive(data)), digest or digest_of(data))
        return digest or digest_of(data)

    return put


def read(storage, digest):
    with storage.open(digest) as file:
        return file.read()


def append(storage, arrive, offset, data, upload=UPLOAD):
    storage.append(upload, offset, storage.settle(arrive(data)))


@pytest.mark.parametrize("algorithm", ["sha256", "sha512"])
@pytest.mark.parametrize("data", [b"", b"\0", DATA, os.urandom(3 << 20)])
def test_what_was_placed_is_read_back(storage, put, data, algorithm):
    digest = put(data, digest_of(data, algorithm))
    assert storage.stat(digest) == len(data)
    assert read(storage, digest) == data


def test_a_blob_is_not_there_before_it_is_placed(storage, arrive):
    body = storage.settle(arrive(DATA))
    assert storage.stat(DIGEST) is None
    assert list(storage.walk()) == []
    with pytest.raises(FileNotFoundError):
        storage.open(DIGEST)
    storage.place(body, DIGEST)
    assert storage.stat(DIGEST) == 10


@pytest.mark.parametrize("offset", [0, 1, 9, 10, 11])
def test_a_blob_is_read_from_any_offset(storage, put, offset):
    put(DATA)
    with storage.open(DIGEST) as file:
        file.seek(offset)
        assert file.read(4) == DATA[offset : offset + 4]


def test_a_blob_that_is_there_is_kept_when_it_is_placed_again(storage, put, arrive):
    put(DATA)
    with storage.open(DIGEST) as file:
        before = os.fstat(file.fileno()).st_ino
    again = storage.settle(arrive(DATA))
    storage.place(again, DIGEST)
    storage.discard(again)
    with storage.open(DIGEST) as file:
        assert os.fstat(file.fileno()).st_ino == before


@pytest.mark.parametrize("damaged", [b"", b"0123", DATA + b"x"])
def test_a_blob_of_a_wrong_size_is_replaced(storage, put, damaged):
    put(damaged, DIGEST)
    put(DATA)
    assert read(storage, DIGEST) == DATA


def test_a_wrong_sized_blob_is_replaced_by_an_uploaded_segment(storage, put, arrive):
    put(b"bad", DIGEST)
    append(storage, arrive, 0, DATA)
    storage.place(storage.assemble(UPLOAD, 10), DIGEST)
    assert read(storage, DIGEST) == DATA
    assert storage.assemble(UPLOAD, 10).size == 10


def test_who_reads_a_blob_goes_on_when_it_is_replaced_or_taken_out(storage, put):
    put(DATA)
    with storage.open(DIGEST) as first, storage.open(DIGEST) as second:
        put(b"other size", DIGEST)
        assert first.read(5) == b"01234"
        assert storage.trash(DIGEST)
        assert storage.empty_trash(timedelta(0)) >= 1
        assert first.read() == b"56789"
        assert second.read() == DATA


def test_many_read_one_blob_at_once(storage, put):
    data = os.urandom(1 << 20)
    digest = put(data)
    found: list[bool] = []

    def work() -> None:
        found.extend(read(storage, digest) == data for _ in range(20))

    threads = [threading.Thread(target=work) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found == [True] * 160


def test_what_one_thread_placed_another_finds_at_once(storage, put):
    missing: list[Digest] = []

    def look(digest: Digest) -> None:
        if storage.stat(digest) is None or digest not in dict(storage.walk()):
            missing.append(digest)

    for number in range(20):
        thread = threading.Thread(target=look, args=(put(b"%d" % number),))
        thread.start()
        thread.join()
    assert missing == []


def test_a_big_sparse_blob_is_placed_and_read_at_its_end(storage, arrive):
    body = arrive(b"")
    size = 6 << 30
    os.truncate(body.path, size)
    with open(body.path, "r+b") as file:
        file.seek(-4, os.SEEK_END)
        file.write(b"last")
    digest = Digest("sha256", "a" * 64)
    storage.place(storage.settle(Spooled(body.path, size)), digest)
    assert storage.stat(digest) == size
    with storage.open(digest) as file:
        file.seek(size - 6)
        assert file.read() == b"\0\0last"


def test_one_segment_is_assembled_without_a_copy(storage, arrive):
    append(storage, arrive, 0, DATA)
    whole = storage.assemble(UPLOAD, 10)
    assert (whole.size, whole.kept) == (10, True)
    storage.place(whole, DIGEST)
    storage.discard(whole)
    assert storage.assemble(UPLOAD, 10).size == 10
    storage.discard_upload(UPLOAD)
    assert read(storage, DIGEST) == DATA


def test_segments_and_a_tail_are_joined_in_order(storage, arrive):
    append(storage, arrive, 0, b"01")
    append(storage, arrive, 2, b"2")
    append(storage, arrive, 3, b"3456")
    whole = storage.assemble(UPLOAD, 7, arrive(b"789"))
    assert storage.digest(whole, "sha256") == DIGEST
    assert storage.digest(whole, "sha512") == digest_of(DATA, "sha512")
    storage.place(whole, DIGEST)
    assert read(storage, DIGEST) == DATA


def test_nothing_is_assembled_to_nothing(storage):
    whole = storage.assemble(UPLOAD, 0)
    assert whole.size == 0
    storage.place(whole, digest_of(b""))
    assert read(storage, digest_of(b"")) == b""
    storage.discard_upload(UPLOAD)
    assert list(storage.upload_ids()) == []


def test_an_append_goes_on_from_zero_bytes(storage, arrive):
    append(storage, arrive, 0, b"")
    append(storage, arrive, 0, DATA)
    assert storage.digest(storage.assemble(UPLOAD, 10), "sha256") == DIGEST


def test_a_segment_that_was_not_acknowledged_is_replaced(storage, arrive):
    append(storage, arrive, 0, b"01234")
    append(storage, arrive, 5, b"a crash came after this one")
    append(storage, arrive, 5, b"56789")
    assert storage.digest(storage.assemble(UPLOAD, 10), "sha256") == DIGEST


@pytest.mark.parametrize("length", [1, 4, 6, 9, 11])
def test_segments_that_do_not_add_up_are_refused(storage, arrive, length):
    append(storage, arrive, 0, b"01234")
    append(storage, arrive, 5, b"56789")
    with pytest.raises(BlobUploadInvalidError):
        storage.assemble(UPLOAD, length)


def test_a_tail_of_another_length_than_it_arrived_with_is_refused(storage, arrive):
    append(storage, arrive, 0, b"01234")
    tail = arrive(b"56789")
    os.truncate(tail.path, 2)
    with pytest.raises(BlobUploadInvalidError):
        storage.assemble(UPLOAD, 5, tail)


def test_uploads_do_not_meet(storage, arrive):
    append(storage, arrive, 0, b"one")
    append(storage, arrive, 0, b"two", OTHER_UPLOAD)
    assert set(storage.upload_ids()) == {UPLOAD, OTHER_UPLOAD}
    storage.discard_upload(UPLOAD)
    assert list(storage.upload_ids()) == [OTHER_UPLOAD]
    assert storage.digest(storage.assemble(OTHER_UPLOAD, 3), "sha256") == digest_of(b"two")
    storage.discard_upload(UPLOAD)


def test_a_digest_known_already_is_not_taken_again(storage, arrive):
    body = arrive(DATA)
    claimed = Digest("sha256", "0" * 64)
    assert storage.digest(Spooled(body.path, body.size, claimed), "sha256") == claimed
    assert storage.digest(Spooled(body.path, body.size, claimed), "sha512") == digest_of(DATA, "sha512")


def test_the_digest_of_a_body_larger_than_any_buffer_is_right(storage, arrive):
    data = os.urandom((5 << 20) + 17)
    running = hasher("sha512")
    running.update(data)
    assert storage.digest(arrive(data), "sha512").hex == running.hexdigest()


def test_walking_tells_every_blob_with_its_size(storage, put):
    placed = {put(b"x" * size): size for size in range(5)}
    placed[put(DATA, digest_of(DATA, "sha512"))] = 10
    assert dict(storage.walk()) == placed


def test_a_trashed_blob_is_gone_and_can_come_again(storage, put):
    put(DATA)
    assert storage.trash(DIGEST)
    assert storage.stat(DIGEST) is None
    assert list(storage.walk()) == []
    assert not storage.trash(DIGEST)
    put(DATA)
    assert storage.trash(DIGEST)
    put(DATA)
    assert read(storage, DIGEST) == DATA


def test_a_removed_blob_is_gone_for_good(storage, put):
    put(DATA)
    assert storage.remove(DIGEST)
    assert storage.stat(DIGEST) is None
    assert not storage.remove(DIGEST)
    assert storage.empty_trash(timedelta(0)) == 0


def test_the_trash_is_kept_for_a_while(storage, put):
    put(DATA)
    storage.trash(DIGEST)
    assert storage.empty_trash(timedelta(hours=1)) == 0
    assert storage.empty_trash(timedelta(0)) == 1
    assert storage.empty_trash(timedelta(0)) == 0


def test_what_was_trashed_while_the_clock_was_wrong_does_not_stay(storage, put, monkeypatch):
    put(DATA)
    with monkeypatch.context() as patch:
        in_a_year = time.time_ns() + 365 * 24 * 3600 * 10**9
        patch.setattr(time, "time_ns", lambda: in_a_year)
        storage.trash(DIGEST)
    assert storage.empty_trash(timedelta(hours=1)) == 1


@pytest.mark.parametrize(
    "upload_id", ["", ".", "..", "../x", "/etc/passwd", UPLOAD.upper(), UPLOAD + "0", UPLOAD + "\n", "0" * 31]
)
def test_an_odd_upload_id_is_refused(storage, arrive, upload_id):
    body = storage.settle(arrive(DATA))
    with pytest.raises(ValueError, match="not an upload id"):
        storage.append(upload_id, 0, body)
    with pytest.raises(ValueError, match="not an upload id"):
        storage.assemble(upload_id, 1)
    with pytest.raises(ValueError, match="not an upload id"):
        storage.discard_upload(upload_id)


@pytest.mark.parametrize(
    "digest",
    [
        Digest("sha256", "../../../etc/passwd"),
        Digest("sha256", ""),
        Digest("sha256", "A" * 64),
        Digest("..", "a" * 64),
        Digest("md5", "a" * 64),
    ],
    ids=str,
)
def test_an_odd_digest_is_refused(storage, arrive, digest):
    body = storage.settle(arrive(DATA))
    for use in (storage.stat, storage.open, storage.trash, storage.locate):
        with pytest.raises(ValueError, match="not a digest"):
            use(digest)
    with pytest.raises(ValueError, match="not a digest"):
        storage.place(body, digest)


def test_there_is_room(storage):
    space = storage.space()
    assert 0 < space.free_bytes < space.total_bytes
    assert 0 < space.used_percent < 100


def test_a_second_start_finds_everything(storage, put, tmp_path):
    put(DATA)
    assert dict(type(storage)(tmp_path).walk()) == {DIGEST: 10}


def test_what_was_trashed_is_listed_and_can_be_put_back(storage, put):
    put(DATA)
    storage.trash(DIGEST)
    (found,) = storage.trashed()
    assert (found.digest, found.size_bytes) == (DIGEST, len(DATA))
    assert not storage.restore(DIGEST, len(DATA) + 1)
    assert not storage.restore(digest_of(b"other"), len(DATA))
    assert storage.restore(DIGEST, len(DATA))
    assert read(storage, DIGEST) == DATA
    assert list(storage.trashed()) == []
    assert not storage.restore(DIGEST, len(DATA))


def test_what_is_put_back_never_replaces_a_blob(storage, put):
    put(DATA)
    storage.trash(DIGEST)
    put(DATA)
    assert not storage.restore(DIGEST, len(DATA))
    assert len(list(storage.trashed())) == 1
    assert read(storage, DIGEST) == DATA


def test_emptying_the_trash_can_be_stopped(storage, put):
    for number in range(5):
        storage.trash(put(b"%d" % number))
    asked = iter([False, False, True])
    assert storage.empty_trash(timedelta(0), lambda: next(asked)) == 2
    assert len(list(storage.trashed())) == 3
