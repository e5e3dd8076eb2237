"""Policies as the JSON documents that Harbor's clients send and read, and that the database keeps."""

import json
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace

from moorage.errors import Invalid
from moorage.jobs.cron import parse as parse_cron
from moorage.oci import strictjson
from moorage.projects.selectors import Selector, check_repository_selector, check_tag_selector
from moorage.retention.errors import RetentionInvalidError, RuleRepeatedError
from moorage.retention.model import Policy, Rule, Template

MAX_RULES = 15
_MAX_SELECTORS = 20
#: The largest number that a rule takes, as in Harbor.
MAX_NUMBER = 32_766
_ALGORITHM = "or"
_ACTION = "retain"
_LEVEL = "project"
_SCHEDULE = "Schedule"
_NEVER = ("", "None", "Manual")
_SHOWN = 80

_RULE = frozenset(
    {"id", "priority", "disabled", "action", "template", "params", "tag_selectors", "scope_selectors"}
)
_SELECTOR = frozenset({"kind", "decoration", "pattern", "extras"})
#: The fields of a whole policy.
FIELDS = frozenset({"id", "algorithm", "rules", "trigger", "scope"})

Json = dict[str, object]


@dataclass(frozen=True, slots=True)
class Draft:
    """A policy as somebody wants it.

    Attributes:
        cron: when it runs; empty for only when it is asked to.
        project_id: that the document names; None when it names none.
    """

    rules: tuple[Rule, ...]
    cron: str = ""
    project_id: int | None = None


def draft_of(values: object) -> Draft:
    """Read a whole policy.

    Raises:
        RetentionInvalidError, ProjectInvalidError, CronInvalidError: it breaks the rules; the message
            names the field.
        RuleRepeatedError: two rules say the same.
    """
    document = _object(values, "the policy", FIELDS)
    if document.get("algorithm", _ALGORITHM) != _ALGORITHM:
        raise RetentionInvalidError(f"algorithm: the only one is {_ALGORITHM!r}")
    return Draft(
        rules_of(document.get("rules", [])),
        _cron(document.get("trigger")),
        _project(document.get("scope")),
    )


def rules_of(values: object) -> tuple[Rule, ...]:
    """Read the rules of a policy; their ids become their places, from 1.

    Raises:
        RetentionInvalidError, ProjectInvalidError, RuleRepeatedError: as `draft_of`.
    """
    if not isinstance(values, list):
        raise RetentionInvalidError("rules is a list")
    if len(values) > MAX_RULES:
        raise RetentionInvalidError(f"rules: a policy has at most {MAX_RULES}")
    rules = tuple(_rule(each, number) for number, each in enumerate(values, 1))
    seen: dict[Rule, int] = {}
    for rule in rules:
        other = seen.setdefault(replace(rule, id=0), rule.id)
        if other != rule.id:
            raise RuleRepeatedError(f"rule {rule.id} says the same as rule {other}")
    return rules


def document(policy: Policy, cron: str, **settings: str) -> Json:
    """The whole policy; `settings` are more to tell about its rhythm."""
    return {
        "id": policy.id,
        "algorithm": _ALGORITHM,
        "rules": rules_document(policy.rules),
        "trigger": {"kind": _SCHEDULE, "settings": {"cron": cron, **settings}, "references": {}},
        "scope": {"level": _LEVEL, "ref": policy.project_id},
    }


def rules_document(rules: Sequence[Rule]) -> list[Json]:
    """The rules of a policy."""
    return [
        {
            "id": rule.id,
            "priority": rule.priority,
            "disabled": rule.disabled,
            "action": _ACTION,
            "template": rule.template.value,
            "params": {} if rule.number is None else {rule.template.value: rule.number},
            "tag_selectors": [
                {
                    **_selector_document(each),
                    "extras": json.dumps({"untagged": each.untagged}, separators=(",", ":")),
                }
                for each in rule.tags
            ],
            "scope_selectors": {"repository": [_selector_document(each) for each in rule.repositories]},
        }
        for rule in rules
    ]


def _selector_document(selector: Selector) -> Json:
    return {"kind": selector.kind, "decoration": selector.decoration, "pattern": selector.pattern}


def _rule(value: object, number: int) -> Rule:
    at = f"rules[{number - 1}]"
    fields = _object(value, at, _RULE)
    if fields.get("action", _ACTION) != _ACTION:
        raise RetentionInvalidError(f"{at}.action: the only one is {_ACTION!r}")
    template = _template(fields.get("template"), at)
    scopes = _object(fields.get("scope_selectors", {}), f"{at}.scope_selectors", {"repository"})
    tags = _selectors(fields.get("tag_selectors"), f"{at}.tag_selectors")
    repositories = _selectors(scopes.get("repository"), f"{at}.scope_selectors.repository")
    _checked(tags, repositories, at)
    return Rule(
        id=number,
        template=template,
        number=_number(fields.get("params", {}), template, at),
        tags=tags,
        repositories=repositories,
        priority=_whole(fields.get("priority", 0), f"{at}.priority", 2**31),
        disabled=_flag(fields.get("disabled", False), f"{at}.disabled"),
    )


