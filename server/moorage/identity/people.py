"""People of the directory: proved there, known here."""

import logging
import re
from datetime import timedelta

from moorage.clock import Clock
from moorage.db.connection import DatabaseIllError, IntegrityError, atomic
from moorage.events import Actor, Events, UserChanged, UserCreated
from moorage.identity.described import CONTROLS, Described, profile_of
from moorage.identity.directory import Directory, Person
from moorage.identity.errors import (
    BadCredentialsError,
    DirectoryAwayError,
    GraceRefusedError,
    UserExistsError,
    UserUnknownError,
)
from moorage.identity.grace import Grace, Verdict
from moorage.identity.model import Principal, Source, User
from moorage.identity.passwords import waste_time
from moorage.identity.people_store import PeopleStore
from moorage.identity.proved_passwords import ProvedPasswords
from moorage.identity.store import IdentityStore
from moorage.identity.text import MAX_TEXT, is_storable

_SEEN_NOTED_EVERY = timedelta(minutes=1)
_name = re.compile(f"[^ \xa0:{CONTROLS}][^:{CONTROLS}]*")
_log = logging.getLogger(__name__)


class DirectoryPeople:
    """Lets in whom the directory proves, and keeps their accounts as it last described them.

    A local account of the same name always wins. No call to the directory is made inside a transaction.
    """

    def __init__(
        self,
        directory: Directory,
        store: PeopleStore,
        accounts: IdentityStore,
        events: Events,
        clock: Clock,
        grace: timedelta = timedelta(0),
    ) -> None:
        self._directory = directory
        self._store = store
        self._accounts = accounts
        self._events = events
        self._clock = clock
        self._grace = Grace(clock, grace)

    def canonical(self, name: str) -> str | None:
        """The canonical form of a login name; None when the directory cannot have it. Looks nothing up."""
        return self._directory.canonical(name) if len(name) <= MAX_TEXT and is_storable(name) else None

    def prove(self, name: str, password: str, address: str, proved: ProvedPasswords) -> Principal:
        """The person of that name, if the directory takes the password and the account may be used now.

        The first time makes the person known here.

        Args:
            name: canonical.
            password: any text.
            address: where the client is.
            proved: passwords that need no second look.

        Raises:
            BadCredentialsError: it does not, or a local account has the name.
            DirectoryAwayError: the directory does not answer.
            DirectoryBusyError: it was not asked: too many wait for it already.
        """
        known = self._accounts.user_named(name)
        taken = self._accounts.is_name_local(name) if known is None else known.source is not Source.DIRECTORY
        if taken or not password:
            waste_time(password)
            raise BadCredentialsError
        if known is not None and not known.disabled and proved.knows(known.principal(), password):
            return known.principal()
        return self._ask(known, name, password, address, proved)

    def meet(self, actor: Actor, name: str) -> User:
        """The account of somebody by any form of the name; made when the directory has them.

        Raises:
            UserUnknownError: neither this registry nor the directory has them.
            DirectoryAwayError: it does not answer, and nobody of that name is known here.
        """
        canonical = self.canonical(name)
        for each in (name, canonical):
            found = self._accounts.user_named(each) if each is not None and is_storable(each) else None
            if found is not None:
                return found
        person = None
        if canonical is not None and not self._accounts.is_name_local(canonical):
            person = self._directory.person(canonical)
        if person is None:
            raise UserUnknownError("there is no user of that name")
        try:
            return self.learn(person, actor)
        except BadCredentialsError as error:
            raise UserUnknownError("there is no user of that name") from error

    def learn(
        self, person: Person, actor: Actor | None = None, address: str = "", *, create: bool = True
    ) -> User:
        """Keep what the directory says of somebody; whoever had left is back.

        Args:
            person: as it describes them.
            actor: whom the log names; None for the person.
            address: where the person logged in from.
            create: make an account where there is none.

        Raises:
            BadCredentialsError: there is no account to keep it in: a local one has the name, for instance.
        """
        found = self._accounts.user_named(person.name)
        if found is None:
            if not create:
                raise BadCredentialsError
            found = self._create(person, actor, address)
        if found.source is not Source.DIRECTORY:
            raise BadCredentialsError
        if not Described.of(self._store, found, person).differences:
            self._see(found)
            return found
        return self._follow(found.id, person, actor, address)

    def would_lose(self, user_id: int, person: Person | None) -> bool:
        """Whether somebody would lose access by what the directory says of them now.

        Args:
            person: as it describes them; None when it does not have them.
        """
        user = self._accounts.user(user_id)
        if user is None or user.source is not Source.DIRECTORY or user.disabled:
            return False
        return person is None or Described.of(self._store, user, person).takes_away

    def part(self, actor: Actor, user_id: int) -> bool:
        """The directory does not have the person any more: nothing that was given out is good from now on.

        Returns:
            False when it was so already.
        """
        with atomic():
            user = self._accounts.user(user_id)
            if user is None or user.source is not Source.DIRECTORY or user.left_at is not None:
                return False
            self._store.leave(user_id, self._store.groups_of(user_id))
            self._store.delete_access_tokens(user_id)
            if user.disabled:  # by hand, and so it stays whatever the directory says
                return False
            now = self._clock()
            self._accounts.update_user(
                user_id, now, bump=True, disabled=True, left_at=now, directory_admin=False
            )
            self._events.publish(UserChanged(actor, user_id, user.name, "gone from the directory"))
        return True

    def _ask(
        self, known: User | None, name: str, password: str, address: str, proved: ProvedPasswords
    ) -> Principal:
        try:
            person = self._directory.prove(name, password)
        except DirectoryAwayError as away:  # and not `DirectoryBusyError`: anybody can make a line full
            return self._by_grace(known, password, away)
        except BadCredentialsError:
            if known is not None:
                self._grace.forget(known.principal(), password)
            raise
        user = self.learn(person, address=address)
        if user.disabled:
            raise BadCredentialsError
        principal = user.principal()
        proved.remember(principal, password)
        self._grace.remember(principal, password)
        return principal

    def _by_grace(self, known: User | None, password: str, away: DirectoryAwayError) -> Principal:
        if known is None or known.disabled:
            raise away
        verdict = self._grace.judge(known.principal(), password)
        if verdict is Verdict.WRONG:
            # Said as ever, but counted: or the memory could be guessed at for as long as it is away.
            raise GraceRefusedError(away.message) from away
        if verdict is Verdict.UNKNOWN:
            raise away
        return known.principal()

    def _create(self, person: Person, actor: Actor | None, address: str) -> User:
        if len(person.name) > MAX_TEXT or _name.fullmatch(person.name) is None:
            _log.warning("the directory has a name that no account can have")
            raise BadCredentialsError
        now = self._clock()
        values: dict[str, object] = {
            "name": person.name,
            **profile_of(person),
            "password_hash": "",
            "admin": False,
            "disabled": False,
            "generation": 1,
            "created_at": now,
            "updated_at": now,
            "source": Source.DIRECTORY.value,
            "directory_admin": person.administrator,
            "seen_at": now,
        }
        try:
            with atomic():
                if self._accounts.is_name_taken(person.name):
                    raise UserExistsError(f"there is a user {person.name} already")
                user_id = self._accounts.insert_user(values)
                self._store.enter(user_id, self._store.known(person.groups))
                self._events.publish(
                    UserCreated(actor or _self(user_id, person.name, address), user_id, person.name)
                )
        except (IntegrityError, UserExistsError) as error:  # another login was faster, or a local account
            if self._accounts.user_named(person.name) is None:
                raise BadCredentialsError from error
        made = self._accounts.user_named(person.name)
        if made is None:  # deleted in this very moment
            raise BadCredentialsError
        return made

    def _follow(self, user_id: int, person: Person, actor: Actor | None, address: str) -> User:
        with atomic():
            user = self._accounts.user(user_id)
            if user is None:
                raise BadCredentialsError
            said = Described.of(self._store, user, person)
            self._store.leave(user_id, said.held - said.groups)
            self._store.enter(user_id, said.groups - said.held)
            values: dict[str, object] = {**said.profile, "directory_admin": said.administrator}
            back = user.left_at is not None
            if back:
                values |= {"disabled": False, "left_at": None}
            now = self._clock()
            bump = back or user.directory_admin != said.administrator
            self._accounts.update_user(user_id, now, bump=bump, seen_at=now, **values)
            if said.differences:
                who = actor or _self(user_id, user.name, address)
                self._events.publish(UserChanged(who, user_id, user.name, ", ".join(said.differences)))
            followed = self._accounts.user(user_id)
        if followed is None:
            raise BadCredentialsError
        return followed

    def _see(self, user: User) -> None:
        now = self._clock()
        if user.seen_at is not None and now - user.seen_at < _SEEN_NOTED_EVERY:
            return
        try:
            with atomic():
                self._store.see(user.id, now)
        except DatabaseIllError:
            # A full disk must not keep people from pulling what is there.
            _log.warning("that a person was seen could not be noted", exc_info=True)


def _self(user_id: int, name: str, address: str) -> Actor:
    return Actor(f"user:{user_id}", "user", name, address)
