from datetime import timedelta
from ipaddress import ip_address

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa

from moorage_appliance.certificate.model import Names, Served, Supplied
from moorage_appliance.certificate.supplied import checked
from moorage_appliance.problem import Problem
from tests.unit.appliance.certificates import NOW, RSA, Format, Made, make

NAMES = Names(frozenset({"registry.example.com"}), frozenset({ip_address("192.0.2.10")}))
ROOT = make("Root", authority=True, days=3000)
MIDDLE = make("Middle", ROOT, authority=True, days=2000)
LEAF = make("registry.example.com", MIDDLE)
CHAIN = MIDDLE.pem + ROOT.pem


def good(supplied: Supplied) -> Served:
    served, problems = checked(supplied, NAMES, NOW)
    assert problems == ()
    assert served is not None
    return served


def refused(supplied: Supplied) -> Problem:
    served, problems = checked(supplied, NAMES, NOW)
    assert served is None
    (problem,) = problems
    assert not problem.warning
    assert problem.remedy
    return problem


def warned(supplied: Supplied) -> Problem:
    served, problems = checked(supplied, NAMES, NOW)
    assert served is not None
    (problem,) = problems
    assert problem.warning
    return problem


def one_line(pem: str) -> str:
    return pem.replace("\n", " ")


@pytest.mark.parametrize(
    ("key", "form"),
    [
        (RSA, Format.TraditionalOpenSSL),
        (RSA, Format.PKCS8),
        (LEAF.key, Format.TraditionalOpenSSL),
        (LEAF.key, Format.PKCS8),
    ],
    ids=["pkcs1", "pkcs8", "sec1", "ec-pkcs8"],
)
@pytest.mark.parametrize(
    "paste", [str, one_line, lambda pem: pem.replace("\n", "\\n")], ids=["lines", "blanks", "letters"]
)
def test_every_form_of_key_is_taken_however_it_was_pasted(key, form, paste) -> None:
    leaf = make("registry.example.com", MIDDLE, key=key)
    served = good(Supplied(paste(leaf.pem), paste(leaf.key_pem(form)), paste(CHAIN)))
    assert served.certificate == leaf.pem + MIDDLE.pem
    assert served.key == leaf.key_pem()
    assert served.authority == ROOT.pem


@pytest.mark.parametrize(
    "chain", [ROOT.pem + MIDDLE.pem, LEAF.pem + ROOT.pem + MIDDLE.pem + MIDDLE.pem], ids=["turned", "twice"]
)
def test_a_chain_in_another_order_is_put_in_order(chain) -> None:
    assert good(Supplied(LEAF.pem, LEAF.key_pem(), chain)).certificate == LEAF.pem + MIDDLE.pem


def test_a_certificate_pasted_with_its_chain_is_found_among_them() -> None:
    served = good(Supplied(ROOT.pem + MIDDLE.pem + LEAF.pem, LEAF.key_pem(), ""))
    assert served.certificate == LEAF.pem + MIDDLE.pem


def test_a_certificate_that_signed_itself_is_its_own_authority() -> None:
    alone = make("registry.example.com")
    assert good(Supplied(alone.pem, alone.key_pem())) == Served(alone.pem, alone.key_pem(), alone.pem)


def test_a_certificate_for_an_address_or_by_a_wildcard_is_taken() -> None:
    for leaf in (
        make("a", MIDDLE, hosts=(), addresses=("192.0.2.10",)),
        make("a", MIDDLE, hosts=("*.example.com",)),
    ):
        good(Supplied(leaf.pem, leaf.key_pem(), CHAIN))


def test_a_key_with_a_password_is_refused_with_the_way_to_take_it_off() -> None:
    for form in (Format.TraditionalOpenSSL, Format.PKCS8):
        problem = refused(Supplied(LEAF.pem, one_line(LEAF.key_pem(form, b"secret")), CHAIN))
        assert problem.property == "tls.key"
        assert "encrypted" in problem.message
        assert "openssl pkey" in problem.remedy


def test_the_key_of_another_certificate_is_refused() -> None:
    problem = refused(Supplied(LEAF.pem, make("other").key_pem(), CHAIN))
    assert (problem.property, "not that of the certificate" in problem.message) == ("tls.key", True)


def test_a_missing_part_is_named() -> None:
    assert refused(Supplied(LEAF.pem, "", CHAIN)).property == "tls.key"
    assert refused(Supplied("", LEAF.key_pem(), "")).property == "tls.certificate"
    assert refused(Supplied("", "", CHAIN)).property == "tls.key"


