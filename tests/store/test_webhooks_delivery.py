"""Deliveries over real sockets: what is sent, what is tried again, who takes over."""

import hashlib
import hmac
import json
import subprocess
import sys
import threading
import time
from datetime import timedelta
from pathlib import Path

import pytest

from moorage.jobs.model import State
from moorage.oci.names import RepositoryName
from moorage.outbound.client import Answer, Client
from moorage.outbound.errors import ResolverBusyError
from moorage.outbound.policy import Policy as OutboundPolicy
from moorage.webhooks.dispatcher import BUSY_PAUSE, LEASE, PAUSES
from moorage.webhooks.document import DraftTarget
from moorage.webhooks.model import TargetKind
from tests.support.certificate import make_certificate
from tests.support.distribution import ALICE
from tests.support.hooks import HOST, Hooks, cloud, draft, slack
from tests.support.receiver import Receiver, Says

ROOT = Path(__file__).parents[2]


@pytest.fixture
def site(database, tmp_path, clock):
    return Hooks(tmp_path, clock)


@pytest.fixture
def receiver():
    with Receiver() as listening:
        yield listening


def only(site, policy):
    (found,) = site.sent(policy)
    return found


def test_a_delivery_arrives_signed(site, receiver):
    policy = site.policy(DraftTarget(TargetKind.HTTP, receiver.url(), "Bearer abc"))
    digest = site.push_image("v1", b"one")
    assert site.deliver() == 1
    (got,) = receiver.got
    delivery = only(site, policy)
    assert (delivery.state, delivery.status_code, delivery.attempts) == (State.SUCCESS, 200, 1)
    body = json.loads(got.body)
    assert body["type"] == "PUSH_ARTIFACT"
    assert body["occur_at"] == int(site.clock().timestamp())
    assert body["operator"] == "alice"
    assert body["event_data"]["resources"][0]["digest"] == str(digest)
    assert got.method == "POST"
    assert got.headers["content-type"] == "application/json"
    assert got.headers["authorization"] == "Bearer abc"
    assert got.headers["x-moorage-delivery"] == str(delivery.id)
    assert got.headers["x-moorage-event"] == "PUSH_ARTIFACT"
    at = got.headers["x-moorage-timestamp"]
    assert int(at) == int(site.clock().timestamp())
    expected = hmac.new(policy.secret.encode(), at.encode() + b"." + got.body, hashlib.sha256).hexdigest()
    assert got.headers["x-moorage-signature"] == f"sha256={expected}"
    assert site.deliver() == 0


def test_cloud_events_are_sent_where_they_are_wanted(site, receiver):
    policy = site.policy(cloud(receiver.url()))
    site.push_image("v1", b"one")
    site.deliver()
    (got,) = receiver.got
    event = json.loads(got.body)
    (told,) = site.occurrences(policy)
    assert got.headers["content-type"] == "application/cloudevents+json"
    assert event["specversion"] == "1.0"
    assert event["id"] == str(told.id)
    assert event["source"] == f"/projects/{site.project_id}/webhook/policies/{policy.id}"
    assert event["type"] == "harbor.artifact.pushed"
    assert event["operator"] == "alice"
    assert event["data"]["repository"]["repo_full_name"] == "library/app"


def test_slack_is_told_in_words_and_gets_no_header(site, receiver):
    site.policy(DraftTarget(TargetKind.SLACK, receiver.url(), "Bearer abc"))
    site.push_image("v1", b"one")
    site.deliver()
    (got,) = receiver.got
    message = json.loads(got.body)
    assert message["text"] == f"Artifact pushed by alice: {HOST}/library/app:v1"
    assert f"{HOST}/library/app:v1" in message["blocks"][0]["text"]["text"]
    assert "authorization" not in got.headers


def test_what_fails_is_tried_again_with_growing_pauses(site, receiver):
    answers = iter([Says(500), Says(503), Says(404), Says(204, body=b"")])
    receiver.script = lambda got: next(answers)
    policy = site.policy(receiver.url())
    site.push_image("v1", b"one")
    assert site.deliver() == 1
    for pause in PAUSES:
        site.moving.forward(seconds=pause.total_seconds() - 1)
        assert site.deliver() == 0
        site.moving.forward(seconds=1)
        assert site.deliver() == 1
    delivery = only(site, policy)
    assert (delivery.state, delivery.failures, delivery.status_code) == (State.SUCCESS, 3, 204)
    lines = delivery.log.splitlines()
    assert [line.partition(": answer ")[2][:3] for line in lines] == ["500", "503", "404", "204"]
    assert {got.headers["x-moorage-delivery"] for got in receiver.got} == {str(delivery.id)}
    assert len({got.headers["x-moorage-timestamp"] for got in receiver.got}) == 4


