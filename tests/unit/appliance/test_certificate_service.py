import http.server
import ssl
import stat
import threading
from datetime import timedelta
from ipaddress import IPv4Interface, ip_address

import pytest
from cryptography import x509
from cryptography.x509.verification import PolicyBuilder, Store

from moorage_appliance.certificate.model import Names, Source, Supplied
from moorage_appliance.certificate.service import CertificateService, served_now
from moorage_appliance.commands import SystemCommands
from moorage_appliance.paths import Paths
from moorage_appliance.settings import NetworkSettings, Settings, TlsSettings
from moorage_appliance.status import StatusFile
from moorage_appliance.steps import certificate as step
from tests.unit.appliance.certificates import NOW, make

HOST, ADDRESS = "registry.example.com", ip_address("192.0.2.10")
NAMES = Names(frozenset({HOST}), frozenset({ADDRESS, ip_address("2001:db8::10")}))
NOTHING = Supplied()


@pytest.fixture
def service(tmp_path):
    return CertificateService(tmp_path / "tls", tmp_path / "state")


def leaf(service) -> x509.Certificate:
    return x509.load_pem_x509_certificates((service.tls / "server.crt").read_bytes())[0]


def authority(service) -> x509.Certificate:
    return x509.load_pem_x509_certificate((service.tls / "ca.crt").read_bytes())


def test_the_own_certificate_is_taken_by_a_strict_client_for_name_and_addresses(service) -> None:
    assert service.settle(NOTHING, NAMES, NOW).source is Source.OWN
    store = Store([authority(service)])
    for subject in (x509.DNSName(HOST), *map(x509.IPAddress, NAMES.addresses)):
        verifier = PolicyBuilder().store(store).time(NOW).build_server_verifier(subject)
        verifier.verify(leaf(service), [])
    life = leaf(service).not_valid_after_utc - leaf(service).not_valid_before_utc
    assert life == timedelta(days=397)
    assert authority(service).not_valid_after_utc > NOW + timedelta(days=3650)


def test_key_and_authority_are_for_those_who_need_them_only(service) -> None:
    service.settle(NOTHING, NAMES, NOW)
    kept = service.kept
    assert stat.S_IMODE(kept.stat().st_mode) == 0o700
    assert {stat.S_IMODE(each.stat().st_mode) for each in kept.iterdir()} == {0o600}
    assert stat.S_IMODE((service.tls / "server.key").stat().st_mode) == 0o640


def test_nothing_changes_until_thirty_days_before_the_end(service) -> None:
    service.settle(NOTHING, NAMES, NOW)
    first, root = leaf(service), authority(service)
    assert not service.settle(NOTHING, NAMES, NOW + timedelta(days=365)).changed
    assert leaf(service) == first
    assert service.settle(NOTHING, NAMES, NOW + timedelta(days=367)).changed
    assert leaf(service).not_valid_after_utc > first.not_valid_after_utc
    assert leaf(service).public_key() != first.public_key()
    assert authority(service) == root


def test_another_name_or_address_makes_a_new_certificate_of_the_same_authority(service) -> None:
    service.settle(NOTHING, NAMES, NOW)
    root = authority(service)
    for names in (
        Names(frozenset({"new.example.com"}), NAMES.addresses),
        Names(frozenset({"new.example.com"}), frozenset({ADDRESS})),
    ):
        outcome = service.settle(NOTHING, names, NOW)
        assert outcome.changed
        assert outcome.certificate.names == (*names.hosts, *sorted(map(str, names.addresses)))
        assert authority(service) == root


def test_what_dhcp_said_last_time_stays_until_it_says_otherwise(service) -> None:
    service.settle(NOTHING, NAMES, NOW)
    early = Names(frozenset({HOST}), frozenset(), complete=False)
    assert not service.settle(NOTHING, early, NOW).changed
    moved = Names(frozenset({HOST}), frozenset({ip_address("192.0.2.99")}), complete=False)
    assert service.settle(NOTHING, moved, NOW).changed


