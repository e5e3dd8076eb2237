"""An immutable tag attacked in every way that the registry's room has, and what is free all the same."""

import json
from collections.abc import Callable
from functools import partial

import peewee
import pytest

from moorage.db.connection import database as handle
from moorage.db.connection import is_postgresql
from moorage.distribution.copies import Copies, Route
from moorage.distribution.detail_store import DetailStore
from moorage.distribution.details import Details
from moorage.distribution.errors import ManifestBlobUnknownError, ManifestInUseError, ManifestUnknownError
from moorage.errors import NotFound
from moorage.events import TagMoved
from moorage.oci.digest import Digest
from moorage.oci.names import RepositoryName, Tag
from moorage.projects.errors import ImmutableTagError
from moorage.projects.model import ImmutabilityRule
from moorage.projects.selectors import Selector
from tests.support.distribution import ALICE, APP, BOB, OTHER, Distribution, index
from tests.support.images import OCI_INDEX, OCI_MANIFEST
from tests.support.race import failures, together
from tests.support.statements import counted_statements
from tests.support.waiting import ahead_of

RULES = "immutability_rule"
NESTED = RepositoryName("library/a/b/c")


@pytest.fixture
def site(database, tmp_path, clock):
    return Distribution(tmp_path, clock)


def keep(site: Distribution, tags: str = "v*", repositories: str = "**", **more: object) -> ImmutabilityRule:
    return site.immutability.add(
        ALICE,
        site.project_id,
        repositories=Selector(repositories, "repoMatches"),
        tags=Selector(tags),
        **more,
    )


def contents() -> dict[str, list[str]]:
    """Every row of every table."""
    tables = [peewee.Table(name) for name in handle.get_tables() if not name.startswith("sqlite_")]
    return {
        table.__name__: sorted(map(repr, table.select(peewee.SQL("*")).tuples().execute(handle)))
        for table in tables
    }


def copies(site: Distribution) -> Copies:
    return Copies(site.manifests, site.tags, site.uploads, Details(DetailStore()))


def named(site: Distribution, tag: str, repository: RepositoryName = APP) -> Digest:
    return site.manifests.get(repository, Tag(tag)).digest


def whatever(site: Distribution, tag: str) -> Digest | None:
    """What the tag names; None when it, or its repository, is gone."""
    try:
        return named(site, tag)
    except NotFound:
        return None


class Scene:
    """``v1`` of `repository` is immutable and names `kept`; `other` is there as well, as ``edge``.

    `elsewhere` is another repository's ``v1``.
    """

    def __init__(self, site: Distribution, repository: RepositoryName) -> None:
        self.site = site
        self.repository = repository
        self.kept = site.push_image("v1", b"kept", repository=repository)
        self.other = site.push_image("edge", b"other", repository=repository)
        self.elsewhere = site.push_image("v1", b"elsewhere", repository=OTHER)
        self.body = site.manifests.get(repository, self.other).body
        self.rule = keep(site, repositories=repository.path)

    def push(self) -> object:
        return self.site.push_manifest(self.body, "v1", self.repository)

    def push_something_new(self) -> object:
        body = json.dumps({**json.loads(self.body), "annotations": {"new": "yes"}}).encode()
        return self.site.push_manifest(body, "v1", self.repository)

    def push_an_index(self) -> object:
        line = {"mediaType": OCI_MANIFEST, "digest": str(self.other), "size": len(self.body)}
        return self.site.push_manifest(index([line]), "v1", self.repository, media_type=OCI_INDEX)

    def tag(self) -> object:
        return self.site.tags.put(ALICE, self.site.project_id, self.repository, Tag("v1"), self.other)

    def copy(self) -> object:
        route = Route(ALICE, OTHER, self.site.project_id, self.repository)
        return copies(self.site).copy(route, Tag("v1"))

    def delete_tag(self) -> object:
        return self.site.tags.delete(ALICE, self.site.project_id, self.repository, Tag("v1"))

    def delete_manifest(self) -> object:
        return self.site.manifests.delete(ALICE, self.site.project_id, self.repository, self.kept)

    def delete_repository(self) -> object:
        return self.site.repositories.delete(ALICE, self.repository)


ATTACKS: list[Callable[[Scene], object]] = [
    Scene.push,
    Scene.push_something_new,
    Scene.push_an_index,
    Scene.tag,
    Scene.copy,
    Scene.delete_tag,
    Scene.delete_manifest,
    Scene.delete_repository,
]


