"""`/projects/{}/immutabletagrules`, and an immutable tag attacked over every path there is."""

from collections.abc import Callable
from dataclasses import dataclass

import peewee
import pytest
from falcon.testing import Result, TestClient

from moorage.db.connection import database as handle
from moorage.projects.model import Project, Role
from moorage.services import Services
from tests.http.harbor.portal import Portal, Pusher, code_of, links_of, message_of, repository_path
from tests.http.v2.caller import Caller
from tests.support.images import Image, image, multi_platform
from tests.support.people import People
from tests.support.statements import counted_statements

RULES = "/projects/dock/immutabletagrules"
NAME = "dock/deep/app"
ARTIFACTS = repository_path(NAME) + "/artifacts"


def rule(tags: str = "v*", repositories: str = "**", **more: object) -> dict[str, object]:
    """The body about a rule as Harbor's portal sends it."""
    return {
        "disabled": False,
        "action": "immutable",
        "template": "immutable_template",
        "tag_selectors": [{"kind": "doublestar", "decoration": "matches", "pattern": tags}],
        "scope_selectors": {
            "repository": [{"kind": "doublestar", "decoration": "repoMatches", "pattern": repositories}]
        },
        **more,
    }


def added(portal: Portal, *words: str, **more: object) -> int:
    answer = portal.post(RULES, rule(*words, **more))
    assert answer.status_code == 201, answer.text
    return int(answer.headers["location"].rpartition("/")[2])


def numbers(answer: Result) -> list[int]:
    assert answer.status_code == 200, answer.text
    return [each["id"] for each in answer.json]


# -- the rules themselves --------------------------------------------------------------------


def test_a_whole_number_may_be_written_with_a_point(alice: Portal, dock: Project) -> None:
    added(alice, priority=25.0)
    assert [each["priority"] for each in alice.get(RULES).json] == [25]
    assert alice.post(RULES, rule("w*", priority=25.5)).status_code == 400
    assert alice.post(RULES, rule("w*", priority=1e300)).status_code == 400


def test_a_pattern_has_no_letter_that_no_name_has(alice: Portal, dock: Project) -> None:
    assert alice.post(RULES, rule("v\u00e9*")).status_code == 400
    assert alice.get(RULES).json == []


def test_a_rule_is_made_listed_changed_and_removed(alice: Portal, dock: Project) -> None:
    made = alice.post(RULES, rule("v*", "deep/**"))
    assert made.status_code == 201
    (listed,) = alice.get(RULES).json
    assert made.headers["location"] == f"/api/v2.0/projects/{dock.id}/immutabletagrules/{listed['id']}"
    assert listed == {
        "id": listed["id"],
        "priority": 0,
        "disabled": False,
        "action": "immutable",
        "template": "immutable_template",
        "tag_selectors": [{"kind": "doublestar", "decoration": "matches", "pattern": "v*", "extras": ""}],
        "scope_selectors": {
            "repository": [
                {"kind": "doublestar", "decoration": "repoMatches", "pattern": "deep/**", "extras": ""}
            ]
        },
    }
    path = f"{RULES}/{listed['id']}"
    # The portal sends back what it was given, with one thing changed.
    assert alice.put(path, {**listed, "disabled": True}).status_code == 200
    assert alice.get(RULES).json == [{**listed, "disabled": True}]
    assert alice.put(path, {"disabled": False, "priority": 3}).status_code == 200
    assert alice.get(RULES).json == [{**listed, "priority": 3}]
    changed = rule("r*", tag_selectors=[{"kind": "doublestar", "decoration": "excludes", "pattern": "x"}])
    assert alice.put(path, changed).status_code == 200
    assert alice.get(RULES).json[0]["tag_selectors"][0]["decoration"] == "excludes"
    assert alice.delete(path).status_code == 200
    assert alice.get(RULES).json == []
    assert [alice.delete(path).status_code, alice.put(path, {}).status_code] == [404, 404]


