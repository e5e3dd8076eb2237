"""Releases change places: a real environment of real wheels, files, a database; systemd is a stand-in."""

import json
import multiprocessing
import os
import shutil
import signal
import socketserver
import sqlite3
import threading
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from http.server import BaseHTTPRequestHandler
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from moorage_appliance.commands import CommandFailedError, Completed, SystemCommands
from moorage_appliance.paths import Paths
from moorage_appliance.upgrade import environment, health
from moorage_appliance.upgrade.errors import UpgradeError
from moorage_appliance.upgrade.journal import JournalFile, State
from moorage_appliance.upgrade.upgrading import Upgrading
from moorage_ova.bundle import make_bundle, public_half
from tests.support import upgrade_bundle

KEY = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
OLD, NEW, ILL = "1.0.0", "1.1.0", "1.2.0"
_UNITS = "usr/lib/systemd/system"
#: Says whether it can go on with the database, as `moorage migrate --check` does.
_OLD_PROGRAM = """#!/usr/bin/env python3
import os, sqlite3, sys
found = sqlite3.connect(os.environ["DATABASE"]).execute("SELECT number FROM schema").fetchone()
sys.exit(found != (1,))
"""
#: More than there are steps.
_MOST = 80


class Site:
    """An appliance below a folder, with the old release installed."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.paths = Paths(folder / "root")
        self.database = self.paths.database / "moorage.sqlite"
        self.said: list[str] = []
        self.machine = Machine(self)
        self.upgrading = Upgrading(self.paths, self.machine, self.said.append, seconds=1)

    def install(self) -> None:
        paths = self.paths
        for each in (paths.registry, paths.database, paths.state, paths.configuration, paths.run):
            each.mkdir(parents=True)
        (paths.configuration / "moorage.toml").write_text(
            f'[storage]\ndata = "{paths.registry}"\n[database]\nurl = "sqlite:///{self.database}"\n'
        )
        self.write("a row of the old release", schema=1)
        self.put("usr/share/moorage/version", f"{OLD}\n")
        self.put("usr/share/moorage/nginx.conf.j2", f"template of {OLD}\n")
        self.put("usr/share/moorage/upgrade.pub", public_half(KEY).decode())
        self.put(f"{_UNITS}/moorage-registry.service", f"# of {OLD}\n")
        self.put(f"{_UNITS}/moorage-old-only.service", f"# of {OLD}\n")
        program = paths.program / "bin/moorage"
        program.parent.mkdir(parents=True)
        program.write_text(_OLD_PROGRAM)
        program.chmod(0o755)

    def put(self, name: str, text: str) -> None:
        path = self.paths.root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)

    def write(self, text: str, *, schema: int) -> None:
        with closing(sqlite3.connect(self.database)) as line, line:
            line.execute("CREATE TABLE IF NOT EXISTS schema (number INTEGER)")
            line.execute("CREATE TABLE IF NOT EXISTS said (text TEXT)")
            line.execute("DELETE FROM schema")
            line.execute("INSERT INTO schema VALUES (?)", (schema,))
            line.execute("INSERT INTO said VALUES (?)", (text,))

    def rows(self) -> list[str]:
        with closing(sqlite3.connect(self.database)) as line:
            return [row[0] for row in line.execute("SELECT text FROM said")]

    def release(self) -> str:
        return self.upgrading.installed()

    def content(self) -> dict[str, bytes | str]:
        """Everything that a release is made of."""
        places = (self.paths.shared, self.paths.root / _UNITS, self.paths.program)
        return {
            str(path.relative_to(self.paths.root)): path.read_bytes()
            for place in places
            for path in sorted(place.rglob("*"))
            if path.is_file()
        }


class Machine(SystemCommands):
    """Real programs, and in the place of systemd what the tests need of it."""

    def __init__(self, site: Site) -> None:
        super().__init__()
        self._site = site
        self.units: list[tuple[str, ...]] = []

    def run(self, *argv: str, stdin: bytes = b"", check: bool = True) -> Completed:
        if argv[0] != "systemctl":
            return super().run(*argv, stdin=stdin, check=check)
        self.units.append(argv[1:])
        if argv[1] == "is-active":
            return Completed(0, "inactive\n" if "migrate" in argv[2] else "active\n", "")
        if argv[1] == "start" and "--no-block" in argv and self._site.release() == ILL:
            self._site.write("a row of the ill release", schema=2)
        return Completed(0, "", "")


@contextmanager
def serving(site: Site) -> Iterator[None]:
    """Registry and portal of whatever release is installed, at their sockets."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            body = json.dumps({"status": "unhealthy" if site.release() == ILL else "healthy"}).encode()
            self.send_response(401 if self.path == "/v2/" else 200)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def address_string(self) -> str:
            return "a socket"

        def log_message(self, *_: object) -> None:
            pass

    servers = []
    for part in ("registry", "portal"):
        path = site.paths.sockets / part / "0.sock"
        path.parent.mkdir(parents=True)
        servers.append(socketserver.ThreadingUnixStreamServer(str(path), Handler))
    threads = [threading.Thread(target=each.serve_forever) for each in servers]
    for thread in threads:
        thread.start()
    try:
        yield
    finally:
        for server, thread in zip(servers, threads, strict=True):
            server.shutdown()
            thread.join()
            server.server_close()


