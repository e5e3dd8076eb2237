"""The log forwarded to Debian's rsyslog: once, in order, and without loss while either of the two is away."""

import json
import signal
import subprocess
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path

import pytest

from moorage.audit.forward_store import ForwardStore
from moorage.db.connection import close_connection, open_database
from tests.support.certificate import make_certificate
from tests.support.images import image
from tests.support.registry import RegistryClient
from tests.support.rsyslog import Rsyslog
from tests.support.server import ADMIN, MOORAGE, RunningServer

SECONDS = 120
MANY = 10_000
THREADS = 4


@pytest.fixture
def rsyslogs(tmp_path: Path, request: pytest.FixtureRequest) -> Callable[..., Rsyslog]:
    def make(name: str = "rsyslog", *tls: Path, mutual: bool = False) -> Rsyslog:
        made = Rsyslog(tmp_path / name, *tls, mutual=mutual)
        request.addfinalizer(made.kill)
        made.start()
        return made

    return make


def starting(folder: Path, url: str) -> Iterator[Callable[..., RunningServer]]:
    """Starts servers that forward their log to a URL, and ends them."""
    started: list[RunningServer] = []

    def start(target: str, **more: str) -> RunningServer:
        told = {"MOORAGE_SYSLOG_URL": target, **more}
        started.append(RunningServer(folder / "server", url, settings=told).start())
        return started[-1]

    yield start
    for each in started:
        each.kill()
    close_connection()


@pytest.fixture
def serve(
    database_kind: str, request: pytest.FixtureRequest, tmp_path: Path
) -> Iterator[Callable[..., RunningServer]]:
    url = f"sqlite:///{tmp_path}/moorage.sqlite"
    if database_kind == "postgresql":
        url = request.getfixturevalue("postgresql_server").create(f"moorage_syslog_{tmp_path.name}")
    yield from starting(tmp_path, url)


@pytest.fixture
def serve_on_sqlite(tmp_path: Path) -> Iterator[Callable[..., RunningServer]]:
    yield from starting(tmp_path, f"sqlite:///{tmp_path}/moorage.sqlite")


def logged(server: RunningServer) -> list[int]:
    """The numbers of all entries of the log."""
    open_database(server.database_url)
    try:
        return [each.id for each in ForwardStore().following(0, 1_000_000)]
    finally:
        close_connection()


def until(wanted: Callable[[], bool], seconds: float = SECONDS) -> None:
    deadline = time.monotonic() + seconds
    while not wanted():
        assert time.monotonic() < deadline, "it did not happen"
        time.sleep(0.1)


def all_arrived(server: RunningServer, rsyslog: Rsyslog) -> bool:
    return set(logged(server)) <= set(rsyslog.numbers())


def quiet(server: RunningServer, rsyslog: Rsyslog) -> None:
    """Wait until nothing is gathered any more and everything has arrived."""
    time.sleep(1.5)  # the longest time that the server gathers pulls
    until(lambda: all_arrived(server, rsyslog))


def use(server: RunningServer, images: int = 5) -> None:
    client = RegistryClient(server.url, ADMIN.name, ADMIN.password)
    for number in range(images):
        client.push(f"library/app-{number}", image(), "1")
        client.pull(f"library/app-{number}", "1")
    client.close()


