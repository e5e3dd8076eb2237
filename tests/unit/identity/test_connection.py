"""The names of vSphere's people, and what a connection may be."""

from dataclasses import replace

import pytest

from moorage.certificates import CertificateInvalidError, parse_thumbprint, shown_thumbprint
from moorage.identity.connection import Connection, Domain, checked, parse_address
from moorage.identity.errors import DirectoryInvalidError

THUMBPRINT = "ab" * 32
GOOD = Connection("vc.example.com", "svc@vsphere.local", thumbprint=THUMBPRINT)
TWO = checked(replace(GOOD, domains=(Domain.parse("vsphere.local"), Domain.parse("corp.example.com=CORP"))))


@pytest.mark.parametrize(
    ("typed", "canonical"),
    [
        ("alice@vsphere.local", "alice@vsphere.local"),
        ("Alice@VSPHERE.LOCAL", "alice@vsphere.local"),
        ("VSPHERE.LOCAL\\Alice", "alice@vsphere.local"),
        ("corp\\bob", "bob@corp.example.com"),
        ("CORP.example.com\\bob", "bob@corp.example.com"),
        ("bob@corp", "bob@corp.example.com"),
        ("o'neil@corp.example.com", "o'neil@corp.example.com"),
        ("jörg@corp.example.com", "jörg@corp.example.com"),
    ],
)
def test_every_form_of_a_name_is_one_person(typed: str, canonical: str) -> None:
    assert TWO.canonical(typed) == canonical


@pytest.mark.parametrize(
    "typed",
    [
        "alice",
        "",
        "@",
        "\\",
        "@vsphere.local",
        "VSPHERE.LOCAL\\",
        "alice@other.example.com",
        "OTHER\\alice",
        "robot$x@vsphere.local",
        "al*ce@vsphere.local",
        "alice bob@vsphere.local",
        "alice\n@vsphere.local",
        "alice\0@vsphere.local",
        "CORP\\bob@vsphere.local",
        "alice@bob@vsphere.local",
        "a/b@vsphere.local",
        "a" * 300 + "@vsphere.local",
        "\ud800@vsphere.local",
    ],
)
def test_what_is_no_name_of_the_directory_stays_none(typed: str) -> None:
    assert TWO.canonical(typed) is None


def test_groups_may_have_spaces_and_people_may_not() -> None:
    (home, corp) = TWO.domains
    assert TWO.member("CORP\\Domain Admins", home, group=True) == "domain admins@corp.example.com"
    assert TWO.member("Administrators", home, group=True) == "administrators@vsphere.local"
    assert TWO.member("Domain Admins", corp, group=False) is None
    assert TWO.member("OTHER\\Admins", corp, group=True) is None


def test_a_name_goes_back_as_vsphere_writes_it() -> None:
    assert TWO.principal("bob@corp.example.com") == "CORP\\bob"
    assert TWO.principal("alice@vsphere.local") == "VSPHERE.LOCAL\\alice"


@pytest.mark.parametrize(
    ("typed", "address"),
    [
        ("vc.example.com", "vc.example.com"),
        ("VC.Example.COM:443", "vc.example.com"),
        ("https://vc.example.com/", "vc.example.com"),
        ("https://vc.example.com:8443/sdk", "vc.example.com:8443"),
        ("127.0.0.2:8989", "127.0.0.2:8989"),
        ("[fd00::1]:9443", "[fd00::1]:9443"),
        ("[fd00::1]", "[fd00::1]"),
    ],
)
def test_an_address_is_kept_in_one_form(typed: str, address: str) -> None:
    assert parse_address(typed) == address
    found = replace(GOOD, address=address)
    assert found.port in (443, 8443, 8989, 9443)
    assert "[" not in found.host


@pytest.mark.parametrize(
    "typed",
    [
        *("", "http://vc.example.com", "ftp://x", "user@vc", "https://u:p@vc", "vc/path", "vc?x=1", "vc#x"),
        *("vc:0", "vc:99999", "vc:x", "a b", "vc\n", "-vc", "[fd00::1", "vc\r\nHost: x", "ＶＣ.example.com"),
    ],
)
def test_what_is_no_address_is_refused(typed: str) -> None:
    with pytest.raises(DirectoryInvalidError):
        parse_address(typed)


@pytest.mark.parametrize(
    "broken",
    [
        {"account": "svc"},
        {"account": "svc@"},
        {"account": "s v c@vsphere.local"},
        {"thumbprint": ""},
        {"authorities": "pem"},
        {"domains": (Domain("corp.example.com", "CORP"),)},
        {"domains": (Domain("vsphere.local", "VSPHERE.LOCAL"), Domain("corp", "VSPHERE.LOCAL"))},
        {"admin_privileges": ("everything",)},
        {"admin_privileges": ("Global.Settings; drop",)},
        {"admin_group": "admins@other.example.com"},
        {"admin_group": "@vsphere.local"},
    ],
)
def test_a_connection_that_breaks_a_rule_is_refused(broken: dict[str, object]) -> None:
    checked(GOOD)
    with pytest.raises(DirectoryInvalidError):
        checked(replace(GOOD, **broken))  # type: ignore[arg-type]


def test_a_thumbprint_is_taken_however_it_is_written() -> None:
    shown = ":".join(["AB"] * 32)
    assert checked(replace(GOOD, thumbprint=shown)).thumbprint == THUMBPRINT
    assert shown_thumbprint(THUMBPRINT) == shown


@pytest.mark.parametrize("thumbprint", ["ab" * 20, "ab" * 31, "xy" * 32, "", "ab" * 64])
def test_only_sha_256_is_a_thumbprint(thumbprint: str) -> None:
    with pytest.raises(CertificateInvalidError):
        parse_thumbprint(thumbprint)


@pytest.mark.parametrize(
    "pem",
    [
        "no certificate",
        "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----",
        "-----BEGIN PRIVATE KEY-----",
    ],
)
def test_issuers_are_certificates(pem: str) -> None:
    with pytest.raises(CertificateInvalidError):
        checked(replace(GOOD, thumbprint="", authorities=pem))


def test_the_domain_of_the_account_is_the_only_one_unless_others_are_named() -> None:
    assert checked(GOOD).domains == (Domain("vsphere.local", "VSPHERE.LOCAL"),)
    assert checked(replace(GOOD, admin_group="Administrators@vsphere.local")).admin_group == (
        "administrators@vsphere.local"
    )


@pytest.mark.parametrize("text", ["", "=", "corp=", "=CORP", "a b", "corp=CO RP", "x" * 300])
def test_what_is_no_domain_is_refused(text: str) -> None:
    if text == "corp=":
        assert Domain.parse(text) == Domain("corp", "CORP")
        return
    with pytest.raises(DirectoryInvalidError):
        Domain.parse(text)


def test_a_connection_does_not_show_its_secret() -> None:
    assert "sealed-text" not in repr(replace(GOOD, sealed="sealed-text"))