@pytest.fixture(params=[APP, NESTED], ids=["plain", "nested"])
def scene(request, site):
    return Scene(site, request.param)


def free_by_removing(scene: Scene) -> None:
    scene.site.immutability.remove(ALICE, scene.site.project_id, scene.rule.id)


def free_by_disabling(scene: Scene) -> None:
    scene.site.immutability.change(ALICE, scene.site.project_id, scene.rule.id, disabled=True)


def free_by_other_tags(scene: Scene) -> None:
    scene.site.immutability.change(ALICE, scene.site.project_id, scene.rule.id, tags=Selector("w*"))


def free_by_other_repositories(scene: Scene) -> None:
    wanted = Selector("none", "repoMatches")
    scene.site.immutability.change(ALICE, scene.site.project_id, scene.rule.id, repositories=wanted)


@pytest.mark.parametrize("attack", ATTACKS, ids=lambda attack: attack.__name__)
def test_an_immutable_tag_withstands_and_nothing_changes(scene: Scene, attack: Callable[[Scene], object]):
    before, files, told = contents(), scene.site.files(), len(scene.site.told)
    with pytest.raises(ImmutableTagError, match=f"tag v1 of {scene.repository} .* rule {scene.rule.id} "):
        attack(scene)
    assert contents() == before
    assert scene.site.files() == files
    assert [event for event in scene.site.told[told:] if isinstance(event, TagMoved)] == []
    assert named(scene.site, "v1", scene.repository) == scene.kept


@pytest.mark.parametrize("attack", ATTACKS, ids=lambda attack: attack.__name__)
def test_once_the_rule_is_gone_all_of_it_works(site: Distribution, attack: Callable[[Scene], object]):
    scene = Scene(site, APP)
    with pytest.raises(ImmutableTagError):
        attack(scene)
    free_by_removing(scene)
    attack(scene)
    assert whatever(site, "v1") != scene.kept


@pytest.mark.parametrize(
    "free",
    [free_by_disabling, free_by_other_tags, free_by_other_repositories],
    ids=lambda free: free.__name__,
)
def test_a_rule_that_was_changed_lets_go_at_once(site: Distribution, free: Callable[[Scene], None]):
    scene = Scene(site, APP)
    free(scene)
    scene.tag()
    assert named(site, "v1") == scene.other


def test_other_tags_move_and_go_as_ever(site: Distribution):
    scene, tag = Scene(site, APP), "w1"
    site.push_image(tag, b"first")
    second = site.push_image(tag, b"second")
    assert named(site, tag) == second
    site.tags.put(ALICE, site.project_id, APP, Tag(tag), scene.kept)
    site.tags.delete(ALICE, site.project_id, APP, Tag(tag))
    site.manifests.delete(ALICE, site.project_id, APP, second)


def test_a_tag_of_another_repository_or_project_is_none_of_the_rules_business(site: Distribution):
    Scene(site, APP)
    site.push_image("v1", b"moved", repository=OTHER)
    site.repositories.delete(ALICE, OTHER)
    pier = site.project("pier")
    for data in (b"1", b"2"):
        site.push_image("v1", data, repository=RepositoryName("pier/app"), project_id=pier)


def test_a_tag_that_matches_is_made_once(site: Distribution):
    keep(site)
    first = site.push_image("v2", b"first")
    with pytest.raises(ImmutableTagError):
        site.push_image("v2", b"second")
    other = site.push_image(None, b"other")
    site.tags.put(ALICE, site.project_id, APP, Tag("v3"), other)
    with pytest.raises(ImmutableTagError):
        site.tags.put(ALICE, site.project_id, APP, Tag("v3"), first)
    assert (named(site, "v2"), named(site, "v3")) == (first, other)


def test_the_same_manifest_is_pushed_under_its_tag_again(scene: Scene):
    site, body = scene.site, scene.site.manifests.get(scene.repository, scene.kept).body
    site.push_manifest(body, "v1", scene.repository)
    site.tags.put(ALICE, site.project_id, scene.repository, Tag("v1"), scene.kept)
    route = Route(ALICE, scene.repository, site.project_id, OTHER)
    site.tags.delete(ALICE, site.project_id, OTHER, Tag("v1"))
    copier = copies(site)
    copier.copy(route, Tag("v1"))
    keep(site, repositories=OTHER.path)
    copier.copy(route, Tag("v1"))
    assert named(site, "v1", OTHER) == named(site, "v1", scene.repository) == scene.kept


