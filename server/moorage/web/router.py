"""Routing: repository names with slashes in them, and no route without a declared access."""

import re
from typing import Any

import falcon
from falcon.routing import CompiledRouter

from moorage.web.access import Access

#: A field of a template that may hold slashes; only the router below understands it.
NAME_FIELD = "{name}"
PREFIX = "/v2/"
_FIELD = re.compile(r"\\{([a-z_]+)\\}")

Found = tuple[object, dict[str, Any], dict[str, Any], str | None]


class RouteUndeclaredError(Exception):
    """A responder without an access, or an access without a responder: the program must not start."""


class Router(CompiledRouter):
    """Falcon's router plus templates with a ``{name}``, which is as long as it can be.

    Such a template becomes one regular expression, anchored at both ends; they are tried in the
    order in which they were added. Because the name is greedy, the last ``/manifests/`` of a path
    is the one that counts.

    Two other templates may give the same segment of a path different names, which Falcon's own
    router refuses: here it knows fields by their places, and `find` gives them their names back.
    """

    def __init__(self) -> None:
        super().__init__()
        self._named: list[tuple[re.Pattern[str], object, dict[str, Any], str]] = []
        self._fields: dict[str, tuple[str, dict[str, str]]] = {}

    def add_route(self, uri_template: str, resource: object, **kwargs: Any) -> None:
        """Add a route.

        Raises:
            RouteUndeclaredError: the methods of the resource and its `access` do not match.
        """
        methods = self.map_http_methods(resource, **kwargs)
        check_declared(uri_template, resource, set(methods))
        if uri_template.startswith(PREFIX) and NAME_FIELD in uri_template:
            self._named.append((_compiled(uri_template), resource, dict(methods), uri_template))
            return
        placed, names = _placed(uri_template)
        self._fields[placed] = (uri_template, names)
        super().add_route(placed, resource, **kwargs)

    def find(self, uri: str, req: falcon.Request | None = None) -> Found | None:
        """The resource of the path `uri`, or None."""
        for pattern, resource, methods, template in self._named:
            match = pattern.match(uri)
            if match is not None:
                return resource, methods, match.groupdict(), template
        found: Found | None = super().find(uri, req)
        if found is None:
            return None
        resource, methods, params, placed = found
        if placed is None:
            return None
        template, names = self._fields[placed]
        return resource, methods, {names[place]: value for place, value in params.items()}, template


def check_declared(uri_template: str, resource: object, methods: set[str]) -> None:
    """Make sure that `resource` declares an access for each of its methods and for nothing else.

    Raises:
        RouteUndeclaredError: it does not.
    """
    access = getattr(resource, "access", {})
    undeclared = sorted(methods - set(access))
    unanswered = sorted(set(access) - methods)
    strangers = [method for method, value in access.items() if not isinstance(value, Access)]
    if undeclared or unanswered or strangers or not methods:
        raise RouteUndeclaredError(
            f"{uri_template} ({type(resource).__name__}): no access declared for {undeclared}, "
            f"no responder for {unanswered}, no Access in {strangers}"
        )


def _placed(template: str) -> tuple[str, dict[str, str]]:
    """The template with fields named by their places, and the names that those had."""
    names = {}
    parts = template.split("/")
    for place, part in enumerate(parts):
        if part.startswith("{") and part.endswith("}"):
            parts[place] = f"{{at_{place}}}"
            names[f"at_{place}"] = part[1:-1]
    return "/".join(parts), names


def _compiled(template: str) -> re.Pattern[str]:
    text = re.escape(template)
    text = text.replace(re.escape(NAME_FIELD), "(?P<name>.+)")
    return re.compile(_FIELD.sub(r"(?P<\1>[^/]+)", text) + r"\Z", re.DOTALL)
