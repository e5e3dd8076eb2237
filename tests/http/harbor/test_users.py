"""`/users`: people."""

from collections.abc import Callable

import pytest
from falcon.testing import TestClient

from moorage.identity.model import User
from moorage.services import Services
from tests.http.harbor.portal import Portal, code_of, message_of
from tests.support.people import PASSWORD, People

NEW = {"username": "carol", "password": PASSWORD, "email": "carol@example.com", "realname": "Carol"}


def test_an_administrator_makes_a_user_who_can_sign_in(
    admin: Portal, client: TestClient, people: People
) -> None:
    made = admin.post("/users", {**NEW, "comment": "new"})
    assert made.status_code == 201
    found = admin.get(made.headers["location"]).json
    assert (found["username"], found["email"], found["realname"]) == ("carol", "carol@example.com", "Carol")
    assert (found["comment"], found["sysadmin_flag"]) == ("new", False)
    assert Portal(client, people.basic("carol")).get("/users/current").json == found


@pytest.mark.parametrize(("caller", "status"), [("nobody", 401), ("alice", 403)])
def test_nobody_makes_their_own_account(portal_of: Callable[[str], Portal], caller: str, status: int) -> None:
    portal = portal_of(caller)
    assert portal.post("/users", {**NEW, "sysadmin_flag": True}).status_code == status
    assert portal.get("/users").status_code == status


def test_a_new_account_is_never_an_administrators(admin: Portal, services: Services) -> None:
    assert admin.post("/users", {**NEW, "sysadmin_flag": True}).status_code == 201
    made = services.users.find("carol")
    assert made is not None
    assert not made.admin


_COLUMNS = ("id", "user_id", "name", "admin", "disabled", "generation", "password_hash", "role", "realm")


_STRANGE = [*_COLUMNS, "created_at", "updated_at", "role_id", "salt", "__proto__"]


def test_a_field_that_no_call_knows_is_refused_by_name(admin: Portal) -> None:
    for field in _STRANGE:
        refused = admin.post("/users", {**NEW, field: 1})
        assert (refused.status_code, code_of(refused)) == (400, "BAD_REQUEST"), field
        assert message_of(refused).startswith(field)
    assert [each["username"] for each in admin.get("/users").json] == ["admin"]


_NOT_OF_A_PROFILE = [name for name in _COLUMNS if name != "user_id"]


def test_a_profile_has_no_other_fields(admin: Portal, people: People) -> None:
    for field in _NOT_OF_A_PROFILE:
        assert admin.put(f"/users/{people.admin.id}", {field: 1}).status_code == 400, field


_IMPOSSIBLE = [
    ({}, 400, "username"),
    ({**NEW, "username": 7}, 400, "username"),
    ({**NEW, "password": None}, 400, "password"),
    ({**NEW, "password": "short"}, 400, "password"),
    ({**NEW, "username": "robot$x"}, 400, "name"),
    ({**NEW, "username": "anonymous"}, 400, "reserved"),
    ({**NEW, "email": "nowhere"}, 400, "e-mail"),
    ({**NEW, "realname": "a\nb"}, 400, "real name"),
    ({**NEW, "comment": "x" * 300}, 400, "comment"),
    ({**NEW, "username": "admin"}, 409, "admin"),
    ({**NEW, "username": "ADMIN"}, 409, "ADMIN"),
]


def test_an_account_that_cannot_be_is_refused(admin: Portal) -> None:
    for body, status, named in _IMPOSSIBLE:
        refused = admin.post("/users", body)
        assert refused.status_code == status, body
        assert named in message_of(refused)


def test_users_are_found_by_name(admin: Portal, people: People) -> None:
    for name in ("carol", "carl", "dave"):
        people.user(name)

    def found(**parameters: object) -> list[str]:
        return [each["username"] for each in admin.get("/users", **parameters).json]

    assert found() == ["admin", "carl", "carol", "dave"]
    assert found(q="username=~CAR") == ["carl", "carol"]
    assert found(q="username=carol") == ["carol"]
    assert found(q="username=car") == []
    assert found(page=2, page_size=3) == ["dave"]
    assert admin.get("/users", page_size=1).headers["x-total-count"] == "4"


_HIDDEN = [
    "password_hash=~$argon2",
    "password_hash=x",
    "generation=1",
    "email=~a",
    "admin=true",
    "id=1",
    "username={a b}",
    "username=[a~b]",
]


def test_what_is_not_shown_cannot_be_asked_for(admin: Portal) -> None:
    for text in _HIDDEN:
        assert admin.get("/users", q=text).status_code == 400, text
        assert admin.get("/users", sort=text.partition("=")[0]).status_code == 400, text


def test_everybody_sees_and_changes_their_own_profile(alice: Portal, people: People) -> None:
    path = f"/users/{people.alice.id}"
    assert alice.get(path).json["username"] == "alice"
    assert alice.put(path, {"email": "a@example.com", "realname": "Alice"}).status_code == 200
    assert alice.put(path, {"comment": "hello"}).status_code == 200
    found = alice.get(path).json
    assert (found["email"], found["realname"], found["comment"]) == ("a@example.com", "Alice", "hello")


def test_a_whole_account_sent_back_changes_the_profile_alone(
    alice: Portal, services: Services, people: People
) -> None:
    path = f"/users/{people.alice.id}"
    body = {"username": "root", "sysadmin_flag": True, "password": "Another-1-word", "email": "a@example.com"}
    assert alice.put(path, body).status_code == 200
    found = services.users.get(people.alice.id)
    assert (found.name, found.admin, found.email) == ("alice", False, "a@example.com")
    assert alice.get(path).status_code == 200


