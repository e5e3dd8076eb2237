"""Who may do what: everybody, with every method of every route, in every kind of project.

Both sides are generated: the calls from the routes that the app was told of, what is expected from the table
of rights. The standings below are written out, so that the table is asked about what an account was made to
be, not about what the server takes it for.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from http import HTTPStatus

import pytest
from falcon.testing import TestClient

from moorage.events import SYSTEM
from moorage.identity.model import RobotRight
from moorage.jobs.model import Trigger
from moorage.projects.model import AccountStanding, Permission, Project, Role, Standing, SystemPermission
from moorage.projects.rules import (
    ROBOT_RIGHTS,
    SYSTEM_ROBOT_RIGHTS,
    TABLE,
    permitted,
    system_permitted,
)
from moorage.projects.rules import SYSTEM as OUTSIDE
from moorage.projects.selectors import Selector
from moorage.retention.document import Draft
from moorage.retention.model import Rule, Template
from moorage.retention.policies import KIND as RETENTION
from moorage.services import Services
from moorage.webhooks.document import Draft as Webhook
from moorage.webhooks.document import DraftTarget
from moorage.webhooks.model import EventType, TargetKind
from tests.http.harbor.portal import Pusher
from tests.support.images import image
from tests.support.people import PASSWORD, People
from tests.support.route_table import PROJECT_FIELDS, Route, all_routes

REFUSED = (HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN)
#: Open to whoever is on this machine, which the route itself finds out.
_LOCAL = "/metrics"
_NONE = Standing(project_id=1, public=False, active=True, admin=False, role=None)
_EVERYTHING = [(right.resource, right.action) for right in ROBOT_RIGHTS]
_EVERYTHING_OUTSIDE = [(right.resource, right.action) for right in SYSTEM_ROBOT_RIGHTS]


@dataclass(frozen=True)
class Someone:
    """An account, and what it was made to be.

    Attributes:
        headers: what it sends; none for nobody.
        inside: what it is in the project ``berth``.
        elsewhere: what it is in ``plaza``, where it was given nothing of its own.
    """

    headers: Mapping[str, str]
    inside: Standing
    elsewhere: Standing
    outside: AccountStanding

    @property
    def is_nobody(self) -> bool:
        return not self.headers


Make = Callable[[People, Project, Project], Someone]


def _person(inside: Standing = _NONE, elsewhere: Standing = _NONE, **outside: bool) -> Make:
    def make(people: People, berth: Project, pier: Project) -> Someone:
        alice = people.user("carol", admin=bool(outside.get("admin")))
        if inside.role is not None:
            people.member(berth, alice, inside.role)
        if outside.get("auditor"):
            people.auditor(alice)
        account = AccountStanding(active=True, admin=False)
        return Someone(people.basic(alice), inside, elsewhere, replace(account, **outside))

    return make


def _member_elsewhere(people: People, berth: Project, pier: Project) -> Someone:
    carol = people.user("carol")
    people.member(pier, carol, Role.PROJECT_ADMIN)
    return Someone(people.basic(carol), _NONE, _NONE, AccountStanding(active=True, admin=False))


def _nobody(people: People, berth: Project, pier: Project) -> Someone:
    return Someone({}, _NONE, _NONE, AccountStanding(active=True, admin=False))


def _holding(*pairs: tuple[str, str]) -> Standing:
    return replace(_NONE, rights=frozenset(RobotRight(*pair) for pair in pairs))


def _project_robot(*, at_home: bool) -> Make:
    def make(people: People, berth: Project, pier: Project) -> Someone:
        robot, secret = people.robot(berth if at_home else pier, "ci", *_EVERYTHING)
        inside = _holding(*_EVERYTHING) if at_home else _holding()
        nothing = AccountStanding(active=True, admin=False, rights=frozenset())
        return Someone(people.basic(robot.name, secret), inside, _holding(), nothing)

    return make


def _system_robot(place: str) -> Make:
    def make(people: People, berth: Project, pier: Project) -> Someone:
        pairs = _EVERYTHING_OUTSIDE if place == "/" else _EVERYTHING
        robot, secret = people.system_robot("ci", {berth if place == "berth" else place: pairs})
        inside = _holding(*(() if place == "/" else pairs))
        elsewhere = _holding(*(pairs if place == "*" else ()))
        rights = SYSTEM_ROBOT_RIGHTS if place == "/" else frozenset()
        outside = AccountStanding(active=True, admin=False, rights=rights)
        return Someone(people.basic(robot.name, secret), inside, elsewhere, outside)

    return make


_ADMIN = replace(_NONE, admin=True)
_AUDITOR = replace(_NONE, auditor=True)
EVERYBODY: Mapping[str, Make] = {
    "nobody": _nobody,
    "stranger": _person(),
    **{role.name.lower(): _person(replace(_NONE, role=role)) for role in Role},
    "administrator of another project": _member_elsewhere,
    "robot": _project_robot(at_home=True),
    "robot of another project": _project_robot(at_home=False),
    "system robot in one project": _system_robot("berth"),
    "system robot everywhere": _system_robot("*"),
    "system robot outside": _system_robot("/"),
    "auditor": _person(_AUDITOR, _AUDITOR, auditor=True),
    "administrator": _person(_ADMIN, _ADMIN, admin=True),
}
_STRANGERS = ("nobody", "stranger", "administrator of another project", "robot of another project")


@pytest.fixture
def push(services: Services) -> Pusher:
    return Pusher(services)


@pytest.fixture
def berth(people: People, push: Pusher) -> Project:
    """A private project with something in it."""
    made = people.project("berth")
    push("berth/app", image(), "1")
    return made


@pytest.fixture
def plaza(people: People, push: Pusher) -> Project:
    """A public project with something in it."""
    made = people.project("plaza", public=True)
    push("plaza/app", image(), "1")
    return made


@pytest.fixture
def pier(people: People) -> Project:
    """A private project that has nothing to do with the others."""
    return people.project("pier")


@pytest.fixture
def routes(services: Services) -> list[Route]:
    return all_routes(services)


def inside(routes: list[Route]) -> list[Route]:
    return [route for route in routes if route.access.scope == "project"]


def expected(someone: Someone, standing: Standing, route: Route) -> HTTPStatus | None:
    """The status of a refusal; None when the door is to let it through."""
    permissions = [route.access.permission]
    if route.access.tag_permission is not None:  # the path names a tag
        permissions = [route.access.tag_permission]
    (permission,) = permissions
    assert isinstance(permission, Permission)
    if permitted(standing, permission):
        return None
    return HTTPStatus.UNAUTHORIZED if someone.is_nobody else HTTPStatus.FORBIDDEN


def test_every_route_declares_what_it_demands(routes: list[Route]) -> None:
    assert len(routes) > 120
    for route in routes:
        scope, permission = route.access.scope, route.access.permission
        if scope == "project":
            assert permission in TABLE, route
            assert route.fields & PROJECT_FIELDS, route
        elif scope == "system":
            assert isinstance(permission, SystemPermission), route
            assert permission in OUTSIDE, route
        else:
            assert permission is None, route
            assert not route.fields & {"project_name_or_id", "project_name"}, route
        assert route.access.operation, route


def test_reading_routes_demand_rights_to_read_and_others_rights_to_change(routes: list[Route]) -> None:
    uploads = "/blobs/uploads/"  # whoever asks how far an upload came is about to go on with it
    about_to = ("/_deletable", "/scanner/candidates")  # and whoever asks whether, or what, to do just that
    for route in routes:
        permission = route.access.permission
        if permission is None or uploads in route.template or route.template.endswith(about_to):
            continue
        reading = permission.action in ("read", "list", "pull")
        assert (route.method in ("GET", "HEAD")) is reading, route


@pytest.mark.parametrize("who", list(EVERYBODY))
def test_everybody_may_do_what_the_table_says_and_nothing_else(
    client: TestClient,
    people: People,
    routes: list[Route],
    berth: Project,
    plaza: Project,
    pier: Project,
    who: str,
) -> None:
    someone = EVERYBODY[who](people, berth, pier)
    for route in inside(routes):
        for project, standing in (
            ("berth", someone.inside),
            ("plaza", replace(someone.elsewhere, public=True)),
        ):
            status = HTTPStatus(route.send(client, someone.headers, route.path(project)).status_code)
            refusal = expected(someone, standing, route)
            if refusal is None:
                assert status not in REFUSED, (str(route), project)
            else:
                assert status is refusal, (str(route), project)


@pytest.mark.parametrize("who", list(EVERYBODY))
def test_a_project_that_is_not_there_looks_like_one_that_is_hidden(
    client: TestClient, people: People, routes: list[Route], berth: Project, pier: Project, who: str
) -> None:
    someone = EVERYBODY[who](people, berth, pier)
    status = {"nobody": 401, "administrator": 404}.get(who, 403)
    for route in inside(routes):
        assert route.send(client, someone.headers, route.path("missing")).status_code == status, str(route)


@pytest.mark.parametrize("who", list(EVERYBODY))
def test_outside_projects_everybody_may_do_what_the_table_says(
    client: TestClient, people: People, routes: list[Route], berth: Project, pier: Project, who: str
) -> None:
    someone = EVERYBODY[who](people, berth, pier)
    for route in routes:
        if route.access.scope == "project" or route.template == _LOCAL:
            continue
        status = route.send(client, someone.headers, route.path("berth")).status_code
        if route.access.scope == "anyone":
            assert status not in REFUSED, str(route)
        elif someone.is_nobody:
            assert status == HTTPStatus.UNAUTHORIZED, str(route)
        elif route.access.scope == "signed_in":
            assert status != HTTPStatus.UNAUTHORIZED, str(route)
        else:
            permission = route.access.permission
            assert isinstance(permission, SystemPermission)
            refused = not system_permitted(someone.outside, permission)
            assert (status == HTTPStatus.FORBIDDEN) is refused, str(route)


_WEBHOOK = Webhook("hook", (EventType.PUSH_ARTIFACT,), (DraftTarget(TargetKind.HTTP, "https://hooks.test/"),))
# What lies in ``pier``, by the field that names it, with what must stand beside it.
Children = Mapping[str, Mapping[str, str]]
#: Fields that name no thing of a project's own.
_NO_CHILD = frozenset({"meta_name", "addition", "digest", "session_id"}) | PROJECT_FIELDS


@pytest.fixture
def children(services: Services, people: People, push: Pusher, pier: Project, berth: Project) -> Children:
    foreign = push("pier/secret", image(), "1")
    rule = services.immutability.add(
        SYSTEM, pier.id, repositories=Selector("**", "repoMatches"), tags=Selector("**")
    )
    label = services.labels.create(SYSTEM, pier.id, name="foreign")
    own_webhook, webhook = (services.webhooks.create(SYSTEM, each.id, _WEBHOOK) for each in (berth, pier))
    run = services.executions.request(SYSTEM, RETENTION, trigger=Trigger.MANUAL, project_id=pier.id)
    of_another_run = {"webhook_policy_id": str(own_webhook.id), "execution_id": str(run.id), "task_id": "1"}
    of_another_project = {"repository_name": "app", "reference": foreign.digest, "tag_name": "1"}
    return {
        "repository_name": {"repository_name": "secret", "reference": "1", "tag_name": "1"},
        "reference": of_another_project,
        "tag_name": of_another_project,
        "mid": {"mid": str(people.member(pier, people.bob, Role.GUEST))},
        "webhook_policy_id": {"webhook_policy_id": str(webhook.id)},
        "execution_id": of_another_run,
        "task_id": of_another_run,
        "label_id": {"repository_name": "app", "reference": "1", "label_id": str(label.id)},
        "immutable_rule_id": {"immutable_rule_id": str(rule.id)},
    }


def test_what_lies_in_another_project_is_not_found_through_ones_own(
    client: TestClient, people: People, routes: list[Route], children: Children, berth: Project
) -> None:
    people.member(berth, people.alice, Role.PROJECT_ADMIN)
    headers = people.basic(people.alice)
    nested = [route for route in inside(routes) if not route.is_registry and route.fields - _NO_CHILD]
    assert len(nested) > 15
    for route in nested:
        for field in route.fields - _NO_CHILD:
            assert field in children, f"{route}: say what {field} is in another project"
            status = route.send(client, headers, route.path("berth", **children[field])).status_code
            # A body that means nothing may be refused before its object is looked for.
            wants_body = route.method in ("POST", "PUT", "PATCH")
            assert status == 404 or (wants_body and status == 400), (str(route), field)


@pytest.mark.parametrize("who", [*_STRANGERS, "system robot outside"])
def test_what_is_found_by_its_own_number_is_hidden_from_strangers(
    client: TestClient,
    people: People,
    services: Services,
    routes: list[Route],
    berth: Project,
    pier: Project,
    who: str,
) -> None:
    someone = EVERYBODY[who](people, berth, pier)
    robot, _ = people.robot(berth, "hidden")
    rule = Rule(1, Template.ALWAYS, None, (Selector("**"),), (Selector("**", "repoMatches"),))
    policy = services.policies.create(SYSTEM, berth.id, Draft((rule,)))
    run = services.executions.request(
        SYSTEM, RETENTION, trigger=Trigger.MANUAL, subject=policy.id, project_id=berth.id
    )
    label = services.labels.create(SYSTEM, berth.id, name="hidden")
    numbers = {
        "robot_id": str(robot.id),
        "label_id": str(label.id),
        "retention_id": str(policy.id),
        "execution_id": str(run.id),
        "task_id": "1",
    }
    found = [route for route in routes if route.access.scope == "signed_in" and route.fields & numbers.keys()]
    assert len(found) > 8
    for route in found:
        status = route.send(client, someone.headers, route.path(**numbers)).status_code
        hidden = route.send(client, someone.headers, route.path()).status_code
        assert status in (401, 403, 404), str(route)
        assert status == hidden, str(route)


@pytest.mark.parametrize("who", ["auditor", "administrator"])
def test_nobody_reads_a_secret_that_was_given_out_before(
    client: TestClient, people: People, services: Services, routes: list[Route], berth: Project, who: str
) -> None:
    someone = EVERYBODY[who](people, berth, berth)
    robot, secret = people.robot(berth, "ci")
    bob = people.bob
    token = people.access_token(bob)
    numbers = {"robot_id": str(robot.id), "user_id": str(bob.id), "repository_name": "app", "reference": "1"}
    answers = 0
    for route in routes:
        if route.method != "GET" or route.template == _LOCAL:
            continue
        answer = route.send(client, someone.headers, route.path("berth", **numbers))
        answers += answer.status_code == HTTPStatus.OK
        for hidden in (secret, token, PASSWORD, "$argon2"):
            assert hidden not in answer.text, str(route)
    assert answers > 20


def test_an_auditor_changes_nothing(
    client: TestClient, people: People, routes: list[Route], berth: Project, plaza: Project, pier: Project
) -> None:
    someone = EVERYBODY["auditor"](people, berth, pier)
    own = ("/users/current", "/users/{user_id}", "/projects", "/service/token", "/session")
    changing = [
        route for route in routes if route.method not in ("GET", "HEAD") and not route.template.endswith(own)
    ]
    for route in changing:
        fields = {"repository_name": "app", "reference": "1", "tag_name": "1"}
        for project in ("berth", "plaza"):
            status = route.send(client, someone.headers, route.path(project, **fields)).status_code
            assert 400 <= status < 500, (str(route), project, status)
