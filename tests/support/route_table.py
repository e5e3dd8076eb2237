"""Every route of the server, as its routers were told of them."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import pytest
from falcon.testing import Result, TestClient

from moorage.services import Services
from moorage.web.access import Access
from moorage.web.app import root_app
from moorage.web.router import Router

#: What the path of a route calls the project that it is in.
PROJECT_FIELDS = frozenset({"project_name_or_id", "project_name", "project_id", "name"})
_FIELD = re.compile(r"\{(\w+)\}")
#: What stands in the fields of a path, if nothing else is said: things that are not there.
_NOTHING = {
    "meta_name": "none",
    "repository_name": "none",
    "reference": "none",
    "tag_name": "none",
    "job_type": "all",
    "digest": "sha256:" + "0" * 64,
    "session_id": "0" * 32,
    "addition": "license",
}
_NO_NUMBER = "999999"


@dataclass(frozen=True)
class Route:
    """One method of one route.

    Attributes:
        template: as the router has it, with the API's base.
    """

    method: str
    template: str
    access: Access

    @property
    def fields(self) -> frozenset[str]:
        return frozenset(_FIELD.findall(self.template))

    @property
    def is_registry(self) -> bool:
        return self.template.startswith("/v2")

    def path(self, project: str = "", **fields: str) -> str:
        """A path of it; fields that are not given name nothing that there is."""
        named = {"name": f"{project}/none", **_NOTHING, **fields}
        for field in ("project_name_or_id", "project_name", "project_id"):
            named.setdefault(field, project)
        return _FIELD.sub(lambda field: named.get(field[1], _NO_NUMBER), self.template)

    def send(self, client: TestClient, headers: Mapping[str, str], path: str) -> Result:
        """One request; where the API expects a body, one that means nothing goes along."""
        sent, body = {"Host": "registry.test", **headers}, None
        if not self.is_registry and self.method in ("POST", "PUT", "PATCH"):
            sent["Content-Type"] = "application/json"
            body = b"{}"
        return client.simulate_request(
            self.method, path, headers=sent, body=body, remote_addr="192.0.2.77", params_csv=False
        )

    def __str__(self) -> str:
        return f"{self.method} {self.template}"


def all_routes(services: Services) -> list[Route]:
    """Every method of every route of the whole app."""
    told: list[tuple[str, Any]] = []
    with pytest.MonkeyPatch.context() as patch:
        add = Router.add_route

        def note(router: Router, template: str, resource: object, **more: Any) -> None:
            told.append((template, resource))
            add(router, template, resource, **more)

        patch.setattr(Router, "add_route", note)
        root_app(services)
    return [
        Route(method, template, access)
        for template, resource in told
        for method, access in resource.access.items()
    ]
