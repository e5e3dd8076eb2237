import base64

import pytest
from hypothesis import given
from hypothesis import strategies as st

from moorage.audit.errors import CursorInvalidError
from moorage.audit.model import Cursor


@given(st.integers(0, 2**63 - 1), st.integers(0, 2**63 - 1))
def test_a_place_survives_its_text(at: int, number: int) -> None:
    assert Cursor.parse(str(Cursor(at, number))) == Cursor(at, number)


def _encoded(plain: str) -> str:
    return base64.urlsafe_b64encode(plain.encode()).decode().rstrip("=")


@pytest.mark.parametrize(
    "text",
    [
        "",
        "x",
        "%%%",
        "né",
        "AAAA====",
        _encoded("1"),
        _encoded("1."),
        _encoded(".1"),
        _encoded("1.2.3"),
        _encoded("-1.2"),
        _encoded("1.99999999999999999999"),
        _encoded(" 1.2"),
        _encoded("1_0.2"),
        _encoded("1.2") + "=",
        _encoded("1.2'; DROP TABLE audit_entry; --"),
        "A" * 10_000,
    ],
)
def test_a_place_that_was_not_given_out_is_refused(text: str) -> None:
    with pytest.raises(CursorInvalidError, match="after"):
        Cursor.parse(text)
