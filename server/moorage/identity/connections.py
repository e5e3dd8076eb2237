"""The registry's connection to a vCenter: made, changed, tried out, ended."""

from dataclasses import replace

from moorage.certificates import checked_authorities, parse_thumbprint
from moorage.clock import Clock
from moorage.db.connection import IntegrityError, atomic
from moorage.events import Actor, DirectoryChanged, DirectoryConnected, DirectoryDisconnected, Events
from moorage.identity.connection import Connection, checked, parse_address
from moorage.identity.directory_store import DirectoryStore
from moorage.identity.errors import DirectoryExistsError, DirectoryInvalidError, DirectoryUnsetError
from moorage.identity.predecessors import Known, Predecessors
from moorage.identity.vcenters import Reached, Vcenters
from moorage.identity.vsphere_directory import MAX_PASSWORD
from moorage.keyring import Keyring

#: What the secret was given for. When one of these changes it would go somewhere it was not meant for.
_BOUND = ("address", "account", "authorities", "thumbprint")
_FIELDS = (*_BOUND, "domains", "admin_privileges", "admin_group")


class Connections:
    """There is one connection at most."""

    def __init__(
        self,
        store: DirectoryStore,
        keyring: Keyring,
        vcenters: Vcenters,
        predecessors: Predecessors,
        events: Events,
        clock: Clock,
    ) -> None:
        self._store = store
        self._keyring = keyring
        self._vcenters = vcenters
        self._predecessors = predecessors
        self._events = events
        self._clock = clock

    def find(self) -> Connection | None:
        """The connection; None if there is none."""
        return self._store.connection()

    def get(self) -> Connection:
        """The connection.

        Raises:
            DirectoryUnsetError: there is none.
        """
        found = self.find()
        if found is None:
            raise DirectoryUnsetError
        return found

    def put(
        self, actor: Actor, wanted: Connection, secret: str | None = None, known_people: Known | None = None
    ) -> Connection:
        """Connect, or change the connection to this; what changes nothing is not logged.

        A change of the address, the account or of how the certificate is verified forgets the secret unless
        a new one comes with it. Other processes know within seconds.

        Args:
            actor: whom the log names.
            wanted: all of it; what is sealed in it does not count.
            secret: the service account's password; None to leave it as it is.
            known_people: what becomes of people and groups that are known already; to be said when there are
                some and the address is not the one that was connected until now.

        Raises:
            DirectoryInvalidError: a part breaks the rules, or the first secret is missing.
            DirectoryExistsError: somebody else connects it at the same moment.
            DirectoryPeopleKnownError: people or groups are known, and it was not said what becomes of them.
        """
        fresh = checked(wanted)
        sealed = None if secret is None else self._keyring.seal(checked_secret(secret), fresh.purpose)
        with atomic():
            known = self._store.hold()
            if known is None or known.address != fresh.address:
                self._predecessors.settle(actor, known_people)
            if known is None:
                self._connect(actor, fresh, sealed)
            else:
                self._change(actor, known, fresh, sealed)
            return self.get()

    def disconnect(self, actor: Actor) -> None:
        """Forget the connection and its secret; its people cannot log in any more, by whatever proof.

        What they were given stays as it is until the next connection says what becomes of it.

        Raises:
            DirectoryUnsetError: there is none.
        """
        with atomic():
            known = self._store.hold()
            if known is None:
                raise DirectoryUnsetError
            self._store.delete()
            self._events.publish(DirectoryDisconnected(actor, known.address))

    def look(self, address: str, *, authorities: str = "", thumbprint: str = "") -> Reached:
        """Who answers at an address. No secret goes there.

        Raises:
            DirectoryInvalidError: it is no address, or there are both issuers and a thumbprint.
        CertificateInvalidError: there is no certificate, or no thumbprint, where one should be.
            DirectoryAwayError: nobody answers, or it is no vCenter.
            DirectoryUntrustedError: it shows another certificate than it should.
        """
        if authorities and thumbprint:
            raise DirectoryInvalidError(
                "give the issuers of vCenter's certificate or its thumbprint, not both"
            )
        return self._vcenters.look(
            Connection(
                parse_address(address),
                "",
                authorities=checked_authorities(authorities) if authorities else "",
                thumbprint=parse_thumbprint(thumbprint) if thumbprint else "",
            )
        )

    def check(self, wanted: Connection, secret: str) -> None:
        """Try out a connection that is not stored, with the secret given.

        Raises:
            DirectoryInvalidError: a part of it breaks the rules.
            DirectoryAwayError: it does not work; the message says why.
        """
        self._vcenters.directory(checked(wanted), checked_secret(secret)).check()

    def check_stored(self) -> None:
        """Try out the connection with its own secret.

        Raises:
            DirectoryUnsetError: there is none.
            DirectoryAwayError: it does not work; the message says why.
        """
        found = self.get()
        self._vcenters.directory(found, secret_of(self._keyring, found)).check()

    def _connect(self, actor: Actor, fresh: Connection, sealed: str | None) -> None:
        if sealed is None:
            raise DirectoryInvalidError("the password of the service account is missing")
        try:
            with atomic():
                self._store.insert(replace(fresh, sealed=sealed), self._clock())
        except IntegrityError as error:
            raise DirectoryExistsError("somebody else has just connected the registry") from error
        self._events.publish(DirectoryConnected(actor, fresh.address, fresh.account))

    def _change(self, actor: Actor, known: Connection, fresh: Connection, sealed: str | None) -> None:
        changed = [name for name in _FIELDS if getattr(known, name) != getattr(fresh, name)]
        forgotten = sealed is None and known.has_secret and any(name in _BOUND for name in changed)
        kept = "" if forgotten else known.sealed
        if sealed is not None:
            changed.append("secret")
        elif forgotten:
            changed.append("secret forgotten")
        if changed:
            self._store.update(replace(fresh, sealed=kept if sealed is None else sealed), self._clock())
            self._events.publish(DirectoryChanged(actor, fresh.address, ", ".join(changed)))


def secret_of(keyring: Keyring, connection: Connection) -> str:
    """The secret of a stored connection; "" when it is not known.

    Raises:
        SealBrokenError: it was sealed with another key.
    """
    return keyring.unseal(connection.sealed, connection.purpose) if connection.has_secret else ""


def checked_secret(secret: str) -> str:
    """The same password, if it can be one.

    Raises:
        DirectoryInvalidError: it cannot.
    """
    if not 0 < len(secret) <= MAX_PASSWORD or not secret.isprintable():
        raise DirectoryInvalidError(f"a password has 1 to {MAX_PASSWORD} characters, all of them printable")
    return secret
