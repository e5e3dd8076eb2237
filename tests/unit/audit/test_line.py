"""Connections to a syslog server: they frame, they know what arrived, and a stop ends every wait."""

import socket
import threading
import time
from collections.abc import Iterator
from contextlib import closing

import pytest

from moorage.audit.destination import Destination, connect
from moorage.audit.errors import LineBrokenError, SyslogInvalidError
from moorage.audit.line import Line

SECONDS = 10.0


@pytest.fixture
def listener() -> Iterator[socket.socket]:
    with socket.create_server(("127.0.0.1", 0)) as made:
        made.settimeout(SECONDS)
        yield made


def at(made: socket.socket, scheme: str = "tcp") -> Destination:
    return Destination(scheme, "127.0.0.1", made.getsockname()[1])


def read_all(made: socket.socket) -> bytes:
    made.settimeout(SECONDS)
    content = b""
    while chunk := made.recv(65_536):
        content += chunk
    return content


def test_messages_are_counted_in_bytes_and_known_to_have_arrived(listener: socket.socket) -> None:
    with closing(connect(at(listener), threading.Event(), SECONDS)) as line:
        assert line.acknowledged() == 0
        line.send([(7, b"one\ntwo"), (9, "\u00fc".encode())])
        taken, _ = listener.accept()
        with taken:
            reading = threading.Thread(target=lambda: heard.append(_read_and_close(taken)))
            heard: list[bytes] = []
            reading.start()
            line.finish(SECONDS)
            reading.join()
        assert line.acknowledged() == 9
    assert heard == [b"7 one\ntwo2 \xc3\xbc"]


def _read_and_close(made: socket.socket) -> bytes:
    content = read_all(made)
    made.close()
    return content


def test_an_end_with_everything_read_is_in_order(listener: socket.socket) -> None:
    with closing(connect(at(listener), threading.Event(), SECONDS)) as line:
        taken, _ = listener.accept()
        line.send([(1, b"x")])
        assert taken.recv(100) == b"1 x"
        taken.close()
        with pytest.raises(LineBrokenError) as caught:
            line.idle(SECONDS)
        assert caught.value.in_order
        assert line.acknowledged() == 1


def test_an_end_with_something_unread_is_not(listener: socket.socket) -> None:
    with closing(connect(at(listener), threading.Event(), SECONDS)) as line:
        taken, _ = listener.accept()
        line.send([(1, b"x"), (2, b"y")])
        assert taken.recv(3) == b"1 x"
        taken.close()
        with pytest.raises(LineBrokenError) as caught:
            line.idle(SECONDS)
        assert not caught.value.in_order


def send_until_it_ends(line: Line) -> None:
    for number in range(2, 1000):
        line.send([(number, b"y")])
        line.idle(0.01)


def test_what_is_sent_after_an_end_in_order_is_not_counted(listener: socket.socket) -> None:
    with closing(connect(at(listener), threading.Event(), SECONDS)) as line:
        taken, _ = listener.accept()
        line.send([(1, b"x")])
        assert taken.recv(100) == b"1 x"
        taken.close()
        with pytest.raises(LineBrokenError) as caught:
            send_until_it_ends(line)
        assert caught.value.in_order
        assert line.acknowledged() == 1


def test_a_server_that_does_not_end_the_connection_has_read_nothing_for_sure(listener: socket.socket) -> None:
    with closing(connect(at(listener), threading.Event(), SECONDS)) as line:
        taken, _ = listener.accept()
        with taken:
            line.send([(1, b"x")])
            with pytest.raises(LineBrokenError) as caught:
                line.finish(0.2)
            assert not caught.value.in_order


def test_a_stop_ends_a_send_that_finds_no_reader(listener: socket.socket) -> None:
    stop = threading.Event()
    with closing(connect(at(listener), stop, SECONDS)) as line:
        threading.Timer(0.2, stop.set).start()
        began = time.monotonic()
        with pytest.raises(LineBrokenError):
            line.send([(number, b"x" * 60_000) for number in range(1000)])
        assert time.monotonic() - began < 2


def test_a_stop_ends_a_handshake_that_nobody_answers(listener: socket.socket) -> None:
    stop = threading.Event()
    destination = Destination.of(f"tls://127.0.0.1:{listener.getsockname()[1]}")
    threading.Timer(0.2, stop.set).start()
    began = time.monotonic()
    with pytest.raises(LineBrokenError, match="no answer to the TLS handshake"):
        connect(destination, stop, 30)
    assert time.monotonic() - began < 2


def test_a_name_that_is_nobodys_is_told() -> None:
    with pytest.raises(LineBrokenError, match="its name cannot be looked up"):
        connect(Destination("tcp", "nobody.invalid", 514), threading.Event(), SECONDS)


def test_datagrams_hold_one_message_each() -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as server:
        server.bind(("127.0.0.1", 0))
        server.settimeout(SECONDS)
        with closing(connect(at(server, "udp"), threading.Event(), SECONDS)) as line:
            line.send([(4, b"one"), (5, b"two")])
            assert line.acknowledged() == 5
            line.finish(SECONDS)
        assert [server.recv(100), server.recv(100)] == [b"one", b"two"]


def test_a_port_that_nobody_has_is_noticed_before_datagrams_count_as_sent() -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as server:
        server.bind(("127.0.0.1", 0))
        destination = at(server, "udp")
    with closing(connect(destination, threading.Event(), SECONDS)) as line:
        with pytest.raises(LineBrokenError, match="refused"):
            line.send([(4, b"one")])
        assert line.acknowledged() == 0


def test_a_certificate_that_cannot_be_read_is_told(tmp_path) -> None:
    broken = tmp_path / "ca.pem"
    broken.write_text("none")
    with pytest.raises(SyslogInvalidError, match="cannot be used"):
        Destination.of("tls://127.0.0.1:6514", ca_file=str(broken))
    with pytest.raises(SyslogInvalidError, match="cannot be used"):
        Destination.of("tls://127.0.0.1:6514", cert_file=str(broken))
