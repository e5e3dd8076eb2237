"""Routing below `/projects/`, where some paths name a project and others name or number it."""

from typing import Any

import falcon

from moorage.web.router import Found, Router

_BY_NAME = "{project_name}"
_BY_EITHER = "{project_name_or_id}"


class HarborRouter(Router):
    """Lets templates with ``{project_name}`` and with ``{project_name_or_id}`` stand side by side.

    Falcon wants one name for a level of the path. Responders and the door still get the one that the
    template has: ``123`` is a name in the first kind and a number in the second.
    """

    def __init__(self) -> None:
        super().__init__()
        self._by_name: set[str] = set()

    def add_route(self, uri_template: str, resource: object, **kwargs: Any) -> None:
        """Add a route.

        Raises:
            RouteUndeclaredError: the methods of the resource and its `access` do not match.
        """
        template = uri_template.replace(_BY_NAME, _BY_EITHER)
        if template != uri_template:
            self._by_name.add(template)
        super().add_route(template, resource, written=uri_template, **kwargs)

    def find(self, uri: str, req: falcon.Request | None = None) -> Found | None:
        """The resource of the path `uri`, or None."""
        found = super().find(uri, req)
        if found is not None and found[3] in self._by_name:
            found[2][_BY_NAME.strip("{}")] = found[2].pop(_BY_EITHER.strip("{}"))
        return found
