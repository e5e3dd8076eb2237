"""`/retentions`: what projects keep of their artifacts.

The path does not name the project, the policy does; each call finds it and asks what the caller may do
there. Whoever may not even know of the policy is told that there is none.
"""

from collections.abc import Mapping
from datetime import datetime
from typing import ClassVar

import falcon

from moorage.distribution.errors import NameUnknownError
from moorage.identity.model import Principal
from moorage.oci.names import RepositoryName
from moorage.projects.errors import ProjectUnknownError
from moorage.projects.model import Permission, Standing
from moorage.projects.rules import (
    CREATE_RETENTION,
    DELETE_RETENTION,
    READ_RETENTION,
    UPDATE_RETENTION,
    permitted,
)
from moorage.retention.document import FIELDS, document, draft_of
from moorage.retention.errors import RetentionInvalidError, RetentionUnknownError
from moorage.retention.model import Plan, Policy
from moorage.retention.templates import METADATA
from moorage.retention.text import rows_of
from moorage.services import Services
from moorage.web.access import Access, Caller
from moorage.web.door import PermissionDeniedError
from moorage.web.harbor import body, query
from moorage.web.harbor.answer import send, send_created
from moorage.web.harbor.paths import number_in_path
from moorage.web.harbor.render import Json, moment
from moorage.web.paging import NumberedPage, numbered_page, tell_total


class RetentionMetadataResource:
    """What rules can say."""

    access: ClassVar[Mapping[str, Access]] = {"GET": Access("signed_in", None, "get_retention_metadata")}

    def on_get(self, req: falcon.Request, resp: falcon.Response) -> None:
        """Templates and selectors, as Harbor's portal offers them."""
        send(resp, METADATA)


class RetentionsResource:
    """The policies of all projects."""

    access: ClassVar[Mapping[str, Access]] = {"POST": Access("signed_in", None, "create_retention")}

    def __init__(self, services: Services) -> None:
        self._services = services

    def on_post(self, req: falcon.Request, resp: falcon.Response) -> None:
        """Give a project its policy."""
        caller: Caller = req.context.caller
        draft = draft_of(body.read(req, known=FIELDS).plain())
        if draft.project_id is None:
            raise RetentionInvalidError("scope is missing; its ref is the number of a project")
        standing = _standing(self._services, caller.principal, draft.project_id)
        if standing is None and caller.principal.admin:
            raise ProjectUnknownError(f"there is no project {draft.project_id}")
        if not permitted(standing, CREATE_RETENTION):
            # A project that does not exist and one in which the caller may do nothing look alike.
            raise PermissionDeniedError(
                f"you may not make a retention policy in the project {draft.project_id}"
            )
        made = self._services.policies.create(caller.actor, draft.project_id, draft)
        send_created(resp, "retentions", made.id)


class RetentionResource:
    """One policy."""

    access: ClassVar[Mapping[str, Access]] = {
        "GET": Access("signed_in", None, "get_retention"),
        "PUT": Access("signed_in", None, "update_retention"),
        "DELETE": Access("signed_in", None, "delete_retention"),
    }

    def __init__(self, services: Services) -> None:
        self._services = services

    def on_get(self, req: falcon.Request, resp: falcon.Response, retention_id: str) -> None:
        """The policy, with when it runs next."""
        policy = allowed(self._services, req, retention_id, READ_RETENTION)
        cron = self._services.policies.cron(policy.id)
        next_at = self._services.policies.next_at(policy.id)
        send(resp, document(policy, cron, next_scheduled_time=moment(next_at)))

    def on_put(self, req: falcon.Request, resp: falcon.Response, retention_id: str) -> None:
        """Replace its rules and its rhythm; it stays in its project."""
        caller: Caller = req.context.caller
        policy = allowed(self._services, req, retention_id, UPDATE_RETENTION)
        draft = draft_of(body.read(req, known=FIELDS).plain())
        if draft.project_id not in (None, policy.project_id):
            raise RetentionInvalidError("scope.ref: a policy stays in its project")
        self._services.policies.change(caller.actor, policy.id, draft)

    def on_delete(self, req: falcon.Request, resp: falcon.Response, retention_id: str) -> None:
        """Delete it; from then on everything is kept."""
        caller: Caller = req.context.caller
        policy = allowed(self._services, req, retention_id, DELETE_RETENTION)
        self._services.policies.delete(caller.actor, policy.id)


class RetentionSimulationResource:
    """What the policy would do to a repository right now. Harbor has nothing like it."""

    access: ClassVar[Mapping[str, Access]] = {"GET": Access("signed_in", None, "simulate_retention")}

    def __init__(self, services: Services) -> None:
        self._services = services

    def on_get(self, req: falcon.Request, resp: falcon.Response, retention_id: str) -> None:
        """For each tag which rule decides; ``repository`` is named without the project."""
        page = numbered_page(req)
        query.conditions(req, {})
        query.order(req, {}, "")
        policy = allowed(self._services, req, retention_id, READ_RETENTION)
        project = self._services.projects.get(policy.project_id)
        asked = req.get_param("repository")
        if not asked:
            raise query.QueryInvalidError("'repository' is missing")
        name = RepositoryName.parse(f"{project.name}/{asked}")
        found = self._services.repositories.find(name)
        if found is None or found.project_id != project.id:
            raise NameUnknownError.of(name)
        plan = self._services.simulator.plan(policy, name)
        rows = rows_of(plan)
        tell_total(req, resp, page, len(rows))
        send(resp, simulation(plan, rows, page))


def simulation(plan: Plan, rows: list[dict[str, object]], page: NumberedPage) -> Json:
    """One page of what becomes of a repository; the numbers are of artifacts, the rows are tags."""
    shown = rows[page.offset : page.offset + page.limit]
    return {
        "repository": plan.repository.path,
        "touched": bool(plan.rules),
        "rules": [rule.id for rule in plan.rules],
        "total": len(plan.decisions),
        "retained": sum(each.kept for each in plan.decisions),
        "tags": [{**row, **{name: _text(row[name]) for name in ("push_time", "pull_time")}} for row in shown],
    }


def allowed(services: Services, req: falcon.Request, retention_id: str, permission: Permission) -> Policy:
    """The policy that the path names, if the caller may do this to it.

    Raises:
        RetentionUnknownError: there is none, or none that the caller may know of.
        PermissionDeniedError: the caller may read it and no more.
    """
    caller: Caller = req.context.caller
    number = number_in_path(retention_id, RetentionUnknownError("there is no such retention policy"))
    policy = services.policies.get(number)
    standing = _standing(services, caller.principal, policy.project_id)
    if permitted(standing, permission):
        return policy
    if permitted(standing, READ_RETENTION):
        raise PermissionDeniedError("you may not do this to the retention policy of that project")
    # The very words of `Policies.get`, or a stranger could tell a hidden policy from none.
    raise RetentionUnknownError(f"there is no retention policy {number}")


def _standing(services: Services, principal: Principal, project_id: int) -> Standing | None:
    return services.access.standing_by_id(principal.kind, principal.id, principal.generation, project_id)


def _text(value: object) -> str:
    return moment(value if isinstance(value, datetime) else None)
