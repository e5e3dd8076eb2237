"""The printed table."""

from pathlib import Path

from moorage.projects.rules import SYSTEM, TABLE, markdown

DOCUMENT = Path(__file__).parents[3] / "server" / "docs" / "permissions.md"


def test_the_document_is_what_the_table_prints():
    assert DOCUMENT.read_text() == markdown()


def test_the_document_has_every_permission_once():
    text = markdown()
    assert all(text.count(f"| {resource}: {action} |") == 1 for resource, action in TABLE)
    assert all(f"* {resource}: {action}\n" in text for resource, action in SYSTEM)


def test_a_row_marks_who_holds_the_permission():
    assert "| repository: push |   |   |   | x | x | x |" in markdown()
    assert "| repository: pull | x | x | x | x | x | x |" in markdown()
