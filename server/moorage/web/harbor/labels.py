"""`/labels`, and the labels of an artifact.

The path of a label does not name its project, the label does. Whoever may not read the labels of that
project is told that there is none. Everybody's labels are the administrators' to change.
"""

from collections.abc import Mapping
from typing import ClassVar, Unpack

import falcon

from moorage.distribution.errors import LabelUnknownError
from moorage.distribution.model import Label, LabelFilter
from moorage.projects.errors import ProjectUnknownError
from moorage.projects.model import Permission, SystemPermission
from moorage.projects.rules import (
    ADD_LABEL,
    CREATE_LABEL,
    DELETE_LABEL,
    LIST_LABELS,
    READ_LABEL,
    REMOVE_LABEL,
    UPDATE_LABEL,
    permitted,
    system_permitted,
)
from moorage.services import Services
from moorage.web.access import Access, Caller
from moorage.web.door import PermissionDeniedError
from moorage.web.harbor import body, contents, query
from moorage.web.harbor.answer import send, send_created, send_page
from moorage.web.harbor.artifact_paths import ArtifactPath, artifact_at
from moorage.web.harbor.body import Body, BodyInvalidError
from moorage.web.harbor.paths import number_in_path
from moorage.web.paging import numbered_page

GLOBAL, PROJECT = "g", "p"
_SORTS = {name: name for name in ("id", "name", "creation_time", "update_time")}
_CONDITIONS: query.Allowed = {"name": query.PART, "scope": query.EXACT, "project_id": query.EXACT}
_FIELDS = frozenset({"name", "description", "color", "scope", "project_id"})
_OVERLOOKED = frozenset({"id", "creation_time", "update_time", "deleted"})


class LabelsResource:
    """The labels of a project, or everybody's."""

    access: ClassVar[Mapping[str, Access]] = {
        "GET": Access("signed_in", None, "list_labels"),
        "POST": Access("signed_in", None, "create_label"),
    }

    def __init__(self, services: Services) -> None:
        self._services = services

    def on_get(self, req: falcon.Request, resp: falcon.Response) -> None:
        """A page of them: everybody's, unless ``scope`` or ``project_id`` asks for those of a project."""
        page = numbered_page(req)
        sort = query.order(req, _SORTS, "name")
        wanted = _wanted(req)
        if wanted.project_id is not None:
            _check_allowed(self._services, req, wanted.project_id, LIST_LABELS)
        labels = self._services.labels
        found = labels.page(wanted, limit=page.limit, offset=page.offset, sort=sort)
        send_page(req, resp, page, [contents.label(each) for each in found], labels.count(wanted))

    def on_post(self, req: falcon.Request, resp: falcon.Response) -> None:
        """Make a label."""
        caller: Caller = req.context.caller
        asked = body.read(req, known=_FIELDS, overlooked=_OVERLOOKED)
        project_id = _project_of(asked)
        _check_allowed(self._services, req, project_id, CREATE_LABEL)
        made = self._services.labels.create(
            caller.actor,
            project_id,
            name=asked.text("name"),
            description=asked.text("description", ""),
            color=asked.text("color", ""),
        )
        send_created(resp, "labels", made.id)


class LabelResource:
    """One label."""

    access: ClassVar[Mapping[str, Access]] = {
        "GET": Access("signed_in", None, "get_label"),
        "PUT": Access("signed_in", None, "update_label"),
        "DELETE": Access("signed_in", None, "delete_label"),
    }

    def __init__(self, services: Services) -> None:
        self._services = services

    def on_get(self, req: falcon.Request, resp: falcon.Response, *, label_id: str) -> None:
        """The label."""
        send(resp, contents.label(_allowed(self._services, req, label_id, READ_LABEL)))

    def on_put(self, req: falcon.Request, resp: falcon.Response, *, label_id: str) -> None:
        """Change what the body names; a label stays where it belongs."""
        caller: Caller = req.context.caller
        label = _allowed(self._services, req, label_id, UPDATE_LABEL)
        asked = body.read(req, known=_FIELDS, overlooked=_OVERLOOKED)
        if asked.text("scope", "") not in ("", contents.scope_of(label)):
            raise BodyInvalidError("scope: a label keeps the one that it was made with")
        if asked.number("project_id", 0) not in (0, label.project_id):
            raise BodyInvalidError("project_id: a label keeps the one that it was made with")
        given = {name: asked.text(name) for name in ("name", "description", "color") if name in asked}
        self._services.labels.change(caller.actor, label.id, **given)

    def on_delete(self, req: falcon.Request, resp: falcon.Response, *, label_id: str) -> None:
        """Delete it; no artifact bears it any more."""
        caller: Caller = req.context.caller
        label = _allowed(self._services, req, label_id, DELETE_LABEL)
        self._services.labels.delete(caller.actor, label.id)


