"""`moorage-appliance upgrade` and `rollback`: one release changes places with another.

prepare     everything is verified, unpacked and made beside what runs; the registry serves
stop        registry, worker and nginx: from here to the end nobody is answered, so nothing can be lost
copy        the database
switch      the journal says so first: whoever stops here is brought back by the next boot
look        the new release starts and is asked behind nginx
done        the journal says so, and nginx starts; what ran before is kept for `rollback`
"""

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

from moorage_appliance.backup.errors import BackupError
from moorage_appliance.backup.place import locked
from moorage_appliance.backup.swapping import stopped
from moorage_appliance.backup.taking import alone, settings
from moorage_appliance.commands import CommandFailedError, Commands
from moorage_appliance.paths import Paths
from moorage_appliance.upgrade import database, environment, system_files
from moorage_appliance.upgrade.bundle import FILES, Bundle, as_numbers, unpack
from moorage_appliance.upgrade.errors import BundleInvalidError, UpgradeError
from moorage_appliance.upgrade.health import Say, until_well
from moorage_appliance.upgrade.journal import Journal, JournalFile, State

_TARGET, _PROXY, _CONFIGURE = "moorage.target", "nginx.service", "moorage-configure.service"
_JOBS = ("gc", "fsck", "identity-refresh", "replicate", "scan", "backup")
_STOPPED = tuple(f"moorage-{name}.service" for name in ("registry", "portal", "worker", "migrate", *_JOBS))
_BEHIND_NGINX = tuple(f"moorage-{name}.service" for name in ("migrate", "registry", "portal", "worker"))
_MIB = 1 << 20


