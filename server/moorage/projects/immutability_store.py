"""Queries for rules by which tags stay as they are."""

from datetime import datetime
from typing import Any

from moorage.db.connection import Statement, is_postgresql
from moorage.db.fields import from_microseconds
from moorage.projects.model import ImmutabilityRule
from moorage.projects.selectors import Selector
from moorage.projects.tables import ImmutabilityRuleRow


class ImmutabilityStore:
    """Reads and writes the table `immutability_rule`."""

    _rules = Statement(
        "SELECT id, project_id, disabled, priority, repository_decoration, repository_pattern, "
        "tag_decoration, tag_pattern, created_at FROM immutability_rule WHERE project_id = ? "
        "ORDER BY priority, id"
    )
    _project = Statement("SELECT name FROM project WHERE id = ?")
    # Pushes refer to the project's row and go on meanwhile.
    _project_alone = Statement("SELECT name FROM project WHERE id = ? FOR NO KEY UPDATE")

    def rules(self, project_id: int) -> list[ImmutabilityRule]:
        """Every rule of the project, the one that decides first in front."""
        return [_rule(row) for row in self._rules.all(project_id)]

    def hold_project(self, project_id: int) -> str | None:
        """The project's name; nobody else changes its rules before this transaction ends."""
        row = (self._project_alone if is_postgresql() else self._project).one(project_id)
        return None if row is None else row[0]

    def insert(
        self,
        project_id: int,
        *,
        repositories: Selector,
        tags: Selector,
        disabled: bool,
        priority: int,
        now: datetime,
    ) -> int:
        """Write a rule; returns its number."""
        number: int = ImmutabilityRuleRow.insert(
            project=project_id,
            disabled=disabled,
            priority=priority,
            repository_decoration=repositories.decoration,
            repository_pattern=repositories.pattern,
            tag_decoration=tags.decoration,
            tag_pattern=tags.pattern,
            created_at=now,
            updated_at=now,
        ).execute()
        return number

    def update(self, rule: ImmutabilityRule, now: datetime) -> None:
        """Write everything that can change of the rule with that number."""
        ImmutabilityRuleRow.update(
            disabled=rule.disabled,
            priority=rule.priority,
            repository_decoration=rule.repositories.decoration,
            repository_pattern=rule.repositories.pattern,
            tag_decoration=rule.tags.decoration,
            tag_pattern=rule.tags.pattern,
            updated_at=now,
        ).where(ImmutabilityRuleRow.id == rule.id).execute()

    def delete(self, rule_id: int) -> None:
        """Remove a rule."""
        ImmutabilityRuleRow.delete().where(ImmutabilityRuleRow.id == rule_id).execute()


def _rule(row: tuple[Any, ...]) -> ImmutabilityRule:
    number, project_id, disabled, priority, repository_how, repository, tag_how, tag, created = row
    return ImmutabilityRule(
        id=number,
        project_id=project_id,
        disabled=bool(disabled),
        priority=priority,
        repositories=Selector(repository, repository_how),
        tags=Selector(tag, tag_how),
        created_at=from_microseconds(created),
    )
