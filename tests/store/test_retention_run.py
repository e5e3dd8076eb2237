"""Runs of retention: what stays, what goes, and what never happens by accident."""

import gc as memory
import time
import tracemalloc
from datetime import timedelta

import pytest

from moorage.db.connection import atomic, is_postgresql
from moorage.db.connection import database as handle
from moorage.db.fields import to_microseconds
from moorage.distribution.model import ManifestKey
from moorage.distribution.tables import RepositoryRow
from moorage.events import SYSTEM, ManifestDeleted, TagDeleted
from moorage.jobs.model import State
from moorage.oci.digest import digest_of
from moorage.oci.names import RepositoryName, Tag
from moorage.projects.selectors import Selector
from moorage.retention.deletion import Outcome
from moorage.retention.errors import RetentionUnknownError
from moorage.retention.model import Reason, Template
from moorage.retention.retention import RetentionFailedError
from moorage.retention.text import rows_of
from tests.support.distribution import ALICE, APP, OTHER, descriptor, image, index
from tests.support.images import OCI_INDEX, OCI_MANIFEST
from tests.support.race import failures, together
from tests.support.retention import Keeping, rule
from tests.support.statements import counted_statements

LATEST = Template.LATEST_PUSHED


@pytest.fixture
def site(database, tmp_path, clock):
    return Keeping(tmp_path, clock)


def child(site, name, tag=None):
    """An image that an index can list."""
    config = name.encode()
    site.push_blob(config)
    body = image(config)
    site.push_manifest(body, tag or digest_of(body))
    return descriptor(body, OCI_MANIFEST)


def multi_arch(site, tag, *names, tagged=None):
    lines = [child(site, name, (tagged or {}).get(name)) for name in names]
    return site.push_manifest(index(lines), tag, media_type=OCI_INDEX), lines


def there(site, digest, repository=APP):
    return site.manifests.find_summary(repository, digest) is not None


def signature_tag(digest, suffix=".sig"):
    return f"{digest.algorithm}-{digest.hex}{suffix}"


def test_the_most_recent_stay_and_the_others_go_with_their_manifests(site):
    site.fill("v1", "v2", "v3", "v4")
    gone = site.manifests.get(APP, Tag("v1")).digest
    run = site.run(site.policy(rule(LATEST, 2)))
    assert site.names() == ["v3", "v4"]
    assert not there(site, gone)
    assert run.marks["result"] == {
        "repositories": 1,
        "deleted": 2,
        "retained": 2,
        "failed": 0,
        "total": 4,
        "dry_run": False,
        "message": "2 of 4 artifacts deleted, in 1 repository",
    }
    (task,) = run.tasks
    assert (task.name, task.result) == (APP, {"total": 4, "retained": 2})


def test_everybody_hears_of_it_and_the_log_says_why(site):
    site.fill("v1", "v2")
    policy = site.policy(rule(LATEST, 1))
    site.run(policy, execution_id=12)
    (tag,) = site.happened(TagDeleted)
    (manifest,) = site.happened(ManifestDeleted)
    assert (tag.tag, tag.actor.key, tag.actor.request_id) == ("v1", SYSTEM.key, "retention-12")
    assert tag.actor.user_agent == f"retention policy {policy.id}: no rule keeps it"
    assert manifest.digest == tag.digest


def test_a_second_run_changes_nothing(site):
    site.fill("v1", "v2", "v3")
    policy = site.policy(rule(LATEST, 2))
    site.run(policy)
    before = site.everything()
    assert site.run(policy).marks["result"]["deleted"] == 0
    assert site.everything() == before


