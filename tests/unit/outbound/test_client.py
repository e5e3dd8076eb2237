"""Calls over real sockets: names, redirects, time, size, certificates."""

import threading
import time

import pytest

from moorage.outbound.client import Client
from moorage.outbound.errors import (
    AddressInvalidError,
    AddressRefusedError,
    CallFailedError,
    CertificateUntrustedError,
    NameUnusableError,
    ResolverBusyError,
)
from moorage.outbound.policy import Policy
from moorage.outbound.resolver import Resolver, system_resolve
from tests.support.certificate import make_certificate
from tests.support.receiver import Receiver, Says

LOOPBACK = Policy("127.0.0.1")


@pytest.fixture
def receiver():
    with Receiver() as listening:
        yield listening


@pytest.fixture
def certificate(tmp_path):
    files = (tmp_path / "cert.pem", tmp_path / "key.pem")
    make_certificate(*files)
    return files


def to(*addresses):
    """A resolver that says this about every name."""
    return lambda host, port: list(addresses)


def test_a_call_reaches_the_judged_address_under_the_name_that_was_asked_for(receiver):
    answer = Client(LOOPBACK, resolve=to("127.0.0.1")).call(
        "POST", receiver.url("/a?b=c", "hooks.example.com"), headers={"X-One": "1"}, body=b"{}"
    )
    assert (answer.status, answer.body, answer.complete) == (200, b"ok", True)
    (got,) = receiver.got
    assert (got.method, got.path, got.body) == ("POST", "/a?b=c", b"{}")
    assert got.headers["host"] == f"hooks.example.com:{receiver.port}"
    assert got.headers["x-one"] == "1"


@pytest.mark.parametrize(
    "host",
    [
        *(
            "127.0.0.1",
            "localhost",
            "2130706433",
            "0x7f000001",
            "0x7f.1",
            "0177.0.0.1",
            "127.1",
            "017700000001",
        ),
        *("0", "0.0.0.0", "[::1]", "[::]", "[::ffff:127.0.0.1]", "[::ffff:7f00:1]", "[0:0:0:0:0:0:0:1]"),
        *("127.0.0.1.", "169.254.169.254", "10.0.0.1", "192.168.0.1", "[fe80::1]", "[64:ff9b::7f00:1]"),
    ],
)
def test_no_spelling_leads_inside(receiver, host):
    with pytest.raises((AddressRefusedError, CallFailedError)):
        Client(Policy()).call("GET", receiver.url("/", host))
    assert receiver.got == []


@pytest.mark.parametrize("address", ["127.0.0.1", "::1", "::ffff:127.0.0.1", "10.0.0.1", "169.254.169.254"])
def test_no_name_leads_inside(receiver, address):
    with pytest.raises(NameUnusableError):
        Client(Policy(), resolve=to(address)).call("GET", receiver.url("/", "hooks.example.com"))
    assert receiver.got == []


def test_a_name_that_leads_inside_is_told_like_one_that_leads_nowhere(receiver):
    def nothing(host, port):
        raise OSError("no such name")

    told = set()
    for resolve in (nothing, to(), to("10.0.0.1"), to("127.0.0.1"), to("nonsense")):
        with pytest.raises(CallFailedError) as caught:
            Client(Policy(), resolve=resolve).call("GET", receiver.url("/", "db.corp.example"))
        told.add((type(caught.value), caught.value.message))
    assert len(told) == 1
    assert receiver.got == []


def test_a_name_is_resolved_once_so_a_second_answer_changes_nothing(receiver):
    said = iter([["127.0.0.1"], ["169.254.169.254"]])
    asked = []

    def rebinding(host, port):
        asked.append(host)
        return next(said)

    answer = Client(LOOPBACK, resolve=rebinding).call("GET", receiver.url("/", "hooks.example.com"))
    assert answer.status == 200
    assert asked == ["hooks.example.com"]


def test_only_the_addresses_that_may_be_called_are_tried(receiver):
    client = Client(LOOPBACK, resolve=to("10.0.0.1", "169.254.169.254", "127.0.0.1"))
    assert client.call("GET", receiver.url("/", "hooks.example.com"), seconds=2).status == 200


