"""What a scanner says of itself, and what it is told of us."""

import base64
import json
from dataclasses import replace

import pytest

from moorage.outbound.client import Client
from moorage.outbound.errors import AddressRefusedError
from moorage.outbound.policy import Policy
from moorage.scanners.adapter import Adapter
from moorage.scanners.errors import ScannerAwayError
from moorage.scanners.model import Auth
from tests.support.receiver import Receiver, Says
from tests.support.scanner import IMAGE, PATH, REPORT, metadata, scanner


@pytest.fixture
def adapter():
    return Adapter(Client(Policy("127.0.0.1")))


def asked(adapter, listening, auth=Auth.NONE, credential=""):
    return adapter.metadata(listening.url(""), auth, credential, verify=True)


def test_a_scanner_says_who_it_is(adapter):
    with scanner() as listening:
        found = asked(adapter, listening)
    assert (found.name, found.vendor, found.version) == ("Lookout", "Harbour Works", "1.2.3")
    (can,) = found.capabilities
    assert (can.type, can.consumes, can.produces) == ("vulnerability", [IMAGE], [REPORT])
    assert found.properties == {"harbor.scanner-adapter/registry-authorization-type": "Basic"}
    (got,) = listening.got
    assert got.path == PATH
    assert "authorization" not in got.headers
    assert "vnd.scanner.adapter.metadata+json" in got.headers["accept"]


@pytest.mark.parametrize(
    ("auth", "credential", "header", "value"),
    [
        (Auth.BASIC, "me:pä", "authorization", "Basic " + base64.b64encode("me:pä".encode()).decode()),
        (Auth.BEARER, "abc", "authorization", "Bearer abc"),
        (Auth.API_KEY, "abc", "x-scanneradapter-api-key", "abc"),
    ],
)
def test_a_credential_is_sent_as_the_scanner_wants_it(adapter, auth, credential, header, value):
    with scanner() as listening:
        asked(adapter, listening, auth, credential)
    assert listening.got[0].headers[header] == value


def test_a_scanner_of_before_kinds_of_reports_looks_for_vulnerabilities(adapter):
    old = metadata(capabilities=[{"consumes_mime_types": [IMAGE], "produces_mime_types": [REPORT]}])
    with scanner({**old, "later": 1}) as listening:
        assert asked(adapter, listening).capabilities[0].type == "vulnerability"


@pytest.mark.parametrize(
    "document",
    [
        b"",
        b"<html>",
        b"[]",
        b'{"scanner": {}, "scanner": {}}',
        b"[" * 100_000,
        metadata(scanner=None),
        metadata(scanner={"name": "x", "vendor": "x"}),
        metadata(scanner={"name": "x", "vendor": "x", "version": 1}),
        metadata(scanner={"name": "x\0", "vendor": "x", "version": "1"}),
        metadata(scanner={"name": "x" * 2000, "vendor": "x", "version": "1"}),
        metadata(capabilities=[]),
        metadata(capabilities=[7]),
        metadata(capabilities=[{"consumes_mime_types": [IMAGE]}]),
        metadata(capabilities=[{"consumes_mime_types": [1], "produces_mime_types": [REPORT]}]),
        metadata(capabilities=[{"consumes_mime_types": ["text/plain"], "produces_mime_types": [REPORT]}]),
        metadata(capabilities=[{"consumes_mime_types": [IMAGE], "produces_mime_types": []}]),
        metadata(properties={"a": 1}),
        metadata(properties=[]),
    ],
    ids=lambda document: str(document)[:60],
)
def test_what_is_no_scanner_is_not_taken_for_one(adapter, document):
    with scanner(document) as listening, pytest.raises(ScannerAwayError):
        asked(adapter, listening)


@pytest.mark.parametrize(
    ("says", "word"),
    [
        (Says(404), "404"),
        (Says(500), "500"),
        (Says(401), "credential"),
        (Says(302, {"Location": "/elsewhere"}), "302"),
        (Says(204, body=b""), "204"),
        (Says(200, body=json.dumps(metadata(padding="x" * 70_000)).encode()), "bytes"),
    ],
    ids=["404", "500", "401", "302", "204", "long"],
)
def test_an_answer_that_is_none_says_what_it_was(adapter, says, word):
    with Receiver(lambda got: says) as listening:
        with pytest.raises(ScannerAwayError, match=word):
            asked(adapter, listening, Auth.BEARER, "abc")
        assert len(listening.got) == 1


def test_a_scanner_that_takes_too_long_is_left(adapter, monkeypatch):
    monkeypatch.setattr("moorage.scanners.adapter.TIMEOUT_SECONDS", 0.3)
    drip = replace(Says(), body=json.dumps(metadata()).encode(), drip=0.1)
    with Receiver(lambda got: drip) as listening, pytest.raises(ScannerAwayError, match="in time"):
        asked(adapter, listening)


def test_nobody_listens(adapter):
    with scanner() as listening:
        url = listening.url("")
    with pytest.raises(ScannerAwayError):
        adapter.metadata(url, Auth.NONE, "", verify=True)


def test_an_address_of_the_servers_own_is_not_called():
    with scanner() as listening:
        with pytest.raises(AddressRefusedError):
            asked(Adapter(Client(Policy())), listening)
        assert listening.got == []
