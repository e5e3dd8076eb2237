"""The order of steps that is shipped, in every interleaving; and that each wrong one is found out."""

from functools import cache

import pytest

from tests.unit.gc.actor import CHANGED
from tests.unit.gc.model import KEPT, NO_FILE, NO_LINK, Flaw, Problem, World
from tests.unit.gc.scenarios import SCENARIOS, Scenario

ROW = "a row without a file"
MANIFEST = "an acknowledged manifest lost its blob"
PROMISE = "a client was told that the blob is there"
GARBAGE = "garbage stays for ever"
INDEX = "a client was told that the manifest is there"
TAG = "an acknowledged tag lost its manifest"

ONE = "one upload, and whatever may happen to it"
TWO = "two uploads of the same bytes"
COLLECTED = "an upload of what is being collected"
REFUSED = "a refused upload beside one of the same bytes"
HALF = "HEAD, then push, on half a lease"
OVER = "HEAD, then push, on a lease that is over"
DELETED = "HEAD, then push, while the manifest is deleted"
DAMAGED = "HEAD, then push, of a blob whose file is damaged, and a kill"
MOUNT = "a mount from where nothing changes"
CHILD = "an index whose child is about to be collected"
TAGGED = "a tag that goes away and comes back"

#: Where each flaw does which harm.
HARM = {
    Flaw.NO_FOREIGN_KEY: (OVER, MANIFEST),
    Flaw.UNLINK_BEFORE_ROW: (COLLECTED, ROW),
    Flaw.CHECK_APART_FROM_DELETE: (OVER, PROMISE),
    Flaw.NO_DIGEST_LOCK: (COLLECTED, ROW),
    Flaw.LOOK_OUTSIDE_THE_LOCK: (COLLECTED, ROW),
    Flaw.LOOK_AT_THE_ROW: (DAMAGED, MANIFEST),
    Flaw.LEASE_IGNORED: (TWO, PROMISE),
    Flaw.CASCADE_FROM_BLOB: (TWO, PROMISE),
    Flaw.HEAD_WITHOUT_RENEWAL: (HALF, PROMISE),
    Flaw.HEAD_LOOKS_AT_THE_ROW_ALONE: (DAMAGED, MANIFEST),
    Flaw.DROP_WITHOUT_VERSION: (DELETED, GARBAGE),
    Flaw.DROP_WHILE_LEASED: (DELETED, GARBAGE),
    Flaw.REPAIR_WITHOUT_SECOND_LOOK: (ONE, ROW),
    Flaw.NO_SYNC: (ONE, ROW),
    Flaw.ROW_BEFORE_FILE: (ONE, ROW),
    Flaw.UNLINK_WITH_MANIFEST: (DELETED, PROMISE),
    Flaw.NO_CANDIDATE_AFTER_DELETE: (DELETED, GARBAGE),
    Flaw.NO_CANDIDATE_AFTER_MOUNT: (MOUNT, GARBAGE),
    Flaw.UNTAGGED_CHECK_APART: (TAGGED, TAG),
    Flaw.UNTAGGED_IN_ANY_VERSION: (CHILD, INDEX),
    Flaw.HEAD_OF_MANIFEST_WITHOUT_HOLD: (CHILD, INDEX),
    Flaw.FORGET_WITHOUT_A_LOOK: (REFUSED, MANIFEST),
}


def named(name: str) -> Scenario:
    (found,) = (scenario for scenario in SCENARIOS if scenario.name == name)
    return found


@pytest.mark.parametrize("scenario", SCENARIOS, ids=lambda scenario: scenario.name)
def test_the_shipped_order_keeps_every_promise(scenario: Scenario) -> None:
    assert len(scenario.model(None).explore().seen) > 1000


@pytest.mark.parametrize("flaw", Flaw, ids=lambda flaw: flaw.name.lower())
def test_a_wrong_order_is_found_out(flaw: Flaw) -> None:
    name, kind = HARM[flaw]
    with pytest.raises(Problem) as found:
        named(name).model(flaw).explore()
    assert found.value.kind == kind, str(found.value)
    assert found.value.way, "the first state is wrong already"


# What must be among the states, or else the judgements above are about nothing.


@cache
def worlds(name: str) -> list[World]:
    return list(named(name).model(None).explore().seen)


def test_the_collector_really_collects() -> None:
    assert any(not world.row and world.file == NO_FILE for world in worlds(OVER))


def test_a_blob_comes_back_while_the_collector_still_removes_its_file() -> None:
    """The uploader waits for the lock that the collector holds between row and file."""
    assert any(
        world.at[2].step == "trash" and world.at[0].step == "upload.lock" and not world.row
        for world in worlds(COLLECTED)
    )


def test_a_candidate_is_noted_anew_between_a_look_at_it_and_its_drop() -> None:
    seen = worlds(DELETED)
    assert any(world.at[3].step == "drop" and world.at[3].note == CHANGED for world in seen)


def test_a_push_waits_for_the_collectors_open_transaction_and_then_finds_nothing() -> None:
    seen = worlds(OVER)
    assert any(world.at[0].step == "put.edge" and 0 in world.at[2].taken for world in seen)
    assert any(world.at[0].step == "put.edge" and world.links[0] == NO_LINK for world in seen)


def test_the_collector_waits_for_a_push_that_is_not_committed() -> None:
    assert any(
        world.at[0].step == "put.commit" and world.at[2].step == "links" and world.links[0] < KEPT
        for world in worlds(OVER)
    )
