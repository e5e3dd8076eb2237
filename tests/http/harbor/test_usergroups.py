"""Groups and people of a directory through Harbor's API."""

from collections.abc import Callable, Iterator
from http.cookies import SimpleCookie

import pytest
from falcon.testing import TestClient

from moorage.config import Settings
from moorage.events import SYSTEM
from moorage.jobs.model import Trigger
from moorage.projects.model import Role
from moorage.services import Services
from moorage.web.app import root_app
from tests.http.harbor.portal import Portal, Pusher, code_of, message_of
from tests.support.clock import SetClock
from tests.support.directory import PASSWORD, FakeDirectory
from tests.support.fake_run import FakeRun
from tests.support.images import image
from tests.support.people import People

MARY = "mary@vsphere.local"
DEVS = "devs@vsphere.local"
STAFF = "staff@vsphere.local"


@pytest.fixture
def directory() -> FakeDirectory:
    """Mary is one of the devs, and all devs are staff."""
    found = FakeDirectory()
    found.group("devs", "staff")
    found.add("mary", "devs", real_name="Mary Read")
    found.add("jack")
    return found


@pytest.fixture
def services(settings: Settings, clock: SetClock, directory: FakeDirectory) -> Iterator[Services]:
    built = Services.build(settings, clock, directory)
    yield built
    built.audit.stop()


@pytest.fixture
def client(services: Services) -> TestClient:
    return TestClient(root_app(services))


@pytest.fixture
def mary(client: TestClient, people: People) -> Portal:
    return Portal(client, people.basic(MARY, PASSWORD))


@pytest.fixture
def dock(people: People) -> None:
    """A project of alice's."""
    people.project("dock", alice=Role.PROJECT_ADMIN)


def made(admin: Portal, name: str = DEVS) -> int:
    answer = admin.post("/usergroups", {"group_name": name})
    assert answer.status_code == 201
    number: int = admin.get(answer.headers["location"]).json["id"]
    return number


# Groups


@pytest.mark.usefixtures("dock")
def test_a_robot_gives_nobody_the_roles_of_a_group(
    admin: Portal, client: TestClient, people: People, directory: FakeDirectory
) -> None:
    directory.group("crew")
    directory.group("watch")
    robot, secret = people.system_robot("ci", {"/": [("user-group", "update"), ("user-group", "read")]})
    machine = Portal(client, people.basic(robot.name, secret))
    number = made(admin)
    assert machine.put(f"/usergroups/{number}", {"group_name": "crew@vsphere.local"}).status_code == 200
    added = admin.post("/projects/dock/members", {"role_id": 1, "member_group": {"id": number}})
    assert added.status_code == 201, added.text
    refused = machine.put(f"/usergroups/{number}", {"group_name": "watch@vsphere.local"})
    assert (refused.status_code, code_of(refused)) == (403, "DENIED")
    assert admin.get(f"/usergroups/{number}").json["group_name"] == "crew@vsphere.local"
    assert machine.put(f"/usergroups/{number}", {"group_name": "crew@vsphere.local"}).status_code == 200
    assert admin.put(f"/usergroups/{number}", {"group_name": "watch@vsphere.local"}).status_code == 200


def test_a_group_is_made_shown_renamed_and_deleted(admin: Portal, directory: FakeDirectory) -> None:
    sent = {"group_name": "VSPHERE\\Devs", "group_type": 2, "ldap_group_dn": ""}
    created = admin.post("/usergroups", sent)
    assert created.status_code == 201
    shown = admin.get(created.headers["location"]).json
    assert shown == {"id": shown["id"], "group_name": DEVS, "group_type": 2, "ldap_group_dn": ""}
    listed = admin.get("/usergroups", group_name="dev")
    assert (listed.json, listed.headers["x-total-count"]) == ([shown], "1")
    assert admin.get("/usergroups", group_name="%").json == []
    assert admin.get("/usergroups", ldap_group_dn="cn=devs").json == []
    path = f"/usergroups/{shown['id']}"
    assert admin.put(path, {**shown, "group_name": STAFF}).status_code == 200
    assert admin.get(path).json["group_name"] == STAFF
    assert admin.delete(path).status_code == 200
    for call in (admin.get(path), admin.delete(path), admin.put(path, {"group_name": STAFF})):
        assert (call.status_code, code_of(call)) == (404, "NOT_FOUND")


