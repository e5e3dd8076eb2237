"""`Scanners`: which scanners of vulnerabilities are known here, and which one is the default."""

from collections.abc import Sequence
from dataclasses import replace
from uuid import uuid4

from moorage.clock import Clock
from moorage.db.connection import IntegrityError, atomic
from moorage.events import Actor, Events, ScannerChanged, ScannerCreated, ScannerDeleted
from moorage.identity.text import is_storable
from moorage.keyring import Keyring
from moorage.scanners.adapter import Adapter
from moorage.scanners.errors import (
    ScannerAwayError,
    ScannerDisabledError,
    ScannerExistsError,
    ScannerInvalidError,
    ScannerUnknownError,
)
from moorage.scanners.model import Auth, Draft, Metadata, Registration
from moorage.scanners.store import ScannerStore

#: The most that there can be.
MAX_REGISTRATIONS = 100
_TOLD = ("name", "url", "description", "auth", "skip_cert_verify", "use_internal_addr", "disabled")


class Scanners:
    """Registers, changes, asks and forgets scanners.

    The first one that is registered is the default, unless it is switched off. When the default is
    forgotten no other takes its place: who looks at the artifacts of a project is for a person to say.
    """

    def __init__(
        self, store: ScannerStore, keyring: Keyring, adapter: Adapter, events: Events, clock: Clock
    ) -> None:
        self._store = store
        self._keyring = keyring
        self._adapter = adapter
        self._events = events
        self._clock = clock

    def all(self) -> Sequence[Registration]:
        """Every registration, the oldest first."""
        return self._store.all()

    def get(self, uuid: str) -> Registration:
        """A registration.

        Raises:
            ScannerUnknownError: there is none of that name.
        """
        found = self._store.find(uuid) if is_storable(uuid) else None
        return _known(found)

    def create(self, actor: Actor, draft: Draft) -> Registration:
        """Register a scanner; it is not asked.

        Raises:
            ScannerExistsError: another one has the name or the address.
            ScannerInvalidError: the credential is missing, or there are too many.
        """
        now = self._clock()
        made = _applied(
            Registration(
                uuid=str(uuid4()),
                name=draft.name,
                description="",
                url=draft.url,
                auth=Auth.NONE,
                sealed="",
                skip_cert_verify=False,
                use_internal_addr=False,
                disabled=False,
                is_default=False,
                created_at=now,
                updated_at=now,
            ),
            draft,
        )
        if draft.auth is not Auth.NONE and draft.credential is None:
            raise ScannerInvalidError(f"access_credential is missing for auth {draft.auth.value!r}")
        made = replace(made, sealed=self._sealed(made, draft))
        with atomic():
            known = self._store.count()
            if known >= MAX_REGISTRATIONS:
                raise ScannerInvalidError(f"there are at most {MAX_REGISTRATIONS} scanners")
            self._write(made, new=True)
            if not known and not made.disabled:
                self._store.set_first_default(made.uuid)
            self._events.publish(ScannerCreated(actor, made.uuid, made.name))
            return self.get(made.uuid)

    def change(self, actor: Actor, uuid: str, draft: Draft) -> Registration:
        """Replace a registration.

        A change of the address, of how the credential is sent, or to a certificate that is not checked any
        more forgets the credential, unless a new one comes with it: what was given for one place is sent to
        no other. A change that changes nothing is not logged.

        Raises:
            ScannerUnknownError: there is none of that name.
            ScannerExistsError: another one has the name or the address.
            ScannerDisabledError: it is the default, and would be switched off.
        """
        with atomic():
            known = self._held(uuid)
            changed = _applied(known, draft)
            if changed.disabled and known.is_default:
                raise ScannerDisabledError(
                    "the default cannot be switched off; make another the default first"
                )
            told = [name for name in _TOLD if getattr(known, name) != getattr(changed, name)]
            if draft.credential is not None:
                changed = replace(changed, sealed=self._sealed(changed, draft))
                told.append("credential")
            elif known.sealed and _goes_elsewhere(known, changed):
                changed = replace(changed, sealed="")
                told.append("credential forgotten")
            if not told:
                return known
            self._write(replace(changed, updated_at=self._clock()), new=False)
            self._events.publish(ScannerChanged(actor, uuid, changed.name, ", ".join(told)))
            return self.get(uuid)

    def set_default(self, actor: Actor, uuid: str, wanted: bool) -> None:
        """Make it the default, or end that; a call that changes nothing is not logged.

        Raises:
            ScannerUnknownError: there is none of that name.
            ScannerDisabledError: it is switched off.
        """
        with atomic():
            known = self._held(uuid)
            if known.is_default == wanted:
                return
            if wanted and known.disabled:
                raise ScannerDisabledError("a scanner that is switched off cannot be the default")
            if wanted:
                self._store.set_default(uuid)
            else:
                self._store.unset_default(uuid)
            what = "is the default" if wanted else "is not the default any more"
            self._events.publish(ScannerChanged(actor, uuid, known.name, what))

    def delete(self, actor: Actor, uuid: str) -> Registration:
        """Forget a scanner with its credential; projects that chose it have the default again.

        Returns:
            What was forgotten.

        Raises:
            ScannerUnknownError: there is none of that name.
        """
        with atomic():
            known = self._held(uuid)
            self._store.delete(uuid)
            self._events.publish(ScannerDeleted(actor, uuid, known.name))
            return known

    def ping(self, draft: Draft) -> Metadata:
        """Ask a scanner that need not be registered, with the credential that is given and no other.

        Raises:
            AddressRefusedError: this server does not call the address.
            ScannerAwayError: it does not answer as a scanner.
        """
        return self._adapter.metadata(
            draft.url, draft.auth, draft.credential or "", verify=not draft.skip_cert_verify
        )

    def metadata(self, uuid: str) -> Metadata:
        """Ask a registered scanner, with its own credential.

        Raises:
            ScannerUnknownError: there is none of that name.
            AddressRefusedError: this server does not call the address any more.
            ScannerAwayError: it does not answer as a scanner, or its credential was forgotten.
            SealBrokenError: its credential cannot be opened.
        """
        found = self.get(uuid)
        if found.auth is not Auth.NONE and not found.sealed:
            raise ScannerAwayError(
                "the scanner's credential was forgotten with its old address; give it anew"
            )
        credential = self._keyring.unseal(found.sealed, found.purpose) if found.sealed else ""
        return self._adapter.metadata(found.url, found.auth, credential, verify=not found.skip_cert_verify)

    def _held(self, uuid: str) -> Registration:
        return _known(self._store.hold(uuid) if is_storable(uuid) else None)

    def _sealed(self, registration: Registration, draft: Draft) -> str:
        return self._keyring.seal(draft.credential, registration.purpose) if draft.credential else ""

    def _write(self, registration: Registration, *, new: bool) -> None:
        try:
            with atomic():
                if new:
                    self._store.insert(registration)
                else:
                    self._store.update(registration)
        except IntegrityError as error:
            raise self._exists(registration) from error

    def _exists(self, wanted: Registration) -> ScannerExistsError:
        others = [each for each in self._store.all() if each.uuid != wanted.uuid]
        if any(each.name == wanted.name for each in others):
            return ScannerExistsError(f"there is a scanner named {wanted.name!r} already")
        return ScannerExistsError("there is a scanner with this url already")


def _known(found: Registration | None) -> Registration:
    if found is None:
        raise ScannerUnknownError("there is no such scanner")
    return found


def _applied(known: Registration, draft: Draft) -> Registration:
    """The registration with everything of the draft but its credential."""
    return replace(
        known,
        name=draft.name,
        description=draft.description,
        url=draft.url,
        auth=draft.auth,
        skip_cert_verify=draft.skip_cert_verify,
        use_internal_addr=draft.use_internal_addr,
        disabled=draft.disabled,
    )


def _goes_elsewhere(known: Registration, changed: Registration) -> bool:
    return (
        known.url != changed.url
        or known.auth is not changed.auth
        or (changed.skip_cert_verify and not known.skip_cert_verify)
    )