def test_in_the_end_it_is_given_up(site, receiver):
    receiver.script = lambda got: Says(500)
    policy = site.policy(receiver.url())
    site.push_image("v1", b"one")
    for _ in range(10):
        site.deliver()
        site.moving.forward(hours=1)
    delivery = only(site, policy)
    assert len(receiver.got) == 4
    assert (delivery.state, delivery.message) == (State.ERROR, "the address answered 500")
    (told,) = site.occurrences(policy)
    assert told.state is State.ERROR
    assert told.ended_at == delivery.ended_at


@pytest.mark.parametrize(
    "address", ["http://169.254.169.254/x", "http://10.0.0.1/x", "http://localhost.:1/x"]
)
def test_where_the_server_does_not_call_is_given_up_at_once(site, address):
    policy = site.policy(address)
    site.push_image("v1", b"one")
    site.deliver()
    delivery = only(site, policy)
    if "localhost" in address:
        assert delivery.state in (State.ERROR, State.PENDING)
    else:
        assert (delivery.state, delivery.failures) == (State.ERROR, 1)
        assert "does not call this address" in delivery.message


def test_a_name_is_tried_again_whether_it_leads_nowhere_or_inside(site):
    """Or whoever makes policies could list the names of the network behind the server."""
    told = {}
    for said in ([], ["10.1.2.3"]):
        site.sending(Client(OutboundPolicy(), resolve=lambda host, port, said=said: said))
        policy = site.policy("http://db.corp.example/x", name=f"hook-{len(said)}")
        site.push_image("v1", b"one" * (1 + len(said)))
        while any(each.state is State.PENDING for each in site.sent(policy)):
            assert site.deliver() >= 1
            site.moving.forward(minutes=5)
        delivery = only(site, policy)
        told[len(said)] = (
            delivery.state,
            delivery.message,
            delivery.failures,
            [line.partition(" ")[2] for line in delivery.log.splitlines()],
        )
        site.webhooks.delete(ALICE, site.project_id, policy.id)
    assert told[0] == told[1]
    assert told[0][:1] + told[0][2:3] == (State.ERROR, 1 + len(PAUSES))


def test_that_the_server_was_busy_is_not_counted_as_an_attempt(site, receiver):
    class Busy(Client):
        busy = True

        def call(self, *args, **more):
            if self.busy:
                raise ResolverBusyError
            return super().call(*args, **more)

    client = Busy(OutboundPolicy("127.0.0.1"))
    site.sending(client)
    policy = site.policy(receiver.url())
    site.push_image("v1", b"one")
    for _ in range(3 * len(PAUSES)):
        assert site.deliver() == 1
        site.moving.forward(seconds=BUSY_PAUSE.total_seconds())
    waits = only(site, policy)
    assert (waits.state, waits.failures, len(waits.log.splitlines())) == (State.PENDING, 0, 1)
    client.busy = False
    assert site.deliver() == 1
    delivery = only(site, policy)
    assert (delivery.state, delivery.attempts, len(receiver.got)) == (State.SUCCESS, 1, 1)


def test_what_a_clock_wrote_that_ran_ahead_is_delivered_when_it_is_set_right(site, receiver):
    policy = site.policy(receiver.url())
    site.moving.forward(hours=2)
    site.push_image("v1", b"one")
    site.moving.forward(hours=-2)
    assert site.deliver() == 1
    assert only(site, policy).state is State.SUCCESS


def test_clocks_that_differ_a_little_do_not_shorten_a_pause(site, receiver):
    receiver.script = lambda got: Says(500)
    site.policy(receiver.url())
    site.moving.forward(minutes=4)
    site.push_image("v1", b"one")
    site.moving.forward(minutes=-4)
    assert site.deliver() == 0
    site.moving.forward(minutes=4)
    assert site.deliver() == 1


def test_one_who_has_gone_for_good_is_not_asked_again(site, receiver):
    receiver.script = lambda got: Says(410)
    policy = site.policy(receiver.url())
    site.push_image("v1", b"one")
    site.deliver()
    assert only(site, policy).state is State.ERROR


def test_what_an_address_inside_answers_is_in_no_log(site, receiver):
    receiver.script = lambda got: Says(500, body=b"root:x:0:0")
    policy = site.policy(receiver.url())
    site.push_image("v1", b"one")
    site.deliver()
    assert "root:" not in only(site, policy).log
    assert "answer 500" in only(site, policy).log


def test_what_a_host_that_was_vouched_for_answers_is_in_the_log_on_one_line(database, tmp_path, clock):
    site = Hooks(tmp_path, clock, allow="127.0.0.1")
    site.client.call = _answering(b"no\nsuch\x00hook")
    policy = site.policy("https://hooks.example.com/x")
    site.push_image("v1", b"one")
    site.deliver()
    (line,) = only(site, policy).log.splitlines()
    assert "which begins: no\\nsuch\\x00hook" in line


def _answering(body):
    return lambda *_, **__: Answer(400, {}, body, True, "https://hooks.example.com/x", True)


