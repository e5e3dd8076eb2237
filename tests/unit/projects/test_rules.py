"""The permission table: every role, robot, stranger and administrator against every permission.

The expectations are written out as the sizes and the borders of the matrix, so that a slip in the
table cannot move them along; the rest is generated.
"""

from dataclasses import replace
from itertools import pairwise, product

import pytest

from moorage.identity.model import RobotRight
from moorage.projects import rules
from moorage.projects.model import AccountStanding, Permission, Role, Standing, SystemPermission
from moorage.projects.rules import PUBLIC, ROBOT_RIGHTS, SYSTEM, TABLE, permitted, robot_rights_allowed

MEMBER = Standing(project_id=1, public=False, active=True, admin=False, role=None)
LADDER = [Role.LIMITED_GUEST, Role.GUEST, Role.DEVELOPER, Role.MAINTAINER, Role.PROJECT_ADMIN]
EVERYTHING = sorted(TABLE)


def name(value: object) -> str | None:
    return ":".join(value) if isinstance(value, Permission) else None


def held(standing: Standing | None) -> set[Permission]:
    return {permission for permission in TABLE if permitted(standing, permission)}


def robot(*rights: Permission, public: bool = False) -> Standing:
    return replace(MEMBER, public=public, rights=frozenset(RobotRight(*right) for right in rights))


@pytest.mark.parametrize(
    ("role", "count"),
    list(zip(LADDER, [14, 20, 36, 54, 76], strict=True)),
    ids=lambda value: getattr(value, "name", None),
)
def test_each_role_holds_as_many_permissions_as_the_matrix_has(role: Role, count: int):
    assert len(held(replace(MEMBER, role=role))) == count


@pytest.mark.parametrize(("lower", "higher"), list(pairwise(LADDER)))
def test_a_higher_role_can_do_all_that_a_lower_one_can_and_more(lower: Role, higher: Role):
    assert held(replace(MEMBER, role=lower)) < held(replace(MEMBER, role=higher))


@pytest.mark.parametrize(
    ("permission", "least"),
    [
        (rules.PULL, Role.LIMITED_GUEST),
        (rules.READ_PROJECT, Role.LIMITED_GUEST),
        (rules.LIST_TAGS, Role.LIMITED_GUEST),
        (rules.READ_QUOTA, Role.LIMITED_GUEST),
        (rules.LIST_MEMBERS, Role.GUEST),
        (rules.LIST_ROBOTS, Role.GUEST),
        (rules.READ_LABEL, Role.GUEST),
        (rules.PUSH, Role.DEVELOPER),
        (rules.CREATE_TAG, Role.DEVELOPER),
        (rules.UPDATE_REPOSITORY, Role.DEVELOPER),
        (rules.DELETE_ARTIFACT, Role.MAINTAINER),
        (rules.DELETE_TAG, Role.MAINTAINER),
        (rules.DELETE_REPOSITORY, Role.MAINTAINER),
        (rules.READ_METADATA, Role.MAINTAINER),
        (rules.LIST_LOGS, Role.PROJECT_ADMIN),
        (rules.CREATE_MEMBER, Role.PROJECT_ADMIN),
        (rules.CREATE_ROBOT, Role.PROJECT_ADMIN),
        (rules.UPDATE_METADATA, Role.PROJECT_ADMIN),
        (rules.DELETE_PROJECT, Role.PROJECT_ADMIN),
    ],
    ids=name,
)
def test_the_border_of_a_permission_lies_where_the_matrix_has_it(permission: Permission, least: Role):
    allowed = {role for role in Role if permitted(replace(MEMBER, role=role), permission)}
    assert allowed == set(LADDER[LADDER.index(least) :])


@pytest.mark.parametrize(("role", "permission"), list(product(Role, EVERYTHING)), ids=name)
def test_a_role_holds_exactly_what_its_column_says(role: Role, permission: Permission):
    assert permitted(replace(MEMBER, role=role), permission) is (role in TABLE[permission])


@pytest.mark.parametrize(("role", "permission"), list(product(Role, EVERYTHING)), ids=name)
def test_in_a_public_project_a_role_holds_what_strangers_hold_besides(role: Role, permission: Permission):
    standing = replace(MEMBER, role=role, public=True)
    assert permitted(standing, permission) is (role in TABLE[permission] or permission in PUBLIC)


@pytest.mark.parametrize("permission", EVERYTHING, ids=name)
def test_a_stranger_may_do_in_a_public_project_what_is_public_and_in_a_private_one_nothing(
    permission: Permission,
):
    assert not permitted(MEMBER, permission)
    assert permitted(replace(MEMBER, public=True), permission) is (permission in PUBLIC)


def test_strangers_can_never_change_anything():
    assert {permission.action for permission in PUBLIC} == {"read", "list", "pull"}
    assert TABLE.keys() >= PUBLIC


def test_strangers_never_learn_who_belongs_to_a_project():
    assert not {permission.resource for permission in PUBLIC} & {
        "member",
        "robot",
        "log",
        "metadata",
        "quota",
    }


ACTIVE = [
    *(replace(MEMBER, role=role) for role in Role),
    MEMBER,
    robot(),
    robot(rules.PUSH),
    replace(MEMBER, admin=True),
]


@pytest.mark.parametrize("standing", ACTIVE, ids=lambda each: f"{each.role}{each.admin}{each.rights}")
def test_who_is_logged_in_never_gets_less_than_who_is_not(standing: Standing):
    assert held(replace(standing, public=True)) >= held(replace(MEMBER, public=True))
    assert held(replace(standing, public=True)) >= held(standing)


