"""Policies: what each project keeps, and when that is looked after."""

from collections.abc import Sequence
from contextlib import suppress
from datetime import datetime

from moorage.clock import Clock
from moorage.db.connection import IntegrityError, atomic
from moorage.events import Actor, Events, ProjectChanged, ProjectDeleted
from moorage.jobs.errors import ScheduleUnknownError
from moorage.jobs.executions import Executions
from moorage.jobs.model import State
from moorage.jobs.schedules import CUSTOM, Schedules
from moorage.projects.projects import Projects
from moorage.retention.document import Draft
from moorage.retention.errors import RetentionExistsError, RetentionUnknownError
from moorage.retention.model import Policy
from moorage.retention.store import RetentionStore

#: The kind of the job, of its runs and schedules; their subject is the policy's id.
KIND = "retention"
_PAGE = 100


class Policies:
    """Creates, changes and deletes policies, with their schedules."""

    def __init__(
        self,
        store: RetentionStore,
        executions: Executions,
        schedules: Schedules,
        projects: Projects,
        events: Events,
        clock: Clock,
    ) -> None:
        self._store = store
        self._executions = executions
        self._schedules = schedules
        self._projects = projects
        self._events = events
        self._clock = clock

    def subscribe(self, events: Events) -> None:
        """Hear when a project goes: its policy goes with it, and so must the schedule and a run."""
        events.subscribe(ProjectDeleted, self._forget)

    def get(self, policy_id: int) -> Policy:
        """The policy of that number.

        Raises:
            RetentionUnknownError: there is none.
        """
        found = self._store.policy(policy_id)
        if found is None:
            raise RetentionUnknownError(f"there is no retention policy {policy_id}")
        return found

    def of_project(self, project_id: int) -> Policy | None:
        """The project's policy."""
        return self._store.policy_of(project_id)

    def ids_among(self, project_ids: Sequence[int]) -> dict[int, int]:
        """The policy's id for each of the projects that has one."""
        return self._store.ids_among(project_ids)

    def all(self) -> list[Policy]:
        """Every project's policy."""
        return self._store.all()

    def cron(self, policy_id: int) -> str:
        """When it runs by itself; empty for never."""
        found = self._schedules.find(KIND, policy_id)
        return "" if found is None else found.cron

    def next_at(self, policy_id: int) -> datetime | None:
        """When it runs next; None when it does not by itself."""
        found = self._schedules.find(KIND, policy_id)
        return None if found is None else found.next_at

    def create(self, actor: Actor, project_id: int, draft: Draft) -> Policy:
        """Give the project a policy.

        Raises:
            ProjectUnknownError: there is no such project.
            RetentionExistsError: it has one.
            CronInvalidError: nobody can understand when it is to run.
        """
        with atomic():
            project = self._projects.hold(project_id)
            try:
                with atomic():
                    number = self._store.insert(project_id, draft.rules, self._clock())
            except IntegrityError as error:
                raise RetentionExistsError(
                    f"project {project.name} has a retention policy already"
                ) from error
            self._schedule(actor, number, project_id, draft.cron)
            self._publish(actor, project_id, f"retention policy {number} made: {_count(draft)}")
            return self.get(number)

    def change(self, actor: Actor, policy_id: int, draft: Draft) -> Policy:
        """Replace rules and rhythm of a policy.

        Raises:
            RetentionUnknownError: there is no such policy.
            CronInvalidError: nobody can understand when it is to run.
        """
        with atomic():
            policy = self.get(policy_id)
            if policy.rules != draft.rules:
                self._store.update(policy_id, draft.rules, self._clock())
                self._publish(
                    actor, policy.project_id, f"retention policy {policy_id} changed: {_count(draft)}"
                )
            if self.cron(policy_id) != draft.cron:
                self._schedule(actor, policy_id, policy.project_id, draft.cron)
            return self.get(policy_id)

    def delete(self, actor: Actor, policy_id: int) -> None:
        """Delete a policy; a run of it that waits or works is stopped.

        Raises:
            RetentionUnknownError: there is no such policy.
        """
        with atomic():
            policy = self.get(policy_id)
            self._schedule(actor, policy_id, policy.project_id, "")
            live = self._executions.live(KIND, policy_id)
            if live is not None:
                self._executions.stop(actor, live.id)
            self._store.delete(policy_id)
            self._publish(actor, policy.project_id, f"retention policy {policy_id} deleted")

    def _schedule(self, actor: Actor, policy_id: int, project_id: int, cron: str) -> None:
        if cron:
            self._schedules.put(actor, KIND, CUSTOM, cron, subject=policy_id, project_id=project_id)
            return
        with suppress(ScheduleUnknownError):
            self._schedules.remove(actor, KIND, policy_id)

    def _publish(self, actor: Actor, project_id: int, what: str) -> None:
        name = self._projects.get(project_id).name
        self._events.publish(ProjectChanged(actor, project_id, name, what))

    def _forget(self, event: ProjectDeleted) -> None:
        self._unschedule(event)
        for state in (State.PENDING, State.RUNNING):
            self._stop(event, state)

    def _stop(self, event: ProjectDeleted, state: State) -> None:
        offset = 0
        while page := self._executions.page(KIND, state=state, limit=_PAGE, offset=offset):
            for each in page:
                if each.project_id == event.project_id:
                    self._executions.stop(event.actor, each.id)
                    return
            offset += _PAGE

    def _unschedule(self, event: ProjectDeleted) -> None:
        offset = 0
        while page := self._schedules.list(_PAGE, offset):
            for each in page:
                if each.kind == KIND and each.project_id == event.project_id:
                    self._schedules.remove(event.actor, KIND, each.subject)
                    return
            offset += _PAGE


def _count(draft: Draft) -> str:
    return f"{len(draft.rules)} rule{'' if len(draft.rules) == 1 else 's'}"
