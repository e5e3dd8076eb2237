"""`/users/{user_id}/auditor`: who may read everything that tells who may do what. Harbor has no such call."""

from collections.abc import Mapping
from typing import ClassVar

import falcon

from moorage.projects.rules import APPOINT
from moorage.services import Services
from moorage.web.access import Access, Caller
from moorage.web.harbor import body
from moorage.web.harbor.users import user_number


class UserAuditorResource:
    """Whether a user is an auditor."""

    access: ClassVar[Mapping[str, Access]] = {"PUT": Access("system", APPOINT, "set_user_auditor")}

    def __init__(self, services: Services) -> None:
        self._services = services

    def on_put(self, req: falcon.Request, resp: falcon.Response, user_id: str) -> None:
        """Make the user one, or no longer."""
        caller: Caller = req.context.caller
        asked = body.read(req, known={"auditor_flag"})
        self._services.users.set_auditor(caller.actor, user_number(user_id), asked.flag("auditor_flag"))
