"""What an account is in a project right now: asked on every request, one statement each."""

from dataclasses import replace

from moorage.clock import Clock, utcnow
from moorage.db.fields import to_microseconds
from moorage.identity.model import PrincipalKind
from moorage.projects.model import AccountStanding, Standing
from moorage.projects.name_store import NameStore
from moorage.projects.store import ProjectStore

_NOBODY = AccountStanding(active=False, admin=False)
_STRANGER = AccountStanding(active=True, admin=False)


class Access:
    """Reads standings; `rules.permitted` says what one allows."""

    def __init__(self, store: ProjectStore, clock: Clock = utcnow, names: NameStore | None = None) -> None:
        self._store = store
        self._names = names or NameStore()
        self._clock = clock

    def standing(
        self, kind: PrincipalKind, account_id: int, generation: int, project_name: str
    ) -> Standing | None:
        """What the account is in the project that has that name, or had it before it was renamed.

        Args:
            kind: of the account; the numbers of users and of robots are separate.
            account_id: `Principal.id`; not looked at for anonymous.
            generation: as the credential has it; another one than the account's makes it void.
            project_name: as a caller wrote it; it may be anything.

        Returns:
            None when there is no such project.
        """
        if "\0" in project_name:  # PostgreSQL has no such text, SQLite has; neither has the project
            return None
        found = self._standing(kind, account_id, generation, project_name)
        if found is not None:
            return found
        present = self._names.present(project_name)
        if present is None:
            return None
        number, name = present
        found = self._standing(kind, account_id, generation, number)
        return None if found is None else replace(found, present_name=name)

    def present_name(self, project_name: str) -> str | None:
        """What the project that is called so, or was, is called now; None when there is none."""
        found = self._names.present(project_name)
        return None if found is None else found[1]

    def standing_by_id(
        self, kind: PrincipalKind, account_id: int, generation: int, project_id: int
    ) -> Standing | None:
        """What the account is in the project of that number; None when there is no such project."""
        return self._standing(kind, account_id, generation, project_id)

    def account(self, kind: PrincipalKind, account_id: int, generation: int) -> AccountStanding:
        """What the account is outside projects: whether it is still good, and what it may do there."""
        if kind is PrincipalKind.USER:
            offices = self._store.user_offices(account_id, generation)
            if offices is None:
                return _NOBODY
            return AccountStanding(active=True, admin=offices[0], auditor=offices[1])
        if kind is PrincipalKind.ROBOT:
            rights = self._store.robot_rights(account_id, generation, self._now())
            return _NOBODY if rights is None else AccountStanding(active=True, admin=False, rights=rights)
        return _STRANGER

    def _standing(
        self, kind: PrincipalKind, account_id: int, generation: int, project: str | int
    ) -> Standing | None:
        if kind is PrincipalKind.USER:
            return self._store.user_standing(account_id, generation, project)
        if kind is PrincipalKind.ROBOT:
            return self._store.robot_standing(account_id, generation, self._now(), project)
        return self._store.stranger_standing(project)

    def _now(self) -> int:
        return to_microseconds(self._clock())
