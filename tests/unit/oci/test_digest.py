"""Digests: only what two algorithms write, in exactly the form they write it."""

import hashlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from moorage.oci.digest import ALGORITHMS, Digest, DigestInvalidError, digest_of, hasher

A64 = "a" * 64
B128 = "b" * 128


@pytest.mark.parametrize(
    ("text", "algorithm", "hex_digits"),
    [
        (f"sha256:{A64}", "sha256", A64),
        (f"sha512:{B128}", "sha512", B128),
        ("sha256:" + "0123456789abcdef" * 4, "sha256", "0123456789abcdef" * 4),
    ],
)
def test_a_digest_reads_and_writes_the_same(text, algorithm, hex_digits):
    parsed = Digest.parse(text)
    assert parsed == Digest(algorithm, hex_digits)
    assert str(parsed) == text


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "empty"),
        (A64, "no algorithm"),
        ("sha256", "no algorithm"),
        ("sha256:", "64 hex digits, this one 0"),
        (":", "not supported"),
        (f":{A64}", "not supported"),
        ("sha256:" + "a" * 63, "this one 63"),
        ("sha256:" + "a" * 65, "this one 65"),
        ("sha256:" + "b" * 128, "this one 128"),
        ("sha512:" + A64, "this one 64"),
        ("sha256:" + "A" * 64, "lower case"),
        ("sha256:" + "g" * 64, "lower case"),
        ("sha256:" + "é" * 64, "lower case"),
        ("sha256:" + "\u0660" * 64, "lower case"),
        ("sha256:" + "a" * 63 + "\n", "lower case"),
        (f"sha256:{A64}\n", "this one 65"),
        (f" sha256:{A64}", "not supported"),
        (f"SHA256:{A64}", "not supported"),
        (f"sha-256:{A64}", "not supported"),
        ("sha384:" + "a" * 96, "not supported"),
        ("md5:" + "a" * 32, "not supported"),
        (f"sha256+b64:{A64}", "not supported"),
        (f"sha256::{A64[1:]}", "lower case"),
        (f"sha256:../../{A64[6:]}", "lower case"),
        (f"sha256:{A64}\0", "this one 65"),
    ],
)
def test_anything_else_is_refused_with_the_reason(text, said):
    with pytest.raises(DigestInvalidError, match=said) as caught:
        Digest.parse(text)
    assert caught.value.code == "DIGEST_INVALID"


def test_the_message_and_detail_about_a_huge_text_stay_small():
    with pytest.raises(DigestInvalidError) as caught:
        Digest.parse("x" * 1_000_000)
    assert len(caught.value.message) < 500
    assert len(str(caught.value.detail)) < 500


@given(st.text())
def test_no_text_breaks_the_parser(text):
    try:
        parsed = Digest.parse(text)
    except DigestInvalidError:
        return
    assert str(parsed) == text


@given(st.from_regex(r"\A[a-z0-9+._-]{0,10}:[0-9a-fA-F]{60,70}\Z"))
def test_what_is_accepted_is_a_hash_of_the_right_length(text):
    try:
        parsed = Digest.parse(text)
    except DigestInvalidError:
        return
    assert hashlib.new(parsed.algorithm).digest_size == len(bytes.fromhex(parsed.hex))
    assert parsed.hex == parsed.hex.lower()


@pytest.mark.parametrize("algorithm", ALGORITHMS)
@given(content=st.binary())
def test_the_digest_of_content_is_its_hash(algorithm, content):
    expected = hashlib.new(algorithm, content).hexdigest()
    assert digest_of(content, algorithm) == Digest(algorithm, expected)
    assert Digest.parse(str(digest_of(content, algorithm))).hex == expected


def test_a_running_hash_takes_content_in_pieces():
    running = hasher("sha512")
    running.update(b"con")
    running.update(memoryview(b"tent"))
    assert running.name == "sha512"
    assert running.hexdigest() == digest_of(b"content", "sha512").hex


def test_an_unknown_algorithm_has_no_hasher():
    with pytest.raises(DigestInvalidError, match="md5"):
        hasher("md5")
    with pytest.raises(DigestInvalidError):
        digest_of(b"", "sha1")


def test_digests_are_keys_and_have_an_order():
    first, second = Digest("sha256", A64), Digest("sha512", B128)
    assert {first: 1}[Digest.parse(str(first))] == 1
    assert sorted([second, first]) == [first, second]
