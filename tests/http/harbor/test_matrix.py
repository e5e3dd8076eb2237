"""Every route for every role, from the table of permissions and the table of routes."""

import re
from collections.abc import Iterator
from dataclasses import dataclass

import peewee
import pytest
from falcon.testing import TestClient

from moorage.db.connection import database as handle
from moorage.events import SYSTEM
from moorage.projects.model import Permission, Project, Role
from moorage.projects.rules import PUBLIC, TABLE
from moorage.projects.selectors import Selector
from moorage.services import Services
from moorage.web.access import Access
from moorage.web.harbor.routes import routes
from moorage.web.origin import Origin
from tests.http.harbor.portal import Portal, Pusher
from tests.support.images import Image, image
from tests.support.people import People

REFUSED = (401, 403)
#: What stands in the fields of a path: things that are not there, so that no call does any harm.
_NOTHING = {
    "meta_name": "none",
    "mid": "999999",
    "immutable_rule_id": "999999",
    "repository_name": "none",
    "reference": "none",
    "tag_name": "none",
    "quota_id": "999999",
    "retention_id": "999999",
    "execution_id": "999999",
    "task_id": "999999",
    "robot_id": "999999",
    "user_id": "999999",
    "group_id": "999999",
    "token_id": "999999",
    "run_id": "999999",
    "job_type": "all",
    "label_id": "999999",
    "webhook_policy_id": "999999",
    "addition": "build_history",
}


@dataclass(frozen=True)
class Call:
    """One method of one route."""

    method: str
    template: str
    access: Access

    def path(self, **fields: str) -> str:
        return re.sub(
            r"\{(\w+)\}", lambda field: fields.get(field[1], _NOTHING.get(field[1], "")), self.template
        )

    def in_project(self, name: str, **fields: str) -> str:
        return self.path(project_name=name, project_name_or_id=name, **fields)

    def send(self, portal: Portal, path: str) -> int:
        """The status; a body that means nothing goes along where one is expected."""
        body = {} if self.method in ("POST", "PUT", "PATCH") else None
        return portal.request(self.method, path, body).status_code

    def __str__(self) -> str:
        return f"{self.method} {self.template}"


def calls_of(services: Services) -> Iterator[Call]:
    for template, resource in routes(services, Origin(services.settings.server)).items():
        for method, access in resource.access.items():  # type: ignore[attr-defined]
            yield Call(method, template, access)


@pytest.fixture
def calls(services: Services) -> list[Call]:
    return list(calls_of(services))


@pytest.fixture
def full(people: People, push: Pusher) -> Image:
    """A private project ``berth`` and a public one ``plaza``, neither of them empty."""
    people.project("berth")
    people.project("plaza", public=True)
    push("berth/app", image(), "1")
    return push("plaza/app", image(), "1")


def inside(calls: list[Call]) -> list[Call]:
    return [call for call in calls if call.access.scope == "project"]


def test_the_routes_use_permissions_of_the_table_alone(calls: list[Call]) -> None:
    assert len(inside(calls)) > 30
    for call in inside(calls):
        assert call.access.permission in TABLE, call


def test_no_two_methods_of_a_route_do_different_things_with_one_permission_for_reading(
    calls: list[Call],
) -> None:
    for call in inside(calls):
        assert isinstance(call.access.permission, Permission)
        reading = call.access.permission.action in ("read", "list")
        harmless = call.template.endswith(("/_deletable", "/scanner/candidates"))
        assert harmless or (call.method in ("GET", "HEAD")) == reading, call


@pytest.mark.parametrize("role", list(Role))
@pytest.mark.usefixtures("full")
def test_a_member_may_do_what_the_table_says_and_nothing_else(
    alice: Portal, people: People, calls: list[Call], role: Role, services: Services
) -> None:
    for name in ("berth", "plaza"):
        project = services.projects.find(name)
        assert project is not None
        services.members.add(SYSTEM, project.id, people.alice.id, role)
    for call in inside(calls):
        allowed = role in TABLE[call.access.permission]  # type: ignore[index]  # checked above
        assert (call.send(alice, call.in_project("berth")) not in REFUSED) == allowed, call
        open_to_all = call.access.permission in PUBLIC
        assert (call.send(alice, call.in_project("plaza")) not in REFUSED) == (allowed or open_to_all), call