@pytest.mark.parametrize(
    ("supplied", "property_", "words"),
    [
        (Supplied("hello", LEAF.key_pem()), "tls.certificate", "PEM"),
        (Supplied(LEAF.pem[:300], LEAF.key_pem()), "tls.certificate", "cut off"),
        (Supplied(LEAF.pem.replace("MII", "M!I"), LEAF.key_pem()), "tls.certificate", "damaged"),
        (Supplied(LEAF.pem + LEAF.key_pem(), LEAF.key_pem()), "tls.certificate", "private key in it"),
        (Supplied(LEAF.pem, LEAF.pem), "tls.key", "no private key"),
        (Supplied(LEAF.pem, LEAF.key_pem() + MIDDLE.key_pem()), "tls.key", "more than one"),
        (Supplied(LEAF.pem, LEAF.key_pem(), "x"), "tls.chain", "PEM"),
        (Supplied(LEAF.pem, LEAF.key_pem(), ROOT.pem), "tls.chain", "None of the certificates"),
        (Supplied(LEAF.pem, LEAF.key_pem(), MIDDLE.pem + make("X").pem), "tls.chain", "None of the"),
    ],
)
def test_what_cannot_be_read_or_does_not_fit_is_refused_by_its_property(supplied, property_, words) -> None:
    problem = refused(supplied)
    assert problem.property == property_
    assert words in problem.message


@pytest.mark.parametrize(
    ("leaf", "words"),
    [
        (make("old", MIDDLE, days=5), "ended on"),
        (make("young", MIDDLE, begins=NOW + timedelta(days=1)), "begins on"),
        (make("client", MIDDLE, client_only=True), "serverAuth"),
    ],
)
def test_a_certificate_that_clients_would_refuse_is_refused(leaf: Made, words: str) -> None:
    problem = refused(Supplied(leaf.pem, leaf.key_pem(), CHAIN))
    assert problem.property == "tls.certificate"
    assert words in problem.message


@pytest.mark.parametrize(
    "key",
    [
        rsa.generate_private_key(65537, 1024),  # noqa: S505 - to be refused
        ec.generate_private_key(ec.SECP256K1()),
    ],
    ids=["rsa", "curve"],
)
def test_a_weak_or_unknown_key_is_refused(key) -> None:
    leaf = make("weak", MIDDLE, key=key)
    assert refused(Supplied(leaf.pem, leaf.key_pem(), CHAIN)).property == "tls.key"


def test_a_chain_that_has_ended_or_may_not_sign_is_refused() -> None:
    old = make("Old", ROOT, authority=True, days=5)
    leaf = make("registry.example.com", old)
    assert "ended" in refused(Supplied(leaf.pem, leaf.key_pem(), old.pem + ROOT.pem)).message
    fake = make("Fake", ROOT)
    leaf = make("registry.example.com", fake)
    problem = refused(Supplied(leaf.pem, leaf.key_pem(), fake.pem + ROOT.pem))
    assert (problem.property, "may not sign" in problem.message) == ("tls.chain", True)


def test_another_name_its_end_and_a_kind_that_browsers_lack_are_warned_of() -> None:
    other = make("other", MIDDLE, hosts=("other.example.com",))
    assert "registry.example.com" in warned(Supplied(other.pem, other.key_pem(), CHAIN)).message
    ending = make("ending", MIDDLE, days=69)
    assert "59 days" in warned(Supplied(ending.pem, ending.key_pem(), CHAIN)).message
    lasting = make("lasting", MIDDLE, days=71)
    good(Supplied(lasting.pem, lasting.key_pem(), CHAIN))
    edwards = make("edwards", MIDDLE, key=ed25519.Ed25519PrivateKey.generate())
    assert "Browsers" in warned(Supplied(edwards.pem, edwards.key_pem(), CHAIN)).message
    assert warned(Supplied(LEAF.pem, LEAF.key_pem())).property == "tls.chain"
    assert (
        "left out"
        in warned(Supplied(LEAF.pem, LEAF.key_pem(), CHAIN + make("Odd", authority=True).pem)).message
    )


def test_no_message_repeats_the_key() -> None:
    key = LEAF.key_pem()
    secret = key.splitlines()[1]
    for supplied in (Supplied(key, key), Supplied(LEAF.pem, key[:100]), Supplied(LEAF.pem, key, key)):
        assert secret not in repr(refused(supplied))