_IMPOSSIBLE = [
    ({}, "group_name"),
    ({"group_name": 7}, "group_name"),
    ({"group_name": ""}, "directory"),
    ({"group_name": "ghosts@vsphere.local"}, "directory"),
    ({"group_name": DEVS, "group_type": 1, "ldap_group_dn": "cn=devs"}, "ldap_group_dn"),
    ({"group_name": DEVS, "group_type": 3}, "group_type"),
    ({"group_name": DEVS, "members": [1]}, "members"),
]


def test_a_group_that_cannot_be_is_refused(admin: Portal) -> None:
    for body, named in _IMPOSSIBLE:
        refused = admin.post("/usergroups", body)
        assert refused.status_code == 400, body
        assert named in message_of(refused)
    number = made(admin)
    assert admin.post("/usergroups", {"group_name": "vsphere\\devs"}).status_code == 409
    assert admin.put(f"/usergroups/{number}", {"group_name": "ghosts@vsphere.local"}).status_code == 400
    for name in ("0", "x", "9" * 30, "-1"):
        assert admin.get(f"/usergroups/{name}").status_code == 404


def test_only_administrators_manage_groups(admin: Portal, alice: Portal, nobody: Portal) -> None:
    path = f"/usergroups/{made(admin)}"
    for caller, status in ((alice, 403), (nobody, 401)):
        assert caller.get("/usergroups").status_code == status
        assert caller.post("/usergroups", {"group_name": STAFF}).status_code == status
        assert caller.get(path).status_code == status
        assert caller.put(path, {"group_name": STAFF}).status_code == status
        assert caller.delete(path).status_code == status
    assert nobody.get("/usergroups/search", groupname="dev").status_code == 401


def test_without_a_directory_there_is_no_group_to_make(admin: Portal, directory: FakeDirectory) -> None:
    directory.connected = False
    assert admin.post("/usergroups", {"group_name": DEVS}).status_code == 409
    assert admin.get("/usergroups/search", groupname="dev").json == []


def test_a_search_finds_known_groups_first_and_then_those_of_the_directory(
    admin: Portal, alice: Portal, directory: FakeDirectory
) -> None:
    number = made(admin, STAFF)
    directory.group("staging")
    found = alice.get("/usergroups/search", groupname="sta")
    assert found.json == [
        {"id": number, "group_name": STAFF, "group_type": 2},
        {"group_name": "staging@vsphere.local", "group_type": 2},
    ]
    assert found.headers["x-total-count"] == "2"
    second = alice.get("/usergroups/search", groupname="sta", page=2, page_size=1)
    assert [each["group_name"] for each in second.json] == ["staging@vsphere.local"]
    assert alice.get("/usergroups/search").status_code == 400


def test_robots_do_not_look_for_groups(
    people: People, client: TestClient, as_robot: Callable[..., Portal]
) -> None:
    robot = as_robot(people.robot(people.project("dock"), "ci"))
    assert robot.get("/usergroups/search", groupname="dev").status_code == 403


def test_known_groups_and_users_are_found_while_the_directory_is_away(
    admin: Portal, alice: Portal, directory: FakeDirectory
) -> None:
    number = made(admin)
    directory.away = True
    groups = alice.get("/usergroups/search", groupname="dev")
    assert [each["id"] for each in groups.json] == [number]
    assert "does not answer" in groups.headers["warning"]
    assert [each["username"] for each in alice.get("/users/search", username="ali").json] == ["alice"]
    assert admin.post("/usergroups", {"group_name": STAFF}).status_code == 503


# Members