@dataclass(frozen=True, slots=True)
class Upgrading:
    """Both ways.

    Attributes:
        seconds: how long a release may take to be well.
    """

    paths: Paths
    commands: Commands
    say: Say
    seconds: float = 300

    def installed(self) -> str:
        """The release that is installed."""
        return (self.paths.shared / "version").read_text().strip()

    def upgrade(self, file: Path, *, database_is_backed_up: bool = False) -> str:
        """Put the release of a bundle into the place of the one that runs; returns its version.

        Args:
            database_is_backed_up: somebody saw to the copy of a database that is not on this machine.

        Raises:
            UpgradeError: nothing was changed, or everything was brought back.
        """
        with self._alone():
            if self._journal.read() is not None and self._state() is State.SWITCHING:
                raise UpgradeError(
                    "an upgrade was interrupted; `moorage-appliance rollback` brings back what ran before"
                )
            own = self._database()
            if own is None and not database_is_backed_up:
                raise UpgradeError(
                    "the database is on another machine, where no copy of it can be made from here: "
                    "back it up there, then give --database-is-backed-up"
                )
            journal = self._prepared(file, own)
            try:
                self._switch(journal, own)
            except (UpgradeError, CommandFailedError, BackupError, OSError) as error:
                self.say(f"{error}")
                self._bring_back(journal, own)
                raise UpgradeError(f"{journal.version} was not well; {journal.before} runs again") from error
            except KeyboardInterrupt:
                self._bring_back(journal, own)
                raise
            return journal.version

    def rollback(self) -> Journal:
        """Put the release before the last upgrade into the place of the one that runs.

        Raises:
            UpgradeError: there is none.
        """
        with self._alone():
            journal = self._journal.read()
            if journal is None:
                raise UpgradeError("there is no upgrade that could be taken back")
            self._bring_back(journal, self._database())
            return journal

    def recover(self) -> bool:
        """At boot, before anything runs: whether an upgrade that was interrupted had to be taken back."""
        journal = self._journal.read()
        if journal is None or journal.state is State.DONE:
            return False
        self._exchange_back(journal, self._database())
        return True

    def _prepared(self, file: Path, own: Path | None) -> Journal:
        """Everything that can be done while the registry serves."""
        journal_file, before = self._journal, self.installed()
        coming = journal_file.folder(".coming")
        shutil.rmtree(coming, ignore_errors=True)
        self._refuse_without_room(file)
        self.say(f"verifying {file.name}")
        try:
            bundle = unpack(file, (self.paths.shared / "upgrade.pub").read_bytes(), coming / "bundle")
            self._refuse_wrong_release(bundle, before)
            if own is not None:
                database.refuse_without_room(own)
            self.say(f"making the environment of {bundle.version}")
            environment.make(self.paths, self.commands, bundle, coming)
            units = system_files.keep(self.paths.root, bundle.folder / FILES, coming)
        except BaseException:
            shutil.rmtree(coming, ignore_errors=True)
            (self.paths.program / ".ran-before").unlink(missing_ok=True)
            raise
        began = datetime.now(UTC).strftime("%Y%m%dT%H%M%SZ")
        journal = Journal(bundle.version, before, State.SWITCHING, began, units)
        self._forget_earlier(own)
        os.sync()
        coming.rename(journal_file.folder(journal.name))
        return journal

    def _switch(self, journal: Journal, own: Path | None) -> None:
        folder = self._journal.folder(journal.name)
        found = settings(self.paths)
        with locked(found.collecting_lock, "", wait=True):
            self.say("stopping the registry")
            self._systemctl("stop", _PROXY, _TARGET, *_STOPPED)
            with stopped(found.storage.data):
                if own is not None:
                    self.say("copying the database")
                    database.copy(own, journal.name)
                self._journal.write(journal)
                self.say(f"switching to {journal.version}")
                environment.exchange(self.paths, folder)
                system_files.replace(self.paths.root, folder / "bundle" / FILES, folder)
            self._start_behind_nginx(Bundle(journal.version, "", folder / "bundle"))
            self._journal.write(replace(journal, state=State.DONE))
        self._systemctl("start", _TARGET, _PROXY)

    def _start_behind_nginx(self, bundle: Bundle) -> None:
        """Start the new release and look at it; no client is answered meanwhile."""
        self._systemctl("daemon-reload")
        payload = bundle.payload()
        self._systemctl("enable", "--quiet", *payload["units"], *payload["timers"])
        self._systemctl("restart", _CONFIGURE)
        self.say("starting it")
        self._systemctl("start", "--no-block", *_BEHIND_NGINX)
        until_well(self.paths, self.commands, self.seconds, self.say)

    def _bring_back(self, journal: Journal, own: Path | None) -> None:
        self.say(f"bringing back {journal.before}")
        self._systemctl("stop", _PROXY, _TARGET, *_STOPPED)
        self._journal.write(replace(journal, state=State.SWITCHING))
        self._exchange_back(journal, own)
        self._systemctl("restart", _CONFIGURE)
        self._systemctl("start", _TARGET, _PROXY)
        until_well(self.paths, self.commands, self.seconds, self.say)

    def _exchange_back(self, journal: Journal, own: Path | None) -> None:
        """Nothing runs. Whatever of it was done before is not done again."""
        folder = self._journal.folder(journal.name)
        if journal.units:
            self.commands.run("systemctl", "disable", "--quiet", *journal.units, check=False)
        environment.exchange_back(self.paths, folder)
        system_files.put_back(self.paths.root, folder)
        self._systemctl("daemon-reload")
        # As long as the older release can go on with the database, nothing that was written is given up.
        if own is not None and not database.is_usable(own, self.paths, self.commands):
            database.put_back(own, journal.name, f"after-upgrade-{journal.name}-{journal.began_at}")
        self._journal.forget()
        (self.paths.program / ".ran-before").unlink(missing_ok=True)
        if own is not None:
            database.forget(own, journal.name)
        shutil.rmtree(folder, ignore_errors=True)

    def _forget_earlier(self, own: Path | None) -> None:
        """One release is kept, the one that runs now."""
        earlier = self._journal.read()
        if earlier is None:
            return
        self._journal.forget()
        shutil.rmtree(self._journal.folder(earlier.name), ignore_errors=True)
        if own is not None:
            database.forget(own, earlier.name)

    def _refuse_wrong_release(self, bundle: Bundle, before: str) -> None:
        if as_numbers(bundle.version) <= as_numbers(before):
            raise BundleInvalidError(f"it brings {bundle.version}, and {before} is installed")
        if as_numbers(before) < as_numbers(bundle.minimum):
            raise BundleInvalidError(f"it upgrades {bundle.minimum} and later; go there from {before} first")

    def _refuse_without_room(self, file: Path) -> None:
        # The bundle, what is packed in it, and an environment that is about four times as large.
        self._journal.root.mkdir(parents=True, exist_ok=True, mode=0o700)
        needed, free = 6 * file.stat().st_size, shutil.disk_usage(self._journal.root).free
        if free < needed:
            raise UpgradeError(
                f"an upgrade takes {needed // _MIB} MiB of the system disk, and {free // _MIB} are free"
            )

    def _database(self) -> Path | None:
        """The file of the database; None when it is on another machine."""
        scheme, _, path = settings(self.paths).database_url.partition("://")
        return Path(path.removeprefix("/")) if scheme == "sqlite" else None

    def _state(self) -> State | None:
        found = self._journal.read()
        return found.state if found else None

    @property
    def _journal(self) -> JournalFile:
        return JournalFile(self.paths)

    def _systemctl(self, *words: str) -> None:
        self.commands.run("systemctl", *words)

    @contextmanager
    def _alone(self) -> Iterator[None]:
        try:
            with alone(self.paths):
                yield
        except BackupError as error:
            raise UpgradeError(str(error)) from error
