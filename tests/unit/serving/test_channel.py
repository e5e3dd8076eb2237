"""Who is given up: clients that are silent, dawdle, or do not read."""

import socket
from collections.abc import Callable, Iterator

import pytest
from waitress.adjustments import Adjustments

from moorage.serving.channel import Channel, Owner
from moorage.serving.event_loop import EventLoop

PATIENCE = 75


class StillHost:
    """A server in which nothing happens."""

    spool = "/nowhere"
    draining = False

    def __init__(self) -> None:
        self.loop = EventLoop()
        self.active_channels: dict[int, Channel] = {}

    def report(self) -> None:
        pass


@pytest.fixture
def channel() -> Iterator[Channel]:
    ours, theirs = socket.socketpair()
    host = StillHost()
    made = Channel(host, ours, ("client", 1), Adjustments(), {})
    yield made
    made.handle_close()
    theirs.close()
    host.loop.close()


def given_up_after(channel: Channel, seconds: float) -> bool:
    now = channel.last_activity + seconds
    return channel.is_overdue(now, now - PATIENCE)


def begun(channel: Channel) -> None:
    channel.received(b"GET / HTTP/1.1\r\nHost: ")


def served(channel: Channel) -> None:
    channel.owner = Owner.WORKER


def not_reading(channel: Channel) -> None:
    served(channel)
    channel.total_outbufs_len = 10


@pytest.mark.parametrize("state", [lambda channel: None, begun, not_reading])
def test_a_silent_client_is_given_up_in_the_end(channel: Channel, state: Callable[[Channel], None]) -> None:
    state(channel)
    assert not given_up_after(channel, PATIENCE - 1)
    assert given_up_after(channel, PATIENCE + 1)


def test_a_client_that_dawdles_over_its_request_is_given_up(channel: Channel) -> None:
    begun(channel)
    channel.last_activity = channel.began_at + PATIENCE  # one more byte just now
    assert given_up_after(channel, 1)


def test_a_client_may_wait_for_its_answer_as_long_as_it_takes(channel: Channel) -> None:
    served(channel)
    assert not given_up_after(channel, 3600)


def test_a_client_is_idle_only_between_requests(channel: Channel) -> None:
    assert channel.is_idle
    begun(channel)
    assert not channel.is_idle
    served(channel)
    assert not channel.is_idle