@pytest.fixture(name="site")
def _site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Site]:
    monkeypatch.setattr(health, "_POLL_SECONDS", 0.01)
    found = Site(tmp_path)
    found.install()
    monkeypatch.setenv("DATABASE", str(found.database))
    with serving(found):
        yield found


def _bundle(site: Site, version: str, schema: int = 1) -> Path:
    more = {f"{_UNITS}/moorage-new-only.service": f"# of {version}\n"}
    return upgrade_bundle.bundle(site.folder / "bundles", KEY, version, schema=schema, **more)


def test_a_release_takes_the_place_of_the_one_before_and_gives_it_back(site: Site) -> None:
    before = site.content()
    assert site.upgrading.upgrade(_bundle(site, NEW)) == NEW
    assert site.release() == NEW
    assert (site.paths.shared / "nginx.conf.j2").read_text() == f"template of {NEW}\n"
    units = {each.name for each in (site.paths.root / _UNITS).iterdir()}
    assert units == {"moorage-registry.service", "moorage-new-only.service"}
    program = (site.paths.program / "bin/moorage").read_text()
    assert program.startswith(f"#!{site.paths.program}/bin/python3")
    assert list(site.paths.program.rglob("moorage.cpython-*.pyc"))
    site.write("a row of the new release", schema=1)
    site.upgrading.rollback()
    assert site.content() == before
    assert site.rows() == ["a row of the old release", "a row of the new release"]
    with pytest.raises(UpgradeError, match="no upgrade that could be taken back"):
        site.upgrading.rollback()


def test_a_release_that_is_not_well_is_taken_back_with_its_database(site: Site) -> None:
    before = site.content()
    with pytest.raises(UpgradeError, match=f"{ILL} was not well; {OLD} runs again"):
        site.upgrading.upgrade(_bundle(site, ILL, schema=2))
    assert any("health" in each for each in site.said)
    assert site.content() == before
    assert site.rows() == ["a row of the old release"]
    (aside,) = site.paths.database.glob("after-upgrade-*")
    assert (aside / "moorage.sqlite").is_file()
    assert JournalFile(site.paths).read() is None
    assert not list(site.paths.database.glob("before-upgrade-*"))


def test_after_a_failure_the_next_release_is_taken(site: Site) -> None:
    with pytest.raises(UpgradeError):
        site.upgrading.upgrade(_bundle(site, ILL, schema=2))
    assert site.upgrading.upgrade(_bundle(site, NEW)) == NEW
    assert site.upgrading.upgrade(_bundle(site, "1.1.1")) == "1.1.1"
    site.upgrading.rollback()
    assert site.release() == NEW


