"""What the paths of every job of the system have in common: runs, their logs, and a schedule."""

from collections.abc import Collection, Mapping
from typing import ClassVar

import falcon

from moorage.errors import Conflict
from moorage.jobs.errors import ExecutionUnknownError
from moorage.jobs.executions import Executions
from moorage.jobs.model import ALL, Execution, State, Trigger
from moorage.services import Services
from moorage.web.access import Access, Caller
from moorage.web.harbor import body, histories, query, timetable
from moorage.web.harbor.answer import send, send_created, send_page
from moorage.web.harbor.paths import number_in_path
from moorage.web.paging import numbered_page

_CONDITIONS: query.Allowed = {"job_status": query.EXACT, "status": query.EXACT}
#: Runs are numbered in the order in which they were asked for.
_ORDERS = {"id": "id", "creation_time": "id", "start_time": "id"}
_NEWEST_FIRST = "-id"
_STATES = {status.lower(): state for state, status in histories.STATUSES.items()}
_LINES_AT_ONCE = 10_000


class ScheduleExistsError(Conflict):
    """The job has a schedule already, which can be replaced."""


class HistoryResource:
    """Every run of a job."""

    access: ClassVar[Mapping[str, Access]]
    kind: ClassVar[str]

    def __init__(self, services: Services) -> None:
        self._services = services

    def on_get(self, req: falcon.Request, resp: falcon.Response) -> None:
        """A page of them, newest first unless told otherwise."""
        page = numbered_page(req)
        state = _state(query.conditions(req, _CONDITIONS))
        downwards = query.order(req, _ORDERS, _NEWEST_FIRST) == _NEWEST_FIRST
        executions = self._services.executions
        total = executions.count(self.kind, state=state)
        offset, limit = page.offset, page.limit
        if not downwards:  # the same page, seen from the other end
            limit = max(0, min(limit, total - offset))
            offset = total - offset - limit
        found = executions.page(self.kind, state=state, limit=limit, offset=offset) if limit else []
        shown = found if downwards else found[::-1]
        send_page(req, resp, page, [histories.history(each) for each in shown], total)


class RunResource:
    """One run of a job."""

    access: ClassVar[Mapping[str, Access]]
    kind: ClassVar[str]

    def __init__(self, services: Services) -> None:
        self._services = services

    def on_get(self, req: falcon.Request, resp: falcon.Response, run_id: str) -> None:
        """How far it is, or what it came to."""
        send(resp, histories.history(_run(self._services, self.kind, run_id)))

    def on_put(self, req: falcon.Request, resp: falcon.Response, run_id: str) -> None:
        """Stop it; one that is over stays as it is."""
        caller: Caller = req.context.caller
        self._services.executions.stop(caller.actor, _run(self._services, self.kind, run_id).id)


class RunLogResource:
    """What a run of a job had to say."""

    access: ClassVar[Mapping[str, Access]]
    kind: ClassVar[str]

    def __init__(self, services: Services) -> None:
        self._services = services

    def on_get(self, req: falcon.Request, resp: falcon.Response, run_id: str) -> None:
        """All of it so far, a line each."""
        found = _run(self._services, self.kind, run_id)
        send_log(resp, self._services.executions, found.id)


class ScheduleResource:
    """When a job runs by itself; a ``POST`` can start it at once as well."""

    access: ClassVar[Mapping[str, Access]]
    kind: ClassVar[str]
    #: Where its runs are.
    path: ClassVar[tuple[str, ...]]
    #: The names of its parameters.
    known: ClassVar[Collection[str]]

    def __init__(self, services: Services) -> None:
        self._services = services

    def parameters(self, asked: body.Body) -> Mapping[str, object]:
        """What the job is asked for, in our words.

        Raises:
            Invalid: a parameter makes no sense.
        """
        raise NotImplementedError

    def on_get(self, req: falcon.Request, resp: falcon.Response) -> None:
        """The schedule; its type is ``None`` when there is none."""
        send(resp, histories.schedule(self._services.schedules.find(self.kind), self.kind))

    def on_post(self, req: falcon.Request, resp: falcon.Response) -> None:
        """Start a run, or set the schedule where there is none."""
        asked = timetable.read(req, self.known)
        if asked.pattern == timetable.MANUAL:
            send_created(resp, *self.path, self._start(req, asked).id)
            return
        known = self._services.schedules.find(self.kind)
        if known is not None and known.id and known.cron:
            raise ScheduleExistsError("there is a schedule already; replace it with PUT")
        self._set(req, asked)
        send_created(resp, *self.path, "schedule")

    def on_put(self, req: falcon.Request, resp: falcon.Response) -> None:
        """Replace the schedule, or start a run."""
        asked = timetable.read(req, self.known)
        if asked.pattern == timetable.MANUAL:
            self._start(req, asked)
        else:
            self._set(req, asked)

    def _start(self, req: falcon.Request, asked: timetable.Timetable) -> Execution:
        caller: Caller = req.context.caller
        parameters = self.parameters(asked.parameters)
        return self._services.executions.request(
            caller.actor, self.kind, trigger=Trigger.MANUAL, parameters=parameters
        )

    def _set(self, req: falcon.Request, asked: timetable.Timetable) -> None:
        caller: Caller = req.context.caller
        parameters = self.parameters(asked.parameters)
        self._services.schedules.put(
            caller.actor, self.kind, asked.pattern, asked.cron, parameters=parameters
        )


def send_log(resp: falcon.Response, executions: Executions, run_id: int, task_id: int = ALL) -> None:
    """Answer with what a run has said so far, or one task of it, a line each."""
    parts, after = [], 0
    while lines := executions.log(run_id, task_id=task_id, after=after, limit=_LINES_AT_ONCE):
        parts += [histories.log_line(each) for each in lines]
        after = lines[-1].id
    resp.content_type = falcon.MEDIA_TEXT
    resp.text = "".join(parts)


def _run(services: Services, kind: str, run_id: str) -> Execution:
    number = number_in_path(run_id, ExecutionUnknownError(f"there is no run of {kind} with this number"))
    return services.executions.get(number, kind)


def _state(asked: Mapping[str, query.Condition]) -> State | None:
    named = {condition.value.lower() for condition in asked.values()}
    if not named:
        return None
    if len(named) > 1 or not named <= set(_STATES):
        raise query.QueryInvalidError(f"q: job_status is one of {', '.join(histories.STATUSES.values())}")
    return _STATES[named.pop()]
