"""What an account is in a project right now: asked on every request, one statement each."""

from moorage.clock import Clock, utcnow
from moorage.db.fields import to_microseconds
from moorage.identity.model import PrincipalKind
from moorage.projects.model import AccountStanding, Standing
from moorage.projects.store import ProjectStore

_NOBODY = AccountStanding(active=False, admin=False)
_STRANGER = AccountStanding(active=True, admin=False)


class Access:
    """Reads standings; `rules.permitted` says what one allows."""

    def __init__(self, store: ProjectStore, clock: Clock = utcnow) -> None:
        self._store = store
        self._clock = clock

    def standing(
        self, kind: PrincipalKind, account_id: int, generation: int, project_name: str
    ) -> Standing | None:
        """What the account is in the project of that name.

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
        if kind is PrincipalKind.USER:
            return self._store.user_standing(account_id, generation, project_name)
        if kind is PrincipalKind.ROBOT:
            return self._store.robot_standing(account_id, generation, self._now(), project_name)
        return self._store.stranger_standing(project_name)

    def standing_by_id(
        self, kind: PrincipalKind, account_id: int, generation: int, project_id: int
    ) -> Standing | None:
        """What the account is in the project of that number; None when there is no such project."""
        if kind is PrincipalKind.USER:
            return self._store.user_standing(account_id, generation, project_id)
        if kind is PrincipalKind.ROBOT:
            return self._store.robot_standing(account_id, generation, self._now(), project_id)
        return self._store.stranger_standing(project_id)

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

    def _now(self) -> int:
        return to_microseconds(self._clock())
