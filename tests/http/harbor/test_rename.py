"""A project gets another name: what the old one still does, who may do it, and who gets the old one next."""

from collections.abc import Callable

import pytest
from falcon.testing import Result, TestClient

from moorage.audit.model import Query
from moorage.events import SYSTEM
from moorage.identity.model import ANONYMOUS
from moorage.projects.model import Project, Role
from moorage.projects.selectors import Selector
from moorage.services import Services
from moorage.webhooks.document import Draft as Webhook
from moorage.webhooks.document import DraftTarget
from moorage.webhooks.model import EventType, TargetKind
from tests.http.harbor.portal import Portal, code_of, message_of
from tests.http.v2.caller import Caller, digest_of
from tests.support.images import image, multi_platform
from tests.support.people import People

ALL = "pull,push,delete"
WARNING = '299 - "this project was renamed and is called wharf now"'

Bearer = Callable[..., Caller]


@pytest.fixture
def bearer(client: TestClient, people: People) -> Bearer:
    """A client of the registry with a token for repositories of these names."""
    return lambda account, *names: Caller(
        client, people.bearer(account, *(f"repository:{name}:{ALL}" for name in names))
    )


def rename(portal: Portal, old: object, new: str) -> Result:
    return portal.put(f"/projects/{old}", {"project_name": new})


def renamed(portal: Portal, old: object, new: str) -> None:
    answer = rename(portal, old, new)
    assert answer.status_code == 200, answer.text


# -- the registry ------------------------------------------------------------------------------


def test_what_was_pushed_is_pulled_under_both_names(
    alice: Portal, people: People, bearer: Bearer, dock: Project
) -> None:
    pushed = multi_platform()
    bearer(people.alice, "dock/app").push("dock/app", pushed, "1")
    renamed(alice, "dock", "wharf")
    blob = pushed.children[0].blobs[0]
    for name in ("dock/app", "wharf/app"):
        caller = bearer(people.alice, name)
        for reference in ("1", pushed.digest, pushed.children[0].digest):
            for method in ("GET", "HEAD"):
                answer = caller.request(method, f"/v2/{name}/manifests/{reference}")
                assert answer.status_code == 200, (name, reference)
        assert caller.get(f"/v2/{name}/blobs/{blob.digest}").content == blob.data
        assert caller.request("HEAD", f"/v2/{name}/blobs/{blob.digest}").status_code == 200
        assert caller.get(f"/v2/{name}/referrers/{pushed.digest}").status_code == 200
        tags = caller.get(f"/v2/{name}/tags/list")
        assert tags.json == {"name": "wharf/app", "tags": ["1"]}
        assert tags.headers.get("Warning") == (WARNING if name == "dock/app" else None)


def test_a_push_under_the_old_name_arrives_under_the_new_one(
    alice: Portal, people: People, bearer: Bearer, dock: Project
) -> None:
    renamed(alice, "dock", "wharf")
    pushed = image()
    bearer(people.alice, "dock/late").push("dock/late", pushed, "1")
    assert bearer(people.alice, "wharf/late").get("/v2/wharf/late/manifests/1").content == pushed.body
    (found,) = alice.get("/projects/wharf/repositories").json
    assert found["name"] == "wharf/late"


def test_an_upload_goes_on_with_the_token_and_at_the_address_that_it_had(
    alice: Portal, people: People, bearer: Bearer, dock: Project
) -> None:
    caller = bearer(people.alice, "dock/app")
    place = caller.start("dock/app")
    first = caller.request("PATCH", place, b"01234", {"Content-Range": "0-4"})
    assert first.status_code == 202
    renamed(alice, "dock", "wharf")
    assert caller.request("GET", first.headers["Location"]).headers["Range"] == "0-4"
    second = caller.request("PATCH", first.headers["Location"], b"56789", {"Content-Range": "5-9"})
    assert second.status_code == 202
    assert "/v2/wharf/app/blobs/uploads/" in second.headers["Location"]
    done = caller.request("PUT", f"{second.headers['Location']}?digest={digest_of(b'0123456789')}")
    assert done.status_code == 201, done.text
    assert caller.get(done.headers["Location"]).content == b"0123456789"