def test_a_manifest_with_one_immutable_tag_among_others_stays_whole(scene: Scene):
    site = scene.site
    for tag in ("a", "z"):
        site.tags.put(ALICE, site.project_id, scene.repository, Tag(tag), scene.kept)
    with pytest.raises(ImmutableTagError, match="tag v1 "):
        site.manifests.delete(ALICE, site.project_id, scene.repository, scene.kept)
    names = [each.name for each in site.tags.entries(scene.repository, digest=scene.kept, limit=10)]
    assert sorted(names) == ["a", "v1", "z"]
    site.tags.delete(ALICE, site.project_id, scene.repository, Tag("a"))


def test_an_untagged_manifest_is_free_however_many_rules_there_are(site: Distribution):
    keep(site, "**")
    digest = site.push_image(None, b"untagged")
    site.manifests.delete(ALICE, site.project_id, APP, digest)
    with pytest.raises(ManifestUnknownError):
        site.manifests.get(APP, digest)
    site.repositories.delete(ALICE, APP)


def with_index(site: Distribution) -> tuple[Digest, Digest]:
    """An index under ``all`` whose only child is there by digest alone: both digests."""
    child = site.push_image(None, b"child")
    line = {"mediaType": OCI_MANIFEST, "digest": str(child), "size": len(site.manifests.get(APP, child).body)}
    return site.push_manifest(index([line]), "all", media_type=OCI_INDEX), child


def test_an_index_whose_child_has_an_immutable_tag_goes_and_the_child_stays(site: Distribution):
    keep(site)
    parent, child = with_index(site)
    site.tags.put(ALICE, site.project_id, APP, Tag("v1"), child)
    site.manifests.delete(ALICE, site.project_id, APP, parent)
    assert named(site, "v1") == child
    with pytest.raises(ImmutableTagError):
        site.manifests.delete(ALICE, site.project_id, APP, child)


def test_an_index_under_an_immutable_tag_keeps_its_children(site: Distribution):
    keep(site, "all")
    parent, child = with_index(site)
    with pytest.raises(ImmutableTagError):
        site.manifests.delete(ALICE, site.project_id, APP, parent)
    with pytest.raises(ManifestInUseError):
        site.manifests.delete(ALICE, site.project_id, APP, child)
    assert site.manifests.get(APP, child).digest == child


def test_an_attack_inside_a_larger_change_undoes_it_all(site: Distribution):
    scene = Scene(site, APP)
    before = contents()

    def larger() -> None:
        with handle.atomic():
            site.tags.delete(ALICE, site.project_id, APP, Tag("edge"))
            scene.delete_tag()

    with pytest.raises(ImmutableTagError):
        larger()
    assert contents() == before


# -- what it costs ---------------------------------------------------------------------------


def asked(action: Callable[[], object]) -> int:
    """How many statements of the action read the rules."""
    with counted_statements() as ran:
        action()
    return sum(RULES in line for line in str(ran).splitlines())


def test_rules_are_read_only_when_a_tag_would_move_or_go(site: Distribution):
    scene = Scene(site, APP)
    kept = site.manifests.get(APP, scene.kept).body
    untagged = site.push_image(None, b"untagged")
    for tag in ("n2", "n3"):
        site.push_image(tag, b"many")
    many = named(site, "n2")
    project = site.project_id
    costs: list[tuple[int, Callable[[], object]]] = [
        (0, lambda: site.push_image("new", b"new")),
        (0, lambda: site.push_manifest(kept, "v1")),
        (0, lambda: site.push_manifest(scene.body, scene.other)),
        (0, lambda: site.tags.put(ALICE, project, APP, Tag("newer"), scene.kept)),
        (0, lambda: site.manifests.delete(ALICE, project, APP, untagged)),
        (1, lambda: site.push_image("new", b"moved")),
        (1, lambda: site.tags.delete(ALICE, project, APP, Tag("newer"))),
        (1, lambda: site.manifests.delete(ALICE, project, APP, many)),
        (1, lambda: site.repositories.delete(ALICE, OTHER)),
    ]
    for number, (cost, action) in enumerate(costs):
        assert asked(action) == cost, number


def test_a_repository_that_no_rule_is_about_goes_without_its_tags_being_read(site: Distribution):
    keep(site, "v*", "other")
    for number in range(3):
        site.push_image(f"v{number}", b"%d" % number)
    with counted_statements() as ran:
        site.repositories.delete(ALICE, APP)
    assert "SELECT name FROM tag" not in str(ran)


