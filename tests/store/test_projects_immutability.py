"""Rules of immutability in a real database: kept, changed, removed, and what they say of a tag."""

from collections.abc import Callable

import pytest

from moorage.db.connection import is_postgresql
from moorage.events import ProjectChanged
from moorage.oci.names import RepositoryName
from moorage.projects.errors import (
    ImmutabilityRuleExistsError,
    ImmutabilityRulesFullError,
    ImmutabilityRuleUnknownError,
    ImmutableTagError,
    ProjectInvalidError,
    ProjectUnknownError,
)
from moorage.projects.immutability import MAX_RULES, Immutability
from moorage.projects.immutability_store import ImmutabilityStore
from moorage.projects.model import ImmutabilityRule, Project
from moorage.projects.selectors import Selector
from moorage.projects.tables import ImmutabilityRuleRow
from tests.support.accounts import ACTOR, Accounts
from tests.support.at_once import at_once
from tests.support.clock import SetClock
from tests.support.statements import counted_statements
from tests.support.waiting import ahead_of

EVERYWHERE = Selector("**", "repoMatches")
RELEASES = Selector("v*")
APP = RepositoryName("dock/app")


@pytest.fixture
def accounts(database: str, clock: SetClock) -> Accounts:
    return Accounts(clock)


@pytest.fixture
def dock(accounts: Accounts) -> Project:
    return accounts.project("dock")


@pytest.fixture
def immutability(accounts: Accounts, clock: SetClock) -> Immutability:
    return Immutability(ImmutabilityStore(), accounts.events, clock)


@pytest.fixture
def add(immutability: Immutability, dock: Project) -> Callable[..., ImmutabilityRule]:
    """Adds a rule to ``dock``: by the pattern of tags, and what else is given."""

    def made(tags: str = "v*", repositories: str = "**", **more: object) -> ImmutabilityRule:
        decorated = {
            "tags": Selector(tags, more.pop("tag_decoration", "matches")),
            "repositories": Selector(repositories, more.pop("repository_decoration", "repoMatches")),
        }
        return immutability.add(ACTOR, dock.id, **decorated, **more)

    return made


def changes(accounts: Accounts) -> list[str]:
    return [event.what for event in accounts.told if isinstance(event, ProjectChanged)]


def test_a_rule_is_kept_as_it_was_made_and_told(
    accounts: Accounts, dock: Project, immutability: Immutability, clock: SetClock
):
    made = immutability.add(
        ACTOR,
        dock.id,
        repositories=Selector("{app,lib/**}", "repoExcludes"),
        tags=Selector("latest", "excludes"),
        disabled=True,
        priority=7,
    )
    assert immutability.rules(dock.id) == [made]
    assert immutability.get(dock.id, made.id) == made
    assert (made.project_id, made.disabled, made.priority, made.created_at) == (dock.id, True, 7, clock())
    assert made.repositories == Selector("{app,lib/**}", "repoExcludes")
    assert made.tags == Selector("latest", "excludes")
    assert accounts.told[-1] == ProjectChanged(
        ACTOR,
        dock.id,
        "dock",
        f"immutability rule {made.id} added: all tags but 'latest' in "
        "all repositories but '{app,lib/**}' (disabled)",
    )


NO_RULES = [
    (Selector("[", "repoMatches"), RELEASES, 0),
    (Selector("", "repoMatches"), RELEASES, 0),
    (EVERYWHERE, Selector("{a"), 0),
    (EVERYWHERE, Selector("**", "repoMatches"), 0),
    (RELEASES, RELEASES, 0),
    (EVERYWHERE, Selector("**", kind="regexp"), 0),
    (EVERYWHERE, Selector("a\0"), 0),
    (EVERYWHERE, RELEASES, -1),
    (EVERYWHERE, RELEASES, 2**31),
]


def test_what_is_no_rule_is_refused(dock: Project, immutability: Immutability):
    good = immutability.add(ACTOR, dock.id, repositories=EVERYWHERE, tags=Selector("x"))
    for repositories, tags, priority in NO_RULES:
        wrong = {"repositories": repositories, "tags": tags, "priority": priority}
        with pytest.raises(ProjectInvalidError):
            immutability.add(ACTOR, dock.id, **wrong)
        with pytest.raises(ProjectInvalidError):
            immutability.change(ACTOR, dock.id, good.id, **wrong, disabled=True)
    assert immutability.rules(dock.id) == [good]


