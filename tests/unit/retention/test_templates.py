"""What each template keeps, case by case."""

import pytest

from moorage.retention.model import Candidate, Rule, Template
from moorage.retention.templates import METADATA, kept_by, phrase
from tests.unit.retention.artifacts import NOW, candidate, rule

#: Number, days since the last push, days since the last pull.
SIX = [
    candidate(1, "1", pushed=60),
    candidate(2, "2", pushed=50, pulled=1),
    candidate(3, "3", pushed=10, pulled=9),
    candidate(4, "4", pushed=7, pulled=5),
    candidate(5, "5", pushed=5),
    candidate(6, "6", pushed=2, pulled=1.5),
]


def kept(rule: Rule, chosen: list[Candidate]) -> list[int]:
    return sorted(each.manifest_id for each in kept_by(rule, chosen, NOW))


@pytest.mark.parametrize(
    ("template", "number", "expected"),
    [
        (Template.ALWAYS, None, [1, 2, 3, 4, 5, 6]),
        (Template.NOTHING, None, []),
        (Template.LATEST_PUSHED, 2, [5, 6]),
        (Template.LATEST_PUSHED, 0, []),
        (Template.LATEST_PUSHED, 7, [1, 2, 3, 4, 5, 6]),
        (Template.LATEST_PULLED, 2, [2, 6]),
        (Template.LATEST_PULLED, 5, [2, 3, 4, 5, 6]),  # the youngest of those that nobody pulled
        (Template.LATEST_ACTIVE, 2, [2, 6]),
        (Template.LATEST_ACTIVE, 4, [2, 4, 5, 6]),
        (Template.LAST_DAYS, 7, [5, 6]),
        (Template.DAYS_SINCE_PUSH, 7, [4, 5, 6]),
        (Template.DAYS_SINCE_PULL, 5, [2, 4, 6]),
        (Template.DAYS_SINCE_PULL, 0, []),
    ],
)
def test_a_template_keeps_what_it_says(template: Template, number: int | None, expected: list[int]) -> None:
    for order in (SIX, SIX[::-1]):
        assert kept(rule(template, number), order) == expected


@pytest.mark.parametrize(
    ("template", "pulled"),
    [
        (Template.LATEST_PUSHED, None),
        (Template.LATEST_PULLED, None),
        (Template.LATEST_PULLED, 3.0),
        (Template.LATEST_ACTIVE, 3.0),
    ],
)
def test_where_moments_are_equal_the_one_that_came_last_wins_in_any_order(
    template: Template, pulled: float | None
) -> None:
    equal = [candidate(number, str(number), pushed=5, pulled=pulled) for number in (3, 1, 4, 2)]
    for order in (equal, equal[::-1], sorted(equal, key=lambda each: each.manifest_id)):
        assert kept(rule(template, 2), order) == [3, 4]


def test_equal_pulls_are_decided_by_the_push() -> None:
    older, younger = candidate(2, "old", pushed=9, pulled=1), candidate(1, "new", pushed=3, pulled=1)
    assert kept(rule(Template.LATEST_PULLED, 1), [older, younger]) == [1]
    assert kept(rule(Template.LATEST_ACTIVE, 1), [older, younger]) == [1]


def test_nothing_comes_of_nothing() -> None:
    for template in Template:
        assert kept(rule(template, 3), []) == []


def test_every_template_can_be_told() -> None:
    assert phrase(rule(Template.LATEST_PUSHED, 10)) == "the most recently pushed 10"
    for template in Template:
        assert "{" not in phrase(rule(template, 3))


def test_the_metadata_is_harbors() -> None:
    templates = METADATA["templates"]
    assert isinstance(templates, list)
    assert [each["rule_template"] for each in templates] == [
        "latestPushedK",
        "latestPulledN",
        "nDaysSinceLastPush",
        "nDaysSinceLastPull",
        "always",
    ]
    assert templates[2] == {
        "rule_template": "nDaysSinceLastPush",
        "display_text": "pushed within the last # days",
        "action": "retain",
        "params": [{"type": "int", "unit": "DAYS", "required": True}],
    }
    assert templates[4]["params"] == []
