"""The settings of the site: read everywhere, changed by administrators."""

import threading
import time
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from datetime import timedelta

from moorage.clock import Clock
from moorage.config import Settings
from moorage.configuration import keys
from moorage.configuration.errors import SettingFixedError
from moorage.configuration.keys import KEYS, checked
from moorage.configuration.model import Shown, Value
from moorage.configuration.store import SettingStore
from moorage.db.connection import atomic
from moorage.events import Actor, ConfigurationChanged, Events

#: How long a process may go on with what it read; a change is known everywhere after that.
REMEMBERED_SECONDS = 2.0


@dataclass(frozen=True, slots=True)
class _Read:
    values: Mapping[str, Value]
    until: float


class SiteSettings:
    """What holds now: what was set here, else what the configuration file says, else the default.

    Args:
        settings: of the configuration file, which has a say about a few of the keys.
        ticks: seconds that only ever grow.
    """

    def __init__(
        self,
        store: SettingStore,
        events: Events,
        clock: Clock,
        settings: Settings,
        ticks: Callable[[], float] = time.monotonic,
    ) -> None:
        self._store = store
        self._events = events
        self._clock = clock
        self._ticks = ticks
        self._lock = threading.Lock()
        self._read: _Read | None = None
        self._changes = 0
        self._defaults: Mapping[str, Value] = {
            **{key.name: key.default for key in KEYS.values()},
            keys.CREATION: settings.projects.creation,
            keys.STORAGE_LIMIT: settings.projects.storage_limit_bytes,
            keys.LOG_ENDPOINT: settings.syslog.url,
            keys.TOKEN_MINUTES: max(1, settings.token.lifetime_seconds // 60),
        }

    def read_only(self) -> bool:
        """Nothing may be changed but this setting."""
        return bool(self.value(keys.READ_ONLY))

    def creation(self) -> str:
        """Who may create projects: ``everyone`` or ``adminonly``."""
        return str(self.value(keys.CREATION))

    def storage_limit_bytes(self) -> int:
        """The storage limit of a new project; -1 for none."""
        return int(self.value(keys.STORAGE_LIMIT))

    def robot_days(self) -> int:
        """How long a robot lives when nobody says how long."""
        return int(self.value(keys.ROBOT_DAYS))

    def session_timeout(self) -> timedelta:
        """How long a session of the portal lasts without a request."""
        return timedelta(minutes=int(self.value(keys.SESSION_MINUTES)))

    def notifications(self) -> bool:
        """Whether webhooks are called at all."""
        return bool(self.value(keys.NOTIFICATIONS))

    def value(self, name: str) -> Value:
        """What the setting holds, at most `REMEMBERED_SECONDS` ago.

        Raises:
            SettingUnknownError: there is none of that name.
        """
        keys.known(name)
        return self._values()[name]

    def shown(self) -> dict[str, Shown]:
        """Every setting that can be shown, as it is at this moment."""
        self._forget()
        values = self._values()
        return {name: Shown(values[name], key.editable) for name, key in KEYS.items() if not key.hidden}

    def change(self, actor: Actor, wanted: Mapping[str, object]) -> None:
        """Change settings, all of them or none; a value that is there already is no change.

        Raises:
            SettingUnknownError: there is no setting of that name.
            SettingInvalidError: it cannot have that value.
            SettingFixedError: it cannot be changed, and has another value.
        """
        asked = {name: checked(keys.known(name), value) for name, value in wanted.items()}
        with atomic():
            now = {**self._defaults, **self._stored()}
            changed = {name: value for name, value in asked.items() if value != now[name]}
            for name in changed:
                if not KEYS[name].editable:
                    raise SettingFixedError(f"{name} cannot be changed here")
            if changed:
                self._store.set(changed, self._clock())
                self._events.publish(ConfigurationChanged(actor, ", ".join(sorted(changed))))
        self._forget()

    def reset(self, actor: Actor, names: Collection[str]) -> None:
        """Let the configuration file and the defaults decide again.

        Raises:
            SettingUnknownError: there is no setting of one of the names.
        """
        for name in names:
            keys.known(name)
        with atomic():
            given_up = sorted(set(names) & self._store.every().keys())
            if given_up:
                self._store.remove(given_up)
                self._events.publish(ConfigurationChanged(actor, ", ".join(given_up)))
        self._forget()

    def _values(self) -> Mapping[str, Value]:
        read, changes = self._read, self._changes
        if read is not None and self._ticks() < read.until:
            return read.values
        values = {**self._defaults, **self._stored()}
        with self._lock:
            if changes == self._changes:  # else somebody changed them meanwhile
                self._read = _Read(values, self._ticks() + REMEMBERED_SECONDS)
        return values

    def _stored(self) -> dict[str, Value]:
        """What was set; another release may have known other keys and other types."""
        return {
            name: value
            for name, value in self._store.every().items()
            if name in KEYS and KEYS[name].editable and type(value) is type(KEYS[name].default)
        }

    def _forget(self) -> None:
        with self._lock:
            self._changes += 1
            self._read = None
