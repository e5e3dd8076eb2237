"""Text from outside."""

import pytest

from moorage.identity.errors import AccountInvalidError
from moorage.identity.text import MAX_TEXT, checked, is_storable


@pytest.mark.parametrize("text", ["", "Ærøskøbing", "a" * MAX_TEXT, "\U0001f6a2", "tab-less; DROP TABLE"])
def test_a_line_of_text_is_returned_as_it_is(text: str):
    assert checked(text, "comment") == text


@pytest.mark.parametrize("text", ["a\nb", "a\tb", "\0", "\x7f", "\x85", "\u2028", "\ud800", "\x1b[31m"])
def test_a_character_that_could_spoil_a_log_is_refused(text: str):
    with pytest.raises(AccountInvalidError, match="the comment has a character"):
        checked(text, "comment")


def test_a_text_that_is_too_long_is_refused():
    with pytest.raises(AccountInvalidError, match="more than 255"):
        checked("a" * (MAX_TEXT + 1), "comment")


@pytest.mark.parametrize(("text", "storable"), [("a\nb", True), ("\0", False), ("\udfff", False), ("", True)])
def test_what_a_database_cannot_hold_is_known_before(text: str, storable: bool):
    assert is_storable(text) is storable
