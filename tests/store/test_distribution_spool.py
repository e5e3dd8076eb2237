import io
import os
import subprocess
import sys
from datetime import timedelta
from pathlib import Path

import pytest

from moorage.distribution.errors import BlobUploadInvalidError, StorageFullError
from moorage.distribution.spool import Spool
from moorage.oci.digest import digest_of


@pytest.fixture
def spool(tmp_path):
    return Spool(tmp_path / "spool")


def written(spool, name="body", data=b"data"):
    path = spool.folder / name
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(data)
    return path


def test_a_stream_is_received_with_its_digest_and_readable_by_nobody_else(spool):
    body = spool.receive(io.BytesIO(b"data" * 1_000_000))
    assert body.size == 4_000_000
    assert body.digest == digest_of(b"data" * 1_000_000)
    assert os.stat(body.path).st_mode & 0o077 == 0
    assert spool.folder.stat().st_mode & 0o077 == 0
    body.discard()
    body.discard()
    assert list(spool.folder.iterdir()) == []


def test_a_stream_that_breaks_leaves_nothing_behind(spool):
    class Broken(io.BytesIO):
        def read(self, size=-1):
            raise ConnectionResetError

    with pytest.raises(ConnectionResetError):
        spool.receive(Broken())
    assert list(spool.folder.iterdir()) == []


def test_a_stream_that_finds_no_room_says_so_and_leaves_nothing_behind(spool, monkeypatch):
    monkeypatch.setattr(os, "write", lambda *_: (_ for _ in ()).throw(OSError(28, "No space left on device")))
    with pytest.raises(StorageFullError):
        spool.receive(io.BytesIO(b"data"))
    assert list(spool.folder.iterdir()) == []


@pytest.mark.parametrize("name", ["body", "1/0000000001"])
def test_a_body_that_a_proxy_wrote_is_adopted(spool, name):
    path = written(spool, name)
    body = spool.adopt(str(path))
    assert (body.size, body.digest) == (4, None)
    body.discard()
    assert not path.exists()


def test_a_body_outside_the_spool_is_refused(spool, tmp_path):
    outside = tmp_path / "secret"
    outside.write_bytes(b"secret")
    (spool.folder / "door").symlink_to(tmp_path)
    (spool.folder / "link").symlink_to(outside)
    (tmp_path / "spool-of-another").mkdir()
    (tmp_path / "spool-of-another" / "body").write_bytes(b"x")
    for path in (
        str(outside),
        "/etc/passwd",
        "relative",
        "",
        f"{spool.folder}",
        f"{spool.folder}/",
        f"{spool.folder}/.",
        f"{spool.folder}/..",
        f"{spool.folder}/../secret",
        f"{spool.folder}/door/secret",
        f"{spool.folder}/link",
        f"{spool.folder}-of-another/body",
        f"{spool.folder}/nothing",
        f"{spool.folder}/nul\0",
        f"{spool.folder}/{'x' * 5000}",
    ):
        with pytest.raises(BlobUploadInvalidError):
            spool.adopt(path)
    assert outside.read_bytes() == b"secret"


def test_only_a_plain_file_with_one_name_is_adopted(spool):
    (spool.folder / "folder").mkdir()
    os.mkfifo(spool.folder / "pipe")
    path = written(spool)
    os.link(path, spool.folder / "second")
    for name in ("folder", "pipe", "body", "second"):
        with pytest.raises(BlobUploadInvalidError):
            spool.adopt(str(spool.folder / name))


def test_a_file_of_another_account_is_not_adopted(spool, monkeypatch):
    path = written(spool)
    monkeypatch.setattr(os, "geteuid", lambda: os.stat(path).st_uid + 1)
    with pytest.raises(BlobUploadInvalidError):
        spool.adopt(str(path))


def test_a_start_empties_the_spool_but_leaves_what_a_proxy_is_writing(spool):
    written(spool, "old")
    written(spool, "1/old")
    arriving = written(spool, "1/arriving")
    program = "import sys; f = open(sys.argv[1], 'ab'); print('open', flush=True); sys.stdin.read()"
    with subprocess.Popen(
        [sys.executable, "-c", program, arriving], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as proxy:
        assert proxy.stdout.readline() == "open\n"
        assert spool.empty() == 2
        assert [path for path in spool.folder.rglob("*") if path.is_file()] == [arriving]
        proxy.stdin.close()
        proxy.wait()
    assert spool.empty() == 1


def test_a_sweep_takes_only_what_lay_still_for_long(spool):
    old, fresh = written(spool, "1/old"), written(spool, "fresh")
    os.utime(old, (0, 0))
    assert spool.sweep(timedelta(hours=1)) == 1
    assert not old.exists()
    assert fresh.exists()
    assert spool.sweep(timedelta(0)) == 1


def test_no_two_bodies_get_the_same_name(spool):
    assert len({spool.new_path() for _ in range(100)}) == 100
    assert Path(spool.new_path()).parent == spool.folder
