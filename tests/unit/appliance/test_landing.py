import re

from moorage_appliance import landing
from moorage_appliance.paths import Paths
from moorage_appliance.problem import Problem
from moorage_appliance.status import StatusFile


def written(tmp_path, *problems: Problem) -> str:
    paths = Paths(tmp_path)
    StatusFile(paths).problems("certificate", problems)
    StatusFile(paths).phase("certificate", "failed" if problems else "done", "why")
    landing.write(paths)
    return (paths.run / "landing/index.html").read_text()


def test_it_names_the_property_what_is_wrong_and_how_to_mend_it(tmp_path) -> None:
    page = written(tmp_path, Problem("tls.key", "It is encrypted.", "Take its password off."))
    for words in (
        "not running",
        "tls.key",
        "Private key",
        "It is encrypted.",
        "Take its password off.",
        "failed",
    ):
        assert words in page


def test_outside_values_are_text_in_it_and_nothing_in_it_runs(tmp_path) -> None:
    page = written(tmp_path, Problem("", '<script>alert("x")</script>', "<b onclick=x>"))
    assert "&lt;script&gt;" in page
    assert 'href="/_landing/page.css"' in page  # where nginx has it, whatever page was asked for
    assert not re.search(r"<script|<b onclick|<style|\sstyle=|https?://", page)


def test_without_problems_it_says_that_the_registry_starts(tmp_path) -> None:
    assert "The registry is starting" in written(tmp_path)
    assert (
        "The registry is starting" in (tmp_path / "run/moorage-appliance/landing/starting.html").read_text()
    )


def test_a_warning_alone_stops_nothing(tmp_path) -> None:
    page = written(tmp_path, Problem("tls.certificate", "It ends in 20 days.", "Give another.", warning=True))
    assert "The registry is starting" in page
    assert "It ends in 20 days." in page