def _template(value: object, at: str) -> Template:
    try:
        return Template(value)  # type: ignore[arg-type]  # anything but one of its words raises
    except ValueError:
        known = ", ".join(each.value for each in Template)
        raise RetentionInvalidError(f"{at}.template is one of {known}") from None


def _number(value: object, template: Template, at: str) -> int | None:
    parameters = _object(value, f"{at}.params", {each.value for each in Template})
    if not template.takes_number:
        return None
    if template.value not in parameters:
        # Harbor falls back to a number of its own here; nobody should lose images to a slip.
        raise RetentionInvalidError(f"{at}.params.{template.value} is missing; it is a whole number")
    return _whole(parameters[template.value], f"{at}.params.{template.value}", MAX_NUMBER)


def _selectors(value: object, at: str) -> tuple[Selector, ...]:
    if not isinstance(value, list) or not 1 <= len(value) <= _MAX_SELECTORS:
        raise RetentionInvalidError(f"{at} is a list of 1 to {_MAX_SELECTORS} selectors")
    return tuple(_selector(each, f"{at}[{number}]") for number, each in enumerate(value))


def _selector(value: object, at: str) -> Selector:
    fields = _object(value, at, _SELECTOR)
    texts = {name: fields.get(name, "") for name in _SELECTOR}
    for name, text in texts.items():
        if not isinstance(text, str):
            raise RetentionInvalidError(f"{at}.{name} is a string")
    decoration, extras = str(texts["decoration"]), str(texts["extras"])
    return Selector(
        pattern=str(texts["pattern"]),
        decoration=decoration,
        kind=str(texts["kind"]),
        untagged=_untagged(extras, decoration, f"{at}.extras"),
    )


def _untagged(extras: str, decoration: str, at: str) -> bool:
    """What a selector without extras means for untagged artifacts: keep them."""
    if not extras.strip():
        return decoration == "matches"
    try:
        found = _object(strictjson.parse(extras.encode(), 1), at, {"untagged"})
    except Invalid as error:
        raise RetentionInvalidError(f'{at} is a text like {{"untagged": true}}: {error.message}') from error
    return _flag(found.get("untagged", False), f"{at}.untagged")


def _checked(tags: Sequence[Selector], repositories: Sequence[Selector], at: str) -> None:
    try:
        for each in tags:
            check_tag_selector(each)
        for each in repositories:
            check_repository_selector(each)
    except Invalid as error:
        raise RetentionInvalidError(f"{at}: {error.message}") from error


def _cron(value: object) -> str:
    if value is None:
        return ""
    trigger = _object(value, "trigger", {"kind", "settings", "references"})
    kind = trigger.get("kind", "")
    if kind in _NEVER:
        return ""
    if kind != _SCHEDULE:
        raise RetentionInvalidError(f"trigger.kind is {_SCHEDULE!r} or empty")
    settings = trigger.get("settings")
    if not isinstance(settings, dict):
        raise RetentionInvalidError("trigger.settings is an object")
    cron = settings.get("cron", "")
    if not isinstance(cron, str):
        raise RetentionInvalidError("trigger.settings.cron is a string")
    if cron.strip():
        moments = parse_cron(cron)
        if len(moments.seconds) > 1 or len(moments.minutes) > 1:
            # Every run leaves a log; a member of a project could fill the disk with them.
            raise RetentionInvalidError("trigger.settings.cron: a policy runs once an hour at most")
    return cron.strip()


def _project(value: object) -> int | None:
    if value is None:
        return None
    scope = _object(value, "scope", {"level", "ref"})
    if scope.get("level", _LEVEL) != _LEVEL:
        raise RetentionInvalidError(f"scope.level: the only one is {_LEVEL!r}")
    return _whole(scope.get("ref"), "scope.ref", 2**53)


def _object(value: object, at: str, known: Collection[str]) -> Mapping[str, object]:
    """The object without its nulls, which are the same as leaving a field out."""
    if not isinstance(value, dict):
        raise RetentionInvalidError(f"{at} is an object")
    strangers = sorted(set(value) - set(known))
    if strangers:
        raise RetentionInvalidError(
            f"{at}: there is no field {strangers[0][:_SHOWN]!r}; it has {', '.join(sorted(known))}"
        )
    return {name: each for name, each in value.items() if each is not None}


def _whole(value: object, at: str, most: int) -> int:
    if isinstance(value, float) and value.is_integer():  # 25.0 is a whole number to JSON Schema
        value = int(value)
    if not isinstance(value, int) or isinstance(value, bool) or not 0 <= value <= most:
        raise RetentionInvalidError(f"{at} is a whole number from 0 to {most}")
    return value


def _flag(value: object, at: str) -> bool:
    if not isinstance(value, bool):
        raise RetentionInvalidError(f"{at} is true or false")
    return value
