"""Immutability: rules of a project by which tags, once made, stay as they are."""

from collections.abc import Iterable
from dataclasses import dataclass, replace

from moorage.clock import Clock
from moorage.db.connection import atomic
from moorage.events import Actor, Events, ProjectChanged
from moorage.oci.names import RepositoryName
from moorage.projects.errors import (
    ImmutabilityRuleExistsError,
    ImmutabilityRulesFullError,
    ImmutabilityRuleUnknownError,
    ImmutableTagError,
    ProjectInvalidError,
    ProjectUnknownError,
)
from moorage.projects.immutability_store import ImmutabilityStore
from moorage.projects.model import ImmutabilityRule
from moorage.projects.selectors import Selector, check_repository_selector, check_tag_selector

MAX_RULES = 15
_LARGEST_PRIORITY = 2**31 - 1


@dataclass(frozen=True, slots=True)
class Protection:
    """The rules that matter in one repository, as they stand at this moment.

    Attributes:
        rules: those that are not disabled and choose the repository; the first that chooses a tag decides.
    """

    repository: RepositoryName
    rules: tuple[ImmutabilityRule, ...]

    def __bool__(self) -> bool:
        return bool(self.rules)

    def rule_of(self, tag: str) -> ImmutabilityRule | None:
        """The rule that makes the tag immutable; None when it is free."""
        return next((rule for rule in self.rules if rule.tags.accepts(tag)), None)

    def check(self, tags: Iterable[str]) -> None:
        """See to it that all of the tags are free.

        Raises:
            ImmutableTagError: one is not; the first of them is named.
        """
        for tag in tags:
            rule = self.rule_of(tag)
            if rule is not None:
                raise ImmutableTagError.of(self.repository, tag, rule.id, rule.in_words())