def test_a_certificate_is_checked_unless_the_policy_says_otherwise(site, tmp_path):
    files = (tmp_path / "cert.pem", tmp_path / "key.pem")
    make_certificate(*files)
    with Receiver(certificate=files) as secure:
        strict = site.policy(secure.url())
        lax = site.policy(DraftTarget(TargetKind.HTTP, secure.url("/lax"), skip_cert_verify=True), name="lax")
        site.push_image("v1", b"one")
        site.deliver()
    assert only(site, strict).message == "the certificate of the address is not trusted"
    assert only(site, lax).state is State.SUCCESS


def test_a_target_that_was_taken_away_meanwhile_gets_nothing(site, receiver):
    policy = site.policy(receiver.url("/old"))
    site.push_image("v1", b"one")
    site.webhooks.change(ALICE, site.project_id, policy.id, draft(receiver.url("/new")))
    site.deliver()
    assert receiver.got == []
    assert only(site, policy).state is State.STOPPED


def test_a_test_can_be_sent_even_when_the_policy_asks_for_other_things(site, receiver):
    policy = site.policy(receiver.url(), slack(receiver.url("/slack")))
    number = site.notices.ping(ALICE, "library", policy)
    site.deliver()
    assert [json.loads(got.body).get("type") for got in receiver.got] == ["PING", None]
    assert site.deliveries.occurrence(policy.id, number).state is State.SUCCESS


def test_a_slow_receiver_holds_up_nobody_else(site, receiver):
    with Receiver(lambda got: Says(wait=10)) as slow:
        stuck = [site.policy(slow.url(f"/{number}"), name=f"slow {number}") for number in range(10)]
        quick = site.policy(receiver.url(), name="quick")
        site.push_image("v1", b"one")
        stop = threading.Event()
        worker = threading.Thread(target=site.dispatcher.work, args=(stop,), daemon=True)
        worker.start()
        begun = time.monotonic()
        receiver.wait_for(1)
        elapsed = time.monotonic() - begun
        stop.set()
        worker.join()
        assert elapsed < 2.5
        assert len(slow.got) <= 2
    assert only(site, quick).policy_id == quick.id
    assert stuck


def test_nothing_is_delivered_twice_by_two_workers(database, tmp_path, clock, receiver):
    site = Hooks(tmp_path, clock)
    policy = site.policy(receiver.url())
    for number in range(12):
        site.push_image(f"v{number}", f"image {number}".encode())
    other = Hooks(tmp_path, clock, project_id=site.project_id)
    stop = threading.Event()
    workers = [
        threading.Thread(target=each.dispatcher.work, args=(stop,), daemon=True) for each in (site, other)
    ]
    for worker in workers:
        worker.start()
    receiver.wait_for(12)
    stop.set()
    for worker in workers:
        worker.join()
    numbers = [got.headers["x-moorage-delivery"] for got in receiver.got]
    assert sorted(numbers) == sorted(set(numbers))
    assert len(site.sent(policy)) == 12


def test_whoever_is_killed_leaves_the_delivery_to_the_next(database, tmp_path, clock, receiver):
    site = Hooks(tmp_path, clock)
    policy = site.policy(receiver.url())
    site.push_image("v1", b"one")
    asked = threading.Event()

    def first_hangs(got):
        if len(receiver.got) == 0:
            asked.set()
            return Says(wait=30)
        return Says()

    receiver.script = first_hangs
    program = [sys.executable, "-m", "tests.support.hook_program", database, str(tmp_path)]
    child = subprocess.Popen(program, cwd=ROOT)
    try:
        assert asked.wait(30)
    finally:
        child.kill()
        child.wait()
    assert only(site, policy).state is State.RUNNING
    site.moving.forward(days=20_000)
    assert site.deliver() == 1
    delivery = only(site, policy)
    assert (delivery.state, delivery.deaths) == (State.SUCCESS, 1)
    first, second = receiver.got
    assert first.headers["x-moorage-delivery"] == second.headers["x-moorage-delivery"]


def test_a_lease_keeps_others_away_until_it_ends(site, receiver):
    policy = site.policy(receiver.url())
    site.push_image("v1", b"one")
    now = site.clock()
    claimed = site.queue.claim("dead", now, now + LEASE, 3)
    assert site.deliver() == 0
    site.moving.forward(seconds=LEASE.total_seconds() + 1)
    assert site.deliver() == 1
    assert not site.queue.settle(claimed.delivery.id, "dead", site.clock(), state=State.ERROR)
    assert only(site, policy).state is State.SUCCESS


def test_one_project_cannot_have_all_threads(site):
    for number in range(5):
        site.policy(f"https://h{number}.example/", name=f"hook {number}")
    other = site.project("other")
    site.push_image("v1", b"one")
    now = site.clock()
    taken = [site.queue.claim("me", now, now + timedelta(minutes=1), 3) for _ in range(4)]
    assert [each is None for each in taken] == [False, False, False, True]
    site.webhooks.create(ALICE, other, draft("https://other.example/"))
    site.push_image("v1", b"one", repository=RepositoryName("other/app"), project_id=other)
    assert site.queue.claim("me", now, now + timedelta(minutes=1), 3).project_id == other
