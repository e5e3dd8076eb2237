"""Routing of names with slashes, and the refusal of undeclared routes."""

from collections.abc import Mapping
from typing import Any, ClassVar

import falcon
import pytest

from moorage.web.access import Access
from moorage.web.router import Router, RouteUndeclaredError

READ = Access("anyone", None, "read")


class Resource:
    access: ClassVar[Mapping[str, Access]] = {"GET": READ}

    def on_get(self, req: falcon.Request, resp: falcon.Response, **fields: Any) -> None:
        resp.status = 200


class Undeclared(Resource):
    def on_delete(self, req: falcon.Request, resp: falcon.Response, **fields: Any) -> None:
        resp.status = 200


class Unanswered(Resource):
    access: ClassVar[Mapping[str, Access]] = {"GET": READ, "PUT": READ}


class Vague(Resource):
    access: ClassVar[Mapping[str, Access]] = {"GET": "anyone"}  # type: ignore[dict-item]  # the mistake under test


class Bare:
    def on_get(self, req: falcon.Request, resp: falcon.Response) -> None:
        resp.status = 200


class Empty:
    access: ClassVar[Mapping[str, Access]] = {}


@pytest.fixture
def router() -> Router:
    made = Router()
    for template in (
        "/v2/{name}/manifests/{reference}",
        "/v2/{name}/blobs/uploads/{session_id}",
        "/v2/{name}/blobs/{digest}",
        "/v2/{name}/tags/list",
        "/plain/{name}",
    ):
        made.add_route(template, Resource())
    return made


@pytest.mark.parametrize(
    ("path", "template", "fields"),
    [
        ("/v2/p/r/manifests/1.0", "/v2/{name}/manifests/{reference}", {"name": "p/r", "reference": "1.0"}),
        (
            "/v2/a/b/c/d/manifests/x",
            "/v2/{name}/manifests/{reference}",
            {"name": "a/b/c/d", "reference": "x"},
        ),
        (
            "/v2/p/manifests/x/manifests/y",
            "/v2/{name}/manifests/{reference}",
            {"name": "p/manifests/x", "reference": "y"},
        ),
        (
            "/v2/p/blobs/uploads/manifests/y",
            "/v2/{name}/manifests/{reference}",
            {"name": "p/blobs/uploads", "reference": "y"},
        ),
        (
            "/v2/p/manifests/blobs/uploads/abc",
            "/v2/{name}/blobs/uploads/{session_id}",
            {"name": "p/manifests", "session_id": "abc"},
        ),
        (
            "/v2/p/r/blobs/uploads/abc",
            "/v2/{name}/blobs/uploads/{session_id}",
            {"name": "p/r", "session_id": "abc"},
        ),
        ("/v2/p/r/blobs/abc", "/v2/{name}/blobs/{digest}", {"name": "p/r", "digest": "abc"}),
        ("/v2/p/tags/list/tags/list", "/v2/{name}/tags/list", {"name": "p/tags/list"}),
        ("/plain/p", "/plain/{name}", {"name": "p"}),
    ],
)
def test_the_last_marker_in_a_path_counts(
    router: Router, path: str, template: str, fields: dict[str, str]
) -> None:
    found = router.find(path)
    assert found is not None
    assert (found[3], found[2]) == (template, fields)


@pytest.mark.parametrize(
    "path",
    [
        "/v2/p/r/manifests/",
        "/v2/p/r/manifests/a/b",
        "/v2//manifests/x",
        "/v2/p/r/tags/list\n",
        "/plain/p/r",
        "/V2/p/r/tags/list",
    ],
)
def test_a_path_that_fits_no_template_finds_nothing(router: Router, path: str) -> None:
    assert router.find(path) is None


def test_two_templates_may_call_one_place_by_different_names(router: Router) -> None:
    router.add_route("/projects/{project_id}/members/{member}", Resource())
    router.add_route("/projects/{project_name}/logs", Resource())
    members, logs = router.find("/projects/7/members/8"), router.find("/projects/dock/logs")
    assert members is not None
    assert logs is not None
    assert (members[2], members[3]) == (
        {"project_id": "7", "member": "8"},
        "/projects/{project_id}/members/{member}",
    )
    assert (logs[2], logs[3]) == ({"project_name": "dock"}, "/projects/{project_name}/logs")


@pytest.mark.parametrize("resource", [Undeclared(), Unanswered(), Vague(), Bare(), Empty()])
@pytest.mark.parametrize("template", ["/plain", "/v2/{name}/things"])
def test_a_route_without_a_declared_access_stops_the_start(resource: object, template: str) -> None:
    with pytest.raises(RouteUndeclaredError, match=template.replace("{", r"\{")):
        Router().add_route(template, resource)


def test_the_same_holds_through_the_application() -> None:
    app = falcon.App(router=Router())
    with pytest.raises(RouteUndeclaredError, match="DELETE"):
        app.add_route("/plain", Undeclared())
