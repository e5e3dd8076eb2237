"""The page of the appliance's properties is the table's."""

from pathlib import Path

from moorage_appliance.properties import PROPERTIES
from moorage_ova.properties_document import markdown

PAGE = Path(__file__).parents[2] / "server/docs/appliance-properties.md"


def test_the_page_is_current_run_make_docs() -> None:
    assert PAGE.read_text() == markdown()


def test_every_property_has_a_row() -> None:
    rows = [line for line in markdown().splitlines() if line.startswith("| `")]
    assert [row.split("`")[1] for row in rows] == [each.key for each in PROPERTIES]
    assert all(row.count("|") == 6 for row in rows)