def test_rules_are_paged_filtered_and_sorted(alice: Portal, dock: Project) -> None:
    ids = [added(alice, f"v{number}", priority=10 - number, disabled=number == 2) for number in range(5)]
    assert numbers(alice.get(RULES)) == ids[::-1]
    assert numbers(alice.get(RULES, sort="id")) == ids
    assert numbers(alice.get(RULES, sort="-id")) == ids[::-1]
    assert numbers(alice.get(RULES, sort="priority", q="disabled=true")) == [ids[2]]
    answer = alice.get(RULES, sort="id", page=2, page_size=2)
    assert (numbers(answer), answer.headers["x-total-count"]) == (ids[2:4], "5")
    assert set(links_of(answer)) == {"prev", "next"}
    for parameters in ({"sort": "template"}, {"q": "priority=1"}, {"q": "disabled=perhaps"}):
        assert alice.get(RULES, **parameters).status_code == 400, parameters


def test_a_project_is_named_or_numbered(alice: Portal, admin: Portal, dock: Project, people: People) -> None:
    assert alice.post(f"/projects/{dock.id}/immutabletagrules", rule()).status_code == 201
    digits = people.project("777", alice=Role.MAINTAINER)
    path = "/projects/777/immutabletagrules"
    assert admin.get(path).status_code == 404
    named = {"X-Is-Resource-Name": "true"}
    assert alice.request("POST", path, rule("x"), headers=named).status_code == 201
    assert len(alice.request("GET", path, headers=named).json) == 1
    assert len(alice.get(f"/projects/{digits.id}/immutabletagrules").json) == 1
    assert len(alice.get(RULES).json) == 1


def _one(name: str, **selector: object) -> dict[str, object]:
    selectors = [{"kind": "doublestar", "decoration": "matches", "pattern": "v*", **selector}]
    return {"tag_selectors": selectors} if name == "tags" else {"scope_selectors": {"repository": selectors}}


_BAD: list[dict[str, object]] = [
    {"tag_selectors": None},
    {"scope_selectors": None},
    {"tag_selectors": []},
    {"tag_selectors": "v*"},
    {"tag_selectors": rule()["tag_selectors"] * 2},  # type: ignore[operator]
    {"scope_selectors": {}},
    {"scope_selectors": {"repository": []}},
    {"scope_selectors": {"project": []}},
    _one("tags", pattern=""),
    _one("tags", pattern="[a"),
    _one("tags", pattern="{a"),
    _one("tags", pattern="x" * 1025),
    _one("tags", pattern=1),
    _one("tags", kind="regexp"),
    _one("tags", decoration="repoMatches"),
    _one("tags", extras=1),
    _one("tags", regexp="v.*"),
    _one("repositories", decoration="matches"),
    _one("repositories", pattern="a\u0000"),
    {"priority": -1},
    {"priority": "1"},
    {"disabled": "no"},
    {"action": "retain"},
    {"template": "always"},
    {"rule": 1},
]


def test_a_body_that_is_no_rule_is_refused(alice: Portal, dock: Project) -> None:
    kept = added(alice, "kept")
    assert alice.post(RULES, {}).status_code == 400
    for wrong in _BAD:
        assert alice.post(RULES, {**rule(), **wrong}).status_code == 400, wrong
        if None not in wrong.values():  # what is left out is left alone in a change
            assert alice.put(f"{RULES}/{kept}", wrong).status_code == 400, wrong
    assert numbers(alice.get(RULES)) == [kept]


def test_what_generated_clients_send_along_is_taken(alice: Portal, dock: Project) -> None:
    body = rule(id=9, action="", template="", params={}, priority=0, disabled=None)
    body["tag_selectors"] = [{"pattern": "v*", "extras": '{"untagged":true}'}]
    assert alice.post(RULES, body).status_code == 201
    (listed,) = alice.get(RULES).json
    assert (listed["id"] != 9, listed["disabled"], listed["tag_selectors"][0]["pattern"]) == (
        True,
        False,
        "v*",
    )


def test_the_same_rule_twice_and_a_sixteenth_are_refused(alice: Portal, dock: Project) -> None:
    for number in range(14):
        added(alice, f"v{number}")
    last = added(alice, "w")
    again = alice.post(RULES, rule("w", disabled=True))
    assert (again.status_code, code_of(again)) == (409, "CONFLICT")
    assert f"rule {last} keeps tags like 'w'" in message_of(again)
    clash = alice.put(f"{RULES}/{last}", rule("v1"))
    assert (clash.status_code, code_of(clash)) == (409, "CONFLICT")
    full = alice.post(RULES, rule("x"))
    assert full.status_code == 400
    assert "at most 15" in message_of(full)


