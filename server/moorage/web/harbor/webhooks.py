"""`/projects/{}/webhook`: which addresses are told of what happens in a project."""

from collections.abc import Mapping
from typing import ClassVar

import falcon

from moorage.projects.rules import (
    CREATE_WEBHOOK,
    DELETE_WEBHOOK,
    LIST_WEBHOOKS,
    READ_WEBHOOK,
    UPDATE_WEBHOOK,
)
from moorage.services import Services
from moorage.web.access import Access, Caller
from moorage.web.harbor import body, query
from moorage.web.harbor.answer import send, send_created, send_page
from moorage.web.harbor.paths import number_in_path
from moorage.web.harbor.render import Json, moment
from moorage.web.paging import numbered_page
from moorage.webhooks.document import ECHOED, FIELDS, Draft, draft_of
from moorage.webhooks.errors import WebhookUnknownError
from moorage.webhooks.model import FORMATS, EventType, LastTrigger, Policy, Target, TargetKind

_SORTS = {
    "id": "id",
    "name": "name",
    "creation_time": "created_at",
    "update_time": "updated_at",
    "enabled": "enabled",
}
_CONDITIONS: query.Allowed = {"name": query.PART}


class WebhooksResource:
    """The policies of a project."""

    access: ClassVar[Mapping[str, Access]] = {
        "GET": Access("project", LIST_WEBHOOKS, "list_webhooks"),
        "POST": Access("project", CREATE_WEBHOOK, "create_webhook"),
    }

    def __init__(self, services: Services) -> None:
        self._services = services

    def on_get(self, req: falcon.Request, resp: falcon.Response, *, project_name_or_id: str) -> None:
        """A page of them, the oldest first unless told otherwise."""
        caller: Caller = req.context.caller
        page = numbered_page(req)
        order = query.order(req, _SORTS, "id")
        asked = query.conditions(req, _CONDITIONS).get("name")
        found = list(self._services.webhooks.all(caller.project_id))
        if asked is not None:
            found = [each for each in found if _fits(each.name, asked)]
        found.sort(key=lambda each: getattr(each, order.removeprefix("-")), reverse=order.startswith("-"))
        shown = found[page.offset : page.offset + page.limit]
        send_page(req, resp, page, [rendered(each) for each in shown], len(found))

    def on_post(self, req: falcon.Request, resp: falcon.Response, *, project_name_or_id: str) -> None:
        """Make one. No other answer shows the secret with which its deliveries are signed."""
        caller: Caller = req.context.caller
        made = self._services.webhooks.create(caller.actor, caller.project_id, _draft(self._services, req))
        path = ("projects", caller.project_id, "webhook", "policies", made.id)
        send_created(resp, *path, content={"id": made.id, "moorage": {"secret": made.secret}})


class WebhookResource:
    """One policy of a project."""

    access: ClassVar[Mapping[str, Access]] = {
        "GET": Access("project", READ_WEBHOOK, "get_webhook"),
        "PUT": Access("project", UPDATE_WEBHOOK, "update_webhook"),
        "DELETE": Access("project", DELETE_WEBHOOK, "delete_webhook"),
    }

    def __init__(self, services: Services) -> None:
        self._services = services

    def on_get(
        self, req: falcon.Request, resp: falcon.Response, *, project_name_or_id: str, webhook_policy_id: str
    ) -> None:
        """The policy, without its secrets."""
        send(resp, rendered(policy_of(self._services, req, webhook_policy_id)))

    def on_put(
        self, req: falcon.Request, resp: falcon.Response, *, project_name_or_id: str, webhook_policy_id: str
    ) -> None:
        """Replace it; a target that keeps its address keeps its header unless the body has another."""
        caller: Caller = req.context.caller
        number = policy_of(self._services, req, webhook_policy_id).id
        draft = _draft(self._services, req)
        self._services.webhooks.change(caller.actor, caller.project_id, number, draft)

    def on_delete(
        self, req: falcon.Request, resp: falcon.Response, *, project_name_or_id: str, webhook_policy_id: str
    ) -> None:
        """Delete it with its history; what waits is not sent."""
        caller: Caller = req.context.caller
        number = policy_of(self._services, req, webhook_policy_id).id
        self._services.webhooks.delete(caller.actor, caller.project_id, number)


