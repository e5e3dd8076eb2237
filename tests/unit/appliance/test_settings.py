"""The properties as typed values: everything wrong is told at once, and nothing does harm."""

import subprocess
from ipaddress import IPv4Address, IPv4Interface
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from moorage_appliance.properties import PROPERTIES
from moorage_appliance.settings import Settings, read_settings

FIXED = {"network.address": "192.0.2.10", "network.netmask": "255.255.255.0", "network.gateway": "192.0.2.1"}
VCENTER = {
    "vcenter.address": "vc.example.com",
    "vcenter.account": "reader@vsphere.local",
    "vcenter.password": "Secret-1",
    "vcenter.thumbprint": ":".join(["AB"] * 32),
}


def blamed(values: dict[str, str]) -> set[str]:
    return {each.property for each in read_settings(values)[1]}


def test_nothing_filled_in_is_a_machine_that_works() -> None:
    assert read_settings({}) == (Settings(), ())


def test_the_defaults_of_the_deployment_are_no_problem() -> None:
    assert read_settings({each.key: each.default for each in PROPERTIES}) == (Settings(), ())


def test_a_fixed_address() -> None:
    settings, problems = read_settings(FIXED)
    assert not problems
    assert settings.network.address == IPv4Interface("192.0.2.10/24")
    assert settings.network.gateway == IPv4Address("192.0.2.1")


@pytest.mark.parametrize("mask", ["24", "/24", "255.255.255.0"])
def test_a_netmask_in_each_form(mask: str) -> None:
    assert read_settings({**FIXED, "network.netmask": mask})[0].network.address == IPv4Interface(
        "192.0.2.10/24"
    )


def test_an_address_with_its_prefix_needs_no_netmask() -> None:
    settings, problems = read_settings({"network.address": "192.0.2.10/25"})
    assert (settings.network.address, problems) == (IPv4Interface("192.0.2.10/25"), ())


@pytest.mark.parametrize(
    ("changed", "key"),
    [
        ({"network.netmask": ""}, "network.netmask"),
        ({"network.netmask": "0.0.0.255"}, "network.netmask"),
        ({"network.netmask": "255.0.255.0"}, "network.netmask"),
        ({"network.address": "192.0.2.300"}, "network.address"),
        ({"network.address": "192.0.2.0"}, "network.address"),
        ({"network.address": "192.0.2.255"}, "network.address"),
        ({"network.address": "127.0.0.1"}, "network.address"),
        ({"network.address": ""}, "network.netmask"),
    ],
)
def test_a_bad_address_is_left_to_dhcp(changed: dict[str, str], key: str) -> None:
    settings, problems = read_settings({**FIXED, **changed})
    assert key in {each.property for each in problems}
    assert settings.network.address is None
    assert all(each.remedy for each in problems)


@pytest.mark.parametrize("gateway", ["192.0.3.1", "192.0.2.10", "gateway"])
def test_a_bad_gateway_leaves_the_address(gateway: str) -> None:
    settings, problems = read_settings({**FIXED, "network.gateway": gateway})
    assert [each.property for each in problems] == ["network.gateway"]
    assert settings.network.address is not None


def test_lists_have_blanks_or_commas() -> None:
    values = {
        "network.dns": "192.0.2.53, 2001:db8::53",
        "network.search": "a.example b.example,",
        "network.ntp": "t1 t2",
    }
    network = read_settings(values)[0].network
    assert network.dns == ("192.0.2.53", "2001:db8::53")
    assert network.search == ("a.example", "b.example")
    assert network.ntp == ("t1", "t2")


@pytest.mark.parametrize(
    "name", ["-a.example", "a_b.example", "a..b", "localhost", "10.0.0.1", "a b", "ä.example", "x" * 64]
)
def test_what_is_no_host_name(name: str) -> None:
    settings, problems = read_settings({"network.hostname": name})
    assert [each.property for each in problems] == ["network.hostname"]
    assert settings.network.hostname == ""


def test_a_host_name_in_capitals_with_a_dot_at_its_end() -> None:
    assert (
        read_settings({"network.hostname": "Registry.Example.COM."})[0].network.hostname
        == "registry.example.com"
    )


def test_proxies_may_have_an_account_which_nothing_shows() -> None:
    values = {
        "network.https_proxy": "http://me:Hidden-1@proxy.example.com:3128",
        "network.http_proxy": "proxy:3128",
    }
    settings, problems = read_settings(values)
    assert not problems
    assert settings.network.https_proxy == values["network.https_proxy"]
    assert settings.network.http_proxy == "http://proxy:3128"
    assert "Hidden-1" not in repr(settings)