def test_changes_of_rules_are_in_the_projects_log(alice: Portal, dock: Project, services: Services) -> None:
    number = added(alice)
    alice.put(f"{RULES}/{number}", {"disabled": True})
    alice.delete(f"{RULES}/{number}")
    log = alice.get("/projects/dock/auditlog-exts", page_size=10).json
    told = [each["moorage"]["detail"] for each in log if each["moorage"]["operation"] == "update_project"]
    assert [text.partition(":")[0] for text in told] == [
        f"immutability rule {number} {what}" for what in ("removed", "changed", "added")
    ]
    assert {each["username"] for each in log if "immutability" in each["moorage"]["detail"]} == {"alice"}


# -- what it does to tags --------------------------------------------------------------------


def unlogged() -> dict[str, list[str]]:
    """Every row of every table but the log."""
    names = [name for name in handle.get_tables() if not name.startswith(("sqlite_", "audit_"))]
    return {
        name: sorted(map(repr, peewee.Table(name).select(peewee.SQL("*")).tuples().execute(handle)))
        for name in names
    }


@dataclass
class Scene:
    """``v1`` of `NAME` is immutable and names `kept`; `other` is there as ``edge``.

    ``dock/other:v1`` is something else again.
    """

    portal: Portal
    registry: Caller
    kept: Image
    other: Image
    rule: int

    def put_by_tag(self) -> Result:
        return self.registry.put_manifest(NAME, "v1", self.other.body, self.other.media_type)

    def put_an_index_by_tag(self) -> Result:
        whole = multi_platform()
        self.registry.push(NAME, whole)
        return self.registry.put_manifest(NAME, "v1", whole.body, whole.media_type)

    def delete_by_tag(self) -> Result:
        return self.registry.request("DELETE", f"/v2/{NAME}/manifests/v1")

    def delete_by_digest(self) -> Result:
        return self.registry.request("DELETE", f"/v2/{NAME}/manifests/{self.kept.digest}")

    def delete_harbor_tag(self) -> Result:
        return self.portal.delete(f"{ARTIFACTS}/{self.kept.digest}/tags/v1")

    def delete_harbor_artifact_by_tag(self) -> Result:
        return self.portal.delete(f"{ARTIFACTS}/v1")

    def delete_harbor_artifact_by_digest(self) -> Result:
        return self.portal.delete(f"{ARTIFACTS}/{self.kept.digest}")

    def create_harbor_tag_on_another(self) -> Result:
        return self.portal.post(f"{ARTIFACTS}/edge/tags", {"name": "v1"})

    def copy_over_it(self) -> Result:
        return self.portal.post(ARTIFACTS, **{"from": "dock/other:v1"})

    def delete_harbor_repository(self) -> Result:
        return self.portal.delete(repository_path(NAME))


ATTACKS: list[Callable[[Scene], Result]] = [
    Scene.put_by_tag,
    Scene.put_an_index_by_tag,
    Scene.delete_by_tag,
    Scene.delete_by_digest,
    Scene.delete_harbor_tag,
    Scene.delete_harbor_artifact_by_tag,
    Scene.delete_harbor_artifact_by_digest,
    Scene.create_harbor_tag_on_another,
    Scene.copy_over_it,
    Scene.delete_harbor_repository,
]


@pytest.fixture
def scene(alice: Portal, dock: Project, push: Pusher, client: TestClient, people: People) -> Scene:
    kept, other = push(NAME, image(), "v1"), push(NAME, image(), "edge")
    push("dock/other", image(), "v1")
    registry = Caller(client, people.bearer(people.alice, f"repository:{NAME}:pull,push,delete"))
    return Scene(alice, registry, kept, other, added(alice, "v*", "deep/**"))


@pytest.mark.parametrize("attack", ATTACKS, ids=lambda attack: attack.__name__)
def test_an_immutable_tag_withstands_with_412_and_gives_in_without_the_rule(
    scene: Scene, attack: Callable[[Scene], Result]
) -> None:
    attack(scene)  # the first time blobs may come along, and stay as leases
    before = unlogged()
    refused = attack(scene)
    assert refused.status_code == 412, refused.text
    (problem,) = refused.json["errors"]
    assert problem["code"] == "PRECONDITION"
    assert problem["message"] == (
        f"tag v1 of {NAME} is immutable: rule {scene.rule} of the project keeps "
        "tags like 'v*' in repositories like 'deep/**'"
    )
    if attack is not Scene.put_an_index_by_tag:  # which pushes another index each time
        assert unlogged() == before
    assert scene.portal.get(f"{ARTIFACTS}/v1").json["digest"] == scene.kept.digest

    assert scene.portal.delete(f"{RULES}/{scene.rule}").status_code == 200
    given_in = attack(scene)
    if attack is Scene.create_harbor_tag_on_another:  # Harbor's API makes tags and moves none
        assert given_in.status_code == 409
        return
    assert given_in.status_code in (200, 201, 202), given_in.text
    found = scene.portal.get(f"{ARTIFACTS}/v1")
    assert found.status_code == 404 or found.json["digest"] != scene.kept.digest


