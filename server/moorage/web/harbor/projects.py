"""`/projects`: make, find, change and delete projects."""

from collections.abc import Mapping
from typing import ClassVar

import falcon

from moorage.distribution.changes import change
from moorage.identity.model import Principal, PrincipalKind
from moorage.projects.errors import ProjectUnknownError
from moorage.projects.model import Project, Role, Standing, SystemPermission
from moorage.projects.rules import (
    CREATE_PROJECT,
    DELETE_PROJECT,
    LIST_MEMBERS,
    READ_METADATA,
    READ_PROJECT,
    READ_QUOTA,
    UPDATE_PROJECT,
    UPDATE_QUOTA,
    permitted,
)
from moorage.services import Services
from moorage.web.access import Access, Caller
from moorage.web.door import PermissionDeniedError
from moorage.web.harbor import body, project_body, query, render
from moorage.web.harbor.answer import send, send_created, send_page
from moorage.web.paging import NumberedPage, numbered_page
from moorage.web.standing import may

_FIELDS = frozenset({"project_name", "public", "metadata", "cve_allowlist", "storage_limit", "registry_id"})
_SORTS = {
    "name": "name",
    "project_id": "id",
    "creation_time": "created_at",
    "update_time": "updated_at",
}
_CONDITIONS: query.Allowed = {"name": query.PART, "owner": query.EXACT, "public": query.EXACT}


class ProjectsResource:
    """All projects that the caller may know of."""

    access: ClassVar[Mapping[str, Access]] = {
        "GET": Access("anyone", None, "list_projects"),
        "HEAD": Access("anyone", None, "find_project"),
        "POST": Access("signed_in", None, "create_project"),
    }

    def __init__(self, services: Services) -> None:
        self._services = services

    def on_get(self, req: falcon.Request, resp: falcon.Response) -> None:
        """A page of them."""
        caller: Caller = req.context.caller
        page = numbered_page(req)
        sort = query.order(req, _SORTS, "name")
        found, total = self._found(req, caller.principal, page, sort)
        if query.flag_parameter(req, "with_detail") is False:
            metadata = self._services.project_settings.among([project.id for project in found])
            shown = [render.plain_project(each, metadata.get(each.id)) for each in found]
        else:
            shown = _rendered(self._services, caller.principal, found)
        send_page(req, resp, page, shown, total)

    def on_head(self, req: falcon.Request, resp: falcon.Response) -> None:
        """Whether there is a project of that name; a hidden one is as good as none."""
        caller: Caller = req.context.caller
        name = req.get_param("project_name")
        if not name:
            raise query.QueryInvalidError("'project_name' is missing")
        if self._named(caller.principal, name) is None:
            raise ProjectUnknownError("there is no such project")

    def on_post(self, req: falcon.Request, resp: falcon.Response) -> None:
        """Make a project."""
        caller: Caller = req.context.caller
        asked = body.read(req, known=_FIELDS)
        limit = asked.number("storage_limit", 0) or None
        needed = (CREATE_PROJECT,) if limit is None else (CREATE_PROJECT, UPDATE_QUOTA)
        made = self._services.project_settings.create(
            caller.actor,
            _owner(self._services, caller.principal, *needed),
            asked.text("project_name"),
            project_body.draft(asked),
            storage_limit_bytes=limit,
        )
        by_name = req.get_header("X-Resource-Name-In-Location") == "true"
        send_created(resp, "projects", made.name if by_name else made.id)

    def _found(
        self, req: falcon.Request, principal: Principal, page: NumberedPage, sort: str
    ) -> tuple[list[Project], int]:
        asked = query.conditions(req, _CONDITIONS)
        public = asked["public"].flag() if "public" in asked else query.flag_parameter(req, "public")
        name = asked.get("name")
        owner = asked["owner"].value if "owner" in asked else req.get_param("owner") or ""
        if name is not None and name.match is query.Match.EXACT:
            one = self._named(principal, name.value)
            if one is not None and (public not in (None, one.public) or owner not in ("", one.owner_name)):
                one = None
            all_of_them = [] if one is None else [one]
            return all_of_them[page.offset : page.offset + page.limit], len(all_of_them)
        part = name.value if name is not None else req.get_param("name") or ""
        projects = self._services.projects
        found = projects.visible(
            principal,
            name=part,
            owner=owner,
            public=public,
            limit=page.limit,
            offset=page.offset,
            sort=sort,
        )
        return found, projects.count_visible(principal, name=part, owner=owner, public=public)

    def _named(self, principal: Principal, name: str) -> Project | None:
        standing = self._services.access.standing(principal.kind, principal.id, principal.generation, name)
        return self._services.projects.resolve(name) if permitted(standing, READ_PROJECT) else None