def test_a_token_of_the_old_name_is_worth_what_the_account_may_do_now(
    alice: Portal, people: People, services: Services, bearer: Bearer, dock: Project
) -> None:
    member = people.member(dock, people.bob, Role.DEVELOPER)
    caller = bearer(people.bob, "dock/app")
    caller.push("dock/app", image(), "1")
    renamed(alice, "dock", "wharf")
    for name in ("dock/app", "wharf/app"):
        assert caller.get(f"/v2/{name}/manifests/1").status_code == 200
    assert caller.get("/v2/wharf/other/manifests/1").status_code == 401
    assert alice.delete(f"/projects/wharf/members/{member}").status_code == 200
    for name in ("dock/app", "wharf/app"):
        assert caller.get(f"/v2/{name}/manifests/1").status_code == 401


def test_a_stranger_cannot_tell_an_old_name_from_none(
    alice: Portal,
    bob: Portal,
    nobody: Portal,
    people: People,
    bearer: Bearer,
    client: TestClient,
    dock: Project,
) -> None:
    bearer(people.alice, "dock/app").push("dock/app", image(), "1")
    renamed(alice, "dock", "wharf")

    def seen(answer: Result, name: str) -> tuple[object, ...]:
        headers = {
            key: value.replace(name, "NAME")
            for key, value in answer.headers.items()
            if key not in ("x-request-id", "content-length")
        }
        return answer.status_code, answer.text.replace(name, "NAME"), headers

    for path in ("manifests/1", "tags/list", "blobs/uploads/"):
        method = "POST" if path.endswith("uploads/") else "GET"
        for caller in (
            Caller(client, {}),
            Caller(client, people.basic(people.bob)),
            bearer(people.bob, "dock/app", "gone/app"),
            bearer(ANONYMOUS, "dock/app", "gone/app"),
        ):
            here, there = (caller.request(method, f"/v2/{name}/app/{path}") for name in ("dock", "gone"))
            assert seen(here, "dock") == seen(there, "gone")
            assert "wharf" not in here.text + str(here.headers)
    for caller in (bob, nobody):
        for path in ("/projects/{}", "/projects/{}/repositories", "/projects/{}/repositories/app"):
            here, there = (caller.get(path.format(name)) for name in ("dock", "gone"))
            assert seen(here, "dock") == seen(there, "gone")
        here, there = (caller.request("HEAD", f"/projects?project_name={name}") for name in ("dock", "gone"))
        assert here.status_code == there.status_code == 404


def test_the_token_service_names_what_was_asked_for(
    alice: Portal, client: TestClient, people: People, services: Services, dock: Project
) -> None:
    renamed(alice, "dock", "wharf")
    path = "/service/token"
    parameters = {"service": services.settings.token.service, "scope": "repository:dock/app:pull"}
    answers = [
        client.simulate_get(path, params=parameters, headers=dict(people.basic(who)))
        for who in (people.alice, people.bob)
    ]
    grants = [services.tokens.verify(answer.json["token"]).grants for answer in answers]
    assert [(grant.name, grant.project_id) for grant in grants[0]] == [("dock/app", dock.id)]
    assert grants[1] == ()


def test_a_blob_is_mounted_from_and_to_old_names(
    alice: Portal, people: People, bearer: Bearer, dock: Project
) -> None:
    digest = bearer(people.alice, "dock/app").push_blob("dock/app", b"shared")
    renamed(alice, "dock", "wharf")
    caller = bearer(people.alice, "dock/app", "dock/other")
    answer = caller.request("POST", f"/v2/dock/other/blobs/uploads/?mount={digest}&from=dock/app")
    assert answer.status_code == 201
    assert caller.get(f"/v2/dock/other/blobs/{digest}").content == b"shared"


