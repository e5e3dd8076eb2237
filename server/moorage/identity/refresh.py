"""`Refresh`: the job that asks the directory about everybody whom it vouched for."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol

from moorage.clock import Clock
from moorage.db.connection import atomic
from moorage.events import SYSTEM, DirectoryDoubted, Events
from moorage.identity.brake import Brake
from moorage.identity.directory import Directory, Person
from moorage.identity.errors import (
    BadCredentialsError,
    DirectoryAwayError,
    DirectoryBusyError,
    DirectoryDoubtedError,
)
from moorage.identity.people import DirectoryPeople
from moorage.identity.people_store import PeopleStore

#: The kind of the job.
KIND = "identity-refresh"
_BATCH = 200
#: How often a run asks once more: because not all was read, and because others were asking.
_FURTHER_QUESTIONS = 100
_WAITS = 30
_WAIT_SECONDS = 2.0
_NAMES_SAID = 20


class Work(Protocol):
    """What this job needs of a run."""

    @property
    def parameters(self) -> Mapping[str, object]:
        """As the run was asked for."""

    @property
    def stopping(self) -> bool:
        """Whether to stop."""

    def say(self, text: str, *, level: str = "info") -> None:
        """Add a line to the log of the run."""

    def count(self, **increments: int) -> None:
        """Add to the figures of the run."""

    def mark(self, **values: object) -> None:
        """Replace figures of the run."""

    def pause(self, seconds: float) -> None:
        """Wait, but not beyond the wish to stop."""


@dataclass(frozen=True, slots=True)
class _Loss:
    """Somebody who may do less by what the directory said at a time; no person: they are gone."""

    user_id: int
    name: str
    person: Person | None
    said_at: datetime


@dataclass(slots=True)
class _Round:
    """What came of one run so far."""

    force: bool
    known: int
    checked: int = 0
    gone: int = 0
    unsure: int = 0
    further: int = _FURTHER_QUESTIONS
    waits: int = _WAITS
    losses: list[_Loss] = field(default_factory=list)


class Refresh:
    """Follows the directory: profiles, groups, administrators, and who is gone.

    Nothing is taken away from anybody of whom the directory says nothing. What is to be taken away is
    taken at the end of the run, and not at all when that would be from too many.
    """

    def __init__(
        self,
        directory: Directory,
        people: DirectoryPeople,
        store: PeopleStore,
        events: Events,
        clock: Clock,
        brake: Brake,
    ) -> None:
        self._directory = directory
        self._people = people
        self._store = store
        self._events = events
        self._clock = clock
        self._brake = brake

    @property
    def is_idle(self) -> bool:
        """Whether there is no directory to ask."""
        return not self._directory.connected

    def run(self, run: Work) -> Mapping[str, object]:
        """The handler of the job. The parameter `force` lets go whoever is to lose access.

        Returns:
            `checked` and `gone` are numbers of people; of `unsure` ones the directory did not say all.

        Raises:
            DirectoryAwayError: it does not answer; whoever was not asked about stays as they are.
            DirectoryBusyError: others asked too much for too long; the same.
            DirectoryDoubtedError: too many people would lose access; nobody does.
        """
        if self.is_idle:
            run.say("this registry is not connected to a directory")
            return {"checked": 0, "gone": 0, "message": "no directory is connected"}
        done = _Round(run.parameters.get("force") is True, self._store.count_with_access())
        run.say(f"asking the directory about {self._store.count_people()} people")
        try:
            self._ask_about_everybody(run, done)
        except (DirectoryAwayError, DirectoryBusyError) as error:
            how = "away" if isinstance(error, DirectoryAwayError) else "busy"
            text = f"the directory is {how}; {done.checked} people were checked, all others stay"
            run.say(text, level="error")
            self._take_away(run, done)
            raise
        self._take_away(run, done)
        message = f"{done.checked} people checked, {done.gone} gone from the directory"
        run.say(message)
        if done.unsure:
            run.say(
                f"which groups hold {done.unsure} people was not wholly read; they lost none for that",
                level="warning",
            )
        return {"checked": done.checked, "gone": done.gone, "unsure": done.unsure, "message": message}

    def _ask_about_everybody(self, run: Work, done: _Round) -> None:
        for user_id, name in self._everybody():
            if run.stopping:
                return
            said_at = self._clock()
            person = self._asked(run, done, name)
            if self._people.would_lose(user_id, person):
                done.losses.append(_Loss(user_id, name, person, said_at))
                if not done.force and self._brake.holds(len(done.losses), done.known):
                    self._doubt(run, done)
            else:
                self._follow(run, done, user_id, name, person)
            done.checked += 1
            run.count(checked=1)

    def _everybody(self) -> Iterator[tuple[int, str]]:
        last = 0
        while some := self._store.names_after(last, _BATCH):
            yield from some
            last = some[-1][0]

    def _asked(self, run: Work, done: _Round, name: str) -> Person | None:
        """What the directory says of somebody, asked again until that is all, within bounds."""
        person = self._patiently(run, done, name)
        while person is not None and not person.whole and done.further and not run.stopping:
            done.further -= 1
            person = self._patiently(run, done, name)
        if person is not None and not person.whole:
            done.unsure += 1
        return person

    def _patiently(self, run: Work, done: _Round, name: str) -> Person | None:
        while True:
            try:
                return self._directory.person(name)
            except DirectoryBusyError:
                if not done.waits or run.stopping:
                    raise
                done.waits -= 1
                run.pause(_WAIT_SECONDS)

    def _follow(self, run: Work, done: _Round, user_id: int, name: str, person: Person | None) -> None:
        if person is not None:
            try:
                self._people.learn(person, SYSTEM, create=False)
            except BadCredentialsError:
                run.say(f"{name} has no account of that name by now", level="warning")
        elif self._people.part(SYSTEM, user_id):
            run.say(f"{name} is gone from the directory and can do nothing here any more")
            run.count(gone=1)
            done.gone += 1

    def _take_away(self, run: Work, done: _Round) -> None:
        for loss in done.losses:
            seen_at = self._store.seen_at(loss.user_id)
            # Whoever logged in since then was described anew.
            if seen_at is None or seen_at <= loss.said_at:
                self._follow(run, done, loss.user_id, loss.name, loss.person)

    def _doubt(self, run: Work, done: _Round) -> None:
        run.mark(losing=len(done.losses))
        for loss in done.losses[:_NAMES_SAID]:
            what = "is gone from the directory" if loss.person is None else "lost groups or administration"
            run.say(f"{loss.name} {what} and keeps access for now", level="warning")
        with atomic():
            self._events.publish(DirectoryDoubted(SYSTEM, len(done.losses), done.known))
        raise DirectoryDoubtedError(
            f"{len(done.losses)} of {done.known} people or more would lose access at once, so nobody does: "
            "see whether the directory is right, and if it is, run `moorage run identity-refresh --force`"
        )