@pytest.mark.parametrize("status", [307, 308])
def test_a_redirect_keeps_method_and_body(receiver, status):
    receiver.script = lambda got: Says(status, {"Location": "/new"}) if got.path == "/hook" else Says()
    answer = Client(LOOPBACK).call("POST", receiver.url(), body=b"{}")
    assert (answer.status, answer.url) == (200, receiver.url("/new"))
    assert [(got.method, got.path, got.body) for got in receiver.got] == [
        ("POST", "/hook", b"{}"),
        ("POST", "/new", b"{}"),
    ]


@pytest.mark.parametrize("status", [301, 302, 303])
def test_a_redirect_that_would_lose_the_body_is_not_followed(receiver, status):
    receiver.script = lambda got: Says(status, {"Location": "/new"})
    assert Client(LOOPBACK).call("POST", receiver.url(), body=b"{}").status == status
    assert len(receiver.got) == 1


@pytest.mark.parametrize(
    "inside", ["http://169.254.169.254/latest", "http://10.0.0.1/", "http://[::1]/", "//0/x"]
)
def test_a_redirect_is_judged_like_the_first_address(receiver, inside):
    receiver.script = lambda got: Says(307, {"Location": inside})
    with pytest.raises(AddressRefusedError):
        Client(LOOPBACK).call("POST", receiver.url(), body=b"{}")


def test_redirects_end(receiver):
    receiver.script = lambda got: Says(307, {"Location": "/hook"})
    assert Client(LOOPBACK).call("POST", receiver.url(), redirects=2).status == 307
    assert len(receiver.got) == 3


def test_a_redirect_elsewhere_carries_no_credentials(receiver):
    with Receiver() as other:
        receiver.script = lambda got: Says(307, {"Location": other.url("/there")})
        sent = {"Authorization": "Bearer a", "Cookie": "b", "X-Secret": "c", "X-Plain": "d"}
        Client(LOOPBACK).call("POST", receiver.url(), headers=sent, credentials=["X-Secret"])
    first, second = receiver.got[0].headers, other.got[0].headers
    assert {"authorization", "cookie", "x-secret", "x-plain"} <= set(first)
    assert {"authorization", "cookie", "x-secret"} & set(second) == set()
    assert second["x-plain"] == "d"


def test_a_redirect_at_home_carries_them(receiver):
    receiver.script = lambda got: Says(307, {"Location": "/new"}) if got.path == "/hook" else Says()
    Client(LOOPBACK).call("POST", receiver.url(), headers={"Authorization": "Bearer a"})
    assert receiver.got[1].headers["authorization"] == "Bearer a"


@pytest.mark.parametrize("says", [Says(wait=10), Says(body=b"x" * 500, drip=0.2)])
def test_a_slow_answer_is_given_up(receiver, says):
    receiver.script = lambda got: says
    begun = time.monotonic()
    with pytest.raises(CallFailedError):
        Client(LOOPBACK).call("GET", receiver.url(), seconds=0.7)
    assert time.monotonic() - begun < 3


def test_a_slow_name_is_given_up_and_does_not_pile_up(receiver):
    hangs = threading.Event()
    resolver = Resolver(lambda host, port: ["127.0.0.1"] if hangs.wait(20) else [], most=2)
    begun = time.monotonic()
    for name in ("a.example", "a.example", "b.example", "a.example"):
        with pytest.raises(NameUnusableError):
            resolver.addresses(name, 80, 0.2)
    with pytest.raises(ResolverBusyError):
        resolver.addresses("hooks.example.com", 80, 5)
    assert time.monotonic() - begun < 2
    waiting = [each for each in threading.enumerate() if each.name == "outbound-resolve"]
    assert len(waiting) == 2
    hangs.set()
    for each in waiting:
        each.join()
    assert resolver.addresses("hooks.example.com", 80, 5) == ["127.0.0.1"]


def test_numbers_are_called_while_every_name_hangs(receiver):
    hangs = threading.Event()
    client = Client(LOOPBACK, resolve=lambda host, port: ["127.0.0.1"] if hangs.wait(20) else [])
    client._resolver = Resolver(client._resolver._resolve, most=1)
    with pytest.raises(NameUnusableError):
        client.call("GET", receiver.url("/", "slow.example"), seconds=0.1)
    for number in ("127.0.0.1", "2130706433", "0x7f.1"):
        assert client.call("GET", receiver.url("/", number)).status == 200
    with pytest.raises(ResolverBusyError):
        client.call("GET", receiver.url("/", "other.example"))
    hangs.set()


