"""The supervisor and its processes: start, death, replacement, and an end that loses nothing."""

import json
import os
import signal
import socket
import stat
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.support.load import Load
from tests.support.raw_http import Answer, RawClient
from tests.support.serving import Serving, process_is_gone, wait_until

MIB = 1 << 20
UPLOAD = "/v2/library/app/blobs/uploads/0123"


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Callable[..., Serving]]:
    """Starts servers that end with the test."""
    running: list[Serving] = []

    def begin(**how: Any) -> Serving:
        running.append(Serving(tmp_path / str(len(running)), how.pop("settings", {"processes": 2}), **how))
        return running[-1]

    yield begin
    for each in running:
        each.child.kill()


def ask_pid(client: RawClient) -> Answer:
    return client.request("GET", "/pid")


def ask_upload(client: RawClient) -> Answer:
    answer = client.request("PATCH", UPLOAD, body=bytes(200_000))
    assert json.loads(answer.body)["moorage.spooled.length"] == 200_000
    return Answer(answer.version, answer.status, answer.headers, b"")


# -- the start


def test_every_process_answers_on_one_address(start: Callable[..., Serving]) -> None:
    serving = start().wait_until_ready()
    assert len(serving.addresses) == 1
    load = Load(serving.address, ask_pid)
    wait_until(lambda: len(load.answers) == 2, "one process takes everything")
    load.stop()
    assert load.failures == []
    assert set(load.answers) == {f"200 {pid}" for pid in serving.pids()}


def test_each_process_is_told_its_number_and_its_end(start: Callable[..., Serving]) -> None:
    serving = start(worker="waits").wait_until_ready()
    assert sorted(serving.noted("start")) == ["0", "1", "2"]
    assert serving.child.stop() == 0
    assert serving.diary().count("stop") == 3
    assert serving.diary().count("worker ends") == 1


def test_an_address_in_use_is_named_and_nothing_is_started(start: Callable[..., Serving]) -> None:
    first = start().wait_until_ready()
    port = int(first.address.rpartition(":")[2])
    second = start(settings={"port": port})
    second.child.wait_for(rf"error: cannot listen on 127\.0\.0\.1:{port}: another program listens there")
    assert second.child.ended() == 1
    assert second.diary() == []
    with first.connect() as client:
        assert client.request("GET", "/hello").text == "hello"


def test_an_address_that_is_not_ours_is_named(start: Callable[..., Serving]) -> None:
    serving = start(settings={"host": "192.0.2.1"})
    serving.child.wait_for("error: cannot listen on 192.0.2.1:0: this machine does not have that address")
    assert serving.child.ended() == 1


def test_an_application_that_cannot_be_built_ends_the_start(start: Callable[..., Serving]) -> None:
    serving = start(broken=True)
    serving.child.wait_for("the application cannot be built")
    assert serving.child.ended() == 1


# -- unix sockets


def test_each_process_has_a_socket_that_others_may_not_use(
    start: Callable[..., Serving], tmp_path: Path
) -> None:
    folder = tmp_path / "sockets"
    serving = start(settings={"processes": 2, "socket_folder": str(folder)}).wait_until_ready()
    assert serving.addresses == [f"unix:{folder}/0.sock", f"unix:{folder}/1.sock"]
    pids = set()
    for address in serving.addresses:
        assert stat.S_IMODE(Path(address.removeprefix("unix:")).stat().st_mode) == 0o660
        with RawClient(address) as client:
            pids.add(int(ask_pid(client).text))
    assert pids == set(serving.pids())
    assert serving.child.stop() == 0
    assert list(folder.iterdir()) == []


def test_only_a_proxy_on_the_socket_says_where_clients_are(
    start: Callable[..., Serving], tmp_path: Path
) -> None:
    settings = {"processes": 1, "socket_folder": str(tmp_path / "sockets"), "behind_nginx": True}
    serving = start(settings=settings).wait_until_ready()
    with serving.connect() as client:
        told = {"X-Forwarded-For": "203.0.113.9", "X-Forwarded-Proto": "https"}
        environ = json.loads(client.request("GET", "/environ", told).body)
    assert (environ["REMOTE_ADDR"], environ["wsgi.url_scheme"]) == ("203.0.113.9", "https")


