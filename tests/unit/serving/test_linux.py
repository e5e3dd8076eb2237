"""System calls of our own."""

import select
import socket
from collections.abc import Iterator

import pytest

from moorage.serving.linux import fence


@pytest.fixture
def listener() -> Iterator[socket.socket]:
    with socket.create_server(("127.0.0.1", 0)) as bound:
        yield bound


def begin_to_connect(listener: socket.socket) -> socket.socket:
    client = socket.socket()
    client.setblocking(False)
    client.connect_ex(listener.getsockname())
    return client


def is_connected(client: socket.socket, seconds: float) -> bool:
    _, writable, _ = select.select([], [client], [], seconds)
    return bool(writable) and client.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR) == 0


def test_a_fenced_listener_takes_nobody_new_and_loses_nobody_who_came_before(listener: socket.socket) -> None:
    with begin_to_connect(listener) as early:
        assert is_connected(early, 5)
        fence(listener)
        with begin_to_connect(listener) as late:
            assert not is_connected(late, 0.3)
            served, _ = listener.accept()
            with served:
                early.sendall(b"request")
                assert served.recv(100) == b"request"
                served.sendall(b"answer")
                select.select([early], [], [], 5)
                assert early.recv(100) == b"answer"


def test_a_client_kept_out_is_refused_when_the_listener_closes(listener: socket.socket) -> None:
    fence(listener)
    with begin_to_connect(listener) as client:
        assert not is_connected(client, 0.1)
        listener.close()
        select.select([], [client], [], 10)  # its system asks again after a second
        assert client.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR) != 0
