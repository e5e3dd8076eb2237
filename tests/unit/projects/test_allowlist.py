from datetime import UTC, datetime, timedelta

import pytest

from moorage.projects.allowlist import is_allowed
from moorage.projects.model import Allowlist, AllowlistItem

NOW = datetime(2026, 3, 4, tzinfo=UTC)


def listing(*ids: str, expires_at: datetime | None = None) -> Allowlist:
    items = tuple(AllowlistItem(each, "", "alice", NOW) for each in ids)
    return Allowlist(1, expires_at, items, NOW, NOW)


SITE = listing("CVE-SITE-1")


@pytest.mark.parametrize(
    ("cve_id", "own", "reuse", "allowed"),
    [
        ("CVE-1-1", listing("CVE-1-1"), False, True),
        ("cve-1-1", listing("CVE-1-1"), False, True),
        ("CVE-1-11", listing("CVE-1-1"), False, False),
        ("CVE-SITE-1", listing("CVE-1-1"), False, False),
        ("CVE-SITE-1", listing("CVE-1-1"), True, True),
        ("CVE-1-1", listing("CVE-1-1"), True, False),
        ("CVE-SITE-1", None, False, True),
        ("CVE-SITE-1", listing(), False, False),
    ],
)
def test_the_project_goes_by_its_own_list_or_by_that_of_the_site(
    cve_id: str, own: Allowlist | None, reuse: bool, allowed: bool
) -> None:
    assert is_allowed(cve_id, NOW, own=own, system=SITE, reuse=reuse) is allowed


@pytest.mark.parametrize(("later", "allowed"), [(timedelta(microseconds=1), True), (timedelta(0), False)])
def test_a_list_that_has_expired_allows_nothing(later: timedelta, allowed: bool) -> None:
    own = listing("CVE-1-1", expires_at=NOW + later)
    assert is_allowed("CVE-1-1", NOW, own=own, system=SITE, reuse=False) is allowed
    assert is_allowed("CVE-1-1", NOW, own=None, system=own, reuse=False) is allowed
