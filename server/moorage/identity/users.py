"""Users: the accounts of people, and the passwords of those that are local."""

import re
from collections.abc import Collection

from moorage.clock import Clock
from moorage.db.connection import IntegrityError, atomic
from moorage.events import Actor, Events, UserChanged, UserCreated, UserDeleted
from moorage.identity.errors import (
    AccountInvalidError,
    BadCredentialsError,
    DirectoryAccountError,
    LastAdminError,
    OldPasswordWrongError,
    UserExistsError,
    UserUnknownError,
)
from moorage.identity.model import Principal, Source, User
from moorage.identity.passwords import (
    check_strength,
    hash_password,
    needs_rehash,
    verify_password,
    waste_time,
)
from moorage.identity.proved_passwords import ProvedPasswords
from moorage.identity.store import IdentityStore
from moorage.identity.text import checked, is_storable

MAX_NAME_LENGTH = 255
#: Names that the log uses for others.
RESERVED = frozenset({"anonymous", "system"})

# No "$" (robots), ":" (ends the name in Basic credentials), blanks or letters that look like others.
_name = re.compile(r"[A-Za-z0-9][A-Za-z0-9._@+-]*").fullmatch
_email = re.compile(r"[^@\s]+@[^@\s]+").fullmatch


class Users:
    """Creates, finds, changes and deletes users; `DirectoryPeople` makes those of the directory.

    Every change of what an account may prove or do makes the tokens given out so far void. The last
    enabled local administrator stays one, so that somebody can come in while the directory is away.
    """

    def __init__(self, store: IdentityStore, events: Events, clock: Clock) -> None:
        self._store = store
        self._events = events
        self._clock = clock

    def create(
        self,
        actor: Actor,
        name: str,
        password: str,
        *,
        email: str = "",
        real_name: str = "",
        comment: str = "",
        admin: bool = False,
    ) -> User:
        """Make an account.

        Raises:
            AccountInvalidError: name, password or e-mail address breaks the rules.
            UserExistsError: the name is taken, maybe in another mix of upper and lower case.
        """
        values: dict[str, object] = {
            "name": _checked_name(name),
            **_checked_profile(email, real_name, comment),
            "admin": admin,
        }
        check_strength(password)
        values["password_hash"] = hash_password(password)
        with atomic():
            if self._store.is_name_taken(name):
                raise UserExistsError(f"there is a user {name} already")
            user_id = self._insert(values)
            self._events.publish(UserCreated(actor, user_id, name))
            return self.get(user_id)

    def get(self, user_id: int) -> User:
        """The user of that number.

        Raises:
            UserUnknownError: there is none.
        """
        user = self._store.user(user_id)
        if user is None:
            raise UserUnknownError(f"there is no user {user_id}")
        return user

    def find(self, name: str) -> User | None:
        """The user of that name, which may be any text."""
        return self._store.user_named(name) if is_storable(name) else None

    def named(self, names: Collection[str]) -> dict[str, User]:
        """Those users of these names that there are."""
        storable = [name for name in names if is_storable(name)]
        return {user.name: user for user in self._store.users_named(storable)} if storable else {}

    def is_local(self, name: str) -> bool:
        """Whether there is a user of that very name with a password of this registry."""
        user = self.find(name)
        return user is not None and user.source is Source.LOCAL

    def list(self, *, q: str = "", limit: int, offset: int) -> list[User]:
        """A page of the users whose names contain `q`, by name."""
        return self._store.users(q=q, limit=limit, offset=offset) if is_storable(q) else []

    def count(self, q: str = "") -> int:
        """How many users `list` has in all its pages."""
        return self._store.count_users(q) if is_storable(q) else 0

    def change_profile(self, actor: Actor, user_id: int, *, email: str, real_name: str, comment: str) -> User:
        """Change what has no weight for security.

        Raises:
            UserUnknownError: there is no such user.
            DirectoryAccountError: the directory keeps the name and the address of this user.
            AccountInvalidError: a text is too long, or the e-mail address is none.
        """
        values = _checked_profile(email, real_name, comment)
        with atomic():
            user = self.get(user_id)
            if user.source is Source.DIRECTORY and (email, real_name) != (user.email, user.real_name):
                raise DirectoryAccountError(
                    f"the directory keeps the profile of {user.name}; change it there"
                )
            changed = sorted(key for key, value in values.items() if getattr(user, key) != value)
            return self._change(actor, user, ", ".join(changed), bump=False, **values) if changed else user

    def change_password(self, actor: Actor, user_id: int, new: str, *, old: str | None) -> User:
        """Set a new password; every token given out so far is void at once.

        Args:
            actor: whom the log names.
            user_id: whose password.
            new: the new password.
            old: the one to be replaced; None when an administrator sets it for somebody.

        Raises:
            UserUnknownError: there is no such user.
            DirectoryAccountError: the directory keeps the password of this user.
            OldPasswordWrongError: `old` is not the password.
            AccountInvalidError: `new` is too weak, or the same as `old`.
        """
        self._check_local(user_id)
        check_strength(new)
        if old is not None:
            self._check_old(user_id, old, new)
        hashed = hash_password(new)
        with atomic():
            self._check_local(user_id)
            return self._change(actor, self.get(user_id), "password", password_hash=hashed)

    def set_admin(self, actor: Actor, user_id: int, flag: bool) -> User:
        """Make the user a system administrator, or a common user.

        Raises:
            UserUnknownError: there is no such user.
            LastAdminError: nobody could administer the system any more.
        """
        with atomic():
            admins = self._store.lock_admins()
            user = self.get(user_id)
            if user.admin == flag:
                return user
            if not flag:
                _keep_an_admin(admins, user)
            return self._change(actor, user, "admin" if flag else "no admin", admin=flag)

    def set_auditor(self, actor: Actor, user_id: int, flag: bool) -> User:
        """Let the user read what auditors may, or no longer.

        Raises:
            UserUnknownError: there is no such user.
        """
        with atomic():
            user = self.get(user_id)
            if user.auditor == flag:
                return user
            return self._change(actor, user, "auditor" if flag else "no auditor", auditor=flag)

    def set_disabled(self, actor: Actor, user_id: int, flag: bool) -> User:
        """Shut the user out, at once; or let them in again.

        Raises:
            UserUnknownError: there is no such user.
            LastAdminError: nobody could administer the system any more.
        """
        with atomic():
            admins = self._store.lock_admins()
            user = self.get(user_id)
            # Who is disabled by hand stays so when the directory has them again.
            if user.disabled == flag and not (flag and user.left_at):
                return user
            if flag:
                _keep_an_admin(admins, user)
            what = "disabled" if flag else "enabled"
            return self._change(actor, user, what, disabled=flag, left_at=None)

    def delete(self, actor: Actor, user_id: int) -> None:
        """Delete the account with its memberships and personal access tokens.

        Somebody whom the directory still has gets a new one with their next login; `set_disabled` shuts
        them out.

        Raises:
            UserUnknownError: there is no such user.
            LastAdminError: nobody could administer the system any more.
        """
        with atomic():
            admins = self._store.lock_admins()
            user = self.get(user_id)
            _keep_an_admin(admins, user)
            self._store.delete_user(user_id)
            self._events.publish(UserDeleted(actor, user_id, user.name))

    def prove(self, name: str, password: str, proved: ProvedPasswords) -> Principal:
        """The user of that name, if the password is theirs and the account may be used now.

        Args:
            name: any text.
            password: any text.
            proved: passwords that need no second comparison.

        Raises:
            BadCredentialsError: in every other case; all of them take the same time.
        """
        found = self._store.password_of(name) if is_storable(name) else None
        if found is None or found[0].source is not Source.LOCAL:
            waste_time(password)
            raise BadCredentialsError
        user, hashed = found
        principal = user.principal()
        if not proved.knows(principal, password):
            right = verify_password(hashed, password)
            if not right or user.disabled:
                raise BadCredentialsError
            proved.remember(principal, password)
            self._renew_hash(user, hashed, password)
        elif user.disabled:
            raise BadCredentialsError
        return principal

    def current(self, user_id: int, generation: int) -> Principal:
        """The user as they are now, if a token of that generation is still good.

        Raises:
            BadCredentialsError: the account is gone, disabled, or was changed since.
        """
        user = self._store.user(user_id)
        if user is None or user.disabled or user.generation != generation:
            raise BadCredentialsError
        return user.principal()

    def _renew_hash(self, user: User, hashed: str, password: str) -> None:
        """Hash the proved password anew when the costs were raised since; tokens stay good."""
        if not needs_rehash(hashed):
            return
        fresh = hash_password(password)
        with atomic():
            self._store.replace_password_hash(user.id, hashed, fresh)

    def _insert(self, values: dict[str, object]) -> int:
        now = self._clock()
        row = {**values, "disabled": False, "generation": 1, "created_at": now, "updated_at": now}
        try:
            with atomic():
                return self._store.insert_user(row)
        except IntegrityError as error:
            raise UserExistsError(f"there is a user {values['name']} already") from error

    def _change(self, actor: Actor, user: User, what: str, *, bump: bool = True, **values: object) -> User:
        self._store.update_user(user.id, self._clock(), bump=bump, **values)
        self._events.publish(UserChanged(actor, user.id, user.name, what))
        return self.get(user.id)

    def _check_local(self, user_id: int) -> None:
        user = self.get(user_id)
        if user.source is not Source.LOCAL:
            raise DirectoryAccountError("the directory keeps the password of this user; change it there")

    def _check_old(self, user_id: int, old: str, new: str) -> None:
        hashed = self._store.password_hash(user_id)
        if hashed is None:
            raise UserUnknownError(f"there is no user {user_id}")
        if not verify_password(hashed, old):
            raise OldPasswordWrongError("the old password is wrong")
        if old == new:
            raise AccountInvalidError("the new password is the old one")


def _keep_an_admin(admins: list[int], user: User) -> None:
    if admins == [user.id]:
        raise LastAdminError(f"{user.name} is the last local administrator; make another one first")


def _checked_name(name: str) -> str:
    if len(name) > MAX_NAME_LENGTH or _name(name) is None:
        raise AccountInvalidError(
            f"a user name begins with a letter or digit, goes on with those and '._@+-', and has at most "
            f"{MAX_NAME_LENGTH} characters"
        )
    if name.lower() in RESERVED:
        raise AccountInvalidError(f"the user name {name} is reserved")
    return name


def _checked_profile(email: str, real_name: str, comment: str) -> dict[str, object]:
    if email and _email(checked(email, "e-mail address")) is None:
        raise AccountInvalidError("the e-mail address needs something on both sides of one @")
    return {
        "email": email,
        "real_name": checked(real_name, "real name"),
        "comment": checked(comment, "comment"),
    }