def test_a_socket_left_behind_is_replaced_and_one_in_use_is_not(
    start: Callable[..., Serving], tmp_path: Path
) -> None:
    folder = tmp_path / "sockets"
    folder.mkdir()
    with socket.socket(socket.AF_UNIX) as stale:
        stale.bind(str(folder / "0.sock"))
    settings = {"processes": 1, "socket_folder": str(folder)}
    first = start(settings=settings).wait_until_ready()
    second = start(settings=settings)
    second.child.wait_for("error: cannot listen on .*0.sock: another program listens there")
    assert second.child.ended() == 1
    with first.connect() as client:
        assert client.request("GET", "/hello").text == "hello"


def test_a_file_in_the_place_of_a_socket_is_left_alone(start: Callable[..., Serving], tmp_path: Path) -> None:
    (tmp_path / "0.sock").write_text("precious")
    serving = start(settings={"socket_folder": str(tmp_path), "processes": 1})
    serving.child.wait_for("error: cannot listen on .*0.sock: there is something else")
    assert serving.child.ended() == 1
    assert (tmp_path / "0.sock").read_text() == "precious"


# -- death


def test_service_goes_on_when_a_process_is_killed_under_load(start: Callable[..., Serving]) -> None:
    serving = start().wait_until_ready()
    first, second = serving.pids()
    load = Load(serving.address, ask_pid)
    load.wait_for_answers(200)
    os.kill(first, signal.SIGKILL)
    serving.child.wait_for("server-. ended, by signal 9; another starts")
    load.wait_for_answers(200)
    wait_until(lambda: len(serving.noted("start")) == 3, "nobody takes its place")
    serving.child.wait_for(f"ready .process {max(serving.pids())}")
    load.wait_for_answers(200)
    load.stop()
    # Only what the killed process had in hand is lost, at most one request of each client.
    assert len(load.failures) <= 8
    assert len(serving.pids()) == 2
    assert second in serving.pids()
    assert serving.child.stop() == 0


def test_no_process_outlives_its_killed_supervisor(start: Callable[..., Serving]) -> None:
    serving = start(worker="waits").wait_until_ready()
    pids = serving.pids()
    assert len(pids) == 3
    serving.child.process.send_signal(signal.SIGKILL)
    serving.child.ended()
    wait_until(lambda: all(process_is_gone(pid) for pid in pids), "orphans are left")


def test_a_worker_that_dies_is_started_again(start: Callable[..., Serving]) -> None:
    serving = start(worker="dies").wait_until_ready()
    serving.wait_for_note("worker", 3)
    serving.child.wait_for("worker ended, exit code 3; another starts in")
    with serving.connect() as client:
        assert client.request("GET", "/hello").text == "hello"


# -- replacement


@pytest.mark.parametrize("ask", [ask_pid, ask_upload])
def test_replacing_every_process_under_load_loses_nothing(
    start: Callable[..., Serving], ask: Callable[[RawClient], Answer]
) -> None:
    serving = start(worker="waits").wait_until_ready()
    before = set(serving.pids())
    load = Load(serving.address, ask)
    load.wait_for_answers(50)
    serving.child.process.send_signal(signal.SIGHUP)
    wait_until(lambda: not before & set(serving.pids()), "an old process is left")
    load.wait_for_answers(50)
    load.stop()
    assert load.failures == []
    assert load.refused == 0
    assert len(serving.pids()) == 3
    assert serving.child.stop() == 0


# -- the end


@pytest.mark.parametrize("how", [signal.SIGTERM, signal.SIGINT])
@pytest.mark.parametrize("ask", [ask_pid, ask_upload])
def test_ending_under_load_loses_no_request(
    start: Callable[..., Serving], ask: Callable[[RawClient], Answer], how: signal.Signals
) -> None:
    serving = start().wait_until_ready()
    load = Load(serving.address, ask, clients=16)
    load.wait_for_answers(100)
    assert serving.child.stop(how) == 0
    load.wait_for_end()
    assert load.failures == []
    assert load.refused == 16
    assert serving.spooled() == []


