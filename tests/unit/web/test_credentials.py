"""The Authorization header."""

import base64

import pytest

from moorage.web.credentials import (
    MAX_HEADER,
    Basic,
    Bearer,
    CredentialMalformedError,
    check_login,
    parse_authorization,
)


def basic(text: str | bytes) -> str:
    raw = text.encode() if isinstance(text, str) else text
    return "Basic " + base64.b64encode(raw).decode()


@pytest.mark.parametrize(
    ("header", "found"),
    [
        (None, None),
        ("Bearer abc.def", Bearer("abc.def")),
        ("bearer   abc.def  ", Bearer("abc.def")),
        (basic("ann:secret"), Basic("ann", "secret")),
        (basic("ann:"), Basic("ann", "")),
        (basic("ann:with:colons"), Basic("ann", "with:colons")),
        (basic("robot$p+ci:päss"), Basic("robot$p+ci", "päss")),
        (basic("ann:x").replace("Basic", "BASIC"), Basic("ann", "x")),
    ],
)
def test_good_headers_are_read(header: str | None, found: object) -> None:
    assert parse_authorization(header) == found


@pytest.mark.parametrize(
    "header",
    [
        "",
        "Basic",
        "Bearer",
        "Bearer ",
        "Basic !!!!",
        "Basic YWJj",
        "Negotiate abc",
        "Digest username=x",
        basic("no colon"),
        basic(":empty name"),
        basic(b"\xff\xfe:x"),
        basic("nul\0:x"),
        basic("ann:nul\0"),
        basic("line\nbreak:x"),
        basic("a" * 1025 + ":x"),
        basic("a:" + "x" * 1025),
        "Bearer " + "a" * MAX_HEADER,
        "Basic YW5uOnNlY3JldA",
        "Basic YW5uOn NlY3JldA==",
    ],
)
def test_bad_headers_are_refused_and_never_read_as_nobody(header: str) -> None:
    with pytest.raises(CredentialMalformedError):
        parse_authorization(header)


def test_secrets_do_not_show_in_a_repr() -> None:
    assert "hidden" not in repr(Basic("ann", "hidden")) + repr(Bearer("hidden"))


def test_a_login_needs_a_name() -> None:
    with pytest.raises(CredentialMalformedError):
        check_login("", "x")