def pull_often(server: RunningServer, times: int, stop: threading.Event | None = None) -> None:
    def pull(count: int) -> None:
        client = RegistryClient(server.url, ADMIN.name, ADMIN.password)
        for _ in range(count):
            if stop is not None and stop.is_set():
                break
            client.pull_manifest("library/app-0", "1")
        client.close()

    with ThreadPoolExecutor(THREADS) as threads:
        list(threads.map(pull, [times // THREADS] * THREADS))


def ran(environment: Mapping[str, str], *words: str) -> subprocess.CompletedProcess[str]:
    command = [MOORAGE, *words]
    return subprocess.run(command, env=dict(environment), capture_output=True, text=True, check=False)


def status(server: RunningServer) -> dict[str, object]:
    done = ran(server.environment(), "audit", "forward", "--json")
    assert done.returncode == 0, done.stderr
    found: dict[str, object] = json.loads(done.stdout)
    return found


@pytest.mark.parametrize("way", ["udp", "tcp", "tls"])
def test_pushes_and_pulls_arrive_once_and_in_order(
    way: str, serve: Callable[..., RunningServer], rsyslogs: Callable[..., Rsyslog], tmp_path: Path
) -> None:
    files: list[Path] = []
    if way == "tls":
        files = [tmp_path / "ca.pem", tmp_path / "key.pem"]
        make_certificate(*files)
    rsyslog = rsyslogs("rsyslog", *files)
    more = {"MOORAGE_SYSLOG_CA_FILE": str(files[0])} if files else {}
    server = serve(f"{way}://127.0.0.1:{rsyslog.port}", **more)
    use(server)
    quiet(server, rsyslog)
    assert rsyslog.numbers() == logged(server)
    pushed = [each for each in rsyslog.received() if each.message_id == "push_artifact"]
    assert len(pushed) == 5
    assert {(each.facility, each.severity, each.app_name) for each in pushed} == {
        ("local0", "info", "moorage")
    }
    assert 'actor="admin"' in pushed[0].structured
    assert 'repository="library/app-0" tag="1" digest="sha256:' in pushed[0].structured
    assert pushed[0].text.strip() == "admin push_artifact artifact library/app-0:1 success"
    assert server.stop() == 0
    assert rsyslog.numbers() == logged(server)[: len(rsyslog.numbers())]


def test_entries_wait_while_the_syslog_server_is_away(
    database_kind: str, serve: Callable[..., RunningServer], rsyslogs: Callable[..., Rsyslog]
) -> None:
    rsyslog = rsyslogs()
    server = serve(f"tcp://127.0.0.1:{rsyslog.port}", MOORAGE_SYSLOG_WARN_MINUTES="0.01")
    use(server, 1)
    quiet(server, rsyslog)
    time.sleep(6)  # what a server got just before it goes would be sent again
    before = len(rsyslog.numbers())
    if database_kind == "postgresql":
        rsyslog.kill()
    else:
        rsyslog.stop()
    pull_often(server, MANY)
    time.sleep(1.5)
    assert len(rsyslog.numbers()) == before
    found = status(server)
    assert (found["connected"], found["error"]) == (False, "Connection refused")
    assert int(str(found["waiting"])) >= MANY
    assert "entries wait since" in ran(server.environment(), "status").stdout
    rsyslog.start()
    until(lambda: all_arrived(server, rsyslog))
    assert rsyslog.numbers() == logged(server)
    until(lambda: status(server)["waiting"] == 0)


def test_a_killed_server_loses_nothing_that_is_in_its_log(
    serve: Callable[..., RunningServer], rsyslogs: Callable[..., Rsyslog]
) -> None:
    rsyslog = rsyslogs()
    server = serve(f"tcp://127.0.0.1:{rsyslog.port}")
    use(server, 1)
    for _ in range(3):
        stop = threading.Event()
        wanted = len(rsyslog.numbers()) + 300
        traffic = threading.Thread(target=_pulls_until_it_fails, args=(server, stop))
        traffic.start()
        until(partial(_has, rsyslog, wanted))
        server.kill()
        stop.set()
        traffic.join()
        server.start()
    use(server, 1)
    quiet(server, rsyslog)
    numbers = rsyslog.numbers()
    assert set(numbers) == set(logged(server))
    # What is sent once more after a crash comes in its order, too.
    assert list(dict.fromkeys(numbers)) == logged(server)


def _has(rsyslog: Rsyslog, count: int) -> bool:
    return len(rsyslog.numbers()) >= count


def _pulls_until_it_fails(server: RunningServer, stop: threading.Event) -> None:
    try:
        pull_often(server, 1_000_000, stop)
    except Exception:  # the server is killed meanwhile
        assert stop.wait(60)


def test_a_syslog_server_that_is_restarted_under_load_gets_everything(
    serve: Callable[..., RunningServer], rsyslogs: Callable[..., Rsyslog]
) -> None:
    rsyslog = rsyslogs()
    server = serve(f"tcp://127.0.0.1:{rsyslog.port}", MOORAGE_AUDIT_FLUSH_SECONDS="0.05")
    use(server, 1)
    stop = threading.Event()
    traffic = threading.Thread(target=pull_often, args=(server, 1_000_000, stop))
    traffic.start()
    for _ in range(5):
        until(partial(_has, rsyslog, len(rsyslog.numbers()) + 200))
        rsyslog.stop()
        rsyslog.start()
    stop.set()
    traffic.join()
    quiet(server, rsyslog)
    numbers = rsyslog.numbers()
    assert set(numbers) == set(logged(server))
    # What lay unread when it ended, or might have, comes once more and in its order.
    assert list(dict.fromkeys(numbers)) == logged(server)


def test_a_stop_is_not_held_up_and_what_came_before_is_not_sent_twice(
    serve: Callable[..., RunningServer], rsyslogs: Callable[..., Rsyslog]
) -> None:
    rsyslog = rsyslogs()
    server = serve(f"tcp://127.0.0.1:{rsyslog.port}")
    for _ in range(3):
        use(server, 2)
        server.restart()
    quiet(server, rsyslog)
    assert rsyslog.numbers() == logged(server)


def test_a_server_that_cannot_prove_who_it_is_gets_nothing(
    serve_on_sqlite: Callable[..., RunningServer], rsyslogs: Callable[..., Rsyslog], tmp_path: Path
) -> None:
    good = [tmp_path / "good.pem", tmp_path / "good.key"]
    other = [tmp_path / "other.pem", tmp_path / "other.key"]
    make_certificate(*good)
    make_certificate(*other)
    rsyslog = rsyslogs("rsyslog", *good)
    server = serve_on_sqlite(f"tls://127.0.0.1:{rsyslog.port}", MOORAGE_SYSLOG_CA_FILE=str(other[0]))
    use(server, 1)
    until(lambda: "certificate is not good" in str(status(server)["error"]))
    tried = ran(server.environment(), "audit", "forward", "--test")
    assert tried.returncode == 1
    assert "certificate is not good" in tried.stderr
    # Its name is looked at as well: the certificate speaks of 127.0.0.1 alone.
    named = {**server.environment(), "MOORAGE_SYSLOG_URL": f"tls://localhost:{rsyslog.port}"}
    named["MOORAGE_SYSLOG_CA_FILE"] = str(good[0])
    tried = ran(named, "audit", "forward", "--test")
    assert tried.returncode == 1
    assert "not valid for 'localhost'" in tried.stderr
    assert rsyslog.received() == []
    # Whoever puts the right authority into the file need not start anything anew.
    other[0].write_bytes(good[0].read_bytes())
    until(lambda: all_arrived(server, rsyslog))
    assert rsyslog.numbers() == logged(server)


def test_a_server_that_wants_a_certificate_gets_it(
    serve_on_sqlite: Callable[..., RunningServer], rsyslogs: Callable[..., Rsyslog], tmp_path: Path
) -> None:
    ours, key = tmp_path / "ours.pem", tmp_path / "ours.key"
    make_certificate(ours, key)
    rsyslog = rsyslogs("rsyslog", ours, key, mutual=True)
    server = serve_on_sqlite(f"tls://127.0.0.1:{rsyslog.port}", MOORAGE_SYSLOG_CA_FILE=str(ours))
    use(server, 1)
    until(lambda: bool(status(server)["error"]))
    assert rsyslog.received() == []
    server.stop()
    server.start(MOORAGE_SYSLOG_CERT_FILE=str(ours), MOORAGE_SYSLOG_KEY_FILE=str(key))
    until(lambda: all_arrived(server, rsyslog))
    assert rsyslog.numbers() == logged(server)


@pytest.mark.parametrize("way", ["udp", "tcp"])
def test_a_message_to_try_it_out(
    way: str, serve_on_sqlite: Callable[..., RunningServer], rsyslogs: Callable[..., Rsyslog]
) -> None:
    rsyslog = rsyslogs()
    server = serve_on_sqlite("", MOORAGE_SYSLOG_FORMAT="json")
    environment = {**server.environment(), "MOORAGE_SYSLOG_URL": f"{way}://127.0.0.1:{rsyslog.port}"}
    tried = ran(environment, "audit", "forward", "--test")
    assert tried.returncode == 0, tried.stderr
    assert ("nobody can tell" if way == "udp" else "read") in tried.stdout
    until(lambda: bool(rsyslog.received()))
    (found,) = rsyslog.received()
    assert found.message_id == "test"
    assert json.loads(found.text)["operation"] == "test"
    assert server.stop(signal.SIGTERM) == 0