def test_a_second_rule_for_the_same_tags_is_refused_and_named(
    accounts: Accounts, dock: Project, immutability: Immutability, add: Callable[..., ImmutabilityRule]
):
    first = add("v*")
    with pytest.raises(ImmutabilityRuleExistsError, match=f"rule {first.id} keeps tags like 'v\\*' in"):
        add("v*", disabled=True, priority=3)
    others = [
        add("v*", tag_decoration="excludes"),
        add("v*", repository_decoration="repoExcludes"),
        add("v*", "app"),
    ]
    with pytest.raises(ImmutabilityRuleExistsError):
        immutability.change(ACTOR, dock.id, others[2].id, repositories=EVERYWHERE)
    immutability.add(ACTOR, accounts.project("pier").id, repositories=EVERYWHERE, tags=RELEASES)
    assert immutability.rules(dock.id) == [first, *others]


def test_a_project_has_fifteen_rules_at_most_however_many_are_added_at_once(
    accounts: Accounts, dock: Project, immutability: Immutability, add: Callable[..., ImmutabilityRule]
):
    for number in range(MAX_RULES - 2):
        add(f"v{number}.*")
    results = at_once(*[lambda tag=tag: add(tag) for tag in "abcde"])
    assert sum(isinstance(result, ImmutabilityRule) for result in results) == 2
    assert sum(isinstance(result, ImmutabilityRulesFullError) for result in results) == 3
    assert len(immutability.rules(dock.id)) == MAX_RULES == 15
    immutability.remove(ACTOR, dock.id, immutability.rules(dock.id)[0].id)
    add("f")
    immutability.add(ACTOR, accounts.project("pier").id, repositories=EVERYWHERE, tags=RELEASES)


def test_on_postgresql_a_rule_waits_for_one_that_is_being_added(
    accounts: Accounts, dock: Project, immutability: Immutability, add: Callable[..., ImmutabilityRule]
):
    if not is_postgresql():
        pytest.skip("SQLite has one writer")
    for number in range(MAX_RULES - 2):
        add(f"v{number}.*")
    with ahead_of(lambda: add("w*")) as later:
        add("w*")
    assert isinstance(later.exception(), ImmutabilityRuleExistsError)
    with ahead_of(lambda: add("y*")) as later:
        add("x*")
    assert isinstance(later.exception(), ImmutabilityRulesFullError)
    assert len(immutability.rules(dock.id)) == MAX_RULES


def test_of_several_that_add_one_rule_at_once_one_does(
    dock: Project, immutability: Immutability, add: Callable[..., ImmutabilityRule]
):
    results = at_once(*[lambda: add("v*")] * 4)
    names = sorted(type(result).__name__ for result in results)
    assert names == ["ImmutabilityRule"] + ["ImmutabilityRuleExistsError"] * 3
    assert len(immutability.rules(dock.id)) == 1


def test_a_change_leaves_what_it_does_not_name_and_is_told_once(
    accounts: Accounts, dock: Project, immutability: Immutability, add: Callable[..., ImmutabilityRule]
):
    rule = add("v*", "app", priority=4)
    changed = immutability.change(ACTOR, dock.id, rule.id, disabled=True)
    assert (changed.disabled, changed.tags, changed.repositories) == (True, rule.tags, rule.repositories)
    assert changed.priority == 4
    again = immutability.change(ACTOR, dock.id, rule.id, disabled=True, tags=RELEASES)
    assert again == changed == immutability.get(dock.id, rule.id)
    assert changes(accounts)[1:] == [
        f"immutability rule {rule.id} changed: tags like 'v*' in repositories like 'app' (disabled)"
    ]
    moved = immutability.change(
        ACTOR, dock.id, rule.id, tags=Selector("r*"), repositories=EVERYWHERE, priority=0, disabled=False
    )
    assert immutability.rules(dock.id) == [moved]
    assert (moved.tags, moved.repositories, moved.priority) == (Selector("r*"), EVERYWHERE, 0)


def test_a_rule_of_another_project_is_unknown_here(
    accounts: Accounts, dock: Project, immutability: Immutability
):
    pier = accounts.project("pier")
    rule = immutability.add(ACTOR, pier.id, repositories=EVERYWHERE, tags=RELEASES)
    calls: list[Callable[[], object]] = [
        lambda: immutability.get(dock.id, rule.id),
        lambda: immutability.change(ACTOR, dock.id, rule.id, disabled=True),
        lambda: immutability.remove(ACTOR, dock.id, rule.id),
    ]
    for call in calls:
        with pytest.raises(ImmutabilityRuleUnknownError):
            call()
    assert immutability.rules(pier.id) == [rule]
    assert not immutability.is_immutable(dock.id, APP, "v1")


def test_rules_of_no_project_are_refused(dock: Project, immutability: Immutability):
    calls: list[Callable[[], object]] = [
        lambda: immutability.add(ACTOR, 777, repositories=EVERYWHERE, tags=RELEASES),
        lambda: immutability.change(ACTOR, 777, 1, disabled=True),
        lambda: immutability.remove(ACTOR, 777, 1),
    ]
    for call in calls:
        with pytest.raises(ProjectUnknownError):
            call()
    assert immutability.rules(777) == []