class ProjectResource:
    """One project."""

    access: ClassVar[Mapping[str, Access]] = {
        "GET": Access("project", READ_PROJECT, "get_project"),
        "PUT": Access("project", UPDATE_PROJECT, "update_project"),
        "DELETE": Access("project", DELETE_PROJECT, "delete_project"),
    }

    def __init__(self, services: Services) -> None:
        self._services = services

    def on_get(self, req: falcon.Request, resp: falcon.Response, *, project_name_or_id: str) -> None:
        """The project."""
        caller: Caller = req.context.caller
        project = self._services.projects.get(caller.project_id)
        send(resp, _rendered(self._services, caller.principal, [project], caller.standing)[0])

    def on_put(self, req: falcon.Request, resp: falcon.Response, *, project_name_or_id: str) -> None:
        """Change its settings and its name; the storage limit is changed by its quota, as in Harbor."""
        caller: Caller = req.context.caller
        asked = body.read(req, known=_FIELDS)
        retention_id = self._services.policies.ids_among([caller.project_id]).get(caller.project_id)
        draft = project_body.draft(asked, retention_id)
        name = asked.text("project_name", "")
        # Who knows the project by a name that it had, and sends that back, does not want to rename it.
        if name in ("", project_name_or_id) and caller.standing is not None and caller.standing.present_name:
            name = ""
        services = self._services

        def put() -> None:
            if name and name != services.projects.get(caller.project_id).name:
                owner = _owner(services, caller.principal, CREATE_PROJECT)
                services.renaming.rename(caller.actor, owner, caller.project_id, name)
            services.project_settings.change(caller.actor, caller.project_id, draft)

        change(put)

    def on_delete(self, req: falcon.Request, resp: falcon.Response, *, project_name_or_id: str) -> None:
        """Delete it, if it is empty."""
        caller: Caller = req.context.caller
        self._services.projects.delete(caller.actor, caller.project_id)


class ProjectDeletableResource:
    """Whether the project could be deleted, and why not."""

    access: ClassVar[Mapping[str, Access]] = {"GET": Access("project", DELETE_PROJECT, "check_project")}

    def __init__(self, services: Services) -> None:
        self._services = services

    def on_get(self, req: falcon.Request, resp: falcon.Response, *, project_name_or_id: str) -> None:
        """Look."""
        caller: Caller = req.context.caller
        repositories = self._services.repositories.count(caller.project_id)
        if repositories:
            send(resp, {"deletable": False, "message": f"the project has {repositories} repositories"})
        else:
            send(resp, {"deletable": True})


class ProjectSummaryResource:
    """How much there is in a project."""

    access: ClassVar[Mapping[str, Access]] = {"GET": Access("project", READ_PROJECT, "get_project_summary")}

    def __init__(self, services: Services) -> None:
        self._services = services

    def on_get(self, req: falcon.Request, resp: falcon.Response, *, project_name_or_id: str) -> None:
        """Count; members and bytes only for those who may see them."""
        caller: Caller = req.context.caller
        may_see_members = permitted(caller.standing, LIST_MEMBERS)
        may_see_quota = permitted(caller.standing, READ_QUOTA)
        send(
            resp,
            render.summary(
                repositories=self._services.repositories.count(caller.project_id),
                members=self._services.roles.counts(caller.project_id) if may_see_members else None,
                usage=self._services.usage.project(caller.project_id) if may_see_quota else None,
            ),
        )


def _owner(services: Services, principal: Principal, *needed: SystemPermission) -> Principal | None:
    """Who will own the project: nobody, if a robot makes it; administrators look after it."""
    if principal.kind is not PrincipalKind.ROBOT:
        return principal
    for permission in needed:
        if not may(services, principal, permission):
            what = f"{permission.resource}: {permission.action}"
            raise PermissionDeniedError(f"a robot needs the permission {what} for this")
    return None


def _rendered(
    services: Services, principal: Principal, found: list[Project], standing: Standing | None = None
) -> list[render.Json]:
    """The projects as the caller may see them; `standing` is theirs in the only one, where it is known."""
    numbers = [project.id for project in found]
    repositories = services.overview.repository_counts(numbers)
    policies = services.policies.ids_among(numbers)
    metadata = services.project_settings.among(numbers)
    allowlists = services.allowlists.among(numbers)
    roles: Mapping[int, Role] = {}
    if principal.kind is PrincipalKind.USER:
        roles = services.roles.held(principal.id, numbers)
    return [
        render.project(
            project,
            role=roles.get(project.id),
            admin=principal.admin,
            repositories=repositories.get(project.id, 0),
            retention_id=policies.get(project.id),
            stored=metadata.get(project.id),
            allowed=allowlists.get(project.id),
            reasons=permitted(standing or _as_member(principal, project, roles), READ_METADATA),
        )
        for project in found
    ]


def _as_member(principal: Principal, project: Project, roles: Mapping[int, Role]) -> Standing:
    """What is known of the caller in one of many projects: less than all of it for robots and auditors."""
    return Standing(
        project_id=project.id,
        public=project.public,
        active=True,
        admin=principal.admin,
        role=roles.get(project.id),
    )