def test_a_dry_run_changes_nothing_and_says_what_a_run_would_do(site):
    site.fill("v1", "v2", "v3")
    policy = site.policy(rule(LATEST, 1))
    before = site.everything()
    with counted_statements() as statements:
        dry = site.run(policy, parameters={"dry_run": True})
    assert site.everything() == before
    assert len(statements) > 0
    assert all(text.startswith("SELECT") for text in str(statements).splitlines())
    assert dry.marks["result"]["deleted"] == 2
    wet = site.run(policy)
    assert [line for line in dry.tasks[0].said if line.startswith("| sha256")] == [
        line for line in wet.tasks[0].said if line.startswith("| sha256")
    ]


def test_the_log_is_a_table_with_every_artifact(site):
    site.fill("v1", "v2")
    (task,) = site.run(site.policy(rule(LATEST, 1))).tasks
    header, first, second = task.said[-3:]
    assert header.startswith("| Digest | Tag | Kind | Labels | PushedTime |")
    assert first.startswith("| sha256:")
    assert first.endswith("| RETAIN |")
    assert " | v2 | " in first
    assert second.endswith("| DEL |")
    assert " | v1 | " in second
    assert "2026/01/03 03:04:05" in second


def test_repositories_that_no_rule_looks_at_are_not_touched(site):
    site.fill("v1", "v2")
    site.fill("v1", "v2", repository=OTHER)
    run = site.run(site.policy(rule(LATEST, 1, repositories="other")))
    assert site.names() == ["v1", "v2"]
    assert site.names(OTHER) == ["v2"]
    assert [task.name for task in run.tasks] == [OTHER]


def test_a_disabled_rule_keeps_nothing_and_touches_nothing(site):
    site.fill("v1", "v2")
    site.run(site.policy(rule(LATEST, 1, disabled=True)))
    assert site.names() == ["v1", "v2"]


def test_other_projects_are_not_touched(site):
    foreign = RepositoryName("foreign/app")
    project = site.project("foreign")
    site.push_image("v1", b"layer", repository=foreign, project_id=project)
    site.fill("v1")
    site.run(site.policy(rule(Template.NOTHING)))
    assert site.names() == []
    assert site.names(foreign) == ["v1"]


def test_a_pull_or_a_new_tag_keeps_an_old_artifact_young(site):
    site.fill("v1", "v2", "v3")
    site.moving.forward(days=30)
    site.pulls.count(APP, "v1", str(site.manifests.get(APP, Tag("v1")).digest), 1, site.clock())
    site.tags.put(ALICE, site.project_id, APP, Tag("stable"), site.manifests.get(APP, Tag("v2")).digest)
    site.run(site.policy(rule(Template.DAYS_SINCE_PULL, 7), rule(Template.DAYS_SINCE_PUSH, 7, rule_id=2)))
    assert site.names() == ["stable", "v1", "v2"]


def test_an_immutable_tag_stays(site):
    site.fill("v1", "v2", "v3")
    site.immutability.add(
        SYSTEM,
        site.project_id,
        repositories=Selector(pattern="**", decoration="repoMatches"),
        tags=Selector(pattern="v1"),
    )
    (task,) = site.run(site.policy(rule(LATEST, 1))).tasks
    assert site.names() == ["v1", "v3"]
    assert task.result == {"total": 3, "retained": 2}
    assert sum(line.endswith("| IMMUTABLE |") for line in task.said) == 1


def test_an_index_goes_with_its_children_and_their_signatures(site):
    keep, kept_lines = multi_arch(site, "v2", "amd64-2", "shared")
    site.moving.forward(days=-1)
    gone, lines = multi_arch(site, "v1", "amd64-1", "shared")
    site.moving.forward(days=3)
    alone = digest_of(b"").parse(lines[0]["digest"])
    signed = site.push_image(None, b"signature of a child", subject=alone)
    site.run(site.policy(rule(LATEST, 1, untagged=True)))
    assert site.names() == ["v2"]
    assert not there(site, gone)
    assert not there(site, alone)
    assert not there(site, signed)
    assert there(site, keep)
    assert all(there(site, digest_of(b"").parse(line["digest"])) for line in kept_lines)


