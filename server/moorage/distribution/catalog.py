"""The catalog: repositories that have something to pull, as far as the caller may see them."""

from moorage.clock import Clock
from moorage.distribution.catalog_store import CatalogStore
from moorage.identity.model import PrincipalKind


class Catalog:
    """Lists names of repositories."""

    def __init__(self, store: CatalogStore, clock: Clock) -> None:
        self._store = store
        self._clock = clock

    def page(self, kind: PrincipalKind, account_id: int, n: int, last: str = "") -> list[str]:
        """At most `n` names after `last`, ordered by their bytes; `last` need not exist.

        Administrators see all, users public projects and those they are members of, robots public
        projects and their own. An account that is gone, disabled or expired sees what anybody sees.
        """
        # No name has a NUL, and PostgreSQL refuses to compare with one.
        return self._store.page(kind, account_id, n, last.partition("\0")[0], self._clock())
