"""The scheme and host in front of every address."""

import pytest
from falcon.testing import create_environ

from moorage.config import ServerSettings
from moorage.web.origin import HostInvalidError, Origin


@pytest.mark.parametrize(
    "host",
    ["localhost:5000", "registry.example.com", "10.0.0.1:443", "[::1]:5000", "[fe80::1]", "reg_1.test"],
)
def test_the_address_is_the_one_the_client_called(host: str) -> None:
    assert Origin(ServerSettings()).of(create_environ(headers={"Host": host})) == f"http://{host}"


@pytest.mark.parametrize(
    "host",
    [
        'evil"x',
        "a b",
        "a/b",
        "a@b",
        "a?b",
        "a#b",
        "evil.example,registry",
        "a:b",
        "a:123456",
        "[::1",
        "<x>",
        "é",
        "a\\b",
    ],
)
def test_a_malformed_host_is_refused(host: str) -> None:
    environ = create_environ()
    environ["HTTP_HOST"] = host
    with pytest.raises(HostInvalidError):
        Origin(ServerSettings()).of(environ)


def test_the_configured_address_wins() -> None:
    settings = ServerSettings(external_url="https://registry.example.com/")
    environ = create_environ(headers={"Host": "other"})
    assert Origin(settings).of(environ) == "https://registry.example.com"


@pytest.mark.parametrize(
    ("configured", "browser"),
    [
        ("https://Registry.Example.COM", "https://registry.example.com"),
        ("HTTPS://registry.example.com", "https://registry.example.com"),
        ("https://registry.example.com:443", "https://registry.example.com"),
        ("http://registry.example.com:80/", "http://registry.example.com"),
        ("https://registry.example.com:80", "https://registry.example.com:80"),
        ("http://registry.example.com:8080", "http://registry.example.com:8080"),
        ("https://[FE80::1]:443", "https://[fe80::1]"),
    ],
)
def test_an_address_is_spelled_as_browsers_spell_it(configured: str, browser: str) -> None:
    assert Origin(ServerSettings(external_url=configured)).of(create_environ()) == browser


def test_what_the_client_called_is_spelled_so_too() -> None:
    environ = create_environ(headers={"Host": "Registry.test:443", "X-Forwarded-Proto": "https"})
    assert Origin(ServerSettings(behind_nginx=True)).of(environ) == "https://registry.test"


def test_the_proxys_word_on_the_scheme_counts_only_behind_it() -> None:
    environ = create_environ(headers={"Host": "r", "X-Forwarded-Proto": "https"})
    assert Origin(ServerSettings(behind_nginx=True)).of(environ) == "https://r"
    assert Origin(ServerSettings()).of(environ) == "http://r"


def test_a_scheme_that_is_none_is_not_repeated() -> None:
    environ = create_environ(headers={"Host": "r", "X-Forwarded-Proto": 'javascript:"'})
    assert Origin(ServerSettings(behind_nginx=True)).of(environ) == "http://r"


def test_without_a_host_header_the_server_names_itself() -> None:
    environ = create_environ(host="server", port=81)
    del environ["HTTP_HOST"]
    assert Origin(ServerSettings()).of(environ) == "http://server:81"
