"""Policies as documents: read, written, refused."""

import json
from typing import Any

import pytest

from moorage.errors import MoorageError
from moorage.jobs.errors import CronInvalidError
from moorage.retention.document import Draft, document, draft_of, rules_of
from moorage.retention.errors import RetentionInvalidError, RuleRepeatedError
from moorage.retention.model import Policy, Template
from tests.unit.retention.artifacts import NOW

TAGS = [{"kind": "doublestar", "decoration": "matches", "pattern": "**", "extras": '{"untagged":true}'}]
SCOPE = {"repository": [{"kind": "doublestar", "decoration": "repoMatches", "pattern": "**"}]}


def written(**changes: Any) -> dict[str, Any]:
    fields = {
        "disabled": False,
        "action": "retain",
        "template": "latestPushedK",
        "params": {"latestPushedK": 10},
        "tag_selectors": TAGS,
        "scope_selectors": SCOPE,
    }
    return {**fields, **changes}


def policy(*rules: dict[str, Any], **changes: Any) -> dict[str, Any]:
    fields = {
        "algorithm": "or",
        "rules": list(rules),
        "trigger": {"kind": "Schedule", "settings": {"cron": "0 0 0 * * *"}, "references": {}},
        "scope": {"level": "project", "ref": 7},
    }
    return {**fields, **changes}


def test_a_policy_is_read_and_written_back() -> None:
    draft = draft_of(policy(written(priority=3), written(template="always", params={})))
    assert (draft.cron, draft.project_id) == ("0 0 0 * * *", 7)
    assert [(each.id, each.template, each.number) for each in draft.rules] == [
        (1, Template.LATEST_PUSHED, 10),
        (2, Template.ALWAYS, None),
    ]
    shown = document(Policy(4, 7, draft.rules, NOW, NOW), draft.cron)
    assert shown["id"] == 4
    assert draft_of(json.loads(json.dumps(shown))) == draft


def test_ids_are_places_whatever_the_client_sends() -> None:
    first, second = rules_of([written(id=9), written(id=9, template="nothing", params={})])
    assert (first.id, second.id) == (1, 2)


@pytest.mark.parametrize(
    ("extras", "decoration", "untagged"),
    [
        ("", "matches", True),
        (None, "matches", True),
        ("", "excludes", False),
        ('{"untagged":true}', "excludes", True),
        ('{"untagged": false}', "matches", False),
        ("{}", "matches", False),
    ],
)
def test_the_word_on_untagged_artifacts_is_harbors(
    extras: str | None, decoration: str, untagged: bool
) -> None:
    selector = {"kind": "doublestar", "decoration": decoration, "pattern": "v*", "extras": extras}
    (rule,) = rules_of([written(tag_selectors=[selector])])
    assert rule.tags[0].untagged is untagged


@pytest.mark.parametrize(
    "trigger",
    [None, {}, {"kind": ""}, {"kind": "None"}, {"kind": "Schedule", "settings": {"cron": ""}}],
)
def test_a_policy_need_not_run_by_itself(trigger: object) -> None:
    assert draft_of(policy(trigger=trigger)) == Draft((), "", 7)


def with_tags(**changes: Any) -> dict[str, Any]:
    return written(tag_selectors=[{**TAGS[0], **changes}])


@pytest.mark.parametrize(
    ("values", "kind", "named"),
    [
        ([], RetentionInvalidError, "the policy"),
        (policy(algorithm="and"), RetentionInvalidError, "algorithm"),
        (policy(surprise=1), RetentionInvalidError, "surprise"),
        (policy(rules={}), RetentionInvalidError, "rules"),
        (policy(*[written(priority=n) for n in range(16)]), RetentionInvalidError, "at most 15"),
        (policy("rule"), RetentionInvalidError, "rules[0]"),  # type: ignore[arg-type]
        (policy(written(), written()), RuleRepeatedError, "rule 2"),
        (policy(written(action="delete")), RetentionInvalidError, "rules[0].action"),
        (policy(written(template="latestBuiltK")), RetentionInvalidError, "rules[0].template"),
        (policy(written(template=["always"])), RetentionInvalidError, "rules[0].template"),
        (policy(written(template=None)), RetentionInvalidError, "rules[0].template"),
        (policy(written(params={})), RetentionInvalidError, "rules[0].params.latestPushedK is missing"),
        (policy(written(params=None)), RetentionInvalidError, "rules[0].params.latestPushedK"),
        (policy(written(params={"latestPushedK": -1})), RetentionInvalidError, "params.latestPushedK"),
        (policy(written(params={"latestPushedK": 32767})), RetentionInvalidError, "params.latestPushedK"),
        (policy(written(params={"latestPushedK": "10"})), RetentionInvalidError, "params.latestPushedK"),
        (policy(written(params={"latestPushedK": True})), RetentionInvalidError, "params.latestPushedK"),
        (policy(written(params={"k": 1})), RetentionInvalidError, "'k'"),
        (policy(written(disabled="no")), RetentionInvalidError, "rules[0].disabled"),
        (policy(written(tag_selectors=[])), RetentionInvalidError, "rules[0].tag_selectors"),
        (policy(written(scope_selectors={})), RetentionInvalidError, "scope_selectors.repository"),
        (policy(written(scope_selectors={"project": []})), RetentionInvalidError, "'project'"),
        (policy(with_tags(decoration="repoMatches")), RetentionInvalidError, "rules[0]"),
        (policy(with_tags(kind="regex")), RetentionInvalidError, "doublestar"),
        (policy(with_tags(pattern="[")), RetentionInvalidError, "rules[0]"),
        (policy(with_tags(pattern="")), RetentionInvalidError, "rules[0]"),
        (policy(with_tags(pattern=5)), RetentionInvalidError, "tag_selectors[0].pattern"),
        (policy(with_tags(extras="yes")), RetentionInvalidError, "tag_selectors[0].extras"),
        (policy(with_tags(extras='{"untagged": 1}')), RetentionInvalidError, "extras.untagged"),
        (policy(trigger={"kind": "Event"}), RetentionInvalidError, "trigger.kind"),
        (policy(trigger={"kind": ["Schedule"]}), RetentionInvalidError, "trigger.kind"),
        (policy(trigger={"kind": "Schedule"}), RetentionInvalidError, "trigger.settings"),
        (policy(trigger={"kind": "Schedule", "settings": {"cron": 5}}), RetentionInvalidError, "cron"),
        (policy(trigger={"kind": "Schedule", "settings": {"cron": "* *"}}), CronInvalidError, ""),
        (policy(scope={"level": "system", "ref": 1}), RetentionInvalidError, "scope.level"),
        (policy(scope={"level": "project"}), RetentionInvalidError, "scope.ref"),
    ],
)
def test_what_is_no_policy_is_refused_by_its_name(
    values: object, kind: type[MoorageError], named: str
) -> None:
    with pytest.raises(kind) as caught:
        draft_of(values)
    assert type(caught.value) is kind
    assert named in caught.value.message
