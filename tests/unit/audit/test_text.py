import pytest
from hypothesis import given
from hypothesis import strategies as st

from moorage.audit.text import fit


@pytest.mark.parametrize(
    ("text", "kept"),
    [
        ("docker/24.0.7 go/go1.21", "docker/24.0.7 go/go1.21"),
        ("naïve 名前", "naïve 名前"),
        ("a\nb\r\n", "a\\nb\\r\\n"),
        ("\x1b[2J", "\\x1b[2J"),
        ("nul\x00", "nul\\x00"),
        ("\u202egnp.exe", "\\u202egnp.exe"),
        ("line\u2028break", "line\\u2028break"),
        ("\ud800", "\\ud800"),
    ],
)
def test_text_stays_readable_and_on_one_line(text: str, kept: str) -> None:
    assert fit(text, 100) == kept


def test_what_is_too_long_is_cut_and_marked() -> None:
    assert fit("x" * 256, 256) == "x" * 256
    assert fit("x" * 257, 256) == "x" * 255 + "…"


def test_escapes_count_towards_the_limit() -> None:
    assert len(fit("\n" * 200, 256)) == 256


@given(st.text(alphabet=st.characters(), max_size=80), st.integers(1, 60))
def test_whatever_comes_in_fits_and_prints(text: str, limit: int) -> None:
    kept = fit(text, limit)
    assert len(kept) <= limit
    assert kept.isprintable()
    kept.encode("utf-8")
