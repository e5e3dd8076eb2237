"""A project may be renamed while a request is on its way through the server."""

from collections.abc import Callable
from functools import wraps
from typing import Any, TypeVar

import falcon

from moorage.errors import NotFound
from moorage.oci.names import RepositoryName

R = TypeVar("R", bound=Callable[..., None])


def follows_rename(responder: R) -> R:
    """Let the responder look once more when it found nothing and the project has another name since.

    Only for responders that read no body. What comes with a body is followed further down, where it is
    at hand (`Repositories.hold`).
    """

    @wraps(responder)
    def respond(
        self: object, req: falcon.Request, resp: falcon.Response, name: RepositoryName, **path: Any
    ) -> None:
        try:
            responder(self, req, resp, name, **path)
        except NotFound:
            project = req.context.present_name(name.project)
            if project in (None, name.project):
                raise
            responder(self, req, resp, name.within(project), **path)

    return respond  # type: ignore[return-value]