@pytest.mark.usefixtures("dock")
@pytest.mark.parametrize("by", ["id", "name", "other form of the name"])
def test_a_group_is_given_a_role(
    admin: Portal, alice: Portal, mary: Portal, services: Services, *, by: str
) -> None:
    who: dict[str, object] = {
        "id": {"id": made(admin)},
        "name": {"group_name": DEVS, "group_type": 2},
        "other form of the name": {"group_name": "VSPHERE\\DEVS"},
    }[by]  # type: ignore[assignment]
    created = alice.post("/projects/dock/members", {"role_id": 2, "member_group": who})
    assert created.status_code == 201
    shown = alice.get(created.headers["location"]).json
    assert (shown["entity_name"], shown["entity_type"], shown["role_id"]) == (DEVS, "g", 2)
    assert mary.get("/projects/dock").json["current_user_role_id"] == 2
    assert [each["name"] for each in mary.get("/projects").json] == ["dock"]
    again = alice.post("/projects/dock/members", {"role_id": 3, "member_group": {"group_name": DEVS}})
    assert again.status_code == 409
    assert alice.delete(created.headers["location"]).status_code == 200
    assert mary.get("/projects/dock").status_code == 403


_NO_MEMBERS = [
    ({"role_id": 2, "member_group": {}}, 400, "group_name"),
    ({"role_id": 2, "member_group": "devs"}, 400, "member_group"),
    ({"role_id": 2, "member_group": {"id": 999999}}, 404, "group"),
    ({"role_id": 2, "member_group": {"group_name": "ghosts@vsphere.local"}}, 404, "group"),
    ({"role_id": 2, "member_group": {"ldap_group_dn": "cn=devs", "group_type": 1}}, 400, "ldap_group_dn"),
    ({"role_id": 2, "member_group": {"group_name": DEVS, "admin": True}}, 400, "admin"),
    ({"role_id": 9, "member_group": {"group_name": DEVS}}, 400, "role_id"),
    (
        {"role_id": 2, "member_group": {"group_name": DEVS}, "member_user": {"username": "alice"}},
        400,
        "one of them",
    ),
    ({"role_id": 2, "member_user": {"username": "ghost@vsphere.local"}}, 404, "user"),
]


@pytest.mark.usefixtures("dock")
def test_a_group_or_a_person_that_cannot_be_a_member_is_refused(alice: Portal) -> None:
    for body, status, named in _NO_MEMBERS:
        refused = alice.post("/projects/dock/members", body)
        assert refused.status_code == status, body
        assert named in message_of(refused)
    assert [each["entity_name"] for each in alice.get("/projects/dock/members").json] == ["alice"]


@pytest.mark.usefixtures("dock")
def test_somebody_of_the_directory_is_given_a_role_before_their_first_login(
    alice: Portal, mary: Portal
) -> None:
    sent = {"role_id": 4, "member_user": {"username": "VSPHERE\\mary"}}
    assert alice.post("/projects/dock/members", sent).status_code == 201
    assert mary.get("/projects/dock").json["current_user_role_id"] == 4


@pytest.mark.usefixtures("dock")
def test_members_of_both_kinds_are_found_by_a_part_of_their_names(alice: Portal) -> None:
    for body in ({"member_group": {"group_name": DEVS}}, {"member_user": {"username": MARY}}):
        assert alice.post("/projects/dock/members", {"role_id": 3, **body}).status_code == 201
    found = alice.get("/projects/dock/members", entityname="vsphere")
    assert [(each["entity_name"], each["entity_type"]) for each in found.json] == [(DEVS, "g"), (MARY, "u")]
    assert found.headers["x-total-count"] == "2"


@pytest.mark.usefixtures("dock")
def test_a_group_of_another_project_is_no_member_here(alice: Portal, bob: Portal, people: People) -> None:
    people.project("pier", bob=Role.PROJECT_ADMIN)
    created = alice.post("/projects/dock/members", {"role_id": 3, "member_group": {"group_name": DEVS}})
    number = created.headers["location"].rpartition("/")[2]
    path = f"/projects/pier/members/{number}"
    assert bob.get(path).status_code == 404
    assert bob.put(path, {"role_id": 1}).status_code == 404
    assert bob.delete(path).status_code == 404
    assert bob.get(f"/projects/dock/members/{number}").status_code == 403