@pytest.mark.parametrize(
    ("method", "suffix", "body"),
    [
        ("GET", "", None),
        ("PUT", "", {"email": "mine@example.com"}),
        ("DELETE", "", None),
        ("PUT", "/sysadmin", {"sysadmin_flag": True}),
        ("PUT", "/password", {"new_password": "Another-1-word", "old_password": PASSWORD}),
    ],
)
def test_the_account_of_another_is_out_of_reach(
    alice: Portal, nobody: Portal, people: People, *, method: str, suffix: str, body: object
) -> None:
    for number in (people.bob.id, 999999):
        refused = alice.request(method, f"/users/{number}{suffix}", body)
        assert (refused.status_code, code_of(refused)) == (403, "DENIED")
        assert nobody.request(method, f"/users/{number}{suffix}", body).status_code == 401


_NO_NUMBERS = ["0", "x", "-1", "9" * 30, "1.0", "%00"]


def test_what_is_no_number_is_nobody(admin: Portal) -> None:
    for number in _NO_NUMBERS:
        assert admin.get(f"/users/{number}").status_code == 404, number
        assert admin.delete(f"/users/{number}").status_code == 404, number


def test_an_administrator_makes_another_one(admin: Portal, alice: Portal, people: People) -> None:
    path = f"/users/{people.alice.id}/sysadmin"
    assert admin.put(path, {"sysadmin_flag": True}).status_code == 200
    assert alice.get("/users").status_code == 200
    assert admin.put(path, {"sysadmin_flag": False}).status_code == 200
    assert alice.get("/users").status_code == 403


def test_nobody_makes_themselves_an_administrator(alice: Portal, people: People) -> None:
    assert alice.put(f"/users/{people.alice.id}/sysadmin", {"sysadmin_flag": True}).status_code == 403


def test_the_last_administrator_stays_one(admin: Portal, people: People) -> None:
    refused = admin.put(f"/users/{people.admin.id}/sysadmin", {"sysadmin_flag": False})
    assert (refused.status_code, code_of(refused)) == (409, "CONFLICT")
    assert admin.get("/users").status_code == 200


def test_a_deleted_user_is_shut_out_at_once(admin: Portal, alice: Portal, people: People) -> None:
    assert alice.get("/users/current").status_code == 200
    assert admin.delete(f"/users/{people.alice.id}").status_code == 200
    assert alice.get("/users/current").status_code == 401


def test_nobody_deletes_their_own_account(admin: Portal, people: People) -> None:
    assert admin.delete(f"/users/{people.admin.id}").status_code == 403


def test_a_password_of_ones_own_takes_the_old_one(alice: Portal, client: TestClient, people: People) -> None:
    path = f"/users/{people.alice.id}/password"
    assert alice.put(path, {"new_password": "Another-1-word"}).status_code == 400
    wrong = alice.put(path, {"new_password": "Another-1-word", "old_password": "Wrong-1-word"})
    assert wrong.status_code == 403
    right = alice.put(path, {"new_password": "Another-1-word", "old_password": PASSWORD})
    assert right.status_code == 200
    assert alice.get("/users/current").status_code == 401
    fresh = Portal(client, people.basic("alice", "Another-1-word"))
    assert fresh.get("/users/current").status_code == 200


def test_an_administrator_needs_the_old_one_for_their_own_too(admin: Portal, people: People) -> None:
    path = f"/users/{people.admin.id}/password"
    assert admin.put(path, {"new_password": "Another-1-word"}).status_code == 400


def test_a_made_up_password_lies_in_its_file_until_it_is_changed(
    admin: Portal, people: People, services: Services
) -> None:
    file = services.settings.storage.data / "admin-password"
    file.parent.mkdir(parents=True, exist_ok=True)
    services.made_up_password.keep(PASSWORD)
    own = f"/users/{people.admin.id}/password"
    refused = admin.put(own, {"new_password": "weak", "old_password": PASSWORD})
    another = admin.put(f"/users/{people.alice.id}/password", {"new_password": "Another-1-word"})
    assert (refused.status_code, another.status_code) == (400, 200)
    assert file.read_text() == f"{PASSWORD}\n"
    right = admin.put(own, {"new_password": "Another-1-word", "old_password": PASSWORD})
    assert right.status_code == 200
    assert not file.exists()


def test_a_made_up_password_that_cannot_be_removed_does_not_undo_the_change(
    admin: Portal, people: People, services: Services
) -> None:
    (services.settings.storage.data / "admin-password").mkdir(parents=True)
    path = f"/users/{people.admin.id}/password"
    right = admin.put(path, {"new_password": "Another-1-word", "old_password": PASSWORD})
    assert right.status_code == 200


def test_an_administrator_sets_the_password_of_another(
    admin: Portal, client: TestClient, people: People
) -> None:
    path = f"/users/{people.alice.id}/password"
    assert admin.put(path, {"new_password": "weak"}).status_code == 400
    assert admin.put(path, {"new_password": "Another-1-word"}).status_code == 200
    fresh = Portal(client, people.basic("alice", "Another-1-word"))
    assert fresh.get("/users/current").status_code == 200


def test_names_can_be_looked_for_by_whoever_has_an_account(
    alice: Portal, nobody: Portal, calling: Callable[[User], Portal], people: People
) -> None:
    people.user("carol")
    found = alice.get("/users/search", username="car")
    assert found.json == [{"user_id": people.user("carol").id, "username": "carol"}]
    assert found.headers["x-total-count"] == "1"
    assert alice.get("/users/search", username="%").json == []
    assert alice.get("/users/search").status_code == 400
    assert nobody.get("/users/search", username="car").status_code == 401
