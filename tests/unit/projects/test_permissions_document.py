"""The printed table."""

from pathlib import Path

from moorage.projects.rules import SYSTEM, TABLE
from moorage.projects.rules_document import markdown

DOCUMENT = Path(__file__).parents[3] / "server" / "docs" / "permissions.md"


def test_the_document_is_what_the_table_prints():
    assert DOCUMENT.read_text() == markdown()


def test_the_document_has_every_permission_once():
    text = markdown()
    inside, _, outside = text.partition("## Outside projects")
    assert all(inside.count(f"| {resource}: {action} |") == 1 for resource, action in TABLE)
    assert all(outside.count(f"| {resource}: {action} |") == 1 for resource, action in SYSTEM)


def test_a_row_marks_who_holds_the_permission():
    assert "| repository: push |   |   |   | x | x | x |   |" in markdown()
    assert "| repository: pull | x | x | x | x | x | x |   |" in markdown()
    assert "| log: list |   |   |   |   |   | x | x |" in markdown()
    assert "| user: list | x | x |" in markdown()
    assert "| user: create |   | x |" in markdown()
    assert "| administrator: update |   |   |" in markdown()
