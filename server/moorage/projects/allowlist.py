"""Lists of vulnerabilities that are put up with: what may be on one, and what one allows. Pure."""

import re
from collections.abc import Sequence
from datetime import datetime

from moorage.identity.text import is_storable
from moorage.projects.errors import AllowlistInvalidError
from moorage.projects.model import Allowlist, AllowlistDraft

MAX_ITEMS = 10_000
_LONGEST_ID = 128
_LONGEST_REASON = 1000
_identifier = re.compile(r"[A-Za-z][A-Za-z0-9]*(?:[-_.:/][A-Za-z0-9]+)+", re.ASCII).fullmatch


def is_allowed(cve_id: str, now: datetime, *, own: Allowlist | None, system: Allowlist, reuse: bool) -> bool:
    """Whether a vulnerability is put up with in a project at this moment.

    Args:
        cve_id: in any mix of upper and lower case.
        own: the project's list; None when it never had one.
        system: the list of the whole site.
        reuse: the project goes by that of the site, and by it alone.
    """
    counts = system if reuse or own is None else own
    if counts.expires_at is not None and counts.expires_at <= now:
        return False
    wanted = cve_id.casefold()
    return any(item.cve_id.casefold() == wanted for item in counts.items)


def checked(draft: AllowlistDraft) -> AllowlistDraft:
    """The same draft, if a list can be so.

    Raises:
        AllowlistInvalidError: it cannot.
    """
    if len(draft.items) > MAX_ITEMS:
        raise AllowlistInvalidError(f"an allowlist has at most {MAX_ITEMS} entries")
    _check_ids([item.cve_id for item in draft.items])
    for item in draft.items:
        if len(item.reason) > _LONGEST_REASON or not is_storable(item.reason):
            raise AllowlistInvalidError(
                f"the reason for {item.cve_id} has at most {_LONGEST_REASON} characters"
            )
    return draft


def _check_ids(ids: Sequence[str]) -> None:
    seen = set()
    for each in ids:
        if len(each) > _LONGEST_ID or _identifier(each) is None:
            raise AllowlistInvalidError(
                f"{each[:80]!r} is no identifier of a vulnerability, such as CVE-2024-1234"
            )
        if each.casefold() in seen:
            raise AllowlistInvalidError(f"{each} is on the list twice")
        seen.add(each.casefold())
