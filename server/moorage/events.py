"""What happened, told in the same transaction to whoever subscribed.

An event is a frozen dataclass; its class name is a past participle. Lower floors publish,
higher floors subscribe, so that nobody below knows who listens.
"""

from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TypeVar

from moorage.oci.digest import Digest
from moorage.oci.names import RepositoryName


@dataclass(frozen=True, slots=True)
class Actor:
    """Who does something, and from where: what the log says about every operation.

    Attributes:
        key: `Principal.key`, for instance ``user:7``.
    """

    key: str
    kind: str
    name: str
    address: str = ""
    user_agent: str = ""
    request_id: str = ""


#: The machine itself: housekeeping, the command line, the first start.
SYSTEM = Actor(key="system:0", kind="system", name="system")


@dataclass(frozen=True, slots=True)
class Event:
    """The base of everything that happened."""

    actor: Actor


@dataclass(frozen=True, slots=True)
class UserCreated(Event):
    user_id: int
    name: str


@dataclass(frozen=True, slots=True)
class UserChanged(Event):
    """`what` names the fields, never their values."""

    user_id: int
    name: str
    what: str


@dataclass(frozen=True, slots=True)
class UserDeleted(Event):
    user_id: int
    name: str


@dataclass(frozen=True, slots=True)
class GroupCreated(Event):
    """A group of the directory is known here from now on."""

    group_id: int
    name: str


@dataclass(frozen=True, slots=True)
class GroupChanged(Event):
    """`what` says what it was before."""

    group_id: int
    name: str
    what: str


@dataclass(frozen=True, slots=True)
class GroupDeleted(Event):
    group_id: int
    name: str


@dataclass(frozen=True, slots=True)
class AccessTokenCreated(Event):
    user_id: int
    name: str


@dataclass(frozen=True, slots=True)
class AccessTokenRevoked(Event):
    user_id: int
    name: str


@dataclass(frozen=True, slots=True)
class RobotCreated(Event):
    """`project_id` is 0 for a robot of the system, in all three of these.

    `may` says in words what the robot may do from now on; empty where that stays.
    """

    project_id: int
    robot_id: int
    name: str
    may: str = ""


@dataclass(frozen=True, slots=True)
class RobotChanged(Event):
    project_id: int
    robot_id: int
    name: str
    what: str
    may: str = ""


@dataclass(frozen=True, slots=True)
class RobotDeleted(Event):
    project_id: int
    robot_id: int
    name: str


@dataclass(frozen=True, slots=True)
class DirectoryConnected(Event):
    address: str
    account: str


@dataclass(frozen=True, slots=True)
class DirectoryChanged(Event):
    """`what` names the fields, never their values."""

    address: str
    what: str


@dataclass(frozen=True, slots=True)
class DirectoryDisconnected(Event):
    address: str


@dataclass(frozen=True, slots=True)
class ScannerCreated(Event):
    """A scanner of vulnerabilities is known here from now on."""

    uuid: str
    name: str


@dataclass(frozen=True, slots=True)
class ScannerChanged(Event):
    """`what` names the fields, never their values."""

    uuid: str
    name: str
    what: str


@dataclass(frozen=True, slots=True)
class ScannerDeleted(Event):
    uuid: str
    name: str


@dataclass(frozen=True, slots=True)
class DirectoryDoubted(Event):
    """So many of the known people would have lost access at once, and nobody did."""

    losing: int
    known: int


@dataclass(frozen=True, slots=True)
class ProjectCreated(Event):
    project_id: int
    name: str


@dataclass(frozen=True, slots=True)
class ProjectChanged(Event):
    project_id: int
    name: str
    what: str


@dataclass(frozen=True, slots=True)
class ProjectRenamed(Event):
    """The project called `previous` is called `name` now, and so is every repository in it."""

    project_id: int
    name: str
    previous: str


@dataclass(frozen=True, slots=True)
class ProjectNameReleased(Event):
    """The project `name` was called `released` once; from now on others may be called that."""

    project_id: int
    name: str
    released: str


@dataclass(frozen=True, slots=True)
class ProjectDeleted(Event):
    project_id: int
    name: str


@dataclass(frozen=True, slots=True)
class MemberAdded(Event):
    project_id: int
    project: str
    member: str
    role: str


@dataclass(frozen=True, slots=True)
class MemberChanged(Event):
    project_id: int
    project: str
    member: str
    role: str


@dataclass(frozen=True, slots=True)
class MemberRemoved(Event):
    project_id: int
    project: str
    member: str


@dataclass(frozen=True, slots=True)
class RepositoryEvent(Event):
    """The base of what happens inside a repository."""

    project_id: int
    repository: RepositoryName


@dataclass(frozen=True, slots=True)
class RepositoryCreated(RepositoryEvent):
    pass


@dataclass(frozen=True, slots=True)
class RepositoryChanged(RepositoryEvent):
    what: str


@dataclass(frozen=True, slots=True)
class RepositoryDeleted(RepositoryEvent):
    pass


@dataclass(frozen=True, slots=True)
class BlobPushed(RepositoryEvent):
    digest: Digest
    size_bytes: int


