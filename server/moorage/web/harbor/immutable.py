"""`/projects/{}/immutabletagrules`: rules by which tags stay as they are."""

from collections.abc import Mapping
from typing import ClassVar

import falcon

from moorage.projects.errors import ImmutabilityRuleUnknownError
from moorage.projects.model import ImmutabilityRule
from moorage.projects.rules import CREATE_IMMUTABLE, DELETE_IMMUTABLE, LIST_IMMUTABLE, UPDATE_IMMUTABLE
from moorage.services import Services
from moorage.web.access import Access, Caller
from moorage.web.harbor import body, query, selectors
from moorage.web.harbor.answer import send_created, send_page
from moorage.web.harbor.body import Body, BodyInvalidError
from moorage.web.harbor.paths import number_in_path
from moorage.web.harbor.render import Json
from moorage.web.paging import numbered_page

_SORTS = {name: name for name in ("id", "priority")}
_CONDITIONS: query.Allowed = {"disabled": query.EXACT}
#: There is one kind of rule; clients name it all the same.
_ACTION, _TEMPLATE = "immutable", "immutable_template"
_FIELDS = frozenset({"priority", "disabled", "action", "template", selectors.TAGS, selectors.SCOPE})
_OVERLOOKED = frozenset({"id", "project_id", "params"})


class ImmutableRulesResource:
    """The rules of a project."""

    access: ClassVar[Mapping[str, Access]] = {
        "GET": Access("project", LIST_IMMUTABLE, "list_immutable_rules"),
        "POST": Access("project", CREATE_IMMUTABLE, "create_immutable_rule"),
    }

    def __init__(self, services: Services) -> None:
        self._services = services

    def on_get(self, req: falcon.Request, resp: falcon.Response, *, project_name_or_id: str) -> None:
        """A page of them, in the order in which they decide."""
        caller: Caller = req.context.caller
        page = numbered_page(req)
        order = query.order(req, _SORTS, "")
        asked = query.conditions(req, _CONDITIONS).get("disabled")
        found = self._services.immutability.rules(caller.project_id)
        if asked is not None:
            found = [each for each in found if each.disabled == asked.flag()]
        if order:
            found.sort(key=lambda each: (getattr(each, order.removeprefix("-")), each.id))
        if order.startswith("-"):
            found.reverse()
        shown = found[page.offset : page.offset + page.limit]
        send_page(req, resp, page, [rendered(each) for each in shown], len(found))

    def on_post(self, req: falcon.Request, resp: falcon.Response, *, project_name_or_id: str) -> None:
        """Make a rule; it holds at once, for tags that are there already too."""
        caller: Caller = req.context.caller
        asked = _read(req)
        repositories, tags = selectors.repository_selector(asked), selectors.tag_selector(asked)
        if repositories is None or tags is None:
            raise BodyInvalidError(f"{selectors.TAGS} and {selectors.SCOPE} with 'repository' are needed")
        made = self._services.immutability.add(
            caller.actor,
            caller.project_id,
            repositories=repositories,
            tags=tags,
            disabled=asked.flag("disabled", False),
            priority=asked.number("priority", 0),
        )
        send_created(resp, "projects", caller.project_id, "immutabletagrules", made.id)


class ImmutableRuleResource:
    """One rule of a project."""

    access: ClassVar[Mapping[str, Access]] = {
        "PUT": Access("project", UPDATE_IMMUTABLE, "update_immutable_rule"),
        "DELETE": Access("project", DELETE_IMMUTABLE, "delete_immutable_rule"),
    }

    def __init__(self, services: Services) -> None:
        self._services = services

    def on_put(
        self, req: falcon.Request, resp: falcon.Response, *, project_name_or_id: str, immutable_rule_id: str
    ) -> None:
        """Change the rule, or switch it off and on; what the body leaves out stays."""
        caller: Caller = req.context.caller
        asked = _read(req)
        self._services.immutability.change(
            caller.actor,
            caller.project_id,
            _number(immutable_rule_id),
            repositories=selectors.repository_selector(asked),
            tags=selectors.tag_selector(asked),
            disabled=asked.flag("disabled") if "disabled" in asked else None,
            priority=asked.number("priority") if "priority" in asked else None,
        )

    def on_delete(
        self, req: falcon.Request, resp: falcon.Response, *, project_name_or_id: str, immutable_rule_id: str
    ) -> None:
        """Remove the rule; what it alone kept is free at once."""
        caller: Caller = req.context.caller
        self._services.immutability.remove(caller.actor, caller.project_id, _number(immutable_rule_id))


def rendered(rule: ImmutabilityRule) -> Json:
    """A rule."""
    return {
        "id": rule.id,
        "priority": rule.priority,
        "disabled": rule.disabled,
        "action": _ACTION,
        "template": _TEMPLATE,
        "tag_selectors": [selectors.rendered(rule.tags)],
        "scope_selectors": {"repository": [selectors.rendered(rule.repositories)]},
    }


def _read(req: falcon.Request) -> Body:
    asked = body.read(req, known=_FIELDS, overlooked=_OVERLOOKED)
    for name, only in (("action", _ACTION), ("template", _TEMPLATE)):
        # Clients that were made from the API's description send "" for what they do not set.
        if asked.text(name, only) not in ("", only):
            raise BodyInvalidError(f"{name} is {only!r}, or left out")
    return asked


def _number(text: str) -> int:
    return number_in_path(text, ImmutabilityRuleUnknownError("the project has no such immutability rule"))
