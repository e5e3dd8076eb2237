"""What a search finds in the directory besides what is known here."""

from collections.abc import Sequence

import falcon

from moorage.identity.directory import EntryKind
from moorage.identity.errors import DirectoryAwayError, DirectoryBusyError
from moorage.identity.text import MAX_TEXT, is_storable
from moorage.services import Services

#: The most that the directory is asked for, and the least that it is asked about.
MOST = 100
LEAST = 2
_AWAY = '199 moorage "the directory does not answer; what is known here was searched alone"'


def names_outside(services: Services, resp: falcon.Response, part: str, kind: EntryKind) -> list[str]:
    """Canonical names of people or groups with `part` in theirs, as the directory has them.

    While it is away or busy there are none, which a ``Warning`` of the answer says: what is known here can be
    found all the same.
    """
    if not services.directory.connected or not LEAST <= len(part) <= MAX_TEXT or not is_storable(part):
        return []
    try:
        found = services.directory.search(part, kind, MOST)
    except (DirectoryAwayError, DirectoryBusyError):
        resp.set_header("Warning", _AWAY)
        return []
    return sorted({entry.name for entry in found if is_storable(entry.name)})


def after(total: int, offset: int, limit: int, more: Sequence[str]) -> Sequence[str]:
    """Those of `more` that stand on a page of a list in which `total` others stand before them."""
    return more[max(offset - total, 0) : max(offset + limit - total, 0)]