def test_a_refused_copy_leaves_nothing_behind(scene: Scene, services: Services) -> None:
    before = unlogged()
    assert scene.copy_over_it().status_code == 412
    assert unlogged() == before


def test_the_same_push_again_is_fine_and_a_second_name_too(scene: Scene) -> None:
    again = scene.registry.put_manifest(NAME, "v1", scene.kept.body, scene.kept.media_type)
    assert again.status_code == 201
    assert scene.portal.post(f"{ARTIFACTS}/v1/tags", {"name": "v1"}).status_code == 409
    assert scene.portal.post(f"{ARTIFACTS}/v1/tags", {"name": "v2"}).status_code == 201
    assert scene.portal.delete(f"{ARTIFACTS}/v1/tags/v2").status_code == 412


def test_an_administrator_is_bound_by_the_rule_too(scene: Scene, admin: Portal) -> None:
    assert admin.delete(f"{ARTIFACTS}/{scene.kept.digest}").status_code == 412
    assert admin.delete(repository_path(NAME)).status_code == 412


def test_a_rule_of_one_process_holds_in_another_at_once(
    scene: Scene, services: Services, build_services: Callable[..., Services]
) -> None:
    second = build_services(services.settings)
    assert second.immutability.rules(services.projects.find("dock").id)[0].id == scene.rule  # type: ignore[union-attr]
    scene.portal.put(f"{RULES}/{scene.rule}", {"disabled": True})
    found = second.immutability.rules(services.projects.find("dock").id)  # type: ignore[union-attr]
    assert [each.disabled for each in found] == [True]
    assert scene.delete_by_tag().status_code == 202


# -- how tags are shown ----------------------------------------------------------------------


def test_tags_are_shown_as_immutable_to_whoever_asks(alice: Portal, dock: Project, push: Pusher) -> None:
    pushed = push(NAME, image(), "v1", "v2", "edge")
    push(NAME, image(), "w1")
    added(alice, "v*")
    added(alice, "w*", disabled=True)
    path = f"{ARTIFACTS}/{pushed.digest}/tags"

    def shown(answer: Result) -> dict[str, bool]:
        tags = answer.json
        if tags and "tags" in tags[0]:
            tags = [tag for each in tags for tag in each["tags"]]
        return {tag["name"]: tag["immutable"] for tag in tags}

    asked = {"with_immutable_status": "true"}
    assert shown(alice.get(path, **asked)) == {"v1": True, "v2": True, "edge": False}
    assert shown(alice.get(path, q="name=v1", **asked)) == {"v1": True}
    assert shown(alice.get(path)) == {"v1": False, "v2": False, "edge": False}
    assert shown(alice.get(ARTIFACTS, **asked)) == {"v1": True, "v2": True, "edge": False, "w1": False}
    assert not any(shown(alice.get(ARTIFACTS)).values())
    one = alice.get(f"{ARTIFACTS}/v1", **asked).json["tags"]
    assert {tag["name"]: tag["immutable"] for tag in one} == {"v1": True, "v2": True, "edge": False}
    assert alice.get(path, with_immutable_status="perhaps").status_code == 400


def test_the_status_of_many_tags_costs_one_statement(alice: Portal, dock: Project, push: Pusher) -> None:
    for number in range(5):
        push(NAME, image(), *(f"v{number}.{minor}" for minor in range(6)))
    added(alice, "v[0-2].*")
    costs = []
    for parameters in ({}, {"with_immutable_status": "true"}):
        with counted_statements() as ran:
            answer = alice.get(ARTIFACTS, page_size=100, **parameters)
        costs.append(len(ran))
        immutable = sum(tag["immutable"] for each in answer.json for tag in each["tags"])
        assert immutable == (18 if parameters else 0)
    assert costs[1] == costs[0] + 1
