"""What becomes of artifacts, case by case."""

from dataclasses import replace
from datetime import timedelta

import pytest

from moorage.oci.digest import Digest
from moorage.oci.names import RepositoryName
from moorage.projects.selectors import Selector
from moorage.retention.model import Candidate, Decision, Policy, Reason, Rule, Template
from moorage.retention.planner import decide
from tests.unit.retention.artifacts import NOW, candidate, rule

YOUNG = timedelta(hours=24)


def decided(
    candidates: list[Candidate],
    *rules: Rule,
    immutable: frozenset[str] = frozenset(),
    held: frozenset[Digest] = frozenset(),
) -> dict[int, tuple[str, tuple[int, ...]]]:
    found = decide(candidates, rules, now=NOW, young_since=NOW - YOUNG, immutable=immutable, held=held)
    return {each.candidate.manifest_id: (each.reason.value, each.rules) for each in found}


def kept(candidates: list[Candidate], *rules: Rule) -> list[int]:
    found: list[Decision] = decide(candidates, rules, now=NOW, young_since=NOW - YOUNG)
    return sorted(each.candidate.manifest_id for each in found if each.kept)


def test_what_no_rule_keeps_goes_also_what_no_selector_chose() -> None:
    found = [candidate(1, "v1", pushed=9), candidate(2, "v2", pushed=8), candidate(3, "dev", pushed=1)]
    assert decided(found, rule(Template.LATEST_PUSHED, 1, tags="v*")) == {
        1: ("no rule", ()),
        2: ("rule", (1,)),
        3: ("no rule", ()),
    }


def test_without_a_rule_for_the_repository_nothing_is_decided() -> None:
    assert decided([candidate(1, "v1", pushed=400)]) == {}


def test_with_a_rule_that_keeps_nothing_everything_goes() -> None:
    assert kept([candidate(1, "v1"), candidate(2, "v2")], rule(Template.NOTHING)) == []


def test_rules_add_up_and_each_that_keeps_is_named() -> None:
    found = [candidate(1, "v1", pushed=9), candidate(2, "v2", pushed=8), candidate(3, "dev", pushed=1)]
    rules = (
        rule(Template.LATEST_PUSHED, 1),
        rule(Template.ALWAYS, tags="v1", rule_id=2),
        rule(Template.DAYS_SINCE_PUSH, 8, rule_id=3),
    )
    assert decided(found, *rules) == {1: ("rule", (2,)), 2: ("rule", (3,)), 3: ("rule", (1, 3))}
    assert decided(found, *rules[::-1])[3] == ("rule", (3, 1))


def test_a_number_counts_artifacts_and_not_tags() -> None:
    found = [candidate(1, "a", "b", "c", pushed=3), candidate(2, "d", pushed=2), candidate(3, "e", pushed=1)]
    assert kept(found, rule(Template.LATEST_PUSHED, 3)) == [1, 2, 3]


def test_one_tag_that_is_kept_keeps_the_artifact() -> None:
    found = [candidate(1, "nightly", "v1"), candidate(2, "nightly-2")]
    assert kept(found, rule(Template.ALWAYS, tags="v*")) == [1]


@pytest.mark.parametrize(
    ("tags", "chosen"),
    [(("keep",), True), (("tmp-1",), False), (("tmp-1", "keep"), True), (("tmp-1", "tmp-2"), False)],
)
def test_excludes_chooses_what_has_a_tag_that_is_not_excluded(tags: tuple[str, ...], chosen: bool) -> None:
    excluding = rule(Template.ALWAYS, tags="tmp-*", decoration="excludes")
    assert kept([candidate(1, *tags)], excluding) == ([1] if chosen else [])


def test_several_selectors_must_all_choose() -> None:
    both = replace(
        rule(Template.ALWAYS),
        tags=(Selector(pattern="v*"), Selector(pattern="*-rc*", decoration="excludes")),
    )
    found = [candidate(1, "v1"), candidate(2, "v2-rc1"), candidate(3, "w1"), candidate(4, "v2-rc2", "w2")]
    assert kept(found, both) == [1, 4]  # 4: one tag satisfies either, as in Harbor