def test_a_child_with_a_tag_of_its_own_outlives_its_index_and_the_other_way_round(site):
    _, lines = multi_arch(site, "v1", "amd64", "arm64", tagged={"amd64": "amd64-1", "arm64": "arm64-1"})
    arm = digest_of(b"").parse(lines[1]["digest"])
    run = site.run(site.policy(rule(Template.ALWAYS, tags="{v1,amd64-1}")))
    assert site.names() == ["amd64-1", "v1"]
    assert there(site, arm)  # the index needs it
    assert run.tasks[0].result == {"total": 3, "retained": 2}
    site.run(site.policy(rule(Template.ALWAYS, tags="amd64-1")))
    assert site.names() == ["amd64-1"]
    assert not there(site, arm)


@pytest.mark.parametrize("suffix", ["", ".sig", ".att", ".sbom"])
def test_what_signs_an_artifact_goes_with_it_and_never_alone(site, suffix):
    site.fill("v1", "v2")
    old, new = (site.manifests.get(APP, Tag(tag)).digest for tag in ("v1", "v2"))
    site.moving.forward(days=-9)  # signatures are the oldest of all
    signatures = [
        site.push_image(signature_tag(digest, suffix), str(digest).encode()) for digest in (old, new)
    ]
    site.moving.forward(days=9)
    (task,) = site.run(site.policy(rule(LATEST, 1))).tasks
    assert site.names() == sorted(["v2", signature_tag(new, suffix)])
    assert [there(site, each) for each in signatures] == [False, True]
    assert task.result == {"total": 2, "retained": 1}


def test_referrers_go_with_their_subject_tagged_or_not_and_never_alone(site):
    site.fill("v1", "v2")
    old, new = (site.manifests.get(APP, Tag(tag)).digest for tag in ("v1", "v2"))
    followers = [
        (site.push_image(None, b"sbom", subject=subject), site.push_image(f"tag-{n}", b"x", subject=subject))
        for n, subject in enumerate((old, new))
    ]
    about = site.push_image(None, b"signature of the bill", subject=followers[0][0])
    site.run(site.policy(rule(LATEST, 1, untagged=True)))
    assert site.names() == ["tag-1", "v2"]
    assert [[there(site, each) for each in pair] for pair in followers] == [[False, False], [True, True]]
    assert not there(site, about)


def test_an_index_of_referrers_goes_with_all_it_lists(site):
    site.fill("v1", "v2")
    subject = site.manifests.get(APP, Tag("v1")).digest
    config = b"referrer"
    site.push_blob(config)
    body = image(config, subject=subject)
    site.push_manifest(body, digest_of(body))
    fallback = site.push_manifest(
        index([descriptor(body, OCI_MANIFEST)]), signature_tag(subject, ""), media_type=OCI_INDEX
    )
    site.run(site.policy(rule(LATEST, 1)))
    assert site.names() == ["v2"]
    assert not there(site, fallback)
    assert not there(site, digest_of(body))


def test_a_signature_whose_subject_is_elsewhere_is_left_alone(site):
    elsewhere = digest_of(b"kept in another repository")
    site.push_image(signature_tag(elsewhere), b"signature")
    referrer = site.push_image("about", b"about", subject=elsewhere)
    site.moving.forward(days=30)
    site.run(site.policy(rule(Template.NOTHING, untagged=True)))
    assert site.names() == sorted(["about", signature_tag(elsewhere)])
    assert there(site, referrer)


def test_untagged_artifacts_go_by_the_flag_and_not_while_they_are_young(site):
    site.fill("v1")
    old = site.push_image(None, b"old")
    site.moving.forward(hours=25)
    young = site.push_image(None, b"young")
    site.run(site.policy(rule(Template.ALWAYS, untagged=True)))
    assert there(site, old)
    assert there(site, young)
    site.run(site.policy(rule(Template.ALWAYS, untagged=False)))
    assert not there(site, old)
    assert there(site, young)
    assert site.names() == ["v1"]


