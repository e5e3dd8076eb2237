"""`/projects/{}/metadatas`: the settings of a project, one by one."""

from collections.abc import Mapping
from typing import ClassVar

import falcon

from moorage.projects import metadata
from moorage.projects.errors import MetadataExistsError, MetadataUnknownError
from moorage.projects.model import ProjectDraft
from moorage.projects.rules import CREATE_METADATA, DELETE_METADATA, READ_METADATA, UPDATE_METADATA
from moorage.services import Services
from moorage.web.access import Access, Caller
from moorage.web.harbor import body, project_body, render
from moorage.web.harbor.answer import send


class MetadatasResource:
    """All settings of a project."""

    access: ClassVar[Mapping[str, Access]] = {
        "GET": Access("project", READ_METADATA, "list_metadata"),
        "POST": Access("project", CREATE_METADATA, "create_metadata"),
    }

    def __init__(self, services: Services) -> None:
        self._services = services

    def on_get(self, req: falcon.Request, resp: falcon.Response, *, project_name_or_id: str) -> None:
        """The settings."""
        caller: Caller = req.context.caller
        send(resp, _settings(self._services, caller.project_id))

    def on_post(self, req: falcon.Request, resp: falcon.Response, *, project_name_or_id: str) -> None:
        """Add settings; `public` is always there and can only be changed."""
        caller: Caller = req.context.caller
        asked = body.read(req, known=metadata.NAMES).texts()
        public, values = project_body.settings(asked, _retention_id(self._services, caller.project_id))
        if public is not None:
            raise MetadataExistsError("the project has the setting 'public' already")
        self._services.project_settings.add(caller.actor, caller.project_id, values)


class MetadataResource:
    """One setting of a project."""

    access: ClassVar[Mapping[str, Access]] = {
        "GET": Access("project", READ_METADATA, "get_metadata"),
        "PUT": Access("project", UPDATE_METADATA, "update_metadata"),
        "DELETE": Access("project", DELETE_METADATA, "delete_metadata"),
    }

    def __init__(self, services: Services) -> None:
        self._services = services

    def on_get(
        self, req: falcon.Request, resp: falcon.Response, *, project_name_or_id: str, meta_name: str
    ) -> None:
        """The setting; Harbor answers with a name and its value."""
        caller: Caller = req.context.caller
        found = _settings(self._services, caller.project_id)
        if meta_name not in found:
            raise MetadataUnknownError("the project has no such setting")
        send(resp, {meta_name: found[meta_name]})

    def on_put(
        self, req: falcon.Request, resp: falcon.Response, *, project_name_or_id: str, meta_name: str
    ) -> None:
        """Change the setting."""
        caller: Caller = req.context.caller
        if meta_name not in metadata.NAMES:
            raise MetadataUnknownError("there is no such setting")
        asked = body.read(req, known={meta_name})
        asked.text(meta_name)
        retention_id = _retention_id(self._services, caller.project_id)
        public, values = project_body.settings(asked.texts(), retention_id)
        draft = ProjectDraft(public, values)
        self._services.project_settings.change(caller.actor, caller.project_id, draft)

    def on_delete(
        self, req: falcon.Request, resp: falcon.Response, *, project_name_or_id: str, meta_name: str
    ) -> None:
        """Take the setting away; a project that does not say that it is public is private."""
        caller: Caller = req.context.caller
        if meta_name == metadata.PUBLIC:
            self._services.projects.set_public(caller.actor, caller.project_id, False)
        else:
            self._services.project_settings.remove(caller.actor, caller.project_id, meta_name)


def _settings(services: Services, project_id: int) -> dict[str, str]:
    stored = services.project_settings.among([project_id]).get(project_id)
    return render.metadata(services.projects.get(project_id), _retention_id(services, project_id), stored)


def _retention_id(services: Services, project_id: int) -> int | None:
    return services.policies.ids_among([project_id]).get(project_id)
