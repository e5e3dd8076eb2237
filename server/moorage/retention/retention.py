"""The job that keeps a project's artifacts to its policy."""

from collections.abc import Mapping
from dataclasses import replace

from moorage.errors import Conflict
from moorage.events import SYSTEM, Actor
from moorage.jobs.run import Run, TaskRun
from moorage.oci.names import RepositoryName
from moorage.retention.deletion import Deletion, Outcome
from moorage.retention.model import Decision, Policy
from moorage.retention.policies import Policies
from moorage.retention.simulator import Simulator
from moorage.retention.store import RetentionStore
from moorage.retention.text import DELETE, HEADER, IMMUTABLE, RETAIN, row, word

#: The most artifacts that stay and are in the log of a repository; each one that goes is.
_RETAINED_LINES = 1000
_VERDICTS: Mapping[Outcome, str] = {
    Outcome.DELETED: DELETE,
    Outcome.UNTAGGED: DELETE,
    Outcome.GONE: DELETE,
    Outcome.CHANGED: RETAIN,
    Outcome.IMMUTABLE: IMMUTABLE,
}
_CHANGED = "it changed since it was judged, and stays until the next run"


class RetentionFailedError(Conflict):
    """Some repositories could not be dealt with; the others were."""


class Retention:
    """Judges the repositories of a project one after the other, and deletes what no rule keeps.

    A run that was interrupted goes on behind the last repository that it finished; the one at
    which it was interrupted is judged anew.
    """

    def __init__(
        self, store: RetentionStore, policies: Policies, simulator: Simulator, deletion: Deletion
    ) -> None:
        self._store = store
        self._policies = policies
        self._simulator = simulator
        self._deletion = deletion

    def run(self, run: Run) -> Mapping[str, object]:
        """Carry out one run; its subject is the policy, its parameter ``dry_run`` changes nothing.

        Raises:
            RetentionUnknownError: there is no such policy any more.
            RetentionFailedError: some repositories could not be dealt with.
        """
        policy = self._policies.get(run.execution.subject)
        pass_ = _Pass(run, policy, dry=bool(run.parameters.get("dry_run", False)))
        run.say(f"policy {policy.id} with {len(policy.rules)} rules{', dry run' if pass_.dry else ''}")
        for repository in self._store.repositories(policy.project_id, str(run.progress.get("cursor", ""))):
            if run.stopping:
                break
            # Whoever changes the policy, for instance because of what this very run does, means it.
            policy = pass_.policy = self._policies.get(policy.id)
            if policy.rules_for(repository) and not self._keep(pass_, repository):
                break
            run.mark(cursor=str(repository))
        return pass_.result()

    def _keep(self, pass_: "_Pass", repository: RepositoryName) -> bool:
        """Deal with one repository; False when the run is to stop before its end."""
        finished = False
        with pass_.run.task(str(repository), contain=True) as task:
            pass_.begin()
            finished = self._keep_repository(pass_, repository, task)
        if finished or pass_.run.stopping:
            return finished
        pass_.fail()
        return True

    def _keep_repository(self, pass_: "_Pass", repository: RepositoryName, task: TaskRun) -> bool:
        plan = self._simulator.plan(pass_.policy, repository, pass_.stops)
        if pass_.stops():
            return False
        for rule in plan.rules:
            task.say(f"rule {rule.id}: {rule.template.value} {'' if rule.number is None else rule.number}")
        task.say(f"{len(plan.decisions)} artifacts{' (dry run)' if pass_.dry else ''}")
        task.say(HEADER)
        for decision in plan.decisions:
            if pass_.stops():
                return False
            self._carry_out(pass_, repository, decision, task)
        if pass_.hidden:
            task.say(f"{pass_.hidden} more artifacts stay")
        task.finish(total=len(plan.decisions), retained=len(plan.decisions) - pass_.deleted)
        pass_.end()
        return True

    def _carry_out(
        self, pass_: "_Pass", repository: RepositoryName, decision: Decision, task: TaskRun
    ) -> None:
        verdict = word(decision)
        if not decision.kept and not pass_.dry:
            outcome = self._deletion.remove(
                pass_.actor, pass_.policy.project_id, repository, decision.candidate
            )
            verdict = _VERDICTS[outcome]
            if outcome is Outcome.CHANGED:
                task.say(f"{decision.candidate.digest}: {_CHANGED}", level="warning")
        pass_.note(verdict)
        if verdict == DELETE or pass_.shows_retained():
            task.say(row(decision, verdict))


class _Pass:
    """What one run has done so far.

    Attributes:
        deleted, retained: in the repository at hand.
        hidden: artifacts that stay there and are not in its log.
    """

    def __init__(self, run: Run, policy: Policy, *, dry: bool) -> None:
        self.run = run
        self.policy = policy
        self.dry = dry
        self.actor: Actor = replace(
            SYSTEM,
            user_agent=f"retention policy {policy.id}: no rule keeps it",
            request_id=f"retention-{run.execution.id}",
        )
        self.deleted = 0
        self.retained = 0
        self.hidden = 0
        self._shown = 0
        self._sums = {
            name: _number(run.progress.get(name))
            for name in ("repositories", "deleted", "retained", "failed")
        }

    def stops(self) -> bool:
        """Whether the run is to stop."""
        return self.run.stopping

    def begin(self) -> None:
        """Start with another repository."""
        self.deleted = self.retained = self.hidden = self._shown = 0

    def note(self, verdict: str) -> None:
        """One artifact is dealt with."""
        if verdict == DELETE:
            self.deleted += 1
            self._count("deleted", 1)
        else:
            self.retained += 1

    def shows_retained(self) -> bool:
        """Whether one more artifact that stays gets a line in the log."""
        self._shown += 1
        shown = self._shown <= _RETAINED_LINES
        self.hidden += not shown
        return shown

    def end(self) -> None:
        """The repository is done."""
        self._count("repositories", 1)
        self._count("retained", self.retained)

    def fail(self) -> None:
        """The repository could not be dealt with."""
        self._count("failed", 1)

    def result(self) -> Mapping[str, object]:
        """What it all came to.

        Raises:
            RetentionFailedError: a repository could not be dealt with.
        """
        sums = self._sums
        total = sums["deleted"] + sums["retained"]
        verb = "would go" if self.dry else "deleted"
        message = f"{sums['deleted']} of {total} artifacts {verb}, in {_repositories(sums['repositories'])}"
        if sums["failed"]:
            raise RetentionFailedError(f"{_repositories(sums['failed'])} failed; {message}")
        return {**sums, "total": total, "dry_run": self.dry, "message": message}

    def _count(self, name: str, increment: int) -> None:
        self._sums[name] += increment
        self.run.count(**{name: increment})


def _repositories(count: int) -> str:
    return "1 repository" if count == 1 else f"{count} repositories"


def _number(value: object) -> int:
    return value if isinstance(value, int) else 0