@pytest.mark.usefixtures("dock")
@pytest.mark.parametrize("role", [role for role in Role if role is not Role.PROJECT_ADMIN])
def test_a_role_by_a_group_does_not_let_its_people_raise_it(alice: Portal, mary: Portal, role: Role) -> None:
    created = alice.post(
        "/projects/dock/members", {"role_id": role.value, "member_group": {"group_name": DEVS}}
    )
    path = created.headers["location"]
    assert mary.put(path, {"role_id": 1}).status_code == 403
    assert mary.delete(path).status_code == 403
    for who in ({"member_group": {"group_name": STAFF}}, {"member_user": {"username": MARY}}):
        assert mary.post("/projects/dock/members", {"role_id": 1, **who}).status_code == 403
    assert mary.get("/projects/dock").json["current_user_role_id"] == role.value


@pytest.mark.usefixtures("dock")
def test_the_best_role_counts_and_a_project_admin_by_a_group_is_one(alice: Portal, mary: Portal) -> None:
    for body in (
        {"role_id": 3, "member_user": {"username": MARY}},
        {"role_id": 2, "member_group": {"group_name": DEVS}},
    ):
        assert alice.post("/projects/dock/members", body).status_code == 201
    assert mary.get("/projects/dock").json["current_user_role_id"] == 2
    sent = {"role_id": 1, "member_group": {"group_name": STAFF}}
    assert alice.post("/projects/dock/members", sent).status_code == 201
    # A group that is known since a moment ago counts as soon as everybody was asked about.
    assert mary.get("/projects/dock").json["current_user_role_id"] == 2


@pytest.mark.usefixtures("dock")
def test_a_new_group_has_everybody_asked_about_at_once(
    alice: Portal, mary: Portal, services: Services
) -> None:
    assert mary.get("/users/current").status_code == 200
    sent = {"role_id": 1, "member_group": {"group_name": STAFF}}
    assert alice.post("/projects/dock/members", sent).status_code == 201
    done = services.runner.run_next(["identity-refresh"])
    assert done is not None
    assert done.state.value == "success"
    assert mary.get("/projects/dock").json["current_user_role_id"] == 1
    assert (
        mary.post("/projects/dock/members", {"role_id": 3, "member_user": {"username": "alice"}}).status_code
        == 409
    )


@pytest.mark.usefixtures("dock")
def test_a_role_by_a_group_counts_for_the_registry(
    alice: Portal, client: TestClient, people: People, push: Pusher
) -> None:
    push("dock/app", image(), "1")
    sent = {"role_id": 3, "member_group": {"group_name": DEVS}}
    assert alice.post("/projects/dock/members", sent).status_code == 201
    headers = {"Host": "registry.test", **people.basic(MARY, PASSWORD)}
    query = "service=moorage&scope=repository:dock/app:pull,push&scope=registry:catalog:*"
    issued = client.simulate_get("/service/token", query_string=query, headers=headers)
    assert issued.status_code == 200, issued.text
    bearer = {"Host": "registry.test", "Authorization": f"Bearer {issued.json['token']}"}
    assert client.simulate_get("/v2/dock/app/manifests/1", headers=bearer).status_code == 200
    assert client.simulate_post("/v2/dock/app/blobs/uploads/", headers=bearer).status_code == 403
    assert client.simulate_get("/v2/_catalog", headers=bearer).json == {"repositories": ["dock/app"]}


def test_a_refresh_that_finds_the_directory_away_fails_and_says_so(
    mary: Portal, services: Services, directory: FakeDirectory
) -> None:
    assert mary.get("/users/current").status_code == 200
    run = services.executions.request(SYSTEM, "identity-refresh", trigger=Trigger.MANUAL)
    directory.away = True
    done = services.runner.run(run.id)
    assert (done.state.value, done.message) == ("error", "the directory does not answer")
    said = [line.text for line in services.executions.log(run.id)]
    assert "the directory is away; 0 people were checked, all others stay" in said
    directory.away = False
    assert mary.get("/users/current").status_code == 200