def test_authority_and_certificate_outlive_the_system_disk(service, tmp_path) -> None:
    service.settle(NOTHING, NAMES, NOW)
    newer = CertificateService(tmp_path / "other" / "tls", service.kept)
    newer.settle(NOTHING, NAMES, NOW)
    assert leaf(newer) == leaf(service)


def test_a_refused_certificate_leaves_the_own_one_for_the_landing_page(service) -> None:
    other = make(HOST)
    service.settle(Supplied(other.pem, other.key_pem()), NAMES, NOW)
    assert leaf(service) == other.certificate
    outcome = service.settle(Supplied(other.pem, make("x").key_pem()), NAMES, NOW)
    assert outcome.source is Source.STAND_IN
    assert [each.property for each in outcome.problems] == ["tls.key"]
    assert leaf(service).issuer == authority(service).subject
    assert served_now(service.tls)[0] is Source.STAND_IN


def test_a_broken_authority_is_told_of_and_never_replaced(service) -> None:
    service.settle(NOTHING, NAMES, NOW)
    (service.kept / "authority.pem").write_text("broken")
    outcome = service.settle(NOTHING, NAMES, NOW)
    assert "--authority" in outcome.problems[0].remedy
    assert (service.kept / "authority.pem").read_text() == "broken"
    assert service.settle(NOTHING, NAMES, NOW, authority=True).problems == ()


def test_a_certificate_without_a_chain_leaves_no_old_authority_behind(service) -> None:
    service.settle(NOTHING, NAMES, NOW)
    root = make("Root", authority=True)
    signed = make(HOST, root)
    outcome = service.settle(Supplied(signed.pem, signed.key_pem()), NAMES, NOW)
    assert [each.warning for each in outcome.problems] == [True]
    assert not (service.tls / "ca.crt").exists()


def test_certificate_and_key_change_together(service) -> None:
    """A client that reads both at any moment, through the folder, gets a pair."""
    service.settle(NOTHING, NAMES, NOW)
    done, wrong = threading.Event(), []

    def read() -> None:
        while not done.is_set():
            try:
                folder = (service.tls / "current").resolve(strict=True)
                context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
                context.load_cert_chain(folder / "server.crt", folder / "server.key")
            except FileNotFoundError:
                continue  # the folder was replaced since
            except ssl.SSLError as error:
                wrong.append(error)

    reader = threading.Thread(target=read)
    reader.start()
    for _ in range(40):
        service.settle(NOTHING, NAMES, NOW, anew=True)
    done.set()
    reader.join()
    assert wrong == []


def test_openssl_serves_with_it(tmp_path) -> None:
    paths = Paths(tmp_path)
    settings = Settings(NetworkSettings(IPv4Interface("127.0.0.1/8"), hostname="registry.example.com"))
    assert step.apply(settings, paths, SystemCommands()) == ()
    server = http.server.HTTPServer(("127.0.0.1", 0), http.server.BaseHTTPRequestHandler)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(paths.tls / "server.crt", paths.tls / "server.key")
    server.socket = context.wrap_socket(server.socket, server_side=True)
    thread = threading.Thread(target=server.handle_request)
    thread.start()
    client = ssl.create_default_context(cafile=str(paths.tls / "ca.crt"))
    with (
        __import__("socket").create_connection(server.server_address) as plain,
        client.wrap_socket(plain, server_hostname="127.0.0.1") as secure,
    ):
        told = StatusFile(paths).read()["fingerprint"]
        digest = __import__("hashlib").sha256(secure.getpeercert(binary_form=True)).hexdigest()
        assert told.removeprefix("SHA256:").replace(":", "").lower() == digest
    thread.join()
    server.server_close()


def test_the_step_names_the_property_and_leaves_a_page_to_serve(tmp_path) -> None:
    paths = Paths(tmp_path)
    other = make(HOST)
    settings = Settings(tls=TlsSettings(other.pem, "nothing"))
    (problem,) = step.apply(settings, paths, SystemCommands())
    assert (problem.property, problem.warning) == ("tls.key", False)
    assert (paths.tls / "server.crt").is_file()
