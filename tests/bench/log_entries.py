"""A log of a busy year, always the same: what searches of the log are measured on."""

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache

#: Of the table, in the order of the values.
COLUMNS = (
    *("at", "request_id", "actor_kind", "actor", "address", "user_agent", "operation", "resource_type"),
    *("resource", "project_id", "project", "repository", "tag", "digest", "result", "detail"),
)
#: The moment of the first entry.
START = 1_740_000_000_000_000
STEP = 6_000_000

_OPERATIONS = (
    *("pull_artifact",) * 60,
    *("pull_blob",) * 12,
    *("push_blob",) * 10,
    *("push_artifact",) * 6,
    *("create_tag",) * 5,
    *("login_user",) * 4,
    *("delete_artifact", "delete_tag", "update_repository"),
)
_AGENTS = ("docker/27.3.1 go/go1.22 kernel/6.1", "containerd/1.7.22", "podman/5.2", "cri-o/1.30")
_MIX = 2654435761


@dataclass(frozen=True, slots=True)
class Needles:
    """What is there a few times only, spread over the log."""

    actor: str = "auditor-karin"
    address: str = "203.0.113.99"
    tag: str = "needle-9.9"
    operation: str = "delete_project"
    text: str = "seldom seen"
    repository: str = "team007/hidden"
    count: int = 5


def entries(count: int) -> Iterator[tuple[object, ...]]:
    """So many entries, oldest first."""
    needles = Needles()
    every = max(1, count // needles.count)
    for number in range(count):
        yield _needle(number, needles) if number % every == every // 2 else _entry(number)


def digest_at(number: int) -> str:
    """The digest of an entry, as it is for all pulls of one image."""
    return _digest(_mixed(number, 3) % 40_000)


def request_at(number: int) -> str:
    """The request of an entry, which is its alone."""
    return f"{_mixed(number, 11):016x}{number:016x}"


def repository_at(number: int) -> tuple[int, str]:
    """The project's number and the repository of an entry; the first ones are used most."""
    drawn = _mixed(number, 5) % 1_000_000
    which = int((drawn / 1_000_000) ** 3 * 3000)
    return which % 200 + 1, f"team{which % 200:03d}/service-{which:04d}"


def _entry(number: int) -> tuple[object, ...]:
    operation = _OPERATIONS[_mixed(number, 1) % 100]
    project_id, repository = repository_at(number)
    project = repository.partition("/")[0]
    user = int((_mixed(number, 7) % 1000 / 1000) ** 2 * 600)
    robot = user % 3 == 0
    actor = f"robot${project}+ci" if robot else f"user-{user:03d}"
    digest = digest_at(number)
    tag = f"v1.{_mixed(number, 13) % 60}.{_mixed(number, 17) % 9}"
    result = "denied" if _mixed(number, 19) % 200 == 0 else "success"
    detail = ""
    kind = "artifact"
    if operation == "push_blob":
        digest, kind, detail = _digest(number + 1_000_000), "blob", f"{_mixed(number, 23) % 90_000_000} bytes"
    elif operation == "pull_blob":
        kind = "blob"
    if operation == "login_user":
        return _row(number, robot, actor, user, operation, "user", actor, None, "", "", "", "", result, "")
    named = operation in ("pull_artifact", "push_artifact") and number % 3 != 0
    kind = "tag" if operation.endswith("_tag") else kind
    shown = f"{repository}:{tag}" if named or kind == "tag" else f"{repository}@{digest}"
    return _row(
        *(number, robot, actor, user, operation, kind, shown, project_id, project, repository),
        *(tag if named else "", digest, result, detail),
    )


def _needle(number: int, needles: Needles) -> tuple[object, ...]:
    resource = f"{needles.repository}:{needles.tag}"
    row = list(
        _row(
            *(number, False, needles.actor, 1, needles.operation, "project", resource, 7, "team007"),
            *(needles.repository, needles.tag, _digest(0), "failed", f"a thing {needles.text}"),
        )
    )
    row[COLUMNS.index("address")] = needles.address
    return tuple(row)


def _row(
    number: int,
    robot: bool,
    actor: str,
    user: int,
    operation: str,
    kind: str,
    resource: str,
    project_id: int | None,
    project: str,
    repository: str,
    tag: str,
    digest: str,
    result: str,
    detail: str,
) -> tuple[object, ...]:
    address = f"10.{user % 7}.{user // 7 % 200}.{_mixed(number, 29) % 5}"
    return (
        START + number * STEP,
        request_at(number),
        "robot" if robot else "user",
        actor,
        address,
        _AGENTS[user % 4],
        operation,
        kind,
        resource,
        project_id,
        project,
        repository,
        tag,
        digest,
        result,
        detail,
    )


@lru_cache(65536)
def _digest(number: int) -> str:
    return f"sha256:{hashlib.sha256(str(number).encode()).hexdigest()}"


def _mixed(number: int, salt: int) -> int:
    value = (number * _MIX + salt * 40503) & 0xFFFFFFFF
    value = ((value ^ value >> 15) * 2246822519) & 0xFFFFFFFF
    return value ^ value >> 13
