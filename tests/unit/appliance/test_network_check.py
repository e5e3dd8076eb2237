"""What is out of reach is told by name; real sockets answer, or do not."""

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace

import pytest

from moorage_appliance.commands import CommandFailedError, Completed
from moorage_appliance.network_check import Checked, check
from moorage_appliance.settings import NetworkSettings, Settings, read_settings
from tests.support.free_port import free_port

OWN = ["127.0.0.1", "::1"]


class Machine:
    """Tells whether its clock is set; None: it has no such program."""

    def __init__(self, clock: str | None = "yes") -> None:
        self._clock = clock

    def run(self, *argv: str, stdin: bytes = b"", check: bool = True) -> Completed:
        if self._clock is None:
            raise CommandFailedError("timedatectl: not found")
        return Completed(0, f"{self._clock}\n", "")


def checked(clock: str | None = "yes", *, dns_port: int = 53, **values: str) -> dict[str, Checked]:
    settings, problems = read_settings({key.replace("__", "."): value for key, value in values.items()})
    assert problems == ()
    return {each.name: each for each in check(settings, OWN, Machine(clock), dns_port)}


@contextmanager
def dns(answer: bytes | None = None) -> Iterator[int]:
    """A server that answers each query, by default with its own beginning."""
    line = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    line.bind(("127.0.0.1", 0))
    asked: list[bytes] = []

    def serve() -> None:
        query, other = line.recvfrom(4096)
        asked.append(query)
        line.sendto(query[:12] if answer is None else answer, other)

    thread = threading.Thread(target=serve)
    thread.start()
    try:
        yield line.getsockname()[1]
    finally:
        thread.join(10)
        line.close()
    assert asked[0][12:] == b"\x09localhost\x00\x00\x01\x00\x01"


@contextmanager
def listening() -> Iterator[int]:
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield server.getsockname()[1]


def test_without_properties_only_the_clock_is_asked() -> None:
    assert checked() == {"time": Checked("time", "as DHCP says")}


@pytest.mark.parametrize(("clock", "said"), [("no", "not set by any"), (None, "not found")])
def test_a_clock_that_nobody_sets_is_told(clock: str | None, said: str) -> None:
    assert said in checked(clock)["time"].wrong


def test_the_own_name_has_to_lead_here() -> None:
    # No property may say so, but it is a name that every machine knows.
    settings = replace(Settings(), network=NetworkSettings(hostname="localhost"))
    (own, *_) = check(settings, OWN, Machine())
    assert own.wrong == ""
    (own, *_) = check(settings, ["192.0.2.1"], Machine())
    assert "127.0.0.1" in own.wrong
    assert "not this machine" in own.wrong
    assert "enter it in the DNS" in checked(network__hostname="nobody.invalid")["own name"].wrong


def test_a_dns_server_that_answers_is_well() -> None:
    with dns() as port:
        assert checked(dns_port=port, network__dns="127.0.0.1")["DNS"] == Checked("DNS", "127.0.0.1")


def test_what_is_no_dns_server_is_told() -> None:
    with dns(b"hello") as port:
        assert (
            checked(dns_port=port, network__dns="127.0.0.1")["DNS"].wrong == "what answers is no DNS server"
        )
    assert "does not answer" in checked(dns_port=free_port(), network__dns="127.0.0.1")["DNS"].wrong


def test_everybody_else_is_connected_to_and_no_secret_is_told() -> None:
    with listening() as port:
        values = {
            "network__http_proxy": f"http://me:Secret-9x@127.0.0.1:{port}",
            "syslog__host": "127.0.0.1",
            "syslog__port": str(port),
            "registry__database_url": f"postgresql://me:Secret-9x@127.0.0.1:{port}/moorage",
        }
        found = checked(**values)
    for name in ("proxy for http", "syslog", "database"):
        assert found[name] == Checked(name, f"127.0.0.1:{port}")
    lost = checked(**values)
    assert all("no connection" in lost[name].wrong for name in ("proxy for http", "syslog", "database"))
    assert "Secret-9x" not in str(found) + str(lost)


def test_syslog_over_udp_cannot_be_tried() -> None:
    assert "syslog" not in checked(syslog__host="127.0.0.1", syslog__protocol="udp")
