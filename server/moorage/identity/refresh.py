"""`Refresh`: the job that asks the directory about everybody whom it vouched for."""

from collections.abc import Iterator, Mapping
from typing import Protocol

from moorage.events import SYSTEM
from moorage.identity.directory import Directory
from moorage.identity.errors import BadCredentialsError, DirectoryAwayError
from moorage.identity.people import DirectoryPeople
from moorage.identity.people_store import PeopleStore

#: The kind of the job.
KIND = "identity-refresh"
_BATCH = 200


class Work(Protocol):
    """What this job needs of a run."""

    @property
    def stopping(self) -> bool:
        """Whether to stop."""

    def say(self, text: str, *, level: str = "info") -> None:
        """Add a line to the log of the run."""

    def count(self, **increments: int) -> None:
        """Add to the figures of the run."""


class Refresh:
    """Follows the directory: profiles, groups, administrators, and who is gone.

    Nothing is taken away from anybody of whom the directory says nothing.
    """

    def __init__(self, directory: Directory, people: DirectoryPeople, store: PeopleStore) -> None:
        self._directory = directory
        self._people = people
        self._store = store

    @property
    def is_idle(self) -> bool:
        """Whether there is no directory to ask."""
        return not self._directory.connected

    def run(self, run: Work) -> Mapping[str, object]:
        """The handler of the job.

        Returns:
            `checked` and `gone` are numbers of people.

        Raises:
            DirectoryAwayError: it does not answer; whoever was not asked about stays as they are.
        """
        if self.is_idle:
            run.say("this registry is not connected to a directory")
            return {"checked": 0, "gone": 0, "message": "no directory is connected"}
        run.say(f"asking the directory about {self._store.count_people()} people")
        checked = gone = 0
        for user_id, name in self._everybody():
            if run.stopping:
                break
            gone += self._check(run, user_id, name, checked)
            checked += 1
            run.count(checked=1)
        message = f"{checked} people checked, {gone} gone from the directory"
        run.say(message)
        return {"checked": checked, "gone": gone, "message": message}

    def _everybody(self) -> Iterator[tuple[int, str]]:
        last = 0
        while some := self._store.names_after(last, _BATCH):
            yield from some
            last = some[-1][0]

    def _check(self, run: Work, user_id: int, name: str, checked: int) -> int:
        """Ask about one of them; 1 when they are gone since the last time."""
        try:
            person = self._directory.person(name)
        except DirectoryAwayError:
            run.say(f"the directory is away; {checked} people were checked, all others stay", level="error")
            raise
        if person is not None:
            try:
                self._people.learn(person, SYSTEM, create=False)
            except BadCredentialsError:
                run.say(f"{name} has no account of that name by now", level="warning")
            return 0
        if not self._people.part(SYSTEM, user_id):
            return 0
        run.say(f"{name} is gone from the directory and can do nothing here any more")
        run.count(gone=1)
        return 1