@pytest.mark.parametrize("permission", EVERYTHING, ids=name)
def test_an_administrator_may_do_everything_in_every_project(permission: Permission):
    assert permitted(replace(MEMBER, admin=True), permission)


@pytest.mark.parametrize("permission", EVERYTHING, ids=name)
def test_a_robot_may_do_exactly_what_is_on_its_list(permission: Permission):
    assert held(robot(permission)) == {permission}
    assert held(robot(permission, public=True)) == {permission} | PUBLIC


def test_a_robot_without_rights_may_do_nothing():
    assert held(robot()) == set()


@pytest.mark.parametrize("standing", ACTIVE)
@pytest.mark.parametrize("public", [True, False])
def test_a_void_account_may_do_nothing_not_even_what_is_public(standing: Standing, public: bool):
    assert held(replace(standing, active=False, public=public)) == set()


def test_in_a_project_that_does_not_exist_nobody_may_do_anything():
    assert held(None) == set()


@pytest.mark.parametrize(
    "unknown", [Permission("repository", "explode"), Permission("", ""), Permission("repository:pull", "")]
)
def test_what_is_not_in_the_table_is_allowed_to_nobody(unknown: Permission):
    assert not permitted(replace(MEMBER, admin=True, role=Role.PROJECT_ADMIN, public=True), unknown)
    assert not permitted(robot(unknown), unknown)


def test_every_permission_that_the_code_names_is_in_the_table():
    named = {value for value in vars(rules).values() if isinstance(value, Permission)}
    assert named <= TABLE.keys()
    assert len(named) > 30


def test_every_permission_of_the_table_can_be_given_to_a_robot_and_nothing_else():
    assert {Permission(right.resource, right.action) for right in ROBOT_RIGHTS} == TABLE.keys()


@pytest.mark.parametrize("role", list(Role), ids=lambda role: role.name)
def test_nobody_can_give_a_robot_more_than_they_hold(role: Role):
    standing = replace(MEMBER, role=role)
    own = {RobotRight(*permission) for permission in held(standing)}
    assert robot_rights_allowed(standing, own)
    for right in ROBOT_RIGHTS - own:
        assert not robot_rights_allowed(standing, own | {right})


def test_a_robot_can_pass_on_its_own_rights_only():
    standing = robot(rules.CREATE_ROBOT, rules.PULL)
    assert robot_rights_allowed(standing, {RobotRight("repository", "pull")})
    assert not robot_rights_allowed(standing, {RobotRight("repository", "push")})


@pytest.mark.parametrize(
    "right", [RobotRight("*", "*"), RobotRight("repository", "*"), RobotRight("user", "create")]
)
def test_not_even_an_administrator_can_give_a_robot_what_is_not_in_the_table(right: RobotRight):
    assert not robot_rights_allowed(replace(MEMBER, admin=True), {right})
    assert not robot_rights_allowed(None, {right})


@pytest.mark.parametrize("permission", sorted(SYSTEM), ids=":".join)
def test_an_administrator_may_do_everything_outside_projects_and_a_common_user_nothing(
    permission: SystemPermission,
):
    assert rules.system_permitted(AccountStanding(active=True, admin=True), permission)
    assert not rules.system_permitted(AccountStanding(active=True, admin=False), permission)
    assert not rules.system_permitted(AccountStanding(active=False, admin=True), permission)


@pytest.mark.parametrize("permission", sorted(SYSTEM), ids=":".join)
def test_a_robot_may_do_outside_projects_what_is_on_its_list_but_never_what_takes_a_person(
    permission: SystemPermission,
):
    own = AccountStanding(active=True, admin=False, rights=frozenset({RobotRight(*permission)}))
    held_outside = {each for each in SYSTEM if rules.system_permitted(own, each)}
    assert held_outside == {permission} - rules.IN_PERSON
    assert not rules.system_permitted(replace(own, active=False), permission)
    assert (RobotRight(*permission) in rules.SYSTEM_ROBOT_RIGHTS) is (permission not in rules.IN_PERSON)


def test_an_auditor_reads_and_changes_nothing():
    assert {each.action for each in rules.SYSTEM_AUDITOR | rules.AUDITOR} == {"read", "list"}
    inside, outside = replace(MEMBER, auditor=True), AccountStanding(active=True, admin=False, auditor=True)
    assert held(inside) == rules.AUDITOR
    assert {each for each in SYSTEM if rules.system_permitted(outside, each)} == rules.SYSTEM_AUDITOR
    assert held(replace(inside, active=False)) == set()
    assert not rules.system_permitted(replace(outside, active=False), rules.LIST_AUDIT_LOG)


def test_an_auditor_gets_nothing_out_of_an_artifact():
    content = {
        "artifact",
        "artifact-addition",
        "accessory",
        "scan",
        "sbom",
        "tag",
        "export-cve",
        "security-hub",
    }
    assert not content & {each.resource for each in rules.AUDITOR | rules.SYSTEM_AUDITOR}
    assert not permitted(replace(MEMBER, auditor=True), rules.PULL)


def test_an_auditor_keeps_the_role_that_they_have():
    both = replace(MEMBER, auditor=True, role=Role.DEVELOPER)
    assert held(both) == held(replace(MEMBER, role=Role.DEVELOPER)) | rules.AUDITOR


def test_every_permission_outside_projects_that_the_code_names_is_in_the_table():
    named = {value for value in vars(rules).values() if isinstance(value, SystemPermission)}
    assert named <= SYSTEM