@dataclass(frozen=True, slots=True)
class BlobMounted(RepositoryEvent):
    digest: Digest
    source: RepositoryName


@dataclass(frozen=True, slots=True)
class BlobDeleted(RepositoryEvent):
    digest: Digest


@dataclass(frozen=True, slots=True)
class ManifestPushed(RepositoryEvent):
    """`tag` is None when the push named a digest; `created` tells a new manifest from a known one."""

    digest: Digest
    tag: str | None
    created: bool


@dataclass(frozen=True, slots=True)
class ManifestDeleted(RepositoryEvent):
    """`blobs` and `children` are what it referred to and the repository had, `subject` what it was about;
    `referrers` are the manifests there that are about it, `tags` those that went with it."""

    digest: Digest
    blobs: tuple[Digest, ...] = ()
    children: tuple[Digest, ...] = ()
    referrers: tuple[Digest, ...] = ()
    subject: Digest | None = None
    tags: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class TagMoved(RepositoryEvent):
    """A tag that named `previous` names `digest` now; `previous` is None for a new tag."""

    tag: str
    digest: Digest
    previous: Digest | None


@dataclass(frozen=True, slots=True)
class TagDeleted(RepositoryEvent):
    tag: str
    digest: Digest


@dataclass(frozen=True, slots=True)
class JobEvent(Event):
    """The base of what happens to a run of a job; `project_id` is None outside projects.

    `kind` is for instance ``gc`` or ``retention``, `execution_id` numbers the run.
    """

    kind: str
    execution_id: int
    project_id: int | None


@dataclass(frozen=True, slots=True)
class JobRequested(JobEvent):
    """`trigger` is ``manual``, ``schedule``, ``restart`` or ``event``."""

    trigger: str


@dataclass(frozen=True, slots=True)
class JobStopped(JobEvent):
    """Somebody asked the run to stop."""


@dataclass(frozen=True, slots=True)
class JobFinished(JobEvent):
    """`state` is ``success``, ``error`` or ``stopped``; `message` says what it came to."""

    state: str
    message: str


@dataclass(frozen=True, slots=True)
class ScheduleChanged(Event):
    """When a job runs by itself: `what` is its cron text, or ``none``."""

    kind: str
    project_id: int | None
    what: str


@dataclass(frozen=True, slots=True)
class ConfigurationChanged(Event):
    """`what` names the settings, never their values."""

    what: str


@dataclass(frozen=True, slots=True)
class SessionClosed(Event):
    """Somebody logged out of the portal."""

    name: str


@dataclass(frozen=True, slots=True)
class AllowlistChanged(Event):
    """The list of vulnerabilities that the whole site puts up with has `count` entries now."""

    count: int


@dataclass(frozen=True, slots=True)
class QuarantineEmptied(Event):
    """What a check had set aside is removed for good: so many files and folders, with so many bytes."""

    count: int
    size_bytes: int


@dataclass(frozen=True, slots=True)
class LabelEvent(Event):
    """About a label; without a project it is everybody's: `project_id` None, `project` ""."""

    label_id: int
    name: str
    project_id: int | None
    project: str


@dataclass(frozen=True, slots=True)
class LabelCreated(LabelEvent):
    pass


@dataclass(frozen=True, slots=True)
class LabelChanged(LabelEvent):
    """`what` names the fields."""

    what: str


@dataclass(frozen=True, slots=True)
class LabelDeleted(LabelEvent):
    """It is off every artifact too."""


@dataclass(frozen=True, slots=True)
class LabelAdded(RepositoryEvent):
    """An artifact bears the label."""

    digest: Digest
    label_id: int
    label: str


@dataclass(frozen=True, slots=True)
class LabelRemoved(RepositoryEvent):
    """An artifact bears the label no more."""

    digest: Digest
    label_id: int
    label: str


E_ = TypeVar("E_", bound=Event)


class Events:
    """Calls each subscriber of an event's class, at once and in the publisher's transaction."""

    def __init__(self) -> None:
        self._handlers: dict[type[Event], list[Callable[[Event], None]]] = defaultdict(list)
        self._listeners: dict[type[Event], list[Callable[[Sequence[Event]], None]]] = defaultdict(list)

    def subscribe(self, kind: type[E_], handler: Callable[[E_], None]) -> None:
        """Call `handler` for every event of exactly the class `kind`."""
        self._handlers[kind].append(handler)  # type: ignore[arg-type]

    def publish(self, event: Event) -> None:
        """Tell the subscribers; whatever one of them raises undoes the whole transaction."""
        self.publish_all((event,))

    def subscribe_all(self, kind: type[E_], listener: Callable[[Sequence[E_]], None]) -> None:
        """Call `listener` once for all events of exactly the class `kind` that are published together."""
        self._listeners[kind].append(listener)  # type: ignore[arg-type]

    def publish_all(self, events: Sequence[Event]) -> None:
        """Tell of events of one class that happened together, in their order."""
        if not events:
            return
        kind = type(events[0])
        for event in events:
            for handler in self._handlers[kind]:
                handler(event)
        for listener in self._listeners[kind]:
            listener(events)
