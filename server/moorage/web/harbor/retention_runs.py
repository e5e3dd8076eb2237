"""`/retentions/{}/executions`: runs of a policy, a task for each repository, and their logs."""

from collections.abc import Mapping
from typing import ClassVar

import falcon

from moorage.jobs.errors import ExecutionUnknownError
from moorage.jobs.model import Execution, State, Task, Trigger
from moorage.oci.names import RepositoryName
from moorage.projects.rules import LIST_RETENTION, OPERATE_RETENTION, READ_RETENTION
from moorage.retention.policies import KIND
from moorage.services import Services
from moorage.web.access import Access, Caller
from moorage.web.harbor import body, histories, jobs, query
from moorage.web.harbor.answer import send_created, send_page
from moorage.web.harbor.paths import number_in_path
from moorage.web.harbor.render import Json, moment
from moorage.web.harbor.retention import allowed
from moorage.web.paging import numbered_page

_STOP = "stop"
_CODES: Mapping[State, int] = {
    State.PENDING: 0,
    State.RUNNING: 2,
    State.SUCCESS: 3,
    State.ERROR: 3,
    State.STOPPED: 3,
}


class RetentionRunsResource:
    """Every run of a policy."""

    access: ClassVar[Mapping[str, Access]] = {
        "GET": Access("signed_in", None, "list_retention_runs"),
        "POST": Access("signed_in", None, "start_retention"),
    }

    def __init__(self, services: Services) -> None:
        self._services = services

    def on_get(self, req: falcon.Request, resp: falcon.Response, retention_id: str) -> None:
        """A page of them, newest first."""
        page = numbered_page(req)
        query.conditions(req, {})
        query.order(req, {}, "")
        policy = allowed(self._services, req, retention_id, LIST_RETENTION)
        executions = self._services.executions
        found = executions.page(KIND, subject=policy.id, limit=page.limit, offset=page.offset)
        total = executions.count(KIND, subject=policy.id)
        send_page(req, resp, page, [run(each) for each in found], total)

    def on_post(self, req: falcon.Request, resp: falcon.Response, retention_id: str) -> None:
        """Start a run; with ``dry_run`` it only says what it would do."""
        caller: Caller = req.context.caller
        policy = allowed(self._services, req, retention_id, OPERATE_RETENTION)
        asked = body.read(req, known={"dry_run"})
        started = self._services.executions.request(
            caller.actor,
            KIND,
            trigger=Trigger.MANUAL,
            subject=policy.id,
            project_id=policy.project_id,
            parameters={"dry_run": asked.flag("dry_run", False)},
        )
        send_created(resp, "retentions", policy.id, "executions", started.id)


class RetentionRunResource:
    """One run."""

    access: ClassVar[Mapping[str, Access]] = {"PATCH": Access("signed_in", None, "stop_retention")}

    def __init__(self, services: Services) -> None:
        self._services = services

    def on_patch(
        self, req: falcon.Request, resp: falcon.Response, retention_id: str, execution_id: str
    ) -> None:
        """Stop it; one that is over stays as it is."""
        caller: Caller = req.context.caller
        policy = allowed(self._services, req, retention_id, OPERATE_RETENTION)
        found = _run_of(self._services, policy.id, execution_id)
        if body.read(req, known={"action"}).text("action") != _STOP:
            raise body.BodyInvalidError(f"action: the only one is {_STOP!r}")
        self._services.executions.stop(caller.actor, found.id)


class RetentionTasksResource:
    """The repositories that a run went through."""

    access: ClassVar[Mapping[str, Access]] = {"GET": Access("signed_in", None, "list_retention_tasks")}

    def __init__(self, services: Services) -> None:
        self._services = services

    def on_get(
        self, req: falcon.Request, resp: falcon.Response, retention_id: str, execution_id: str
    ) -> None:
        """A page of them, in their order."""
        page = numbered_page(req)
        query.conditions(req, {})
        query.order(req, {}, "")
        policy = allowed(self._services, req, retention_id, LIST_RETENTION)
        found = _run_of(self._services, policy.id, execution_id)
        executions = self._services.executions
        tasks = executions.tasks(found.id, limit=page.limit, offset=page.offset)
        send_page(req, resp, page, [task(each) for each in tasks], executions.count_tasks(found.id))


class RetentionTaskLogResource:
    """What a run did to one repository."""

    access: ClassVar[Mapping[str, Access]] = {"GET": Access("signed_in", None, "get_retention_log")}

    def __init__(self, services: Services) -> None:
        self._services = services

    def on_get(
        self, req: falcon.Request, resp: falcon.Response, retention_id: str, execution_id: str, task_id: str
    ) -> None:
        """A line for each artifact."""
        policy = allowed(self._services, req, retention_id, READ_RETENTION)
        found = _run_of(self._services, policy.id, execution_id)
        number = number_in_path(task_id, ExecutionUnknownError("the run has no such task"))
        self._services.executions.task(found.id, number)
        jobs.send_log(resp, self._services.executions, found.id, number)


def run(found: Execution) -> Json:
    """A run; what Harbor has no field for is below `moorage`."""
    return {
        "id": found.id,
        "policy_id": found.subject,
        "start_time": moment(found.started_at or found.created_at),
        "end_time": moment(found.ended_at),
        "status": histories.STATUSES[found.state],
        "trigger": found.trigger.value.upper(),
        "dry_run": bool(found.parameters.get("dry_run", False)),
        "moorage": {
            "progress": dict(found.progress),
            "result": dict(found.result),
            "message": found.message,
            "requested_by": found.requested_by,
        },
    }


def task(found: Task) -> Json:
    """What became of one repository."""
    return {
        "id": found.id,
        "execution_id": found.execution_id,
        "repository": RepositoryName(found.name).path,
        "job_id": str(found.id),
        "status": histories.STATUSES[found.state],
        "status_code": _CODES[found.state],
        "status_revision": int(found.started_at.timestamp()),
        "start_time": moment(found.started_at),
        "end_time": moment(found.ended_at),
        "total": _number(found.result.get("total")),
        "retained": _number(found.result.get("retained")),
    }


def _run_of(services: Services, policy_id: int, execution_id: str) -> Execution:
    """The run, if it is one of this very policy."""
    unknown = ExecutionUnknownError("the policy has no such run")
    number = number_in_path(execution_id, unknown)
    try:
        found = services.executions.get(number, KIND)
    except ExecutionUnknownError:
        raise unknown from None
    if found.subject != policy_id:
        raise unknown
    return found


def _number(value: object) -> int:
    return value if isinstance(value, int) else 0
