"""What a route demands of its caller, and who the caller turned out to be."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar, Literal, Protocol

from moorage.events import Actor
from moorage.identity.model import Principal
from moorage.projects.model import Permission, Standing, SystemPermission
from moorage.token.model import Claims


@dataclass(frozen=True, slots=True)
class Access:
    """What one method of one route demands.

    Attributes:
        scope: ``anyone``: nothing, though a credential that is sent must be good; ``signed_in``: an
            account; ``system``: `permission` outside projects; ``project``: `permission` in the
            project that the path names.
        permission: None where the scope says it all.
        operation: what the log and the metrics call it, a verb and a noun.
        grant: a scope that a registry token must hold besides, for instance
            ``registry:catalog:*``; that of a project's route follows from its permission.
        tag_permission: takes the place of `permission` when the path's ``reference`` is a tag.
        while_read_only: it may be called even when nothing may be changed.
    """

    scope: Literal["anyone", "signed_in", "system", "project"]
    permission: Permission | SystemPermission | None
    operation: str
    grant: str = ""
    tag_permission: Permission | None = None
    while_read_only: bool = False


@dataclass(frozen=True, slots=True)
class Caller:
    """Who is calling, as `req.context.caller` holds it in every responder.

    Attributes:
        claims: of the registry token; None with another credential or none at all.
        standing: in the project that the path names; None on every other route.
    """

    principal: Principal
    actor: Actor
    claims: Claims | None = None
    standing: Standing | None = None

    @property
    def project_id(self) -> int:
        """The project that the path names; 0 on routes outside projects."""
        return 0 if self.standing is None else self.standing.project_id


class Guarded(Protocol):
    """A resource, as the router and the middleware see it."""

    access: ClassVar[Mapping[str, Access]]
