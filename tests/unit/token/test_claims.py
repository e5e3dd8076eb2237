"""What a token covers: exact matches only."""

from datetime import UTC, datetime

import pytest

from moorage.identity.model import ANONYMOUS
from moorage.token.model import Claims, Grant

NOW = datetime(2026, 1, 2, tzinfo=UTC)
CLAIMS = Claims(
    ANONYMOUS,
    (
        Grant("repository", "dock/app", 3, frozenset({"pull", "push"})),
        Grant("repository", "dock/base", 3, frozenset({"pull"})),
        Grant("registry", "catalog", None, frozenset({"*"})),
    ),
    "1",
    NOW,
    NOW,
)


@pytest.mark.parametrize(
    ("kind", "name", "action"),
    [
        ("repository", "dock/app", "pull"),
        ("repository", "dock/app", "push"),
        ("repository", "dock/base", "pull"),
        ("registry", "catalog", "*"),
    ],
)
def test_what_was_granted_is_covered(kind: str, name: str, action: str):
    assert CLAIMS.allows(kind, name, action)


@pytest.mark.parametrize(
    ("kind", "name", "action"),
    [
        ("repository", "dock/base", "push"),
        ("repository", "dock/app", "delete"),
        ("repository", "dock/app", "*"),
        ("repository", "dock/app", "pul"),
        ("repository", "dock/app/sub", "pull"),
        ("repository", "dock/ap", "pull"),
        ("repository", "dock", "pull"),
        ("repository", "DOCK/app", "pull"),
        ("repository", "dock%2Fapp", "pull"),
        ("repository", "catalog", "*"),
        ("registry", "dock/app", "pull"),
        ("", "dock/app", "pull"),
        ("registry", "catalog", "pull"),
    ],
)
def test_nothing_near_it_is_covered(kind: str, name: str, action: str):
    assert not CLAIMS.allows(kind, name, action)


def test_the_project_of_a_repository_is_told_and_of_nothing_else():
    assert CLAIMS.project_id("dock/app") == 3
    assert CLAIMS.project_id("catalog") is None
    assert CLAIMS.project_id("other/app") is None