def judged(site, tag):
    """The decision on an artifact, made now and carried out later."""
    plan = site.simulator.plan(site.policy(rule(Template.NOTHING)), APP)
    return next(each.candidate for each in plan.decisions if tag in [one.name for one in each.candidate.tags])


def remove(site, candidate):
    return site.deletion.remove(SYSTEM, site.project_id, APP, candidate)


def test_a_push_between_judgement_and_deletion_keeps_its_new_image(site):
    site.fill("v1")
    candidate = judged(site, "v1")
    site.moving.forward(seconds=1)
    new = site.push_image("v1", b"new")
    assert remove(site, candidate) is Outcome.CHANGED
    assert site.manifests.get(APP, Tag("v1")).digest == new
    assert there(site, candidate.digest)  # the next run judges it as what it is now: untagged


@pytest.mark.parametrize("tag", ["v1", "v2"])
def test_a_push_of_the_same_image_keeps_it(site, tag):
    site.fill("v1")
    candidate = judged(site, "v1")
    site.moving.forward(seconds=1)
    assert site.push_image(tag, f"{APP}:v1".encode()) == candidate.digest
    assert remove(site, candidate) is Outcome.CHANGED
    assert site.names() == sorted({"v1", tag})
    assert site.manifests.get(APP, Tag(tag)).digest == candidate.digest


def test_an_artifact_that_an_index_lists_by_now_stays_for_it(site):
    line = child(site, "amd64")
    site.moving.forward(days=2)
    plan = site.simulator.plan(site.policy(rule(Template.NOTHING)), APP)
    (decision,) = plan.decisions
    site.push_manifest(index([line]), "v1", media_type=OCI_INDEX)
    assert remove(site, decision.candidate) is Outcome.CHANGED
    assert there(site, decision.candidate.digest)


def test_what_a_job_reads_stays_until_the_job_lets_go(site):
    site.fill("v1", "v2")
    policy = site.policy(rule(Template.NOTHING))
    second = judged(site, "v2")
    until = site.clock() + timedelta(hours=1)
    for tag in ("v1", "v2"):
        site.holds.take(ManifestKey(APP, site.manifests.get(APP, Tag(tag)).digest), "copy:1", until)
    assert remove(site, second) is Outcome.CHANGED  # held since it was judged
    assert {each.reason for each in site.simulator.plan(policy, APP).decisions} == {Reason.HELD}
    site.run(policy)
    assert site.names() == ["v1", "v2"]
    site.moving.forward(hours=1)
    site.run(policy)
    assert site.names() == []


def test_what_became_immutable_meanwhile_stays(site):
    site.fill("v1")
    candidate = judged(site, "v1")
    site.immutability.add(
        SYSTEM,
        site.project_id,
        repositories=Selector(pattern="**", decoration="repoMatches"),
        tags=Selector(pattern="v*"),
    )
    assert remove(site, candidate) is Outcome.IMMUTABLE
    assert site.names() == ["v1"]


def test_what_somebody_else_deleted_is_no_failure(site):
    site.fill("v1", "v2")
    first, second = judged(site, "v1"), judged(site, "v2")
    site.manifests.delete(ALICE, site.project_id, APP, first.digest)
    assert remove(site, first) is Outcome.GONE
    site.tags.delete(ALICE, site.project_id, APP, Tag("v2"))
    assert remove(site, second) is Outcome.DELETED
    site.repositories.delete(ALICE, APP)
    assert remove(site, second) is Outcome.GONE


def test_a_deletion_that_fails_half_way_leaves_everything(site, monkeypatch):
    site.fill("v1")
    candidate = judged(site, "v1")
    before = site.everything()

    def broken(*args, **named):
        raise OSError("power cut")

    monkeypatch.setattr(site.manifests, "delete", broken)
    with pytest.raises(OSError, match="power cut"):
        remove(site, candidate)
    assert site.everything() == before


