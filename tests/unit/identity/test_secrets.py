"""Secrets that the server makes."""

import pytest

from moorage.identity.secrets import ACCESS_TOKEN_PREFIX, digest_secret, matches, new_secret


def test_a_secret_has_the_prefix_and_256_random_bits():
    secret = new_secret(ACCESS_TOKEN_PREFIX)
    assert secret.startswith("moor_pat_")
    assert len(secret.removeprefix("moor_pat_")) == 43


def test_no_two_secrets_are_alike():
    assert len({new_secret() for _ in range(1000)}) == 1000


def test_only_the_secret_itself_fits_its_digest():
    secret = new_secret()
    digest = digest_secret(secret)
    assert matches(digest, secret)
    assert not matches(digest, secret[:-1])
    assert not matches(digest, digest)
    assert secret not in digest


@pytest.mark.parametrize("secret", ["", "\0", "\ud800", "é" * 10_000])
def test_any_text_can_be_compared(secret: str):
    assert not matches(digest_secret("other"), secret)
