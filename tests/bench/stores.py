"""Whole stores written straight to the disk, as years of use leave them: ours and the peer's.

Ours is written in the first release's schema, which stays as it is for ever, and then brought to
this release's by its own migrations.
"""

import contextlib
import os
import shutil
import sqlite3
import subprocess
import sys
import time
from collections.abc import Iterable, Mapping
from pathlib import Path

from moorage.db import migrate
from moorage.db.connection import close_connection, open_database
from tests.bench.dataset import OCI_MANIFEST
from tests.bench.errors import BenchError
from tests.bench.garbage import GarbageImage
from tests.bench.target import PROJECT

_CONFIG = "application/vnd.oci.image.config.v1+json"
_FIRST_SCHEMA = "0001_initial.py"
_PAST = 1_700_000_000_000_000  # microseconds; long ago for any period of grace
_PEER = Path("docker/registry/v2")


def write_ours(data: Path, images: Iterable[GarbageImage], environment: Mapping[str, str]) -> None:
    """Make the data folder of a Moorage that holds these images, in SQLite.

    Args:
        environment: as the server will be started with.

    Raises:
        BenchError: the migrations fail.
    """
    database = _first_schema(data)
    for prefix in range(256):
        (data / "blobs" / "sha256" / f"{prefix:02x}").mkdir(parents=True, mode=0o700)
    with contextlib.closing(sqlite3.connect(database)) as connection:
        _Writer(connection, data).write(images)
    command = [sys.executable, "-m", "moorage", "migrate"]
    done = subprocess.run(command, env=dict(environment), capture_output=True, text=True, check=False)
    if done.returncode:
        raise BenchError(f"moorage migrate failed: {done.stderr[-500:]}")
    shutil.rmtree(data / "backups", ignore_errors=True)
    with contextlib.closing(sqlite3.connect(database)) as connection, connection:
        # The migration gives what it finds a week; here the week is over.
        connection.execute("UPDATE gc_candidate SET due_at = ?", (_PAST,))


def _first_schema(data: Path) -> Path:
    old = data / "first-schema"
    old.mkdir(parents=True)
    shutil.copy(Path(migrate.__file__).with_name("migrations") / _FIRST_SCHEMA, old)
    database = data / "db" / "moorage.sqlite"
    database.parent.mkdir()
    open_database(f"sqlite:///{database}")
    try:
        migrate.upgrade(data / "backups", old)
    finally:
        close_connection()
    shutil.rmtree(old)
    return database


class _Writer:
    """Rows and files of ours; numbers are given out here, and rows are written in bulk."""

    def __init__(self, connection: sqlite3.Connection, data: Path) -> None:
        self._connection = connection
        self._data = data
        self._repositories: dict[str, int] = {}
        self._blobs: dict[str, int] = {}
        self._manifests = 0

    def write(self, images: Iterable[GarbageImage]) -> None:
        """Everything in one transaction."""
        run = self._connection.execute
        with self._connection:
            run(
                "INSERT INTO project (name, public, created_at, updated_at) VALUES (?, 0, ?, ?)",
                (PROJECT, _PAST, _PAST),
            )
            for image in images:
                self._image(image)

    def _image(self, image: GarbageImage) -> None:
        run, many = self._connection.execute, self._connection.executemany
        repository = self._repository(image.repository)
        blobs = [self._blob(digest, data) for digest, data in image.blobs.items()]
        many(
            "INSERT OR IGNORE INTO blob_link (repository_id, blob_id) VALUES (?, ?)",
            [(repository, blob) for blob in blobs],
        )
        self._manifests += 1
        run(
            "INSERT INTO manifest (id, repository_id, digest, media_type, artifact_type, config_media_type, "
            "size_bytes, pushed_at, body) VALUES (?, ?, ?, ?, '', ?, ?, ?, ?)",
            (
                *(self._manifests, repository, image.digest, OCI_MANIFEST, _CONFIG),
                *(sum(map(len, image.blobs.values())), _PAST, image.body),
            ),
        )
        many(
            "INSERT INTO manifest_blob (manifest_id, repository_id, blob_id) VALUES (?, ?, ?)",
            [(self._manifests, repository, blob) for blob in blobs],
        )
        if image.tag:
            run(
                "INSERT INTO tag (repository_id, name, manifest_id, pushed_at) VALUES (?, ?, ?, ?)",
                (repository, image.tag, self._manifests, _PAST),
            )

    def _repository(self, name: str) -> int:
        if name not in self._repositories:
            self._repositories[name] = len(self._repositories) + 1
            self._connection.execute(
                "INSERT INTO repository (id, project_id, name, description, pull_count, created_at, "
                "updated_at) SELECT ?, id, ?, '', 0, ?, ? FROM project WHERE name = ?",
                (self._repositories[name], name, _PAST, _PAST, PROJECT),
            )
        return self._repositories[name]

    def _blob(self, digest: str, data: bytes) -> int:
        if digest not in self._blobs:
            self._blobs[digest] = len(self._blobs) + 1
            self._connection.execute(
                "INSERT INTO blob (id, digest, size_bytes, created_at) VALUES (?, ?, ?, ?)",
                (self._blobs[digest], digest, len(data), _PAST),
            )
            algorithm, _, name = digest.partition(":")
            (self._data / "blobs" / algorithm / name[:2] / name).write_bytes(data)
        return self._blobs[digest]


def write_peer(data: Path, images: Iterable[GarbageImage]) -> None:
    """Make the folder of a docker-registry that holds the same."""
    root = data / _PEER
    for image in images:
        repository = root / "repositories" / image.repository
        for digest, content in (*image.blobs.items(), (image.digest, image.body)):
            _file(root / "blobs" / _spread(digest) / "data", content)
        for digest in image.blobs:
            _link(repository / "_layers", digest)
        _link(repository / "_manifests" / "revisions", image.digest)
        if image.tag:
            tag = repository / "_manifests" / "tags" / image.tag
            _link(tag / "index", image.digest)
            _file(tag / "current" / "link", image.digest.encode())


def _link(folder: Path, digest: str) -> None:
    algorithm, _, name = digest.partition(":")
    _file(folder / algorithm / name / "link", digest.encode())


def _spread(digest: str) -> Path:
    algorithm, _, name = digest.partition(":")
    return Path(algorithm, name[:2], name)


def _file(path: Path, data: bytes) -> None:
    os.makedirs(path.parent, exist_ok=True)
    path.write_bytes(data)


def copy_store(source: Path, target: Path) -> None:
    """A copy to be collected in: blobs are hard links, whose removal leaves the first name alone.

    Raises:
        BenchError: it fails.
    """
    began = time.monotonic()
    target.parent.mkdir(parents=True, exist_ok=True)
    done = subprocess.run(
        ["cp", "-al", str(source), str(target)], capture_output=True, text=True, check=False
    )
    if done.returncode:
        raise BenchError(f"the copy of a store failed: {done.stderr[-300:]}")
    for file in (source / "db").glob("*"):
        (target / "db" / file.name).unlink()
        shutil.copy(file, target / "db" / file.name)
    print(f"  a copy of {source.name} took {time.monotonic() - began:.1f} s", file=sys.stderr)
