"""Artifacts and rules for tests, without any database."""

from datetime import UTC, datetime, timedelta

from moorage.oci.digest import digest_of
from moorage.oci.mediatypes import OCI_MANIFEST
from moorage.projects.selectors import Selector
from moorage.retention.model import Candidate, Rule, SeenTag, Template

NOW = datetime(2026, 3, 31, 12, tzinfo=UTC)
DAY = timedelta(days=1)
EVERYWHERE = Selector(pattern="**", decoration="repoMatches")


def candidate(
    number: int,
    *tags: str,
    pushed: float = 0,
    pulled: float | None = None,
    listed: bool = False,
) -> Candidate:
    """An artifact that was pushed and pulled so many days before `NOW`."""
    pushed_at = NOW - pushed * DAY
    return Candidate(
        manifest_id=number,
        digest=digest_of(str(number).encode()),
        kind=OCI_MANIFEST,
        tags=tuple(SeenTag(tag, pushed_at) for tag in tags),
        listed=listed,
        created_at=pushed_at,
        pushed_at=pushed_at,
        pulled_at=None if pulled is None else NOW - pulled * DAY,
    )


def rule(
    template: Template,
    number: int | None = None,
    *,
    tags: str = "**",
    decoration: str = "matches",
    untagged: bool = True,
    rule_id: int = 1,
    repositories: Selector = EVERYWHERE,
    disabled: bool = False,
) -> Rule:
    """A rule with one selector of each kind."""
    return Rule(
        id=rule_id,
        template=template,
        number=number,
        tags=(Selector(pattern=tags, decoration=decoration, untagged=untagged),),
        repositories=(repositories,),
        disabled=disabled,
    )