def test_the_catalog_lists_new_names(
    alice: Portal, people: People, client: TestClient, bearer: Bearer, dock: Project
) -> None:
    bearer(people.alice, "dock/app").push("dock/app", image(), "1")
    renamed(alice, "dock", "wharf")
    caller = Caller(client, people.bearer(people.alice, "registry:catalog:*"))
    assert caller.get("/v2/_catalog").json == {"repositories": ["wharf/app"]}


# -- robots ------------------------------------------------------------------------------------


def test_robots_log_in_under_both_names_and_keep_their_tokens(
    alice: Portal, people: People, client: TestClient, bearer: Bearer, dock: Project
) -> None:
    robot, secret = people.robot(dock, "ci")
    token = bearer(robot, "dock/app")
    token.push("dock/app", image(), "1")
    renamed(alice, "dock", "wharf")
    assert token.get("/v2/dock/app/manifests/1").status_code == 200
    for login in ("robot$dock+ci", "robot$wharf+ci"):
        basic = Caller(client, people.basic(login, secret))
        assert basic.get("/v2/dock/app/manifests/1").status_code == 200
        assert Caller(client, people.basic(login, secret + "x")).get("/v2/").status_code == 401
    assert [each["name"] for each in alice.get(f"/robots?q=Level=project,ProjectID={dock.id}").json] == [
        "robot$wharf+ci"
    ]
    renamed(alice, "wharf", "dock")
    assert Caller(client, people.basic("robot$dock+ci", secret)).get("/v2/").status_code == 200
    assert Caller(client, people.basic("robot$wharf+ci", secret)).get("/v2/").status_code == 200


def test_a_released_name_opens_nothing_and_its_next_owner_harms_no_robot(
    admin: Portal, alice: Portal, people: People, client: TestClient, bearer: Bearer, dock: Project
) -> None:
    _, secret = people.robot(dock, "ci")
    bearer(people.alice, "dock/app").push("dock/app", image(), "1")
    renamed(alice, "dock", "wharf")
    assert admin.delete("/former-project-names/dock").status_code == 200
    assert Caller(client, people.basic("robot$dock+ci", secret)).get("/v2/").status_code == 401
    people.project("dock", bob=Role.PROJECT_ADMIN)
    assert alice.get("/projects/dock").status_code == 403
    assert Caller(client, people.basic(people.alice)).get("/v2/dock/app/manifests/1").status_code == 403
    assert (
        Caller(client, people.basic("robot$wharf+ci", secret)).get("/v2/wharf/app/manifests/1").status_code
        == 200
    )


def test_a_robot_of_the_project_renames_nothing_without_the_right_to_make_projects(
    client: TestClient, people: People, dock: Project
) -> None:
    robot, secret = people.robot(dock, "boss", ("project", "update"), ("project", "read"))
    refused = rename(Portal(client, people.basic(robot.name, secret)), "dock", "wharf")
    assert (refused.status_code, code_of(refused)) == (403, "DENIED")
    strong, secret = people.system_robot(
        "mover", {dock: [("project", "update"), ("project", "read")], "/": [("project", "create")]}
    )
    renamed(Portal(client, people.basic(strong.name, secret)), "dock", "wharf")


# -- who may, and which names ----------------------------------------------------------------------


def test_a_project_keeps_its_name_when_that_is_sent_back(
    alice: Portal, dock: Project, services: Services
) -> None:
    renamed(alice, "dock", "dock")
    renamed(alice, "dock", "wharf")
    # A client that knows nothing of the new name changes a setting.
    answer = alice.put("/projects/dock", {"project_name": "dock", "metadata": {"public": "true"}})
    assert answer.status_code == 200
    found = services.projects.get(dock.id)
    assert (found.name, found.public) == ("wharf", True)


def test_other_settings_of_the_call_are_undone_with_a_name_that_is_refused(
    alice: Portal, dock: Project, pier: Project, services: Services
) -> None:
    refused = alice.put("/projects/dock", {"project_name": "pier", "metadata": {"public": "true"}})
    assert (refused.status_code, code_of(refused)) == (409, "CONFLICT")
    found = services.projects.get(dock.id)
    assert (found.name, found.public) == ("dock", False)


