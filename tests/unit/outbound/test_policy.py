"""Which addresses are called."""

import pytest

from moorage.outbound.policy import Policy, Verdict, is_of_this_machine, is_public, parsed

INSIDE_OF_NETWORKS = ("10.0.0.1", "172.16.0.1", "172.31.255.255", "192.168.1.1", "fc00::1", "fd12:3456::1")
NEVER_BY_WORD = (
    *("127.0.0.1", "127.255.255.254", "0.0.0.0", "0.1.2.3", "169.254.169.254", "100.64.0.1"),
    *("192.0.0.8", "192.0.2.1", "192.88.99.1", "198.18.0.1", "198.51.100.1", "203.0.113.1"),
    *("224.0.0.1", "239.255.255.255", "240.0.0.1", "255.255.255.255"),
    *("::", "::1", "fe80::1", "febf::1", "fec0::1", "feff::1", "ff02::1", "100::1", "2001:db8::1"),
    *("::ffff:127.0.0.1", "::ffff:10.0.0.1", "::ffff:8.8.8.8", "::127.0.0.1", "::ffff:0:127.0.0.1"),
    *("64:ff9b::7f00:1", "64:ff9b::808:808", "64:ff9b:1::1", "64:ff9b:1:ffff::a00:1"),
    *("2002:7f00:1::", "2001::1", "2001:10::1", "3fff::1", "5f00::1", "4000::1"),
)
PUBLIC = (
    "8.8.8.8",
    "172.15.0.1",
    "172.32.0.1",
    "100.63.255.255",
    "169.253.0.1",
    "2606:4700::1111",
    "2a00::1",
)


def policy(allow="", own=()):
    return Policy(allow, is_own=lambda address: str(address) in own)


@pytest.mark.parametrize("text", INSIDE_OF_NETWORKS + NEVER_BY_WORD)
def test_what_is_not_public_is_refused(text):
    assert not is_public(parsed(text))
    assert policy().judge("hooks.example.com", parsed(text)) is Verdict.REFUSED


@pytest.mark.parametrize("text", PUBLIC)
def test_the_internet_is_open(text):
    assert policy().judge("hooks.example.com", parsed(text)) is Verdict.OPEN


@pytest.mark.parametrize("text", INSIDE_OF_NETWORKS)
def test_one_word_lets_private_networks_in(text):
    assert policy("private").judge("any", parsed(text)) is Verdict.INSIDE


@pytest.mark.parametrize("text", NEVER_BY_WORD)
def test_and_nothing_else(text):
    assert policy("private").judge("any", parsed(text)) is Verdict.REFUSED


def test_networks_addresses_and_names_can_be_let_in():
    some = policy("10.20.0.0/16, 192.168.0.7\n*.Corp.example hooks.example.com")
    assert some.judge("any", parsed("10.20.3.4")) is Verdict.INSIDE
    assert some.judge("any", parsed("10.21.3.4")) is Verdict.REFUSED
    assert some.judge("any", parsed("192.168.0.7")) is Verdict.INSIDE
    assert some.judge("any", parsed("192.168.0.8")) is Verdict.REFUSED
    assert some.judge("HOOKS.example.com.", parsed("10.1.1.1")) is Verdict.OPEN
    assert some.judge("a.b.corp.example", parsed("fd00::1")) is Verdict.OPEN
    assert some.judge("corp.example", parsed("10.1.1.1")) is Verdict.REFUSED
    assert some.judge("evilcorp.example", parsed("10.1.1.1")) is Verdict.REFUSED


@pytest.mark.parametrize("text", ["127.0.0.1", "169.254.169.254", "::1", "64:ff9b::a00:1", "::ffff:10.0.0.1"])
def test_a_name_that_is_let_in_may_still_not_lead_to_the_machine_itself(text):
    assert policy("hooks.example.com").judge("hooks.example.com", parsed(text)) is Verdict.REFUSED


def test_an_address_of_the_server_itself_is_let_in_only_by_its_very_number():
    own = ("10.20.0.5", "8.8.4.4", "127.0.0.1")
    for text in own:
        for allow in ("", "private", "10.20.0.0/16", "127.0.0.0/8", "hooks.example.com"):
            assert policy(allow, own).judge("hooks.example.com", parsed(text)) is Verdict.REFUSED
        assert policy(text, own).judge("any", parsed(text)) is Verdict.INSIDE


def test_the_machine_knows_its_addresses():
    assert is_of_this_machine(parsed("127.0.0.1"))
    assert is_of_this_machine(parsed("0.0.0.0"))
    assert not is_of_this_machine(parsed("8.8.8.8"))
    assert not is_of_this_machine(parsed("2606:4700::1111"))


@pytest.mark.parametrize(
    "word", ["10.0.0.1/8", "10.0.0.0/99", "300.1.1.1", "a b/c", "-x-", "*", "*.", "a..*", "1"]
)
def test_a_word_that_is_none_is_told(word):
    with pytest.raises(ValueError, match="no network, address or host name"):
        Policy(word)
