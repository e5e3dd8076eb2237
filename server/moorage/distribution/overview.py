"""What there is over all projects: for lists, searches and figures, never for decisions."""

from collections.abc import Collection

from moorage.distribution.model import Repository
from moorage.distribution.overview_store import OverviewStore
from moorage.identity.model import Principal
from moorage.identity.text import is_storable


class Overview:
    """Lists and counts what an account may see."""

    def __init__(self, store: OverviewStore) -> None:
        self._store = store

    def repository_counts(self, project_ids: Collection[int]) -> dict[int, int]:
        """How many repositories each of the projects has; those with none are left out."""
        return self._store.repository_counts(project_ids)

    def repositories(
        self,
        principal: Principal,
        *,
        q: str = "",
        name: str = "",
        limit: int,
        offset: int = 0,
        sort: str = "name",
    ) -> list[Repository]:
        """A page of the repositories that the account may see.

        These are the ones of public projects, of those it belongs to, and all for an administrator.

        Args:
            principal: who asks.
            q: a part of the name, which may be any text.
            name: the whole name, with that of the project; "" for any.
            limit: the most to return.
            offset: how many to leave out.
            sort: a key of `repository_store.SORTS`, with ``-`` in front for downwards.
        """
        return self._store.visible(principal, q, limit, offset, sort, name) if is_storable(q + name) else []

    def count_repositories(
        self, principal: Principal, *, q: str = "", name: str = "", public: bool | None = None
    ) -> int:
        """How many repositories `repositories` has in all its pages; only public (or private) ones."""
        return self._store.count_visible(principal, q, public, name) if is_storable(q + name) else 0

    def public_among(self, project_ids: Collection[int]) -> set[int]:
        """Which of the projects are public."""
        return self._store.public_among(project_ids)

    def stored_bytes(self) -> int:
        """Bytes of all blobs; those that several projects hold count once."""
        return self._store.stored_bytes()
