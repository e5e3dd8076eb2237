"""Policies, what they are told of, and how it was delivered."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Final

from moorage.jobs.model import State


class EventType(StrEnum):
    """What a policy can ask for; the words are Harbor's."""

    PUSH_ARTIFACT = "PUSH_ARTIFACT"
    PULL_ARTIFACT = "PULL_ARTIFACT"
    DELETE_ARTIFACT = "DELETE_ARTIFACT"
    QUOTA_EXCEED = "QUOTA_EXCEED"
    QUOTA_WARNING = "QUOTA_WARNING"
    TAG_RETENTION = "TAG_RETENTION"
    REPLICATION = "REPLICATION"
    SCANNING_COMPLETED = "SCANNING_COMPLETED"
    SCANNING_FAILED = "SCANNING_FAILED"
    SCANNING_STOPPED = "SCANNING_STOPPED"


#: What is sent when somebody tries a policy out; nobody can ask for it otherwise.
PING: Final = "PING"


class TargetKind(StrEnum):
    """How an address wants to be spoken to."""

    HTTP = "http"
    SLACK = "slack"


class Format(StrEnum):
    """What the body looks like."""

    DEFAULT = "Default"
    CLOUD_EVENTS = "CloudEvents"


#: Which bodies an address of each kind can be sent.
FORMATS: Mapping[TargetKind, Sequence[Format]] = {
    TargetKind.HTTP: (Format.DEFAULT, Format.CLOUD_EVENTS),
    TargetKind.SLACK: (Format.DEFAULT,),
}


@dataclass(frozen=True, slots=True)
class Target:
    """An address.

    Attributes:
        auth_header: goes into the header ``Authorization``; empty for none. Never shown.
        skip_cert_verify: take any certificate.
    """

    kind: TargetKind
    address: str
    auth_header: str = field(default="", repr=False)
    skip_cert_verify: bool = False
    payload_format: Format = Format.DEFAULT

    @property
    def key(self) -> tuple[str, str]:
        """What makes it the same target after a change of its policy."""
        return (self.kind.value, self.address)


@dataclass(frozen=True, slots=True)
class Policy:
    """What is told, and to whom.

    Attributes:
        secret: with which deliveries are signed. Never shown again after it was made.
    """

    id: int
    project_id: int
    name: str
    description: str
    enabled: bool
    event_types: tuple[EventType, ...]
    targets: tuple[Target, ...]
    secret: str = field(repr=False)
    creator: str
    created_at: datetime
    updated_at: datetime

    def target(self, key: tuple[str, str]) -> Target | None:
        """The target of that kind and address."""
        return next((each for each in self.targets if each.key == key), None)


Facts = Mapping[str, object]


@dataclass(frozen=True, slots=True)
class Occurrence:
    """Something that happened and that a policy is told of.

    Attributes:
        event_type: one of `EventType`, or `PING`.
        facts: plain JSON values; `payloads` makes bodies of them.
        states: how many deliveries are in which state.
    """

    id: int
    policy_id: int
    event_type: str
    operator: str
    facts: Facts
    created_at: datetime
    states: Mapping[State, int] = field(default_factory=dict)
    ended_at: datetime | None = None

    @property
    def state(self) -> State:
        """Of all its deliveries together."""
        if self.states.get(State.RUNNING):
            return State.RUNNING
        if self.states.get(State.PENDING):
            return State.PENDING if len(self.states) == 1 else State.RUNNING
        for state in (State.ERROR, State.STOPPED):
            if self.states.get(state):
                return state
        return State.SUCCESS


@dataclass(frozen=True, slots=True)
class Delivery:
    """One occurrence on its way to one target.

    Attributes:
        failures: how often it was tried in vain.
        deaths: how many processes ended without a word while they had it.
        status_code: of the last answer; None when there was none.
        message: why it failed, in one sentence.
        log: a line for each thing that happened to it.
    """

    id: int
    occurrence_id: int
    policy_id: int
    event_type: str
    kind: TargetKind
    address: str
    state: State
    failures: int
    deaths: int
    status_code: int | None
    message: str
    log: str
    created_at: datetime
    started_at: datetime | None
    updated_at: datetime
    ended_at: datetime | None

    @property
    def attempts(self) -> int:
        """How often it was tried."""
        return self.failures + (self.state is State.SUCCESS)

    @property
    def key(self) -> tuple[str, str]:
        """Of its target."""
        return (self.kind.value, self.address)


@dataclass(frozen=True, slots=True)
class LastTrigger:
    """When a policy was last told of something of a kind; None for never."""

    policy_id: int
    event_type: str
    at: datetime | None