def test_ending_under_load_of_new_connections_loses_no_request(start: Callable[..., Serving]) -> None:
    def ask_once(client: RawClient) -> Answer:
        return client.request("GET", "/hello", {"Connection": "close"})

    serving = start().wait_until_ready()
    load = Load(serving.address, ask_once, clients=16)
    load.wait_for_answers(100)
    assert serving.child.stop() == 0
    load.wait_for_end()
    assert load.failures == []


def test_a_request_under_way_is_answered_at_the_end(start: Callable[..., Serving], tmp_path: Path) -> None:
    serving = start().wait_until_ready()
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    with serving.connect() as client:
        client.send_request("GET", f"/wait?pipe={pipe}")
        serving.wait_for_note("waiting")
        serving.child.process.send_signal(signal.SIGTERM)
        wait_until(lambda: _refuses(serving.address), "new connections are still taken")
        pipe.write_text("at last")
        answer = client.answer()
    assert (answer.text, answer.headers["connection"]) == ("at last", "close")
    assert serving.child.ended() == 0


def test_bodies_and_files_under_way_are_finished_at_the_end(
    start: Callable[..., Serving], tmp_path: Path
) -> None:
    serving = start().wait_until_ready()
    path = tmp_path / "file"
    path.write_bytes(os.urandom(8 * MIB))
    with serving.connect() as up, serving.connect(receive_buffer=4096) as down:
        up.send_request("PATCH", UPLOAD, {"Content-Length": str(4 * MIB)})
        up.send(bytes(MIB))
        down.send_request("GET", f"/file?path={path}")
        head = down.exactly(1000)
        serving.wait_for_note("asked")
        serving.child.process.send_signal(signal.SIGTERM)
        wait_until(lambda: _refuses(serving.address), "new connections are still taken")
        up.send(bytes(3 * MIB))
        answer = up.answer()
        assert json.loads(answer.body)["moorage.spooled.length"] == 4 * MIB
        assert answer.headers["connection"] == "close"
        whole = head + down.rest()
    assert whole.endswith(path.read_bytes())
    assert serving.child.ended() == 0


def test_an_idle_connection_may_still_ask_once_at_the_end(start: Callable[..., Serving]) -> None:
    serving = start().wait_until_ready()
    with serving.connect() as idle, serving.connect() as silent:
        assert idle.request("GET", "/hello").text == "hello"
        serving.child.process.send_signal(signal.SIGTERM)
        serving.child.wait_for("ending: no new connections")
        answer = idle.request("GET", "/hello")
        assert (answer.text, answer.headers["connection"]) == ("hello", "close")
        assert silent.is_closed()
    assert serving.child.ended() == 0


def test_what_takes_longer_than_the_drain_is_cut_off(start: Callable[..., Serving]) -> None:
    serving = start(settings={"processes": 1, "drain_seconds": 1}).wait_until_ready()
    with serving.connect() as client:
        client.send_request("PATCH", UPLOAD, {"Content-Length": str(MIB)})
        client.send(b"begun")
        serving.wait_for_note("asked")
        assert serving.child.stop() == 0
        assert client.is_closed()
    assert "were cut off at the end of the drain" in serving.child.output
    assert serving.spooled() == []


def test_a_second_signal_ends_it_at_once(start: Callable[..., Serving], tmp_path: Path) -> None:
    serving = start().wait_until_ready()
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    with serving.connect() as client:
        client.send_request("GET", f"/wait?pipe={pipe}")
        serving.wait_for_note("waiting")
        serving.child.process.send_signal(signal.SIGINT)
        serving.child.wait_for("ending: no new connections")
        assert serving.child.stop(signal.SIGINT) == 1


def _refuses(address: str) -> bool:
    try:
        RawClient(address).socket.close()
    except ConnectionRefusedError:
        return True
    return False