def test_pushes_while_a_run_deletes_lose_nothing(site):
    """Old tags are pushed again while they are judged and deleted: whatever was pushed is there."""
    names = [f"v{number}" for number in range(40)]
    site.fill(*names)
    site.moving.forward(days=90)
    policy = site.policy(rule(Template.DAYS_SINCE_PUSH, 30))
    pushed = {}

    def pushing():
        for turn, tag in enumerate(names[::2]):
            same = turn % 2  # the old image again, or a new one
            data = f"{APP}:{tag}".encode() if same else f"new {tag}".encode()
            pushed[tag] = site.push_image(tag, data)

    assert failures(together([pushing, lambda: site.run(policy)])) == []
    assert site.names() == sorted(pushed)
    assert {tag: site.manifests.get(APP, Tag(tag)).digest for tag in pushed} == pushed


def test_an_ill_repository_does_not_stop_the_others(site, monkeypatch):
    site.fill("v1", "v2")
    site.fill("v1", "v2", repository=OTHER)
    plan = site.simulator.plan

    def sometimes(policy, repository, *more):
        if repository == APP:
            raise RuntimeError("ill")
        return plan(policy, repository, *more)

    monkeypatch.setattr(site.simulator, "plan", sometimes)
    with pytest.raises(RetentionFailedError, match="1 repository failed; 1 of 2 artifacts deleted"):
        site.run(site.policy(rule(LATEST, 1)))
    assert site.names() == ["v1", "v2"]
    assert site.names(OTHER) == ["v2"]


def test_a_run_that_was_stopped_goes_on_where_it_was(site):
    names = [RepositoryName(f"library/{letter}") for letter in "abc"]
    for name in names:
        site.fill("v1", "v2", repository=name)
    policy = site.policy(rule(LATEST, 1))

    def in_the_second(run):
        return len(run.tasks) == 2 and any(line.endswith("| RETAIN |") for line in run.tasks[1].said)

    first = site.run(policy, stop_when=in_the_second)
    assert [site.names(name) for name in names] == [["v2"], ["v1", "v2"], ["v1", "v2"]]
    assert first.marks["cursor"] == "library/a"
    second = site.run(policy, progress={**first.counts, "cursor": first.marks["cursor"]})
    assert [task.name for task in second.tasks] == names[1:]
    assert [site.names(name) for name in names] == [["v2"]] * 3
    assert second.marks["result"]["deleted"] == 3


def test_a_policy_that_changes_while_it_runs_is_obeyed_from_the_next_repository_on(site):
    site.fill("v1", "v2")
    site.fill("v1", "v2", repository=OTHER)
    policy = site.policy(rule(LATEST, 1))

    def changed(run):
        if run.tasks:
            site.policy(rule(Template.ALWAYS))
        return False

    site.run(policy, stop_when=changed)
    assert site.names() == ["v2"]
    assert site.names(OTHER) == ["v1", "v2"]


def test_without_its_policy_a_run_fails_and_touches_nothing(site):
    site.fill("v1")
    policy = site.policy(rule(Template.NOTHING))
    site.policies.delete(SYSTEM, policy.id)
    with pytest.raises(RetentionUnknownError):
        site.run(policy)
    assert site.names() == ["v1"]


def test_a_real_run_keeps_its_tasks_and_their_log(site):
    site.fill("v1", "v2")
    site.fill("v1", repository=OTHER)
    execution = site.request(site.policy(rule(LATEST, 1)))
    ended = site.runner.run(execution.id)
    assert ended.state is State.SUCCESS
    assert ended.message == "1 of 3 artifacts deleted, in 2 repositories"
    tasks = site.executions.tasks(execution.id, limit=10)
    assert [(task.name, task.state, dict(task.result)) for task in tasks] == [
        (APP, State.SUCCESS, {"total": 2, "retained": 1}),
        (OTHER, State.SUCCESS, {"total": 1, "retained": 1}),
    ]
    log = [line.text for line in site.executions.log(execution.id, task_id=tasks[0].id)]
    assert sum(text.endswith("| DEL |") for text in log) == 1
    assert not any(
        text.endswith("| DEL |")
        for text in (line.text for line in site.executions.log(execution.id, task_id=tasks[1].id))
    )