class Immutability:
    """Keeps the rules and answers for them.

    Nothing is remembered between questions: a rule holds in every process as soon as it is
    committed, and no longer than it is there. Whoever moves or removes a tag asks in the very
    transaction of that, after it took hold of the tag.
    """

    def __init__(self, store: ImmutabilityStore, events: Events, clock: Clock) -> None:
        self._store = store
        self._events = events
        self._clock = clock

    def rules(self, project_id: int) -> list[ImmutabilityRule]:
        """Every rule of the project, disabled ones too, in the order in which they decide."""
        return self._store.rules(project_id)

    def get(self, project_id: int, rule_id: int) -> ImmutabilityRule:
        """The rule of that number, in that project only.

        Raises:
            ImmutabilityRuleUnknownError: the project has no such rule.
        """
        for rule in self._store.rules(project_id):
            if rule.id == rule_id:
                return rule
        raise ImmutabilityRuleUnknownError(f"the project has no immutability rule {rule_id}")

    def add(
        self,
        actor: Actor,
        project_id: int,
        *,
        repositories: Selector,
        tags: Selector,
        disabled: bool = False,
        priority: int = 0,
    ) -> ImmutabilityRule:
        """Make a rule; it holds from the end of the transaction on, for tags that are there already too.

        Raises:
            ProjectUnknownError: there is no such project.
            ProjectInvalidError: a selector or the priority is none.
            ImmutabilityRuleExistsError: there is a rule for the same tags of the same repositories.
            ImmutabilityRulesFullError: the project has `MAX_RULES` of them.
        """
        _check(repositories, tags, priority)
        with atomic():
            name = self._hold(project_id)
            rules = self._store.rules(project_id)
            _check_new(rules, repositories, tags)
            if len(rules) >= MAX_RULES:
                raise ImmutabilityRulesFullError(f"a project has at most {MAX_RULES} immutability rules")
            number = self._store.insert(
                project_id,
                repositories=repositories,
                tags=tags,
                disabled=disabled,
                priority=priority,
                now=self._clock(),
            )
            made = self.get(project_id, number)
            self._publish(actor, name, made, "added")
            return made

    def change(
        self,
        actor: Actor,
        project_id: int,
        rule_id: int,
        *,
        repositories: Selector | None = None,
        tags: Selector | None = None,
        disabled: bool | None = None,
        priority: int | None = None,
    ) -> ImmutabilityRule:
        """Change what is given of a rule; a call that changes nothing is not logged.

        Raises:
            ProjectUnknownError: there is no such project.
            ImmutabilityRuleUnknownError: it has no such rule.
            ProjectInvalidError: a selector or the priority is none.
            ImmutabilityRuleExistsError: another rule is for the same tags of the same repositories.
        """
        with atomic():
            name = self._hold(project_id)
            rule = self.get(project_id, rule_id)
            wanted = replace(
                rule,
                repositories=repositories or rule.repositories,
                tags=tags or rule.tags,
                disabled=rule.disabled if disabled is None else disabled,
                priority=rule.priority if priority is None else priority,
            )
            if wanted == rule:
                return rule
            _check(wanted.repositories, wanted.tags, wanted.priority)
            others = [each for each in self._store.rules(project_id) if each.id != rule_id]
            _check_new(others, wanted.repositories, wanted.tags)
            self._store.update(wanted, self._clock())
            self._publish(actor, name, wanted, "changed")
            return wanted

    def remove(self, actor: Actor, project_id: int, rule_id: int) -> None:
        """Remove a rule; what it alone kept is free at once.

        Raises:
            ProjectUnknownError: there is no such project.
            ImmutabilityRuleUnknownError: it has no such rule.
        """
        with atomic():
            name = self._hold(project_id)
            rule = self.get(project_id, rule_id)
            self._store.delete(rule_id)
            self._publish(actor, name, rule, "removed")

    def protection(self, project_id: int, repository: RepositoryName) -> Protection:
        """The rules that matter in the repository, read in one statement, for as many tags as needed."""
        return self.protections(project_id, [repository])[repository]

    def protections(
        self, project_id: int, repositories: Iterable[RepositoryName]
    ) -> dict[RepositoryName, Protection]:
        """The same for several repositories of a project, still in one statement."""
        rules = [rule for rule in self._store.rules(project_id) if not rule.disabled]
        return {
            each: Protection(each, tuple(rule for rule in rules if rule.repositories.accepts(each.path)))
            for each in repositories
        }

    def is_immutable(self, project_id: int, repository: RepositoryName, tag: str) -> bool:
        """Whether a rule keeps the tag, which need not be there."""
        return self.protection(project_id, repository).rule_of(tag) is not None

    def immutable_among(self, project_id: int, repository: RepositoryName, tags: Iterable[str]) -> set[str]:
        """Those of the tags that a rule keeps, in one statement."""
        return set(self.deciding(project_id, repository, tags))

    def deciding(
        self, project_id: int, repository: RepositoryName, tags: Iterable[str]
    ) -> dict[str, ImmutabilityRule]:
        """The rule that decides for each of the tags; those that are free are left out."""
        protection = self.protection(project_id, repository)
        found = {tag: protection.rule_of(tag) for tag in tags} if protection else {}
        return {tag: rule for tag, rule in found.items() if rule is not None}

    def check(self, project_id: int, repository: RepositoryName, tag: str) -> None:
        """See to it that the tag may be moved or removed.

        Raises:
            ImmutableTagError: a rule keeps it.
        """
        self.protection(project_id, repository).check([tag])

    def _hold(self, project_id: int) -> str:
        name = self._store.hold_project(project_id)
        if name is None:
            raise ProjectUnknownError(f"there is no project {project_id}")
        return name

    def _publish(self, actor: Actor, project: str, rule: ImmutabilityRule, what: str) -> None:
        state = " (disabled)" if rule.disabled else ""
        text = f"immutability rule {rule.id} {what}: {rule.in_words()}{state}"
        self._events.publish(ProjectChanged(actor, rule.project_id, project, text))


def _check(repositories: Selector, tags: Selector, priority: int) -> None:
    check_repository_selector(repositories)
    check_tag_selector(tags)
    if not 0 <= priority <= _LARGEST_PRIORITY:
        raise ProjectInvalidError(f"a priority goes from 0 to {_LARGEST_PRIORITY}")


def _check_new(rules: Iterable[ImmutabilityRule], repositories: Selector, tags: Selector) -> None:
    for rule in rules:
        if _chosen(rule.repositories, rule.tags) == _chosen(repositories, tags):
            raise ImmutabilityRuleExistsError(f"rule {rule.id} keeps {rule.in_words()} already")


def _chosen(repositories: Selector, tags: Selector) -> tuple[str, ...]:
    return repositories.decoration, repositories.pattern, tags.decoration, tags.pattern
