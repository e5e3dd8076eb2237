"""Who may do what: generated from the table of rights and from the routes themselves."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

import pytest
from falcon.testing import Result, TestClient

from moorage.audit.errors import AuditFullError
from moorage.audit.model import Entry, Query
from moorage.audit.model import Result as Outcome
from moorage.events import SYSTEM
from moorage.identity.model import User
from moorage.oci.names import RepositoryName
from moorage.projects.model import Permission, Project, Role
from moorage.projects.rules import DELETE_ARTIFACT, DELETE_TAG, PUBLIC, PULL, PUSH, TABLE
from moorage.services import Services
from tests.http.v2.caller import ADDRESS, Caller, code_of, digest_of, encoded
from tests.support import images
from tests.support.people import People

DIGEST = digest_of(b"a blob")
NO_SESSION = "0" * 32


@dataclass(frozen=True)
class Call:
    """One thing that can be done to a repository.

    Attributes:
        path: below ``/v2/<name>/``.
        permission: what it takes.
        asked: the actions that a client without a token is told to ask for.
    """

    method: str
    path: str
    permission: Permission
    asked: str

    def by(self, caller: Caller, name: str) -> Result:
        return caller.request(self.method, f"/v2/{name}/{self.path}")


READS = tuple(
    Call(method, path, PULL, "pull")
    for path in (
        "manifests/1.0",
        f"manifests/{DIGEST}",
        f"blobs/{DIGEST}",
        "tags/list",
        f"referrers/{DIGEST}",
    )
    for method in ("GET", "HEAD")
)
WRITES = (
    Call("PUT", "manifests/1.0", PUSH, "pull,push"),
    Call("PUT", f"manifests/{DIGEST}", PUSH, "pull,push"),
    Call("POST", "blobs/uploads/", PUSH, "pull,push"),
    Call("POST", "blobs/uploads", PUSH, "pull,push"),
    Call("POST", f"blobs/uploads/?digest={DIGEST}", PUSH, "pull,push"),
    *(
        Call(method, f"blobs/uploads/{NO_SESSION}?digest={DIGEST}", PUSH, "pull,push")
        for method in ("GET", "PATCH", "PUT", "DELETE")
    ),
)
DELETES = (
    Call("DELETE", f"manifests/{DIGEST}", DELETE_ARTIFACT, "delete"),
    Call("DELETE", "manifests/1.0", DELETE_TAG, "delete"),
    Call("DELETE", f"blobs/{DIGEST}", DELETE_ARTIFACT, "delete"),
)
CALLS = (*READS, *WRITES, *DELETES)


def was_let_in(answer: Result) -> bool:
    """Whether the answer is about the thing, not about the caller."""
    return answer.status_code not in (401, 403)


def ids(call: Call) -> str:
    return f"{call.method} {call.path}"


@pytest.mark.parametrize("role", Role)
@pytest.mark.parametrize("public", [False, True], ids=["private", "public"])
def test_each_role_may_do_what_the_table_says_and_nothing_else(
    client: TestClient, calling: Callable[..., Caller], people: People, role: Role, public: bool
) -> None:
    people.project("dock", public=public, alice=role)
    bearer, basic = calling(people.alice, "dock/app"), Caller(client, people.basic(people.alice))
    for call in CALLS:
        expected = role in TABLE[call.permission] or (public and call.permission in PUBLIC)
        for caller in (bearer, basic):
            answer = call.by(caller, "dock/app")
            assert was_let_in(answer) is expected, (call, answer.status)
            if not expected and call.method != "HEAD":
                assert (answer.status_code, code_of(answer)) == (403, "DENIED")


@pytest.mark.parametrize("call", [READS[0], WRITES[0], DELETES[0], DELETES[1]], ids=ids)
def test_a_robot_may_do_what_it_was_given_and_nothing_else(
    calling: Callable[..., Caller], people: People, dock: Project, call: Call
) -> None:
    for number, right in enumerate((PULL, PUSH, DELETE_ARTIFACT, DELETE_TAG)):
        robot, _ = people.robot(dock, f"bot{number}", tuple(right))
        answer = call.by(calling(robot, "dock/app"), "dock/app")
        assert was_let_in(answer) is (right == call.permission), (right, answer.status)


def test_a_robot_is_a_stranger_in_other_projects(
    calling: Callable[..., Caller], people: People, dock: Project
) -> None:
    people.project("yard")
    robot, _ = people.robot(dock, "ci")
    assert calling(robot, "yard/app").get("/v2/yard/app/tags/list").status_code == 401


def test_an_administrator_may_do_everything(
    client: TestClient, calling: Callable[..., Caller], people: People, dock: Project
) -> None:
    for caller in (calling(people.admin, "dock/app"), Caller(client, people.basic(people.admin))):
        for call in CALLS:
            assert was_let_in(call.by(caller, "dock/app")), call


class TestWithoutCredentials:
    """Every method of every route, by nobody."""

    def test_a_private_and_an_unknown_project_cannot_be_told_apart(
        self, nobody: Caller, dock: Project, alice: Caller
    ) -> None:
        alice.push("dock/app", images.image(), "1.0")
        for call in CALLS:
            private, unknown = call.by(nobody, "dock/app"), call.by(nobody, "none/app")
            for name, answer in (("dock", private), ("none", unknown)):
                assert answer.status_code == 401
                assert answer.headers["WWW-Authenticate"] == (
                    'Bearer realm="http://registry.test/service/token",service="moorage",'
                    f'scope="repository:{name}/app:{call.asked}"'
                )
            assert private.content == unknown.content

    def test_a_public_project_can_be_read_and_not_written(
        self, nobody: Caller, quay: Project, calling: Callable[..., Caller], people: People
    ) -> None:
        image = images.image()
        calling(people.alice, "quay/app").push("quay/app", image, "1.0")
        assert nobody.get("/v2/quay/app/manifests/1.0").content == image.body
        assert nobody.get(f"/v2/quay/app/blobs/{image.blobs[0].digest}").content == image.blobs[0].data
        assert nobody.get("/v2/quay/app/tags/list").json["tags"] == ["1.0"]
        assert nobody.get(f"/v2/quay/app/referrers/{image.digest}").status_code == 200
        for call in (*WRITES, *DELETES):
            answer = call.by(nobody, "quay/app")
            assert answer.status_code == 401, call
            assert f'scope="repository:quay/app:{call.asked}"' in answer.headers["WWW-Authenticate"]

    def test_an_anonymous_token_opens_public_projects_alone(
        self, anonymous: Callable[..., Caller], dock: Project, quay: Project
    ) -> None:
        caller = anonymous("dock/app", "quay/app", "none/app")
        for call in READS:
            assert was_let_in(call.by(caller, "quay/app")), call
        for name in ("dock/app", "none/app"):
            for call in CALLS:
                answer = call.by(caller, name)
                assert answer.status_code == 401
                assert answer.headers["WWW-Authenticate"].endswith(
                    f'scope="repository:{name}:{call.asked}",error="insufficient_scope"'
                )


class TestStrangers:
    """Somebody who is known and has nothing to do with the project."""

    def test_a_private_and_an_unknown_project_cannot_be_told_apart(
        self, client: TestClient, calling: Callable[..., Caller], people: People, dock: Project
    ) -> None:
        bearer = calling(people.bob, "dock/app", "none/app")
        basic = Caller(client, people.basic(people.bob))
        for call in CALLS:
            for caller, status in ((bearer, 401), (basic, 403)):
                private, unknown = call.by(caller, "dock/app"), call.by(caller, "none/app")
                assert private.status_code == unknown.status_code == status, call
                assert private.content.replace(b"dock", b"none") == unknown.content
                assert comparable(private) == comparable(unknown)

    def test_an_administrator_is_told_that_there_is_no_such_project(
        self, client: TestClient, calling: Callable[..., Caller], people: People
    ) -> None:
        for caller in (calling(people.admin, "none/app"), Caller(client, people.basic(people.admin))):
            answer = caller.get("/v2/none/app/tags/list")
            assert (answer.status_code, code_of(answer)) == (404, "NAME_UNKNOWN")


def comparable(answer: Result) -> Mapping[str, str]:
    found = {name.lower(): value.replace("dock/", "none/") for name, value in answer.headers.items()}
    del found["x-request-id"]
    return found


class TestTokens:
    """A token allows what it says, where it says, as long as the account may."""

    @pytest.fixture
    def caller(self, client: TestClient, people: People, dock: Project) -> Callable[[str], Caller]:
        return lambda scope: Caller(client, people.bearer(people.alice, scope))

    @pytest.mark.parametrize(
        "scope",
        [
            "repository:dock/other:pull,push,delete",
            "repository:dock/ap:pull",
            "repository:dock/app2:pull",
            "repository:dock/app/app:pull",
            "repository:dock:pull",
            "repository:dock/app:push",
            "repository:dock/app:delete",
            "registry:dock/app:pull",
            "registry:catalog:*",
        ],
    )
    def test_a_token_for_something_else_is_too_narrow(
        self, caller: Callable[[str], Caller], alice: Caller, scope: str
    ) -> None:
        alice.push("dock/app", images.image(), "1.0")
        answer = caller(scope).get("/v2/dock/app/manifests/1.0")
        assert (answer.status_code, code_of(answer)) == (401, "UNAUTHORIZED")
        assert answer.headers["WWW-Authenticate"].endswith(
            'scope="repository:dock/app:pull",error="insufficient_scope"'
        )

    def test_each_action_opens_its_own_calls(self, caller: Callable[[str], Caller]) -> None:
        for action, calls in (("pull", READS), ("push", WRITES), ("delete", DELETES)):
            one = caller(f"repository:dock/app:{action}")
            for call in CALLS:
                assert was_let_in(call.by(one, "dock/app")) is (call in calls), (action, call)

    def test_a_right_that_was_taken_away_is_gone_at_once(
        self, alice: Caller, people: People, services: Services, dock: Project
    ) -> None:
        assert alice.request("POST", "/v2/dock/app/blobs/uploads/").status_code == 202
        member = next(iter(services.members.list(dock.id, q="alice", limit=1, offset=0)))
        services.members.change(SYSTEM, dock.id, member.id, Role.GUEST)
        answer = alice.request("POST", "/v2/dock/app/blobs/uploads/")
        assert (answer.status_code, code_of(answer)) == (403, "DENIED")
        services.members.remove(SYSTEM, dock.id, member.id)
        answer = alice.request("POST", "/v2/dock/app/blobs/uploads/")
        assert (answer.status_code, code_of(answer)) == (401, "UNAUTHORIZED")

    def test_a_project_made_anew_honours_no_token_of_the_old_one(
        self, alice: Caller, services: Services, dock: Project, people: People
    ) -> None:
        alice.push("dock/app", images.image(), "1.0")
        services.repositories.delete(SYSTEM, RepositoryName("dock/app"))
        services.projects.delete(SYSTEM, dock.id)
        answer = alice.get("/v2/dock/app/tags/list")
        assert answer.headers["WWW-Authenticate"].endswith('error="invalid_token"')
        again = people.project("dock", alice=Role.MAINTAINER)
        assert again.id != dock.id
        for call in CALLS:
            answer = call.by(alice, "dock/app")
            assert answer.status_code == 401, call
            assert answer.headers["WWW-Authenticate"].endswith('error="invalid_token"')

    @pytest.mark.parametrize("change", ["disable", "password", "delete"])
    def test_an_account_that_changed_has_no_token_any_more(
        self, alice: Caller, people: People, services: Services, change: str
    ) -> None:
        assert alice.request("POST", "/v2/dock/app/blobs/uploads/").status_code == 202
        _changes(services, people.alice)[change]()
        for call in CALLS:
            answer = call.by(alice, "dock/app")
            assert answer.status_code == 401, call
            assert answer.headers["WWW-Authenticate"].endswith('error="invalid_token"')

    def test_even_a_public_project_refuses_a_void_token(
        self, calling: Callable[..., Caller], people: People, services: Services, quay: Project
    ) -> None:
        caller = calling(people.alice, "quay/app")
        services.users.set_disabled(SYSTEM, people.alice.id, True)
        assert caller.get("/v2/quay/app/tags/list").status_code == 401


def _changes(services: Services, user: User) -> Mapping[str, Callable[[], object]]:
    return {
        "disable": lambda: services.users.set_disabled(SYSTEM, user.id, True),
        "password": lambda: services.users.change_password(SYSTEM, user.id, "Harbour-2-pilot", old=None),
        "delete": lambda: services.users.delete(SYSTEM, user.id),
    }


class TestLog:
    """Refusals are in the log; challenges that a client answers by itself are not."""

    def test_a_refusal_is_logged_with_who_and_what(
        self, client: TestClient, people: People, services: Services, dock: Project
    ) -> None:
        caller = Caller(client, people.basic(people.bob) | {"X-Request-Id": "r-1", "User-Agent": "probe/1"})
        caller.request("PUT", "/v2/dock/app/manifests/1.0")
        (entry,) = self.entries(services)
        assert (entry.actor, entry.actor_kind, entry.operation) == ("bob", "user", "push_artifact")
        assert (entry.result, entry.resource) == ("denied", "dock/app:1.0")
        assert (entry.project_id, entry.project) == (dock.id, "dock")
        assert (entry.repository, entry.tag) == ("dock/app", "1.0")
        assert (entry.address, entry.user_agent, entry.request_id) == (ADDRESS, "probe/1", "r-1")

    def test_so_is_one_of_a_token(
        self, calling: Callable[..., Caller], people: People, services: Services, dock: Project
    ) -> None:
        calling(people.bob, "dock/app").get(f"/v2/dock/app/blobs/{DIGEST}")
        (entry,) = self.entries(services)
        assert (entry.actor, entry.operation, entry.digest) == ("bob", "pull_blob", DIGEST)

    def test_a_challenge_is_not(
        self, nobody: Caller, client: TestClient, people: People, services: Services, dock: Project
    ) -> None:
        nobody.get("/v2/")
        nobody.get("/v2/dock/app/manifests/1.0")
        Caller(client, people.bearer(people.alice)).get("/v2/dock/app/manifests/1.0")
        Caller(client, {"Authorization": "Bearer old"}).get("/v2/dock/app/manifests/1.0")
        assert list(self.entries(services)) == []

    def entries(self, services: Services) -> Iterator[Entry]:
        services.audit.flush()
        page = services.audit.page(Query(result=Outcome.DENIED), 100)
        return iter(page.entries)


def test_pulls_are_logged_and_questions_are_not(alice: Caller, services: Services, people: People) -> None:
    image = images.image()
    digest = alice.push("dock/app", image, "1.0")
    for method in ("HEAD", "GET"):
        alice.request(method, "/v2/dock/app/manifests/1.0")
        alice.request(method, f"/v2/dock/app/manifests/{digest}")
        alice.request(method, f"/v2/dock/app/blobs/{image.blobs[1].digest}")
    services.audit.flush()
    pulls = services.audit.page(Query(operations=("pull_artifact", "pull_blob")), 100).entries
    assert [(each.operation, each.tag, each.digest) for each in reversed(pulls)] == [
        ("pull_artifact", "1.0", digest),
        ("pull_artifact", "", digest),
        ("pull_blob", "", image.blobs[1].digest),
    ]
    assert {each.actor for each in pulls} == {"alice"}
    stats = services.audit.page(Query(operations=("stat_artifact", "stat_blob")), 100).entries
    assert stats == ()


def test_the_body_of_a_refused_push_is_never_looked_at(nobody: Caller, dock: Project) -> None:
    answer = nobody.request("PUT", "/v2/dock/app/manifests/1.0", encoded({"x": 1}) * 1000)
    assert answer.status_code == 401


def test_a_pull_that_cannot_be_logged_is_no_pull(
    alice: Caller, services: Services, monkeypatch: pytest.MonkeyPatch
) -> None:
    image = images.image()
    alice.push("dock/app", image, "1.0")

    def full(*_: object) -> None:
        raise AuditFullError("the log is full")

    monkeypatch.setattr(services.audit, "note_pull", full)
    monkeypatch.setattr(services.audit, "note_blob_pull", full)
    for path in ("manifests/1.0", f"blobs/{image.blobs[0].digest}"):
        answer = alice.get(f"/v2/dock/app/{path}")
        assert answer.status_code == 503
        assert "the log is full" in answer.text
        assert not {"ETag", "Cache-Control", "Docker-Content-Digest"} & set(answer.headers)
