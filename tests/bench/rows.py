"""The kinds of rows: what each prepares, proves and measures."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal, Protocol

from tests.bench.dataset import PUSHED, Dataset
from tests.bench.proofs import prove_digest, prove_list, walk
from tests.bench.push import push_streamed, push_whole, small_pushes
from tests.bench.target import Target, push
from tests.bench.timing import Stopwatch, quiet_disk
from tests.bench.wrk import run_wrk

KIB = 1 << 10
MIB = 1 << 20
_SMALL_PUSHERS = 8


class Row(Protocol):
    """One line of the table."""

    @property
    def name(self) -> str:
        """As in `build/bench.json`."""
        ...

    @property
    def unit(self) -> str:
        """Of both figures."""
        ...

    @property
    def more_is_better(self) -> bool:
        """Whether the ratio is ours/peer; else it is peer/ours."""
        ...

    @property
    def warms_up(self) -> bool:
        """Whether a first figure is thrown away."""
        ...

    def prepare(self, target: Target) -> str:
        """Store what is needed and prove that real answers come; gives a remark or nothing."""
        ...

    def measure(self, target: Target, seconds: float) -> float:
        """One figure from about `seconds` of work; raises BenchError when it would not be honest."""
        ...


@dataclass(frozen=True, slots=True)
class ReadRow:
    """wrk on one address.

    Attributes:
        path: of the address; called late, because digests are known only after the filling.
        scopes: what the token must open.
        fill: stores what is read and proves one answer.
        connections: that wrk keeps open.
        figure: whole answers a second, or the bytes of answers in MB (10^6) a second.
    """

    name: str
    path: Callable[[], str]
    scopes: Sequence[str]
    fill: Callable[[Target], str]
    connections: int
    figure: Literal["requests", "bytes"] = "requests"
    accept: str = "*/*"
    more_is_better: bool = True
    warms_up: bool = True

    @property
    def unit(self) -> str:
        """Of both figures."""
        return "requests/s" if self.figure == "requests" else "MB/s"

    def prepare(self, target: Target) -> str:
        """Fill and prove."""
        return self.fill(target)

    def measure(self, target: Target, seconds: float) -> float:
        """Run wrk once."""
        headers = {"Accept": self.accept, **target.credentials.headers(self.scopes)}
        load = run_wrk(target.url + self.path(), headers, connections=self.connections, seconds=seconds)
        amount = load.requests if self.figure == "requests" else load.received / 1e6
        return amount / load.seconds


@dataclass(frozen=True, slots=True)
class WalkRow:
    """A whole list, page after page over one connection, as a client reads it that wants all of it."""

    name: str
    start: str
    key: str
    count: int
    scopes: Sequence[str]
    fill: Callable[[Target], None]
    unit: str = "lists/s"
    more_is_better: bool = True
    warms_up: bool = False

    def prepare(self, target: Target) -> str:
        """Fill, and see that every name comes once."""
        self.fill(target)
        with target.connect(*self.scopes) as connection:
            return f"{target.name}: {prove_list(connection, self.start, self.key, at_least=self.count)}"

    def measure(self, target: Target, seconds: float) -> float:
        """Read the list again and again."""
        lists = 0
        with target.connect(*self.scopes) as connection:
            watch = Stopwatch()
            while watch.elapsed() < seconds:
                for _ in walk(connection, self.start):
                    pass
                lists += 1
            return lists / watch.elapsed()


@dataclass(frozen=True, slots=True)
class BigPushRow:
    """One big blob, new each time; its digest is known before the clock starts."""

    name: str
    dataset: Dataset
    way: Literal["streamed", "whole"]
    unit: str = "MB/s"
    more_is_better: bool = True
    warms_up: bool = False

    def prepare(self, target: Target) -> str:
        """Push a small one and read it back."""
        with target.connect(push(PUSHED)) as connection:
            payload = self.dataset.payloads.payload(5 * MIB + 1)
            send = push_streamed if self.way == "streamed" else push_whole
            send(connection, PUSHED, payload)
            prove_digest(connection, f"/v2/{PUSHED}/blobs/{payload.digest}", payload.digest, payload.size)
        return ""

    def measure(self, target: Target, seconds: float) -> float:
        """Push once, however long it takes."""
        payload = self.dataset.payloads.payload(self.dataset.sizes.big)
        send = push_streamed if self.way == "streamed" else push_whole
        with target.connect(push(PUSHED)) as connection:
            connection.request("GET", "/v2/").expect(200)
            quiet_disk()
            watch = Stopwatch()
            send(connection, PUSHED, payload)
            elapsed = watch.elapsed()
            connection.request("HEAD", f"/v2/{PUSHED}/blobs/{payload.digest}").expect(200)
        return payload.size / elapsed / 1e6


@dataclass(frozen=True, slots=True)
class SmallPushRow:
    """Blobs of 1 KiB, each in a POST and a PUT, from several clients at once."""

    name: str
    unit: str = "pushes/s"
    more_is_better: bool = True
    warms_up: bool = True

    def prepare(self, target: Target) -> str:
        """Nothing is needed."""
        return ""

    def measure(self, target: Target, seconds: float) -> float:
        """Push for `seconds`."""
        headers = target.credentials.headers([push(PUSHED)])
        quiet_disk()
        return small_pushes(target.url, headers, PUSHED, workers=_SMALL_PUSHERS, seconds=seconds, size=KIB)


@dataclass(frozen=True, slots=True)
class MemoryRow:
    """Memory of all processes after everything else was done."""

    dataset: Dataset
    name: str = "memory"
    unit: str = "MiB"
    more_is_better: bool = False
    warms_up: bool = False

    def prepare(self, target: Target) -> str:
        """See that the server is in use."""
        self.dataset.fill_image(target)
        return ""

    def measure(self, target: Target, seconds: float) -> float:
        """Sum of the proportional set sizes."""
        return target.memory() / MIB
