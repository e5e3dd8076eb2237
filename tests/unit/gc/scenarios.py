"""Who meets whom over one blob, and from which state on."""

from collections.abc import Callable
from dataclasses import dataclass

from tests.unit.gc.client import Client
from tests.unit.gc.collector import Check, Collector
from tests.unit.gc.deleters import Deleter, TagSwitch
from tests.unit.gc.index_client import IndexClient
from tests.unit.gc.model import DURABLE, KEPT, LONG, NO_FILE, NO_LINK, OVER, SHORT, Flaw, Model, Role, World

Cast = Callable[[Flaw | None], list[Role]]
_HERE = World((), row=True, file=DURABLE)
_IN_USE = _HERE._replace(links=(KEPT, NO_LINK), manifests=(True, False), tagged=True)


@dataclass(frozen=True, slots=True)
class Scenario:
    """One cast and its first state; a client that pushes anew and a check come in when all is quiet.

    Attributes:
        cast: the roles before the collector, by their numbers from 0.
    """

    name: str
    world: World
    cast: Cast

    def model(self, flaw: Flaw | None) -> Model:
        """The model of it, with a flaw built in or as shipped."""
        roles = self.cast(flaw)
        clients = [role for role in roles if isinstance(role, Client)]
        roles.append(Collector(len(roles), flaw, clients))
        roles.append(Client(len(roles), flaw, begins="head"))
        return Model(roles, self.world, spare=1)


SCENARIOS = (
    Scenario(
        "one upload, and whatever may happen to it",
        World((), ticks=4, kills=1, cuts=1),
        lambda flaw: [Client(0, flaw), Check(1, flaw)],
    ),
    Scenario(
        "two uploads of the same bytes",
        World((), ticks=3, kills=1),
        lambda flaw: [Client(0, flaw), Client(1, flaw, repository=1)],
    ),
    Scenario(
        "an upload of what is being collected",
        _HERE._replace(links=(NO_LINK, OVER), candidate=True, ticks=3, kills=1, cuts=1),
        lambda flaw: [Client(0, flaw), Check(1, flaw)],
    ),
    Scenario(
        "an upload where a file lies without a row",
        World((), file=DURABLE, orphaned=True, ticks=2, kills=1),
        lambda flaw: [Client(0, flaw), Check(1, flaw)],
    ),
    Scenario(
        "a refused upload beside one of the same bytes",
        World((), ticks=3, kills=1),
        lambda flaw: [Client(0, flaw, refused=True), Client(1, flaw, repository=1)],
    ),
    *(
        Scenario(
            f"HEAD, then push, on {what}",
            _HERE._replace(links=(link, NO_LINK), candidate=True, ticks=3, kills=1),
            lambda flaw: [Client(0, flaw, begins="head"), Client(1, flaw, begins="head")],
        )
        for what, link in (("a new lease", LONG), ("half a lease", SHORT), ("a lease that is over", OVER))
    ),
    Scenario(
        "HEAD, then push, while the manifest is deleted",
        _IN_USE._replace(ticks=4, kills=1),
        lambda flaw: [Client(0, flaw, begins="head"), Deleter(1, flaw), Deleter(2, flaw)],
    ),
    # One more fault beside the damage, not two: a kill between name and sync, and then a power cut before
    # the kernel writes the name by itself, are more than is promised.
    *(
        Scenario(
            f"HEAD, then push, of a blob whose file is damaged, and {what}",
            _HERE._replace(
                file=NO_FILE, links=(OVER, NO_LINK), candidate=True, ticks=3, kills=kills, cuts=1 - kills
            ),
            lambda flaw: [Client(0, flaw, begins="head"), Check(1, flaw)],
        )
        for what, kills in (("a kill", 1), ("a power cut", 0))
    ),
    Scenario(
        "a mount from where the manifest is deleted",
        _HERE._replace(links=(NO_LINK, KEPT), manifests=(False, True), candidate=True, ticks=4, kills=1),
        lambda flaw: [Client(0, flaw, begins="mount"), Deleter(1, flaw, repository=1)],
    ),
    Scenario(
        "a mount from where nothing changes",
        _HERE._replace(links=(NO_LINK, KEPT), manifests=(False, True), ticks=4, kills=1),
        lambda flaw: [Client(0, flaw, begins="mount")],
    ),
    Scenario(
        "a mount from a lease that is over, beside an upload",
        _HERE._replace(links=(NO_LINK, OVER), candidate=True, ticks=3),
        lambda flaw: [Client(0, flaw, begins="mount"), Client(1, flaw, repository=1)],
    ),
    Scenario(
        "a tag that goes away and comes back",
        _IN_USE._replace(ticks=3, kills=1),
        lambda flaw: [TagSwitch(0, flaw), Client(1, flaw, begins="head")],
    ),
    Scenario(
        "everybody at once",
        _IN_USE._replace(links=(KEPT, OVER), candidate=True, ticks=2, kills=1),
        lambda flaw: [
            Client(0, flaw, begins="head"),
            Client(1, flaw, repository=1),
            Deleter(2, flaw),
            Check(3, flaw),
        ],
    ),
    Scenario(
        "a tag that comes back while its manifest is deleted and pushed to another repository",
        _IN_USE._replace(links=(KEPT, OVER), candidate=True, ticks=3),
        lambda flaw: [TagSwitch(0, flaw), Client(1, flaw, begins="head", repository=1)],
    ),
    *(
        Scenario(
            f"an index whose child {what}",
            _HERE._replace(
                links=(link, NO_LINK),
                manifests=(there, False),
                candidate=True,
                untagged=there,
                ticks=4,
                kills=1,
            ),
            lambda flaw: [IndexClient(0, flaw), IndexClient(1, flaw)],
        )
        for what, link, there in (("is new", LONG, False), ("is about to be collected", KEPT, True))
    ),
)
