"""Sizes as people write and read them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from moorage.sizes import LARGEST, SizeInvalidError, in_words, parse


@pytest.mark.parametrize(
    ("size", "words"),
    [
        (0, "0 bytes"),
        (1, "1 byte"),
        (1023, "1023 bytes"),
        (1024, "1 KiB"),
        (1536, "1.5 KiB"),
        (1024**2 - 1, "1 MiB"),
        (10 * 1024**3, "10 GiB"),
        (10 * 1024**3 - 1024**2, "10 GiB"),
        (int(9.8 * 1024**3), "9.8 GiB"),
        (5 * 1024**5, "5 PiB"),
        (5000 * 1024**5, "5000 PiB"),
        (-2048, "-2 KiB"),
    ],
)
def test_a_size_is_written_for_people(size, words):
    assert in_words(size) == words


@pytest.mark.parametrize(
    ("text", "size"),
    [
        ("0", 0),
        ("4096", 4096),
        ("512MiB", 512 * 1024**2),
        ("512 mb", 512 * 1024**2),
        ("10G", 10 * 1024**3),
        ("10GiB", 10 * 1024**3),
        (" 1.5 TiB ", 3 * 1024**4 // 2),
        ("1B", 1),
    ],
)
def test_what_people_write_is_read(text, size):
    assert parse(text) == size


@pytest.mark.parametrize(
    "text", ["", "none", "-1", "10 GiBs", "1e3", "GiB", "1,5G", "0x10", "10iB", "١٠", "9" * 30, "8PiB", "1.G"]
)
def test_what_is_no_size_is_refused(text):
    with pytest.raises(SizeInvalidError):
        parse(text)


@given(st.integers(0, LARGEST))
def test_a_number_of_bytes_is_read_exactly(size):
    assert parse(str(size)) == size


@given(st.integers(0, LARGEST))
def test_what_was_written_is_read_back_to_within_a_twentieth(size):
    read = parse(in_words(size).replace("bytes", "B").replace("byte", "B")) if size < LARGEST * 0.95 else size
    assert abs(read - size) <= size / 20