def test_a_refresh_that_would_shut_out_too_many_shuts_out_nobody_and_somebody_is_told(
    client: TestClient, people: People, services: Services, directory: FakeDirectory, admin: Portal
) -> None:
    names = [directory.add(f"crew{number}", DEVS) for number in range(8)]
    for each in names:
        services.authenticator.authenticate(each, PASSWORD, "192.0.2.1")
        directory.remove(each)

    def refresh(**parameters: object) -> str:
        run = services.executions.request(
            SYSTEM, "identity-refresh", trigger=Trigger.MANUAL, parameters=parameters
        )
        return services.runner.run(run.id).state.value

    def warning() -> str:
        return services.health()["people"].text

    assert refresh() == "error"
    assert "would lose access at once" in warning()
    directory.away = True
    assert refresh() == "error"
    assert "would lose access at once" in warning()  # it is as true as before
    directory.away = False
    found = admin.get("/audit-logs?q=operation=doubt_directory").json
    assert [each["username"] for each in found] == ["system"]
    assert not any(each.disabled for each in services.users.list(limit=99, offset=0))
    assert refresh(force=True) == "success"
    assert warning() == ""
    assert sum(each.disabled for each in services.users.list(limit=99, offset=0)) == 8


def test_a_busy_line_to_the_directory_is_answered_with_try_again(
    mary: Portal, directory: FakeDirectory, admin: Portal, clock: SetClock
) -> None:
    assert mary.get("/users/current").status_code == 200
    clock.forward(minutes=2)
    directory.busy = True
    refused = mary.get("/users/current")
    assert refused.status_code == 503
    assert "too many questions" in refused.json["errors"][0]["message"]
    found = admin.get("/users/search?username=mar")
    assert [each["username"] for each in found.json] == [MARY]
    assert "Warning" in found.headers


def test_the_refresh_comes_by_itself_only_where_there_is_a_directory(
    services: Services, directory: FakeDirectory, clock: SetClock
) -> None:
    kind = "identity-refresh"
    services.schedules.plan_due(services.executions)
    directory.connected = False
    clock.forward(minutes=15)
    services.schedules.plan_due(services.executions)
    assert services.executions.count(kind) == 0
    directory.connected = True
    clock.forward(minutes=15)
    services.schedules.plan_due(services.executions)
    assert services.executions.count(kind) == 1


# People


def test_somebody_of_the_directory_sees_their_account(mary: Portal, admin: Portal) -> None:
    shown = mary.get("/users/current").json
    assert (shown["username"], shown["realname"]) == (MARY, "Mary Read")
    assert (shown["sysadmin_flag"], shown["admin_role_in_auth"]) == (False, False)
    assert admin.get(f"/users/{shown['user_id']}").json == shown


def test_an_administrator_by_the_directory_may_do_what_administrators_may(
    mary: Portal, directory: FakeDirectory, clock: SetClock
) -> None:
    directory.change(MARY, administrator=True)
    shown = mary.get("/users/current").json
    assert (shown["sysadmin_flag"], shown["admin_role_in_auth"]) == (False, True)
    assert mary.get("/users").status_code == 200
    directory.change(MARY)
    clock.forward(minutes=2)
    assert mary.get("/users").status_code == 403


def test_the_directory_keeps_passwords_and_profiles(mary: Portal, admin: Portal) -> None:
    shown = mary.get("/users/current").json
    path = f"/users/{shown['user_id']}"
    change = {"old_password": PASSWORD, "new_password": "Lighthouse-2"}
    for caller in (mary, admin):
        refused = caller.put(f"{path}/password", change)
        assert (refused.status_code, code_of(refused)) == (403, "DENIED")
        assert "directory" in message_of(refused)
        assert caller.put(path, {"email": "x@example.com"}).status_code == 403
    assert mary.put(path, {"comment": "of the docks"}).status_code == 200
    assert mary.get("/users/current").json["comment"] == "of the docks"