@pytest.mark.parametrize("version", [OLD, "0.9.9"])
def test_the_same_release_or_an_older_one_is_refused(site: Site, version: str) -> None:
    before = site.content()
    with pytest.raises(UpgradeError, match=f"{OLD} is installed"):
        site.upgrading.upgrade(_bundle(site, version))
    assert site.content() == before
    assert not (site.paths.system_state / "upgrade/.coming").exists()


def test_wheels_that_do_not_go_together_change_nothing(site: Site) -> None:
    before = site.content()
    payload = upgrade_bundle.payload(site.folder / "payload", NEW)
    upgrade_bundle.spoil_wheels(payload)
    with pytest.raises(CommandFailedError, match="hashes"):
        site.upgrading.upgrade(make_bundle(payload, KEY, 0, site.folder))
    assert site.content() == before
    assert not any(each[0] == "stop" for each in site.machine.units)


def test_a_database_elsewhere_has_to_be_backed_up_there(site: Site) -> None:
    (site.paths.configuration / "moorage.toml").write_text(
        f'[storage]\ndata = "{site.paths.registry}"\n[database]\nurl = "postgresql://a:b@db.example.com/m"\n'
    )
    file = _bundle(site, NEW)
    with pytest.raises(UpgradeError, match="back it up there"):
        site.upgrading.upgrade(file)
    assert site.upgrading.upgrade(file, database_is_backed_up=True) == NEW


def test_killed_at_any_step_it_is_one_release_or_the_other(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(health, "_POLL_SECONDS", 0.01)
    monkeypatch.setattr(environment, "make", _quick_environment)
    found = set()
    for step in range(1, _MOST):
        site = Site(tmp_path / str(step))
        site.install()
        monkeypatch.setenv("DATABASE", str(site.database))
        file = _bundle(site, NEW, schema=1)
        old = site.content()
        with serving(site):
            if not _killed_at(site, file, step):
                break
        journal = JournalFile(site.paths).read()
        recovered = site.upgrading.recover()
        done = journal is not None and journal.state is State.DONE
        assert recovered == (journal is not None and not done), step
        left = site.content()
        left.pop("opt/moorage/.ran-before", None)
        if done:
            assert site.release() == NEW, step
            assert (site.paths.program / "bin/moorage").read_text() == "#!/bin/sh\nexit 0\n", step
        else:
            assert left == old, step
        assert site.rows() == ["a row of the old release"], step
        found.add(done)
    else:
        pytest.fail("there are more steps than were tried")
    assert found == {True, False}


def _killed_at(site: Site, file: Path, step: int) -> bool:
    """Upgrade in a process that is killed at that step; whether it was."""

    def work() -> None:
        count = 0

        def counted(really: Callable[..., object]) -> Callable[..., object]:
            def one(*words: object, **more: object) -> object:
                nonlocal count
                count += 1
                if count == step:
                    os.kill(os.getpid(), signal.SIGKILL)
                return really(*words, **more)

            return one

        for owner, name in ((Machine, "run"), (Path, "replace"), (Path, "rename"), (Path, "unlink")):
            setattr(owner, name, counted(getattr(owner, name)))
        for owner, name in ((os, "sync"), (environment, "_exchange"), (shutil, "rmtree")):
            setattr(owner, name, counted(getattr(owner, name)))
        site.upgrading.upgrade(file)

    process = multiprocessing.get_context("fork").Process(target=work)
    process.start()
    process.join()
    assert process.exitcode in (0, -signal.SIGKILL)
    return process.exitcode != 0


def _quick_environment(paths: Paths, _: object, __: object, folder: Path) -> None:
    program = folder / "opt" / paths.program.name / "bin/moorage"
    program.parent.mkdir(parents=True)
    program.write_text("#!/bin/sh\nexit 0\n")
    program.chmod(0o755)
    (paths.program / ".ran-before").touch()
