import pytest

from moorage import events
from moorage.audit import deeds
from moorage.audit.model import Deed
from moorage.events import SYSTEM, Event
from moorage.oci.digest import digest_of
from moorage.oci.names import RepositoryName

REPOSITORY = RepositoryName("library/deep/nginx")
DIGEST = digest_of(b"one")
OTHER = digest_of(b"two")


def _kinds() -> set[type[Event]]:
    bases = (Event, events.RepositoryEvent, events.JobEvent, events.LabelEvent)
    return {
        kind
        for kind in vars(events).values()
        if isinstance(kind, type) and issubclass(kind, Event) and kind not in bases
    }


def test_every_event_has_a_name_in_the_log() -> None:
    assert set(deeds.TABLE) == _kinds()


_FACTS: list[tuple[Event, Deed]] = [
    (
        events.RobotCreated(SYSTEM, 3, 9, "robot$library+ci"),
        Deed("create_robot", "robot", "robot$library+ci", 3, "library"),
    ),
    (
        events.UserChanged(SYSTEM, 7, "alice", "email, real_name"),
        Deed("update_user", "user", "alice", detail="email, real_name"),
    ),
    (
        events.AccessTokenCreated(SYSTEM, 7, "laptop"),
        Deed("create_access_token", "access_token", "laptop", detail="of user 7"),
    ),
    (
        events.LabelChanged(SYSTEM, 5, "tested", 3, "library", "color"),
        Deed("update_label", "label", "tested", 3, "library", detail="color"),
    ),
    (
        events.LabelAdded(SYSTEM, 3, REPOSITORY, DIGEST, 5, "tested"),
        Deed(
            "create_artifact_label",
            "artifact_label",
            f"library/deep/nginx@{DIGEST}",
            3,
            "library",
            REPOSITORY,
            digest=str(DIGEST),
            detail="tested",
        ),
    ),
    (
        events.ProjectDeleted(SYSTEM, 3, "library"),
        Deed("delete_project", "project", "library", 3, "library"),
    ),
    (
        events.MemberAdded(SYSTEM, 3, "library", "bob", "developer"),
        Deed("create_member", "member", "bob", 3, "library", detail="developer"),
    ),
    (
        events.ManifestPushed(SYSTEM, 3, REPOSITORY, DIGEST, "1.27", True),
        Deed(
            "push_artifact",
            "artifact",
            "library/deep/nginx:1.27",
            3,
            "library",
            REPOSITORY,
            "1.27",
            str(DIGEST),
        ),
    ),
    (
        events.ManifestPushed(SYSTEM, 3, REPOSITORY, DIGEST, None, False),
        Deed(
            "push_artifact",
            "artifact",
            f"library/deep/nginx@{DIGEST}",
            3,
            "library",
            REPOSITORY,
            "",
            str(DIGEST),
            "known already",
        ),
    ),
    (
        events.TagMoved(SYSTEM, 3, REPOSITORY, "1.27", DIGEST, None),
        Deed("create_tag", "tag", "library/deep/nginx:1.27", 3, "library", REPOSITORY, "1.27", str(DIGEST)),
    ),
    (
        events.TagMoved(SYSTEM, 3, REPOSITORY, "1.27", DIGEST, OTHER),
        Deed(
            "move_tag",
            "tag",
            "library/deep/nginx:1.27",
            3,
            "library",
            REPOSITORY,
            "1.27",
            str(DIGEST),
            f"from {OTHER}",
        ),
    ),
    (
        events.BlobMounted(SYSTEM, 3, REPOSITORY, DIGEST, RepositoryName("base/os")),
        Deed(
            "mount_blob",
            "blob",
            f"library/deep/nginx@{DIGEST}",
            3,
            "library",
            REPOSITORY,
            "",
            str(DIGEST),
            "from base/os",
        ),
    ),
]


@pytest.mark.parametrize(("event", "deed"), _FACTS, ids=lambda value: getattr(value, "operation", ""))
def test_an_event_says_in_the_log_what_was_done_to_what(event: Event, deed: Deed) -> None:
    assert deeds.TABLE[type(event)](event) == deed


def test_an_operation_is_a_verb_and_a_noun_that_agrees_with_the_kind_of_resource() -> None:
    for kind, describe in deeds.TABLE.items():
        deed = describe(_sample(kind))
        verb, _, noun = deed.operation.partition("_")
        if issubclass(kind, events.JobEvent):
            assert (verb in {"start", "stop", "finish"}, noun, deed.resource_type) == (True, "text", "job")
            continue
        assert verb in {"create", "update", "delete", "push", "mount", "move", "doubt", "rename"}
        assert noun == deed.resource_type


def _sample(kind: type[Event]) -> Event:
    values: dict[str, object] = {
        "actor": SYSTEM,
        "name": "robot$library+x",
        "repository": REPOSITORY,
        "source": REPOSITORY,
        "digest": DIGEST,
        "previous": None,
        "tag": "t",
        "created": True,
    }
    defaults = {"int": 1, "str": "text", int: 1, str: "text"}
    fields = kind.__dataclass_fields__
    return kind(**{name: values.get(name, defaults.get(field.type)) for name, field in fields.items()})
