"""How a run ends: a decision from what its handler did and what it was told."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta

from moorage.db.connection import DatabaseIllError
from moorage.jobs.execution_store import Claim
from moorage.jobs.heart import LostError
from moorage.jobs.model import State
from moorage.jobs.run import Reason, Run, explained
from moorage.jobs.text import fit

#: So many processes may die over a run, and so often may the database be ill.
DEATHS = 5
RETRIES = 4
_FIRST_DELAY = timedelta(seconds=15)


@dataclass(frozen=True, slots=True)
class Ending:
    """What becomes of a run.

    Attributes:
        state: ``pending`` puts it back for the next worker.
        delay: how long it rests then.
        ill: it is put back because of the database.
    """

    state: State
    result: Mapping[str, object] = field(default_factory=dict)
    message: str = ""
    delay: timedelta = timedelta()
    ill: bool = False


def ending_of(claim: Claim, run: Run, result: Mapping[str, object], error: Exception | None) -> Ending:
    """What becomes of a run whose handler returned `result` or raised `error`."""
    if isinstance(error, DatabaseIllError):
        return _ill(claim)
    if isinstance(error, LostError) or run.told is Reason.LOST:
        return Ending(State.PENDING)
    if error is not None:
        return Ending(State.ERROR, message=explained(error))
    if run.told is Reason.ENDING:
        return Ending(State.PENDING)
    if run.told is Reason.BUDGET:
        result = {**result, "unfinished": True}
    state = State.STOPPED if run.told is Reason.ASKED else State.SUCCESS
    return Ending(state, result, fit(str(result.get("message", ""))))


def stopped_before() -> Ending:
    """Of a run that was to stop while nobody worked on it any more."""
    return Ending(State.STOPPED)


def is_hopeless(claim: Claim) -> bool:
    """Whether a run took too many processes with it to be tried again."""
    return claim.deaths >= DEATHS


def abandoned(claim: Claim) -> Ending:
    """Of a hopeless run."""
    return Ending(State.ERROR, message=f"given up: {claim.deaths} processes died while they worked on it")


def _ill(claim: Claim) -> Ending:
    if claim.retries >= RETRIES:
        return Ending(State.ERROR, message="given up: the database failed again and again")
    return Ending(State.PENDING, delay=_FIRST_DELAY * 2**claim.retries, ill=True)