def test_rules_go_with_their_project(accounts: Accounts, dock: Project, add: Callable[..., ImmutabilityRule]):
    add("v*")
    accounts.projects.delete(ACTOR, dock.id)
    assert ImmutabilityRuleRow.select().count() == 0


def test_a_removed_rules_number_is_not_given_out_again(
    accounts: Accounts, dock: Project, immutability: Immutability, add: Callable[..., ImmutabilityRule]
):
    rule = add("v*")
    immutability.remove(ACTOR, dock.id, rule.id)
    assert immutability.rules(dock.id) == []
    assert changes(accounts)[-1].startswith(f"immutability rule {rule.id} removed: ")
    assert add("v*").id > rule.id


SEEN = [
    ("**", "v*", ["app:v1", "a/b/c:v2"], ["app:1", "a/b/c:latest"]),
    ("*", "**", ["app:v1"], ["a/b:v1", "a/b/c:v1"]),
    ("a/**", "**", ["a/b:1", "a/b/c:1"], ["a:1", "ab:1", "b/a:1"]),
    ("a/*", "**", ["a/b:1"], ["a:1", "a/b/c:1"]),
    ("**/c", "**", ["c:1", "a/b/c:1"], ["a/b:1", "c/d:1"]),
    ("{app,a/b/c}", "{1,2}.*", ["app:1.0", "a/b/c:2.0"], ["app:3.0", "a/b:1.0"]),
    # The project is no part of the name that a rule sees.
    ("dock/app", "**", ["dock/app:1"], ["app:1"]),
]


def test_a_rule_sees_the_whole_name_below_the_project(
    dock: Project, immutability: Immutability, add: Callable[..., ImmutabilityRule]
):
    for repositories, tags, immutable, free in SEEN:
        rule = add(tags, repositories)
        for expected, names in ((True, immutable), (False, free)):
            for name in names:
                path, _, tag = name.partition(":")
                repository = RepositoryName(f"dock/{path}")
                assert immutability.is_immutable(dock.id, repository, tag) is expected, (rule, name)
        immutability.remove(ACTOR, dock.id, rule.id)


def test_rules_add_up_and_disabled_ones_do_not_count(
    dock: Project, immutability: Immutability, add: Callable[..., ImmutabilityRule]
):
    add("v*")
    add("latest", tag_decoration="excludes", repository_decoration="repoExcludes", repositories="{app,lib}")
    add("**", disabled=True)
    tags = ["v1", "latest", "edge"]
    assert immutability.immutable_among(dock.id, APP, tags) == {"v1"}
    assert immutability.immutable_among(dock.id, RepositoryName("dock/x/y"), tags) == {"v1", "edge"}


def test_the_rule_of_the_lowest_priority_is_named(
    dock: Project, immutability: Immutability, add: Callable[..., ImmutabilityRule]
):
    later, first, other = add("v*", priority=2), add("v1", priority=1), add("v2", priority=2)
    deciding = immutability.deciding(dock.id, APP, ["v1", "v2", "v3", "x"])
    assert deciding == {"v1": first, "v2": later, "v3": later}
    with pytest.raises(ImmutableTagError) as refused:
        immutability.check(dock.id, APP, "v1")
    assert refused.value.code == "PRECONDITION"
    assert refused.value.message == (
        f"tag v1 of dock/app is immutable: rule {first.id} of the project keeps "
        "tags like 'v1' in repositories like '**'"
    )
    assert refused.value.detail == {"tag": "v1", "rule": first.id}
    assert immutability.rules(dock.id) == [first, later, other]


def test_a_long_pattern_is_cut_in_messages(
    dock: Project, immutability: Immutability, add: Callable[..., ImmutabilityRule]
):
    add("{" + ",".join(f"tag-{number}" for number in range(120)) + "}")
    with pytest.raises(ImmutableTagError) as refused:
        immutability.check(dock.id, APP, "tag-119")
    assert len(refused.value.message) < 300
    assert "tag-0,tag-1" in refused.value.message


def test_thousands_of_tags_cost_one_statement(
    dock: Project, immutability: Immutability, add: Callable[..., ImmutabilityRule]
):
    add("v*")
    add("{1,2,3}.*")
    tags = [f"{'v' if number % 2 else ''}{number}.0" for number in range(5000)]
    with counted_statements() as ran:
        found = immutability.immutable_among(dock.id, APP, tags)
    assert len(ran) == 1
    assert len(found) == 2500 + 1  # 2.0