# -- races -----------------------------------------------------------------------------------

ROUNDS = 6


def test_of_many_first_pushes_of_an_immutable_tag_one_wins_for_good(site: Distribution):
    keep(site)
    for round_number in range(ROUNDS):
        tag = f"v{round_number}"
        bodies = []
        for number in range(4):
            digest = site.push_image(None, b"%d-%d" % (round_number, number))
            bodies.append(site.manifests.get(APP, digest).body)
        results = together([lambda body=body, tag=tag: site.push_manifest(body, tag) for body in bodies])
        (won,) = [result for result in results if isinstance(result, Digest)]
        assert {type(error) for error in failures(results)} == {ImmutableTagError}
        assert named(site, tag) == won
        moves = [event for event in site.happened(TagMoved) if event.tag == tag and event.digest == won]
        assert [event.previous for event in moves[-1:]] == [None]


def test_a_rule_that_comes_while_a_tag_moves_comes_before_or_after_it(site: Distribution):
    first = site.push_image("v1", b"first")
    second = site.push_image(None, b"second")
    for _ in range(ROUNDS * 2):
        site.tags.put(BOB, site.project_id, APP, Tag("v1"), first)
        rule, moved = together(
            [
                lambda: keep(site),
                lambda: site.tags.put(ALICE, site.project_id, APP, Tag("v1"), second),
            ]
        )
        assert isinstance(rule, ImmutabilityRule)
        assert moved is None or isinstance(moved, ImmutableTagError)
        assert named(site, "v1") == (second if moved is None else first)
        with pytest.raises(ImmutableTagError):
            site.tags.delete(ALICE, site.project_id, APP, Tag("v1"))
        site.immutability.remove(ALICE, site.project_id, rule.id)


def test_every_attack_at_once_gets_nowhere(site: Distribution):
    scene = Scene(site, APP)
    rows = contents()
    results = together([lambda attack=attack: attack(scene) for attack in ATTACKS])
    assert {type(result) for result in results} == {ImmutableTagError}
    assert contents() == rows


def test_a_repository_is_not_deleted_around_a_tag_that_is_being_made(site: Distribution):
    """Either the tag comes first, and all of it stays, or the repository goes first."""
    for number in range(ROUNDS):
        repository = RepositoryName(f"library/app{number}")
        there = site.push_image("edge", b"there", repository=repository)
        body = site.manifests.get(repository, there).body
        rule = keep(site, repositories=repository.path)
        actions = [
            lambda repository=repository, body=body: site.push_manifest(body, "v1", repository),
            lambda repository=repository: site.repositories.delete(ALICE, repository),
        ]
        pushed, deleted = together(actions)
        if isinstance(pushed, Digest):
            assert isinstance(deleted, ImmutableTagError)
            assert named(site, "v1", repository) == named(site, "edge", repository) == there
        else:  # nothing of what it needs was left
            assert isinstance(pushed, ManifestBlobUnknownError)
            assert deleted is None
        site.immutability.remove(ALICE, site.project_id, rule.id)


def test_on_postgresql_a_push_waits_for_one_that_came_before_and_is_judged_then(site: Distribution):
    """A first push that is not committed yet already decides what a second one may do."""
    if not is_postgresql():
        pytest.skip("SQLite has one writer")
    keep(site)
    digests = [site.push_image(None, data) for data in (b"one", b"two")]
    put = partial(site.tags.put, ALICE, site.project_id, APP, Tag("v1"))
    with ahead_of(partial(put, digests[1])) as later:
        put(digests[0])
    assert isinstance(later.exception(), ImmutableTagError)
    assert named(site, "v1") == digests[0]


def test_on_postgresql_a_deletion_waits_for_a_tag_that_is_being_made(site: Distribution):
    """The rule covers a tag that was not there yet when the deletion began."""
    if not is_postgresql():
        pytest.skip("SQLite has one writer")
    keep(site)
    digest = site.push_image(None, b"one")
    with ahead_of(partial(site.manifests.delete, ALICE, site.project_id, APP, digest)) as later:
        site.tags.put(ALICE, site.project_id, APP, Tag("v1"), digest)
    assert isinstance(later.exception(), ImmutableTagError)
    with ahead_of(partial(site.repositories.delete, ALICE, APP)) as later:
        site.tags.put(ALICE, site.project_id, APP, Tag("v2"), digest)
    assert isinstance(later.exception(), ImmutableTagError)
    assert named(site, "v1") == named(site, "v2") == digest