class WebhookTestResource:
    """Trying a policy out. Harbor has nothing like it."""

    access: ClassVar[Mapping[str, Access]] = {"POST": Access("project", UPDATE_WEBHOOK, "test_webhook")}

    def __init__(self, services: Services) -> None:
        self._services = services

    def on_post(
        self, req: falcon.Request, resp: falcon.Response, *, project_name_or_id: str, webhook_policy_id: str
    ) -> None:
        """Send each of its targets a test, with everything that a real delivery has."""
        caller: Caller = req.context.caller
        policy = policy_of(self._services, req, webhook_policy_id)
        project = self._services.projects.get(caller.project_id)
        number = self._services.notices.ping(caller.actor, project.name, policy)
        path = ("projects", project.id, "webhook", "policies", policy.id, "executions", number, "tasks")
        send_created(resp, *path)


class WebhookEventsResource:
    """What policies can ask for."""

    access: ClassVar[Mapping[str, Access]] = {"GET": Access("project", READ_WEBHOOK, "list_webhook_events")}

    def on_get(self, req: falcon.Request, resp: falcon.Response, *, project_name_or_id: str) -> None:
        """Events, kinds of targets, and what the bodies can look like."""
        send(
            resp,
            {
                "event_type": [each.value for each in EventType],
                "notify_type": [each.value for each in TargetKind],
                "payload_formats": [
                    {"notify_type": kind.value, "formats": [each.value for each in formats]}
                    for kind, formats in FORMATS.items()
                ],
            },
        )


class WebhookLastTriggerResource:
    """When each policy was last told of something."""

    access: ClassVar[Mapping[str, Access]] = {
        "GET": Access("project", LIST_WEBHOOKS, "list_webhook_last_triggers")
    }

    def __init__(self, services: Services) -> None:
        self._services = services

    def on_get(self, req: falcon.Request, resp: falcon.Response, *, project_name_or_id: str) -> None:
        """A line for each policy and each kind of event that it asks for."""
        caller: Caller = req.context.caller
        policies = self._services.webhooks.all(caller.project_id)
        found = self._services.deliveries.last_triggers([each.id for each in policies])
        known = {(each.policy_id, each.event_type): each for each in found}
        send(
            resp,
            [
                last_trigger(policy, known.get((policy.id, kind.value)) or LastTrigger(policy.id, kind, None))
                for policy in policies
                for kind in policy.event_types
            ],
        )


def rendered(policy: Policy) -> Json:
    """A policy."""
    return {
        "id": policy.id,
        "name": policy.name,
        "description": policy.description,
        "project_id": policy.project_id,
        "targets": [_target(each) for each in policy.targets],
        "event_types": [each.value for each in policy.event_types],
        "creator": policy.creator,
        "creation_time": moment(policy.created_at),
        "update_time": moment(policy.updated_at),
        "enabled": policy.enabled,
    }


def last_trigger(policy: Policy, found: LastTrigger) -> Json:
    """When a policy was last told of something of a kind."""
    return {
        "policy_name": policy.name,
        "event_type": str(found.event_type),
        "enabled": policy.enabled,
        "creation_time": moment(policy.created_at),
        "last_trigger_time": moment(found.at),
    }


def policy_of(services: Services, req: falcon.Request, webhook_policy_id: str) -> Policy:
    """The policy that the path names, if it is one of the project that the path names."""
    caller: Caller = req.context.caller
    unknown = WebhookUnknownError("the project has no such webhook policy")
    return services.webhooks.get(caller.project_id, number_in_path(webhook_policy_id, unknown))


def _target(target: Target) -> Json:
    return {
        "type": target.kind.value,
        "address": target.address,
        "skip_cert_verify": target.skip_cert_verify,
        "payload_format": target.payload_format.value,
    }


def _draft(services: Services, req: falcon.Request) -> Draft:
    asked = body.read(req, known=FIELDS, overlooked=ECHOED)
    return draft_of(asked.plain(), services.outbound.check)


def _fits(name: str, asked: query.Condition) -> bool:
    if asked.match is query.Match.PART:
        return asked.value.lower() in name.lower()
    return asked.value == name