@pytest.mark.parametrize(
    ("decoration", "untagged", "stays"),
    [
        ("matches", True, True),
        ("matches", False, False),
        ("excludes", True, False),
        ("excludes", False, True),
    ],
)
def test_untagged_artifacts_follow_the_flag(decoration: str, untagged: bool, stays: bool) -> None:
    selecting = rule(Template.ALWAYS, tags="v*", decoration=decoration, untagged=untagged)
    assert kept([candidate(1, pushed=2)], selecting) == ([1] if stays else [])


def test_untagged_artifacts_count_among_those_that_a_selector_chooses() -> None:
    found = [candidate(1, "v1", pushed=5), candidate(2, pushed=4), candidate(3, pushed=3)]
    assert kept(found, rule(Template.LATEST_PUSHED, 2)) == [2, 3]
    assert kept(found, rule(Template.LATEST_PUSHED, 2, untagged=False)) == [1]


def test_a_young_untagged_artifact_may_still_get_its_tag() -> None:
    found = [candidate(1, pushed=0.5), candidate(2, pushed=1.5), candidate(3, "v1", pushed=0.5)]
    assert decided(found, rule(Template.NOTHING)) == {
        1: ("young", ()),
        2: ("no rule", ()),
        3: ("no rule", ()),
    }


def test_immutable_tags_win() -> None:
    found = [candidate(1, "v1", "latest"), candidate(2, "v2"), candidate(3, "v3", pushed=1)]
    assert decided(found, rule(Template.NOTHING), immutable=frozenset({"v1"})) == {
        1: ("immutable", ()),
        2: ("no rule", ()),
        3: ("no rule", ()),
    }
    # Immutable ones take a place among the most recent all the same.
    assert decided(found, rule(Template.LATEST_PUSHED, 1), immutable=frozenset({"v2"}))[1][0] == "no rule"


def test_what_is_held_stays() -> None:
    found = [candidate(1, "v1"), candidate(2, "v2")]
    assert decided(found, rule(Template.NOTHING), held=frozenset({found[0].digest})) == {
        1: ("held", ()),
        2: ("no rule", ()),
    }


def test_the_youngest_comes_first_and_equal_ones_in_a_fixed_order() -> None:
    found = [candidate(2, "b", pushed=1), candidate(1, "a", pushed=1), candidate(3, "c", pushed=2)]
    for order in (found, found[::-1]):
        listed = decide(order, [rule(Template.ALWAYS)], now=NOW, young_since=NOW)
        assert [each.candidate.manifest_id for each in listed] == [2, 1, 3]
        assert {each.reason for each in listed} == {Reason.RULE}


@pytest.mark.parametrize(
    ("pattern", "decoration", "name", "covered"),
    [
        ("**", "repoMatches", "dock/app", True),
        ("app", "repoMatches", "dock/app", True),
        ("dock/app", "repoMatches", "dock/app", False),  # the project is no part of what is matched
        ("team/**", "repoMatches", "dock/team/app", True),
        ("team/**", "repoMatches", "dock/team/deep/app", True),
        ("team/*", "repoMatches", "dock/team/deep/app", False),
        ("{app,web}", "repoExcludes", "dock/app", False),
        ("{app,web}", "repoExcludes", "dock/db", True),
    ],
)
def test_a_rule_looks_at_the_repositories_that_its_scope_chooses(
    pattern: str, decoration: str, name: str, covered: bool
) -> None:
    scoped = rule(Template.ALWAYS, repositories=Selector(pattern=pattern, decoration=decoration))
    policy = Policy(1, 1, (scoped, replace(scoped, id=2, disabled=True)), NOW, NOW)
    assert policy.rules_for(RepositoryName(name)) == ((scoped,) if covered else ())