@pytest.mark.parametrize(
    "values",
    [
        {"registry.port": "22"},
        {"registry.port": "80"},
        {"registry.port": "0"},
        {"registry.port": "65536"},
        {"registry.port": "４４３"},
        {"registry.port": "443x"},
    ],
)
def test_a_bad_port_is_the_usual_one(values: dict[str, str]) -> None:
    settings, problems = read_settings(values)
    assert [each.property for each in problems] == ["registry.port"]
    assert settings.registry.port == 443


def test_ports_that_collide() -> None:
    settings, problems = read_settings({"registry.port": "4443"})
    assert [each.property for each in problems] == ["registry.trust_port"]
    assert settings.registry.port == 4443
    assert settings.registry.trust_port != 4443


@pytest.mark.parametrize("missing", list(VCENTER))
def test_vcenter_needs_all_of_it(missing: str) -> None:
    assert read_settings(VCENTER)[1] == ()
    values = {**VCENTER, missing: ""}
    settings, problems = read_settings(values)
    assert [each.property for each in problems] == [missing]
    assert settings.vcenter.address == ""


def test_a_sha1_thumbprint_is_refused() -> None:
    assert blamed({**VCENTER, "vcenter.thumbprint": ":".join(["AB"] * 20)}) == {"vcenter.thumbprint"}


def test_keys_of_ssh_pasted_on_one_line(tmp_path: Path) -> None:
    keys = []
    for number in range(2):
        file = tmp_path / f"key{number}"
        subprocess.run(
            ("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", f"me {number}", "-f", file), check=True
        )
        keys.append(file.with_suffix(".pub").read_text().strip())
    settings, problems = read_settings({"appliance.ssh_key": " ".join(keys)})
    assert not problems
    assert settings.appliance.ssh_keys == tuple(keys)
    assert blamed({"appliance.ssh_key": keys[0][:40]}) == {"appliance.ssh_key"}
    assert blamed({"appliance.ssh_key": f'command="/bin/sh" {keys[0]}'}) == {"appliance.ssh_key"}


def test_passwords_that_are_too_short_or_cannot_be_typed() -> None:
    assert blamed({"appliance.root_password": "short"}) == {"appliance.root_password"}
    assert blamed({"appliance.root_password": "twelve or more\nroot:x"}) == {"appliance.root_password"}
    assert blamed({"registry.admin_password": "all-small-letters"}) == {"registry.admin_password"}


def test_only_postgresql_is_another_database() -> None:
    assert blamed({"registry.database_url": "sqlite:////etc/passwd"}) == {"registry.database_url"}
    assert blamed({"registry.database_url": "postgresql://me:pa/ss@host/name"}) == {"registry.database_url"}
    assert blamed({"registry.database_url": "postgresql://me:pass@host:5432/name"}) == set()


def test_everything_wrong_is_told_at_once() -> None:
    wrong = {"network.address": "x", "registry.port": "y", "syslog.protocol": "z", "log.retention_days": "0"}
    assert blamed(wrong) == set(wrong)


_text = st.text(max_size=200)


@given(st.dictionaries(st.sampled_from([each.key for each in PROPERTIES]), _text))
def test_whatever_is_filled_in_gives_settings_and_problems_of_known_properties(
    values: dict[str, str],
) -> None:
    settings, problems = read_settings(values)
    known = {each.key for each in PROPERTIES}
    assert isinstance(settings, Settings)
    assert {each.property for each in problems} <= known
    assert all(each.message and each.remedy for each in problems)


@given(st.text(st.characters(codec="ascii", min_codepoint=33), min_size=9, max_size=40))
def test_no_message_repeats_what_was_filled_in(secret: str) -> None:
    secret = f"Q9x{secret}"
    for known in PROPERTIES:
        for each in read_settings({known.key: secret})[1]:
            assert secret not in each.message + each.remedy


@given(st.ip_addresses(v=4), st.integers(1, 32))
def test_an_address_that_is_taken_is_the_one_given(address: IPv4Address, length: int) -> None:
    values = {"network.address": str(address), "network.netmask": str(length)}
    found = read_settings(values)[0].network.address
    assert found is None or found == IPv4Interface(f"{address}/{length}")


@pytest.mark.parametrize(("protocol", "port"), [("udp", 514), ("tcp", 514), ("tls", 6514)])
def test_the_port_of_syslog_follows_the_protocol(protocol: str, port: int) -> None:
    found, problems = read_settings({"syslog.protocol": protocol})
    assert (found.syslog.port, problems) == (port, ())
    chosen, problems = read_settings({"syslog.protocol": protocol, "syslog.port": "1514"})
    assert (chosen.syslog.port, problems) == (1514, ())


def test_a_port_of_syslog_that_is_none_is_told() -> None:
    found, (problem,) = read_settings({"syslog.protocol": "tls", "syslog.port": "65536"})
    assert (found.syslog.port, problem.property) == (6514, "syslog.port")