@pytest.mark.parametrize("name", ["Wharf", "a/b", "v2", "x" * 101, "-x", "w\0"])
def test_names_that_no_project_can_have_are_refused(alice: Portal, dock: Project, name: str) -> None:
    refused = rename(alice, "dock", name)
    assert (refused.status_code, code_of(refused)) == (400, "BAD_REQUEST")


@pytest.mark.parametrize("role", [role for role in Role if role is not Role.PROJECT_ADMIN])
def test_lesser_members_rename_nothing(bob: Portal, people: People, dock: Project, role: Role) -> None:
    people.member(dock, people.bob, role)
    assert rename(bob, "dock", "wharf").status_code == 403


def test_where_only_administrators_make_projects_only_they_rename_them(
    alice: Portal, admin: Portal, dock: Project
) -> None:
    assert admin.put("/configurations", {"project_creation_restriction": "adminonly"}).status_code == 200
    refused = rename(alice, "dock", "wharf")
    assert (refused.status_code, code_of(refused)) == (403, "DENIED")
    assert alice.put("/projects/dock", {"metadata": {"public": "true"}}).status_code == 200
    renamed(admin, "dock", "wharf")


def test_nobody_gets_an_old_name_unless_an_administrator_releases_it(
    alice: Portal, bob: Portal, admin: Portal, dock: Project, pier: Project
) -> None:
    renamed(alice, "dock", "wharf")
    made = bob.post("/projects", {"project_name": "dock"})
    assert (made.status_code, code_of(made)) == (409, "CONFLICT")
    taken = bob.post("/projects", {"project_name": "wharf"})
    assert message_of(made).replace("dock", "wharf") == message_of(taken)
    assert rename(bob, "pier", "dock").status_code == 409
    assert bob.delete("/former-project-names/dock").status_code == 403
    assert alice.delete("/former-project-names/dock").status_code == 403
    (shown,) = admin.get("/former-project-names").json
    assert (shown["name"], shown["project_name"], shown["project_id"]) == ("dock", "wharf", dock.id)
    assert admin.delete("/former-project-names/dock").status_code == 200
    assert admin.delete("/former-project-names/dock").status_code == 404
    assert bob.post("/projects", {"project_name": "dock"}).status_code == 201
    assert alice.get("/projects/dock").status_code == 403


def test_names_lead_on_through_several_renames_and_back(alice: Portal, bob: Portal, dock: Project) -> None:
    renamed(alice, "dock", "wharf")
    renamed(alice, "dock", "jetty")
    for name in ("dock", "wharf", "jetty", str(dock.id)):
        assert alice.get(f"/projects/{name}").json["name"] == "jetty"
    renamed(alice, "wharf", "dock")
    for name in ("dock", "wharf", "jetty"):
        answer = alice.get(f"/projects/{name}")
        assert answer.json["name"] == "dock"
        assert ("Warning" in answer.headers) is (name != "dock")
    assert alice.delete("/projects/jetty").status_code == 200
    for name in ("dock", "wharf", "jetty"):
        assert bob.post("/projects", {"project_name": name}).status_code == 201


def test_a_project_hoards_no_endless_list_of_names(alice: Portal, admin: Portal, dock: Project) -> None:
    for number in range(20):
        renamed(alice, dock.id, f"name{number}")
    refused = rename(alice, dock.id, "one-too-many")
    assert (refused.status_code, code_of(refused)) == (409, "CONFLICT")
    renamed(alice, dock.id, "name3")
    assert admin.delete("/former-project-names/dock").status_code == 200
    renamed(alice, dock.id, "one-too-many")


