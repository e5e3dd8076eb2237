"""Retention over the registry's room and the jobs' room on a real database."""

import json
from collections.abc import Mapping
from datetime import timedelta
from pathlib import Path
from typing import Any

from moorage.config import Settings
from moorage.configuration.site_settings import SiteSettings
from moorage.configuration.store import SettingStore
from moorage.distribution.hold_store import HoldStore
from moorage.distribution.holds import Holds
from moorage.distribution.tables import ManifestRow, TagRow
from moorage.events import SYSTEM
from moorage.jobs.executions import Executions
from moorage.jobs.model import Execution, Trigger
from moorage.jobs.runner import Runner
from moorage.jobs.schedules import Schedules
from moorage.jobs.store import JobStore
from moorage.oci.names import RepositoryName
from moorage.projects.projects import Projects
from moorage.projects.quota_store import QuotaStore
from moorage.projects.selectors import Selector
from moorage.projects.store import ProjectStore
from moorage.retention.deletion import Deletion
from moorage.retention.document import Draft
from moorage.retention.model import Policy, Rule, Template
from moorage.retention.policies import KIND, Policies
from moorage.retention.retention import Retention
from moorage.retention.simulator import Simulator
from moorage.retention.store import RetentionStore
from tests.support.clock import SetClock
from tests.support.distribution import APP, LEASE, Distribution
from tests.support.fake_run import FakeRun


class Keeping(Distribution):
    """Everything that a policy needs; the clock moves on with each push."""

    def __init__(self, folder: Path, clock: SetClock) -> None:
        super().__init__(folder, clock)
        self.moving = clock
        jobs = JobStore()
        self.executions = Executions(jobs, self.events, clock)
        self.schedules = Schedules(jobs, self.events, clock)
        site = SiteSettings(SettingStore(), self.events, clock, Settings())
        self.projects = Projects(ProjectStore(), QuotaStore(), self.events, clock, site)
        self.retention_store = RetentionStore()
        self.policies = Policies(
            self.retention_store, self.executions, self.schedules, self.projects, self.events, clock
        )
        self.policies.subscribe(self.events)
        self.simulator = Simulator(self.retention_store, self.immutability, clock, young=LEASE)
        self.deletion = Deletion(self.retention_store, self.manifests, self.tags, clock)
        self.retention = Retention(self.retention_store, self.policies, self.simulator, self.deletion)
        self.holds = Holds(HoldStore(), clock)
        self.runner = Runner(jobs, self.events, clock, {KIND: self.retention.run})

    def fill(self, *tags: str, repository: RepositoryName = APP, **apart: float) -> None:
        """Push an image of its own under each tag, the oldest first, so far apart."""
        for tag in tags:
            self.moving.forward(**(apart or {"days": 1}))
            self.push_image(tag, f"{repository}:{tag}".encode(), repository=repository)

    def policy(self, *rules: Rule, cron: str = "") -> Policy:
        """The project's policy, made or changed."""
        draft = Draft(rules, cron)
        known = self.policies.of_project(self.project_id)
        if known is None:
            return self.policies.create(SYSTEM, self.project_id, draft)
        return self.policies.change(SYSTEM, known.id, draft)

    def run(self, policy: Policy, **more: Any) -> FakeRun:
        """One run that is nobody's row; its result is in `marks`."""
        run = FakeRun(more.pop("parameters", None), kind=KIND, subject=policy.id, **more)
        run.marks["result"] = self.retention.run(run)  # type: ignore[arg-type]
        return run

    def request(self, policy: Policy, parameters: Mapping[str, object] | None = None) -> Execution:
        """Ask for a real run."""
        return self.executions.request(
            SYSTEM,
            KIND,
            trigger=Trigger.MANUAL,
            subject=policy.id,
            project_id=policy.project_id,
            parameters=parameters,
        )

    def names(self, repository: RepositoryName = APP) -> list[str]:
        """The tags that are left."""
        return self.tags.names(repository, 100_000)

    def everything(self) -> str:
        """Every tag and manifest with its times: what a dry run must not change."""
        return json.dumps([list(TagRow.select().tuples()), list(_manifests())], default=str)


def rule(
    template: Template, number: int | None = None, *, tags: str = "**", repositories: str = "**", **more: Any
) -> Rule:
    """A rule of one selector each."""
    return Rule(
        id=more.pop("rule_id", 1),
        template=template,
        number=number,
        tags=(Selector(pattern=tags, untagged=more.pop("untagged", False)),),
        repositories=(Selector(pattern=repositories, decoration="repoMatches"),),
        **more,
    )


YOUNG = LEASE + timedelta(seconds=1)


def _manifests() -> Any:
    columns = (ManifestRow.id, ManifestRow.digest, ManifestRow.pushed_at, ManifestRow.pulled_at)
    return ManifestRow.select(*columns).order_by(ManifestRow.id).tuples()
