"""What clients write about robots: levels, permissions and namespaces, in Harbor's words.

A namespace names a project; what is kept is the project's number, so that a later project of the same name
inherits nothing.
"""

from collections.abc import Callable

from moorage.identity.model import EVERY_PROJECT, FOREVER, PermissionKind, RobotPermission, RobotRight
from moorage.web.door import PermissionDeniedError
from moorage.web.harbor.body import Body, BodyInvalidError
from moorage.web.harbor.render import EVERYWHERE, OUTSIDE

#: What every call about a robot takes.
FIELDS = frozenset({"name", "description", "level", "disable", "duration", "permissions"})
#: What clients of Harbor send along: parts of the robot as they got it, which no call can change.
OVERLOOKED = frozenset(
    {"id", "secret", "editable", "expires_at", "creation_time", "update_time", "creator_type", "creator_ref"}
)
_MOST_PLACES = 500
_MOST_RIGHTS = 200
_PLACE = frozenset({"kind", "namespace", "access"})
_ACCESS = frozenset({"resource", "action", "effect"})


def level(asked: Body, default: PermissionKind) -> PermissionKind:
    """The level of the robot.

    Raises:
        BodyInvalidError: there is no such level.
    """
    return _kind(asked.text("level", default.value), "level")


def duration(asked: Body) -> int | None:
    """Days from the robot's making to its end; None when nothing is said about them."""
    if "duration" not in asked:
        return None
    days = asked.number("duration")
    return days if days else FOREVER


def in_one_project(asked: Body) -> tuple[str, frozenset[RobotRight]]:
    """The one project that the permissions of a project's robot name, and what they allow there.

    Raises:
        BodyInvalidError: there are none, or one is malformed.
        PermissionDeniedError: they reach beyond one project.
    """
    found = _places(asked)
    if any(each.text("kind") != PermissionKind.PROJECT for each in found):
        raise PermissionDeniedError(
            "permissions: a robot of a project has permissions of the kind project only"
        )
    namespaces = {each.text("namespace") for each in found}
    if not namespaces:
        raise BodyInvalidError("permissions: a robot needs at least one")
    if len(namespaces) > 1 or EVERYWHERE in namespaces:
        raise PermissionDeniedError("permissions: a robot has permissions in one project")
    return namespaces.pop(), frozenset(right for each in found for right in _rights(each))


def of_the_system(asked: Body, project_id: Callable[[str], int | None]) -> list[RobotPermission]:
    """What the permissions of a system robot allow, place by place.

    Args:
        asked: the body.
        project_id: the number of the project with that name, or None.

    Raises:
        BodyInvalidError: one is malformed, or names a project that does not exist.
    """
    return [_permission(each, project_id) for each in _places(asked)]


def _permission(place: Body, project_id: Callable[[str], int | None]) -> RobotPermission:
    kind, namespace = _kind(place.text("kind"), "permissions: kind"), place.text("namespace")
    if kind is PermissionKind.SYSTEM:
        if namespace != OUTSIDE:
            raise BodyInvalidError(f"permissions: the namespace of the kind system is {OUTSIDE}")
        return RobotPermission(kind, EVERY_PROJECT, _rights(place))
    if namespace == EVERYWHERE:
        return RobotPermission(kind, EVERY_PROJECT, _rights(place))
    number = project_id(namespace)
    if number is None:
        raise BodyInvalidError(f"permissions: there is no project {namespace[:100]!r}")
    return RobotPermission(kind, number, _rights(place))


def _kind(text: str, where: str) -> PermissionKind:
    try:
        return PermissionKind(text)
    except ValueError:
        raise BodyInvalidError(f"{where} is system or project") from None


def _places(asked: Body) -> list[Body]:
    return asked.parts("permissions", known=_PLACE, most=_MOST_PLACES)


def _rights(place: Body) -> frozenset[RobotRight]:
    return frozenset(_right(each) for each in place.parts("access", known=_ACCESS, most=_MOST_RIGHTS))


def _right(access: Body) -> RobotRight:
    if access.text("effect", "allow") not in ("", "allow"):
        raise BodyInvalidError("effect: permissions allow; there is no other effect")
    return RobotRight(access.text("resource"), access.text("action"))