def test_a_real_run_stops_when_asked(site, monkeypatch):
    site.fill("v1", "v2")
    site.fill("v1", "v2", repository=OTHER)
    execution = site.request(site.policy(rule(LATEST, 1)))
    plan = site.simulator.plan

    def asked(policy, repository, stopping):
        site.executions.stop(SYSTEM, execution.id)
        until = time.monotonic() + 30
        while not stopping() and time.monotonic() < until:  # the run hears of it in another thread
            time.sleep(0.01)
        return plan(policy, repository, stopping)

    monkeypatch.setattr(site.simulator, "plan", asked)
    assert site.runner.run(execution.id).state is State.STOPPED
    # It was told before the first repository was judged to its end, so nothing is gone.
    assert site.names() == site.names(OTHER) == ["v1", "v2"]
    (task,) = site.executions.tasks(execution.id, limit=10)
    assert task.state is State.STOPPED


def test_the_simulation_names_the_rule_for_each_tag(site):
    site.fill("v1", "v2", "dev")
    policy = site.policy(rule(LATEST, 1), rule(Template.ALWAYS, tags="v2", rule_id=2))
    rows = rows_of(site.simulator.plan(policy, APP))
    assert [(row["tag"], row["decision"], row["rules"], row["reason"]) for row in rows] == [
        ("dev", "RETAIN", [1], "rule 1 keeps the most recently pushed 1"),
        ("v2", "RETAIN", [2], "rule 2 keeps always"),
        ("v1", "DEL", [], "no rule keeps it"),
    ]


NUMBERS = {
    False: (
        "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < {count}) ",
        "printf('%064d', i)",
    ),
    True: ("WITH n(i) AS (SELECT generate_series(1, {count})) ", "lpad(i::text, 64, '0')"),
}


def big(site, count):
    """One more manifest, and so many with a tag each, written past the push."""
    site.fill("v0")
    repository = RepositoryRow.get(RepositoryRow.name == APP).id
    numbers, hexadecimal = NUMBERS[is_postgresql()]
    at = to_microseconds(site.clock())
    with atomic():
        handle.execute_sql(
            "INSERT INTO manifest (repository_id, digest, media_type, artifact_type, config_media_type, "
            "size_bytes, pushed_at, body) "
            + numbers.format(count=count)
            + f"SELECT {repository}, 'sha256:' || {hexadecimal}, '{OCI_MANIFEST}', '', '', 1, {at} + i, '' "  # noqa: S608 - all of it is ours
            "FROM n"
        )
        handle.execute_sql(
            "INSERT INTO tag (repository_id, name, manifest_id, pushed_at) "
            "SELECT repository_id, 'b' || id, id, pushed_at FROM manifest WHERE size_bytes = 1"
        )


def test_a_repository_of_60000_tags_is_judged_in_few_statements(site):
    big(site, 60_000)
    policy = site.policy(rule(LATEST, 100), rule(Template.ALWAYS, tags="b*[05]", rule_id=2))
    with counted_statements() as statements:
        plan = site.simulator.plan(policy, APP)
    assert len(plan.decisions) == 60_001
    assert sum(each.reason is Reason.RULE for each in plan.decisions) == 12_080
    assert len(statements) < 150


def test_judging_takes_little_memory_for_each_artifact(site):
    big(site, 5_000)
    policy = site.policy(rule(LATEST, 100), rule(Template.ALWAYS, tags="b*[05]", rule_id=2))
    memory.collect()
    tracemalloc.start()
    try:
        plan = site.simulator.plan(policy, APP)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert len(plan.decisions) == 5_001
    assert peak < 5_000 * 1_300