@pytest.mark.parametrize(("caller", "status"), [("nobody", 401), ("bob", 403)])
def test_a_stranger_may_read_what_is_public_and_nothing_else(
    request: pytest.FixtureRequest, full: Image, calls: list[Call], *, caller: str, status: int
) -> None:
    portal: Portal = request.getfixturevalue(caller)
    for call in inside(calls):
        assert call.send(portal, call.in_project("berth")) == status, call
        assert call.send(portal, call.in_project("missing")) == status, call
        if call.access.permission in PUBLIC:
            assert call.send(portal, call.in_project("plaza")) not in REFUSED, call
        else:
            assert call.send(portal, call.in_project("plaza")) == status, call


def test_an_administrator_may_do_everything(admin: Portal, full: Image, calls: list[Call]) -> None:
    for call in calls:
        assert call.send(admin, call.in_project("berth")) not in REFUSED, call
    assert admin.get("/projects/berth").status_code == 200


def test_a_robot_may_do_what_it_was_given_and_nothing_else(
    client: TestClient, people: People, full: Image, calls: list[Call], services: Services
) -> None:
    berth = services.projects.find("berth")
    assert berth is not None
    permissions = sorted({call.access.permission for call in inside(calls)})  # type: ignore[type-var]
    for number, permission in enumerate(permissions):
        robot, secret = people.robot(berth, f"r{number}", tuple(permission))  # type: ignore[arg-type]
        portal = Portal(client, people.basic(robot.name, secret))
        for call in inside(calls):
            allowed = call.access.permission == permission
            assert (call.send(portal, call.in_project("berth")) not in REFUSED) == allowed, call
            if call.access.permission not in PUBLIC:
                assert call.send(portal, call.in_project("plaza")) == 403, call


@pytest.mark.parametrize(("caller", "system", "signed_in"), [("nobody", 401, 401), ("bob", 403, None)])
def test_routes_outside_projects_are_for_those_they_name(
    request: pytest.FixtureRequest, calls: list[Call], *, caller: str, system: int, signed_in: int | None
) -> None:
    portal: Portal = request.getfixturevalue(caller)
    for call in calls:
        status = call.send(portal, call.path())
        if call.access.scope == "anyone":
            assert status not in REFUSED, call
        elif call.access.scope == "system":
            assert status == system, call
        elif call.access.scope == "signed_in" and signed_in is not None:
            assert status == signed_in, call


@pytest.mark.usefixtures("dock")
def test_what_lies_in_another_project_is_not_found_through_ones_own(
    alice: Portal, pier: Project, push: Pusher, calls: list[Call], services: Services
) -> None:
    own = push("dock/app", image(), "1")
    foreign = push("pier/secret", image(), "1")
    (member,) = services.members.list(pier.id, limit=10, offset=0)
    rule = services.immutability.add(
        SYSTEM, pier.id, repositories=Selector("**", "repoMatches"), tags=Selector("**")
    )
    children = [
        {"repository_name": "secret", "reference": "1", "tag_name": "1"},
        {"repository_name": "app", "reference": foreign.digest, "tag_name": "1"},
        {"mid": str(member.id)},
        {"immutable_rule_id": str(rule.id)},
    ]
    for call in inside(calls):
        for fields in children:
            named = set(re.findall(r"\{(\w+)\}", call.template)) & set(fields)
            if not named or (named == {"repository_name"} and fields["repository_name"] == "app"):
                continue
            status = call.send(alice, call.in_project("dock", **fields))
            wants_body = call.method in ("PUT", "POST")
            assert status == 404 or (wants_body and status == 400), (call, fields)
    assert alice.get(f"/projects/dock/repositories/app/artifacts/{own.digest}").status_code == 200


def test_reading_changes_nothing(
    admin: Portal, alice: Portal, full: Image, calls: list[Call], services: Services
) -> None:
    admin.get("/users/current")
    alice.get("/users/current")
    before = contents()
    for call in calls:
        if call.method in ("GET", "HEAD"):
            for name in ("berth", "plaza"):
                fields = {"repository_name": "app", "reference": "1"}
                call.send(admin, call.in_project(name, **fields))
                call.send(alice, call.in_project(name, **fields))
    assert contents() == before


def contents() -> dict[str, list[str]]:
    """Every row of every table."""
    tables = [peewee.Table(name) for name in handle.get_tables() if not name.startswith("sqlite_")]
    return {
        table.__name__: sorted(map(repr, table.select(peewee.SQL("*")).tuples().execute(handle)))
        for table in tables
    }