def test_callers_of_one_name_share_its_answer(receiver):
    asked = []
    known = threading.Event()

    def slow(host, port):
        asked.append(host)
        return ["127.0.0.1"] if known.wait(20) else []

    resolver = Resolver(slow, most=1)
    found = []
    threads = [
        threading.Thread(target=lambda: found.append(resolver.addresses("a.example", 80, 20)))
        for _ in range(3)
    ]
    for each in threads:
        each.start()
    known.set()
    for each in threads:
        each.join()
    assert found == [["127.0.0.1"]] * 3
    assert 1 <= len(asked) <= 3


def test_no_more_is_read_than_was_asked_for(receiver):
    receiver.script = lambda got: Says(body=b"x" * 100_000)
    answer = Client(LOOPBACK).call("GET", receiver.url(), limit_bytes=1000)
    assert (len(answer.body), answer.complete) == (1000, False)


def test_what_is_not_http_is_told_like_what_is_not_there(receiver):
    with Receiver(certificate=None) as gone:
        nowhere = gone.url()
    receiver.script = lambda got: Says(status=200, headers={"X": "y" * 70_000})
    messages = set()
    for url in (nowhere, receiver.url()):
        with pytest.raises(CallFailedError) as caught:
            Client(LOOPBACK).call("GET", url)
        messages.add(caught.value.message)
    assert len(messages) == 1
    assert "127.0.0.1" not in messages.pop()


def test_proxies_of_the_environment_are_not_used(receiver, monkeypatch):
    for name in ("http_proxy", "HTTP_PROXY", "https_proxy", "ALL_PROXY", "all_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:1")
    assert Client(LOOPBACK).call("GET", receiver.url()).status == 200


def test_a_certificate_is_checked_unless_told_otherwise(certificate):
    with Receiver(certificate=certificate) as secure:
        with pytest.raises(CertificateUntrustedError):
            Client(LOOPBACK).call("POST", secure.url(), body=b"{}")
        assert secure.got == []
        assert Client(LOOPBACK).call("POST", secure.url(), verify=False).status == 200
        trusting = Client(LOOPBACK, ca_file=str(certificate[0]))
        assert trusting.call("POST", secure.url()).status == 200
        other_name = Client(LOOPBACK, resolve=to("127.0.0.1"), ca_file=str(certificate[0]))
        with pytest.raises(CertificateUntrustedError):
            other_name.call("POST", secure.url("/", "hooks.example.com"))


def test_the_name_is_told_to_the_other_side_before_it_shows_its_certificate(certificate):
    names = []
    with Receiver(certificate=certificate) as secure:
        context = secure._server.socket.context
        context.sni_callback = lambda sock, name, ctx: names.append(name)
        client = Client(LOOPBACK, resolve=to("127.0.0.1"))
        client.call("GET", secure.url("/", "hooks.example.com"), verify=False)
    assert names == ["hooks.example.com"]


def test_a_redirect_never_leaves_tls(certificate, receiver):
    elsewhere = Says(307, {"Location": receiver.url()})
    with Receiver(lambda got: elsewhere, certificate) as secure, pytest.raises(AddressInvalidError):
        Client(LOOPBACK).call("POST", secure.url(), verify=False)
    assert receiver.got == []


def test_what_an_address_inside_answers_is_not_for_showing(receiver):
    inside = Client(LOOPBACK).call("GET", receiver.url())
    assert not inside.showable


def test_an_address_is_looked_at_without_asking_for_its_name():
    def never(host, port):
        raise AssertionError(host)

    client = Client(Policy(), resolve=never)
    assert client.check("https://hooks.example.com/x").host == "hooks.example.com"
    with pytest.raises(AddressRefusedError):
        client.check("http://169.254.169.254/")
    with pytest.raises(AddressInvalidError):
        client.check("ftp://hooks.example.com/")


def test_the_resolver_of_the_machine_is_asked():
    assert "127.0.0.1" in system_resolve("localhost", 80)
    with pytest.raises(CallFailedError):
        Resolver().addresses("name.invalid", 80, 5)