class ArtifactLabelsResource:
    """The labels of an artifact; which they are, the artifact itself tells."""

    access: ClassVar[Mapping[str, Access]] = {"POST": Access("project", ADD_LABEL, "create_artifact_label")}

    def __init__(self, services: Services) -> None:
        self._services = services

    def on_post(self, req: falcon.Request, resp: falcon.Response, **path: Unpack[ArtifactPath]) -> None:
        """Put the label on it whose ``id`` the body names."""
        caller: Caller = req.context.caller
        within, found = artifact_at(self._services, req, path)
        label_id = body.read(req, known={"id"}, overlooked=_FIELDS | _OVERLOOKED).number("id")
        self._services.labels.add(caller.actor, within.project_id, within.name, found.digest, label_id)


class ArtifactLabelResource:
    """One label of an artifact."""

    access: ClassVar[Mapping[str, Access]] = {
        "DELETE": Access("project", REMOVE_LABEL, "delete_artifact_label")
    }

    def __init__(self, services: Services) -> None:
        self._services = services

    def on_delete(
        self, req: falcon.Request, resp: falcon.Response, *, label_id: str, **path: Unpack[ArtifactPath]
    ) -> None:
        """Take it off."""
        caller: Caller = req.context.caller
        within, found = artifact_at(self._services, req, path)
        number = number_in_path(label_id, LabelUnknownError("the artifact does not bear this label"))
        self._services.labels.remove(caller.actor, within.project_id, within.name, found.digest, number)


def _wanted(req: falcon.Request) -> LabelFilter:
    asked = query.conditions(req, _CONDITIONS)
    scope = req.get_param("scope") or (asked["scope"].value if "scope" in asked else "")
    if scope not in ("", GLOBAL, PROJECT):
        raise query.QueryInvalidError(f"'scope' is {GLOBAL!r} or {PROJECT!r}")
    number = query.whole_number(req.get_param("project_id") or "0", "'project_id'")
    if "project_id" in asked:
        number = asked["project_id"].number()
    if scope == PROJECT and not number:
        raise query.QueryInvalidError("'project_id' is missing: whose labels?")
    name = asked.get("name")
    part = req.get_param("name") or ""
    if len(part) > query.MAX_LENGTH or "\0" in part:
        raise query.QueryInvalidError("'name' cannot be a part of one")
    exact = ""
    if name is not None and name.match is query.Match.EXACT:
        exact = name.value
    elif name is not None:
        part = name.value
    return LabelFilter(number or None if scope != GLOBAL else None, exact, part)


def _project_of(asked: Body) -> int | None:
    """The project that the new label is for.

    Raises:
        BodyInvalidError: scope and project contradict each other.
    """
    number = asked.number("project_id", 0)
    scope = asked.text("scope", PROJECT if number else GLOBAL)
    if scope == GLOBAL and not number:
        return None
    if scope == PROJECT and number > 0:
        return number
    raise BodyInvalidError(f"scope is {GLOBAL!r} without project_id, or {PROJECT!r} with it")


def _allowed(services: Services, req: falcon.Request, label_id: str, permission: Permission) -> Label:
    """The label that the path names, if the caller may do this to it.

    Raises:
        LabelUnknownError: there is none, or none that the caller may know of.
        PermissionDeniedError: the caller may read it and no more.
    """
    number = number_in_path(label_id, LabelUnknownError("there is no such label"))
    label = services.labels.get(number)
    if label.project_id is None:
        if permission != READ_LABEL:
            _check_allowed(services, req, None, permission)
    elif not _may(services, req, label.project_id, permission):
        if _may(services, req, label.project_id, READ_LABEL):
            raise PermissionDeniedError("you may not do this to the labels of that project")
        # The very words of `Labels.get`, or a stranger could tell a hidden label from none.
        raise LabelUnknownError(f"there is no label {number}")
    return label


def _check_allowed(
    services: Services, req: falcon.Request, project_id: int | None, permission: Permission
) -> None:
    """See to it that the caller may do this with the labels of the project, or with everybody's.

    Raises:
        ProjectUnknownError: an administrator names a project that does not exist.
        PermissionDeniedError: the caller may not; nobody else learns whether there is one.
    """
    caller: Caller = req.context.caller
    if project_id is None:
        who = caller.principal
        standing = services.access.account(who.kind, who.id, who.generation)
        if not system_permitted(standing, SystemPermission(*permission)):
            raise PermissionDeniedError("only system administrators change everybody's labels")
    elif not _may(services, req, project_id, permission):
        if caller.principal.admin:
            raise ProjectUnknownError(f"there is no project {project_id}")
        raise PermissionDeniedError(f"you may not do this with the labels of the project {project_id}")


def _may(services: Services, req: falcon.Request, project_id: int, permission: Permission) -> bool:
    who = req.context.caller.principal
    return permitted(services.access.standing_by_id(who.kind, who.id, who.generation, project_id), permission)
