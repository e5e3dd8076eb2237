"""`q` and `sort` under attack: nothing of either ever becomes part of a statement."""

from collections.abc import Callable
from typing import Any

import peewee
import pytest

from moorage.audit.tables import EntryRow
from moorage.distribution.tables import LabelRow, ManifestRow, RepositoryRow, TagRow
from moorage.identity.tables import RobotRow, UserRow
from moorage.jobs.tables import ExecutionRow, ScheduleRow
from moorage.projects.model import Project
from moorage.projects.tables import ProjectRow
from tests.http.harbor.portal import Portal, Pusher, code_of, repository_path
from tests.support.images import image
from tests.support.statements import counted_statements

APP = repository_path("dock/app")
#: Each list with the table it shows.
LISTS: dict[str, type[peewee.Model]] = {
    "/projects": ProjectRow,
    "/users": UserRow,
    "/repositories": RepositoryRow,
    "/projects/dock/repositories": RepositoryRow,
    f"{APP}/artifacts": ManifestRow,
    "/projects/dock/artifacts": ManifestRow,
    "/labels": LabelRow,
    f"{APP}/artifacts/1/tags": TagRow,
    "/audit-logs": EntryRow,
    "/projects/dock/logs": EntryRow,
    "/robots": RobotRow,
    "/system/gc": ExecutionRow,
    "/system/purgeaudit": ExecutionRow,
    "/schedules": ScheduleRow,
}
ATTACKS = [
    "'",
    '"',
    "';--",
    "1;DROP TABLE project",
    "name' OR '1'='1",
    "name) UNION SELECT password_hash FROM account--",
    "(SELECT 1)",
    "name;SELECT pg_sleep(5)",
    "1 AND SLEEP(5)",
    "name COLLATE NOCASE",
    "name ASC, (CASE WHEN 1 THEN 1 END)",
    "RANDOM()",
    "%27",
    "\\",
    "name\x00",
    "\u2019 OR 1=1",
    "-",
    "--name",
    "name,-name",
    "${jndi:ldap://x}",
    "{{7*7}}",
]
KEYS_OF_Q = {
    "/projects": "name",
    "/users": "username",
    "/repositories": "name",
    "/projects/dock/repositories": "name",
    f"{APP}/artifacts": "tags",
    "/projects/dock/artifacts": "artifact_type",
    "/labels": "name",
    f"{APP}/artifacts/1/tags": "name",
    "/audit-logs": "resource",
    "/projects/dock/logs": "resource",
    "/robots": "ProjectID",
    "/system/gc": "job_status",
    "/system/purgeaudit": "job_status",
    "/schedules": "kind",
}


@pytest.fixture
def ask(admin: Portal, dock: Project, push: Pusher) -> Callable[..., Any]:
    """An administrator's question to a list in which there is something to find."""
    push("dock/app", image(), "1")
    return admin.get


@pytest.mark.parametrize("path", LISTS)
def test_an_order_that_is_no_field_is_refused_before_any_list_is_read(
    ask: Callable[..., Any], path: str
) -> None:
    for attack in ATTACKS:
        with counted_statements() as statements:
            refused = ask(path, sort=attack)
        if path != "/robots":  # which has one order and does not look at the parameter
            assert (refused.status_code, code_of(refused)) == (400, "BAD_REQUEST"), attack
        assert attack not in str(statements) or len(attack) == 1


@pytest.mark.parametrize("path", LISTS)
def test_a_value_is_only_ever_a_value(ask: Callable[..., Any], path: str) -> None:
    key = KEYS_OF_Q[path]
    for attack in ATTACKS:
        if "," in attack:
            continue
        with counted_statements() as statements:
            answer = ask(path, q=f"{key}={attack}")
        assert answer.status_code in (200, 400), attack
        if answer.status_code == 200:
            assert answer.json == []
        assert attack not in str(statements) or len(attack) == 1


def test_a_key_is_one_of_a_few(ask: Callable[..., Any]) -> None:
    for path in LISTS:
        for attack in ATTACKS:
            assert ask(path, q=f"{attack}=x").status_code == 400, (path, attack)


#: Columns whose names are fields that the list shows, and that it may be asked about.
OFFERED = {
    "/projects": {"name", "owner", "public"},
    "/users": set[str](),
    "/repositories": {"name", "pull_count"},
    "/projects/dock/repositories": {"name", "pull_count"},
    f"{APP}/artifacts": {"id", "digest", "artifact_type", "media_type"},
    "/projects/dock/artifacts": {"id", "digest", "artifact_type", "media_type"},
    "/labels": {"id", "name"},
    f"{APP}/artifacts/1/tags": {"name"},
    "/audit-logs": {
        *("request_id", "actor_kind", "address", "resource_type", "resource", "project", "repository"),
        *("operation", "tag", "digest", "result"),
    },
    "/robots": {"name"},
    "/system/gc": {"id"},
    "/system/purgeaudit": {"id"},
}

#: What lists can be sorted by besides, under the very name of the column.
ORDERED = {"/robots": {"id", "expires_at"}}


@pytest.mark.parametrize("path", [path for path in LISTS if path in OFFERED])
def test_no_column_can_be_asked_about_unless_it_is_offered(ask: Callable[..., Any], path: str) -> None:
    columns = {field.name for field in LISTS[path]._meta.sorted_fields}
    columns |= {field.column_name for field in LISTS[path]._meta.sorted_fields}
    hidden = columns - OFFERED[path]
    assert hidden
    for column in hidden:
        for q in (f"{column}=a", f"{column}=~a", f"{column}=[a~b]", f"{column}={{a b}}"):
            assert ask(path, q=q).status_code == 400, q
        if column not in ORDERED.get(path, ()):
            assert ask(path, sort=column).status_code == 400, column
            assert ask(path, sort=f"-{column}").status_code == 400, column


MALFORMED = [
    "name",
    "=x",
    "name=",
    "name=~",
    "name=[a",
    "name=[a~b~c]",
    "name={}",
    "name=( )",
    "name=a,name=b",
    "name=[a~b]",
    "x" * 5000,
    "name=" + "a" * 5000,
]


def test_a_question_that_is_none_is_refused(ask: Callable[..., Any]) -> None:
    for q in MALFORMED:
        refused = ask("/projects", q=q)
        assert (refused.status_code, code_of(refused)) == (400, "BAD_REQUEST"), q


def test_a_character_that_nothing_has_is_found_under_two_layers_of_code(admin: Portal) -> None:
    answer = admin.get("/labels?q=name%253D~a%2500")
    assert answer.status_code == 400


@pytest.mark.parametrize("path", [path for path in LISTS if not path.endswith("logs")])
def test_a_page_where_no_list_reaches_is_empty(ask: Callable[..., Any], path: str) -> None:
    answer = ask(path, page=999_999_999_999_999_999, page_size=100)
    assert (answer.status_code, answer.json) == (200, [])
    assert ask(path, page=10**18).status_code == 400
