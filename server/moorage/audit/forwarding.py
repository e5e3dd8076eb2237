"""`Forwarding`: how far the log was forwarded, what of it a purge may take, and a message to try it out."""

import socket
import threading
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from urllib.parse import urlsplit

from moorage.audit.destination import Destination, connect
from moorage.audit.errors import LineBrokenError, SyslogInvalidError, SyslogOffError
from moorage.audit.flow import Pace
from moorage.audit.forward_store import ForwardStore
from moorage.audit.forwarder import Forwarder
from moorage.audit.line import Line
from moorage.audit.message import TEST, Style, host_name, notice
from moorage.audit.model import Entry, Progress
from moorage.audit.turn import DatabaseTurn, FileTurn
from moorage.clock import Clock
from moorage.config.settings import SyslogSettings
from moorage.db.connection import is_postgresql

_TEST_SECONDS = 10.0
#: So long health speaks of entries that were dropped.
_REMEMBERED = timedelta(days=1)
#: A forwarder that gave no sign for so long is no longer there.
_SILENT = timedelta(minutes=1)


@dataclass(frozen=True, slots=True)
class Status:
    """How forwarding goes.

    Attributes:
        progress: None when nobody ever forwarded.
        waiting: entries that were not sent yet, at most: numbers that were never used count too.
        oldest_at: when the first of these was made.
    """

    target: str
    progress: Progress | None
    waiting: int
    oldest_at: datetime | None
    connected: bool


@dataclass(frozen=True, slots=True)
class Guard:
    """What a purge may take.

    Attributes:
        settled_id: entries up to this one, freely.
        number, moment: entries up to this number, or before this moment, are beyond what is kept.
    """

    settled_id: int
    number: int
    moment: datetime

    def free(self, entries: Sequence[Entry]) -> list[Entry]:
        """Those of the entries that may go."""
        return [
            each
            for each in entries
            if each.id <= self.settled_id or each.id <= self.number or each.at < self.moment
        ]


class Forwarding:
    """What the rest of the program knows about forwarding.

    Args:
        folder: where processes of one machine agree on who forwards.
        external_url: of this registry, for HOSTNAME.
    """

    def __init__(
        self,
        store: ForwardStore,
        clock: Clock,
        settings: SyslogSettings,
        folder: Path,
        external_url: str = "",
        pace: Pace | None = None,
    ) -> None:
        self._store = store
        self._clock = clock
        self._settings = settings
        self._folder = folder
        self._pace = pace
        name = urlsplit(external_url).hostname or socket.gethostname()
        self._style = Style(
            host=host_name(name),
            app_name=settings.app_name,
            facility=settings.facility,
            sd_id=settings.sd_id,
            as_json=settings.format == "json",
            max_bytes=settings.max_bytes,
        )

    @property
    def is_on(self) -> bool:
        """Whether a server is named."""
        return bool(self._settings.url)

    def run(self, stop: threading.Event) -> None:
        """Forward until `stop` is set; returns at once when no server is named."""
        if not self.is_on:
            return
        Forwarder(
            self._store,
            DatabaseTurn(self._store) if is_postgresql() else FileTurn(self._folder / "audit-forward.lock"),
            self._connect,
            self._style,
            self._clock,
            self._beginning,
            target=self._settings.url,
            pace=self._pace,
        ).run(stop)

    def test(self) -> str:
        """Send a message over a connection of its own; returns what became of it, for people.

        Raises:
            SyslogOffError: no server is named.
            SyslogInvalidError: a certificate or a key cannot be used.
            LineBrokenError: it could not be sent.
        """
        if not self.is_on:
            raise SyslogOffError("no syslog server is named: set url in the section [syslog]")
        destination = self._destination()
        line = connect(destination, threading.Event(), _TEST_SECONDS)
        try:
            line.send([(1, notice(self._style, self._clock(), TEST, "a message to try the connection out"))])
            line.finish(_TEST_SECONDS)
        finally:
            line.close()
        known = "sent; over UDP nobody can tell whether it arrived" if destination.scheme == "udp" else "read"
        return f"{destination}: {known}"

    def status(self) -> Status:
        """How it goes."""
        found = self._store.progress()
        sent = 0 if found is None else found.sent_id
        return Status(
            target=self._settings.url,
            progress=found,
            waiting=max(0, self._store.newest() - sent),
            oldest_at=self._store.oldest_after(sent),
            connected=found is not None and found.connected and self._clock() - found.beat_at < _SILENT,
        )

    def probe(self) -> str | None:
        """A warning when entries wait for too long, or were dropped."""
        if not self.is_on:
            return None
        found, now = self.status(), self._clock()
        told = []
        if found.oldest_at is not None and now - found.oldest_at > self._patience:
            since = f"{found.oldest_at:%Y-%m-%d %H:%M} UTC"
            cause = "nobody forwards" if found.progress is None else found.progress.error
            told.append(f"up to {found.waiting} entries wait since {since}" + (f": {cause}" if cause else ""))
        progress = found.progress
        dropped_at = None if progress is None else progress.dropped_at
        if progress is not None and dropped_at is not None and now - dropped_at < _REMEMBERED:
            told.append(f"{progress.dropped} entries were dropped unsent, the last on {dropped_at:%Y-%m-%d}")
        return "; ".join(told) or None

    def guard(self) -> Guard | None:
        """What a purge may take right now; None when it may take everything."""
        if not self.is_on:
            return None
        found = self._store.progress()
        return Guard(
            settled_id=0 if found is None else found.settled_id,
            number=self._store.newest() - self._settings.spool_entries,
            moment=self._clock() - timedelta(hours=self._settings.spool_hours),
        )

    def drop(self, entries: Sequence[Entry]) -> None:
        """Count those of the entries that go unsent; call it in the transaction that removes them."""
        if not entries:
            return
        found = self._store.progress()
        sent = 0 if found is None else found.sent_id
        if count := sum(each.id > sent for each in entries):
            self._store.drop(count, self._clock())

    @property
    def _patience(self) -> timedelta:
        return timedelta(minutes=self._settings.warn_minutes)

    def _connect(self, stop: threading.Event, seconds: float) -> Line:
        """With the certificates as they are now: they may have been renewed."""
        try:
            return connect(self._destination(), stop, seconds)
        except SyslogInvalidError as error:
            raise LineBrokenError(error.message) from error

    def _destination(self) -> Destination:
        which = self._settings
        return Destination.of(
            which.url, ca_file=which.ca_file, cert_file=which.cert_file, key_file=which.key_file
        )

    def _beginning(self) -> Progress:
        """A log that was never forwarded begins with what would still be kept for the server."""
        now, newest = self._clock(), self._store.newest()
        first = self._store.since(now - timedelta(hours=self._settings.spool_hours))
        begin = newest if first is None else max(first - 1, newest - self._settings.spool_entries, 0)
        return Progress(self._settings.url, begin, begin, None, 0, 0, 0, None, False, "", now)
