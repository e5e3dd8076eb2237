"""`/projects/{}/webhook/policies/{}/executions` and `/webhook/jobs`: what was sent, and how that went."""

import json
from collections.abc import Mapping
from typing import ClassVar

import falcon

from moorage.jobs.model import State
from moorage.projects.rules import LIST_WEBHOOKS, READ_WEBHOOK
from moorage.services import Services
from moorage.web.access import Access
from moorage.web.harbor import histories, query
from moorage.web.harbor.answer import send_page
from moorage.web.harbor.paths import number_in_path
from moorage.web.harbor.render import Json, moment
from moorage.web.harbor.webhooks import policy_of
from moorage.web.paging import numbered_page
from moorage.webhooks.errors import WebhookUnknownError
from moorage.webhooks.model import Delivery, Occurrence
from moorage.webhooks.payloads import default_form

_VENDOR = "WEBHOOK"
_ORDERS = {"id": "id", "creation_time": "id", "start_time": "id"}
_NEWEST_FIRST = "-id"
_STATES = {status.lower(): state for state, status in histories.STATUSES.items()}


class WebhookRunsResource:
    """Everything that a policy was told of."""

    access: ClassVar[Mapping[str, Access]] = {"GET": Access("project", READ_WEBHOOK, "list_webhook_runs")}

    def __init__(self, services: Services) -> None:
        self._services = services

    def on_get(
        self, req: falcon.Request, resp: falcon.Response, *, project_name_or_id: str, webhook_policy_id: str
    ) -> None:
        """A page of it, newest first unless told otherwise."""
        page = numbered_page(req)
        query.conditions(req, {})
        downwards = query.order(req, _ORDERS, _NEWEST_FIRST) == _NEWEST_FIRST
        policy = policy_of(self._services, req, webhook_policy_id)
        found = self._services.deliveries.occurrences(
            policy.id, limit=page.limit, offset=page.offset, downwards=downwards
        )
        total = self._services.deliveries.count_occurrences(policy.id)
        send_page(req, resp, page, [run(each) for each in found], total)


class WebhookTasksResource:
    """The deliveries of one event, one for each target."""

    access: ClassVar[Mapping[str, Access]] = {"GET": Access("project", READ_WEBHOOK, "list_webhook_tasks")}

    def __init__(self, services: Services) -> None:
        self._services = services

    def on_get(
        self,
        req: falcon.Request,
        resp: falcon.Response,
        *,
        project_name_or_id: str,
        webhook_policy_id: str,
        execution_id: str,
    ) -> None:
        """A page of them, in the order of the targets."""
        page = numbered_page(req)
        query.conditions(req, {})
        query.order(req, {}, "")
        found = _run_of(self._services, req, webhook_policy_id, execution_id)
        deliveries = self._services.deliveries
        tasks = deliveries.of_occurrence(found.policy_id, found.id, limit=page.limit, offset=page.offset)
        total = deliveries.count(found.policy_id, occurrence_id=found.id)
        send_page(req, resp, page, [task(each) for each in tasks], total)


class WebhookTaskLogResource:
    """What became of one delivery."""

    access: ClassVar[Mapping[str, Access]] = {"GET": Access("project", READ_WEBHOOK, "get_webhook_log")}

    def __init__(self, services: Services) -> None:
        self._services = services

    def on_get(
        self,
        req: falcon.Request,
        resp: falcon.Response,
        *,
        project_name_or_id: str,
        webhook_policy_id: str,
        execution_id: str,
        task_id: str,
    ) -> None:
        """A line for each attempt."""
        found = _run_of(self._services, req, webhook_policy_id, execution_id)
        number = number_in_path(task_id, WebhookUnknownError("the execution has no such task"))
        resp.content_type = falcon.MEDIA_TEXT
        resp.text = self._services.deliveries.delivery(found.id, number).log


class WebhookJobsResource:
    """The deliveries of a policy, in the words of Harbor's older call."""

    access: ClassVar[Mapping[str, Access]] = {"GET": Access("project", LIST_WEBHOOKS, "list_webhook_jobs")}

    def __init__(self, services: Services) -> None:
        self._services = services

    def on_get(self, req: falcon.Request, resp: falcon.Response, *, project_name_or_id: str) -> None:
        """A page of them, newest first; ``policy_id`` says of which policy."""
        page = numbered_page(req)
        query.conditions(req, {})
        query.order(req, {}, "")
        named = req.get_param("policy_id")
        if not named:
            raise query.QueryInvalidError("'policy_id' is missing; it is the number of a webhook policy")
        policy = policy_of(self._services, req, named)
        states = _states(req)
        found = self._services.deliveries.of_policy(
            policy.id, states=states, limit=page.limit, offset=page.offset
        )
        facts = {
            number: self._services.deliveries.occurrence(policy.id, number)
            for number in {each.occurrence_id for each in found}
        }
        total = self._services.deliveries.count(policy.id, states=states)
        send_page(req, resp, page, [job(each, facts[each.occurrence_id]) for each in found], total)


def run(found: Occurrence) -> Json:
    """An event of a policy, as a run of a job."""
    return {
        "id": found.id,
        "vendor_type": _VENDOR,
        "vendor_id": found.policy_id,
        "status": histories.STATUSES[found.state],
        "status_message": "",
        "metrics": _metrics(found),
        "trigger": "EVENT",
        "extra_attrs": {
            "event_type": found.event_type,
            "operator": found.operator,
            "event_data": found.facts["event_data"],
        },
        "start_time": moment(found.created_at),
        "end_time": moment(found.ended_at),
    }


def task(found: Delivery) -> Json:
    """A delivery, as a task of that run."""
    return {
        "id": found.id,
        "execution_id": found.occurrence_id,
        "status": histories.STATUSES[found.state],
        "status_message": found.message,
        "run_count": found.attempts,
        "extra_attrs": {
            "notify_type": found.kind.value,
            "address": found.address,
            "status_code": found.status_code,
        },
        "creation_time": moment(found.created_at),
        "update_time": moment(found.updated_at),
        "start_time": moment(found.started_at),
        "end_time": moment(found.ended_at),
    }


def job(found: Delivery, occurrence: Occurrence) -> Json:
    """A delivery, as Harbor's older call has it."""
    return {
        "id": found.id,
        "policy_id": found.policy_id,
        "event_type": found.event_type,
        "notify_type": found.kind.value,
        "status": histories.STATUSES[found.state],
        "job_detail": json.dumps(default_form(occurrence)),
        "creation_time": moment(found.created_at),
        "update_time": moment(found.updated_at),
    }


def _metrics(found: Occurrence) -> Json:
    counts = {f"{state.value}_task_count": count for state, count in found.states.items()}
    return {"task_count": sum(found.states.values()), **counts}


def _states(req: falcon.Request) -> list[State]:
    asked = [each.lower() for each in req.get_param_as_list("status") or []]
    if not set(asked) <= set(_STATES):
        raise query.QueryInvalidError(f"'status' is one of {', '.join(histories.STATUSES.values())}")
    return [_STATES[each] for each in asked]


def _run_of(services: Services, req: falcon.Request, webhook_policy_id: str, execution_id: str) -> Occurrence:
    policy = policy_of(services, req, webhook_policy_id)
    unknown = WebhookUnknownError("the webhook policy has no such execution")
    return services.deliveries.occurrence(policy.id, number_in_path(execution_id, unknown))