def test_nobody_has_a_cli_secret(mary: Portal, admin: Portal, alice: Portal, nobody: Portal) -> None:
    number = mary.get("/users/current").json["user_id"]
    path = f"/users/{number}/cli_secret"
    for caller in (mary, admin):
        refused = caller.put(path, {"secret": "Lighthouse-2"})
        assert refused.status_code == 412
        assert "/users/current/tokens" in message_of(refused)
    assert mary.put(path, {}).status_code == 400
    assert alice.put(path, {"secret": "Lighthouse-2"}).status_code == 403
    assert admin.put("/users/999999/cli_secret", {"secret": "x"}).status_code == 404
    assert nobody.put(path, {"secret": "x"}).status_code == 401


def test_people_are_found_here_and_in_the_directory(mary: Portal, alice: Portal) -> None:
    number = mary.get("/users/current").json["user_id"]
    found = alice.get("/users/search", username="vsphere")
    assert found.json == [{"user_id": number, "username": MARY}, {"username": "jack@vsphere.local"}]
    assert found.headers["x-total-count"] == "2"
    paged = alice.get("/users/search", username="vsphere", page=2, page_size=1)
    assert paged.json == [{"username": "jack@vsphere.local"}]


def test_who_is_gone_is_out_with_everything_they_had(
    mary: Portal, client: TestClient, people: People, directory: FakeDirectory, services: Services
) -> None:
    token = mary.post("/users/current/tokens", {"name": "cli"}).json["secret"]
    by_token = Portal(client, people.basic(MARY, token))
    assert by_token.get("/users/current").status_code == 200
    directory.remove(MARY)
    services.refresh.run(FakeRun())
    for caller in (mary, by_token):
        assert caller.get("/users/current").status_code == 401


def test_a_session_of_somebody_who_is_gone_ends(
    client: TestClient, directory: FakeDirectory, services: Services
) -> None:
    opened = Portal(client, {}).post("/session", {"username": "VSPHERE\\mary", "password": PASSWORD})
    assert opened.status_code == 200
    cookie = SimpleCookie(opened.headers["set-cookie"])["moorage_session"].value
    browser = Portal(client, {"Cookie": f"moorage_session={cookie}"})
    assert browser.get("/users/current").json["username"] == MARY
    directory.away = True  # nothing is asked for a session
    assert browser.get("/users/current").status_code == 200
    directory.away = False
    directory.remove(MARY)
    services.refresh.run(FakeRun())
    assert browser.get("/users/current").status_code == 401
    assert Portal(client, {}).post("/session", {"username": MARY, "password": PASSWORD}).status_code == 401
    directory.away = True
    refused = Portal(client, {}).post("/session", {"username": MARY, "password": PASSWORD})
    assert (refused.status_code, code_of(refused)) == (503, "UNAVAILABLE")


# The directory is away


def test_a_directory_that_is_away_is_told_in_each_protocols_form(
    client: TestClient, people: People, directory: FakeDirectory, admin: Portal, services: Services
) -> None:
    directory.away = True
    headers = people.basic(MARY, PASSWORD)
    for path in ("/api/v2.0/users/current", "/service/token?service=registry", "/v2/", "/service/token"):
        for _ in range(20):
            answer = client.simulate_get(path, headers={"Host": "registry.test", **headers})
            assert answer.status_code == 503, path
            assert answer.headers["retry-after"]
            (problem,) = answer.json["errors"]
            assert problem["code"] == "UNAVAILABLE"
            assert "directory" in problem["message"]
            assert "www-authenticate" not in answer.headers
    assert admin.get("/users/current").status_code == 200
    directory.away = False
    assert Portal(client, headers).get("/users/current").status_code == 200
    services.audit.flush()
    failed = [each for each in admin.get("/audit-logs", page_size=100).json if "login" in each["operation"]]
    assert failed == []


def test_the_form_of_the_token_service_says_so_too(client: TestClient, directory: FakeDirectory) -> None:
    directory.away = True
    answer = client.simulate_post(
        "/service/token",
        headers={"Host": "registry.test", "Content-Type": "application/x-www-form-urlencoded"},
        body=f"grant_type=password&username={MARY}&password={PASSWORD}",
    )
    assert (answer.status_code, answer.json["errors"][0]["code"]) == (503, "UNAVAILABLE")