def test_a_name_too_long_for_what_is_in_the_project_is_refused(
    alice: Portal, people: People, bearer: Bearer, dock: Project
) -> None:
    name = "dock/" + "a" * 245
    bearer(people.alice, name).push(name, image(), "1")
    refused = rename(alice, "dock", "wharf-of-the-sea")
    assert (refused.status_code, code_of(refused)) == (400, "BAD_REQUEST")
    assert alice.get("/projects/dock").json["name"] == "dock"
    renamed(alice, "dock", "wharves")


# -- what else knows the project ---------------------------------------------------------------------


def test_calls_of_the_api_find_old_names(
    alice: Portal, people: People, bearer: Bearer, dock: Project
) -> None:
    bearer(people.alice, "dock/deep/app").push("dock/deep/app", image(), "1")
    renamed(alice, "dock", "wharf")
    assert alice.request("HEAD", "/projects?project_name=dock").status_code == 200
    path = "/projects/dock/repositories/deep%252Fapp"
    answer = alice.get(path)
    assert (answer.json["name"], answer.headers["Warning"]) == ("wharf/deep/app", WARNING)
    (artifact,) = alice.get(f"{path}/artifacts").json
    assert artifact["tags"][0]["name"] == "1"
    copied = alice.post("/projects/dock/repositories/copy/artifacts?from=dock/deep/app:1")
    assert copied.status_code == 201
    assert "/projects/wharf/" in copied.headers["Location"]
    assert alice.delete(path).status_code == 200
    assert [each["name"] for each in alice.get("/projects/wharf/repositories").json] == ["wharf/copy"]


def test_the_log_keeps_the_old_name_and_finds_both_by_the_project(
    alice: Portal, people: People, services: Services, bearer: Bearer, dock: Project
) -> None:
    bearer(people.alice, "dock/app").push("dock/app", image(), "1")
    renamed(alice, "dock", "wharf")
    bearer(people.alice, "wharf/app").push("wharf/app", image(), "2")
    asked = Query(project_id=dock.id, operations=("push_artifact", "rename_project"))
    told = [(each.operation, each.project) for each in services.audit.page(asked, 20).entries]
    assert told == [("push_artifact", "wharf"), ("rename_project", "wharf"), ("push_artifact", "dock")]
    (entry,) = services.audit.page(Query(operations=("rename_project",)), 20).entries
    assert (entry.actor, entry.resource, entry.detail) == ("alice", "wharf", "was dock")


def test_rules_hold_after_a_rename(
    alice: Portal, people: People, services: Services, bearer: Bearer, dock: Project
) -> None:
    caller = bearer(people.alice, "dock/app", "wharf/app")
    caller.push("dock/app", image(), "1.0")
    services.immutability.add(
        SYSTEM, dock.id, repositories=Selector("app", "repoMatches"), tags=Selector("1.*")
    )
    draft = Webhook(
        "hook", (EventType.PUSH_ARTIFACT,), (DraftTarget(TargetKind.HTTP, "https://hooks.test/"),)
    )
    hook = services.webhooks.create(SYSTEM, dock.id, draft)
    renamed(alice, "dock", "wharf")
    for name in ("dock/app", "wharf/app"):
        other = image()
        for blob in other.blobs:
            caller.push_blob(name, blob.data)
        assert caller.put_manifest(name, "1.0", other.body, other.media_type).status_code == 412
        assert caller.put_manifest(name, "2.0", other.body, other.media_type).status_code == 201
    told = services.deliveries.occurrences(hook.id, limit=10, offset=0)
    assert len(told) == 2
    assert all("wharf/app" in str(each.facts) and "dock" not in str(each.facts) for each in told)


def test_pulls_that_were_counted_under_the_old_name_are_not_lost(
    alice: Portal, people: People, services: Services, bearer: Bearer, dock: Project
) -> None:
    caller = bearer(people.alice, "dock/app")
    caller.push("dock/app", image(), "1")
    caller.get("/v2/dock/app/manifests/1")
    renamed(alice, "dock", "wharf")
    services.audit.flush()
    assert alice.get("/projects/wharf/repositories/app").json["pull_count"] == 1
