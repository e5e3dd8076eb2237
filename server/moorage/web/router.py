"""Routing: repository names with slashes in them, and no route without a declared access."""

import re
from dataclasses import dataclass
from typing import Any, cast

import falcon
from falcon.routing import CompiledRouter

from moorage.web.access import Access, Guarded

#: A field of a template that may hold slashes; only the router below understands it.
NAME_FIELD = "{name}"
PREFIX = "/v2/"
_FIELD = re.compile(r"\\{([a-z_]+)\\}")
_NAMES = re.compile(r"\{([a-z_]+)\}")

Found = tuple[object, dict[str, Any], dict[str, Any], str | None]


@dataclass(frozen=True, slots=True)
class Endpoint:
    """One method of one route.

    Attributes:
        template: as it was given to `Router.add_route`, with the base of its API.
    """

    method: str
    template: str
    access: Access

    @property
    def fields(self) -> tuple[str, ...]:
        """The names of the fields of the path, in their order."""
        return tuple(_NAMES.findall(self.template))

    @property
    def is_registry(self) -> bool:
        """Whether the registry's app answers, not the portal's."""
        return self.template.startswith(("/v2", "/service/", "/_admission"))


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
        #: Every method of every route, in the order in which they were added.
        self.endpoints: list[Endpoint] = []

    def add_route(
        self, uri_template: str, resource: object, *, written: str | None = None, **kwargs: Any
    ) -> None:
        """Add a route.

        Args:
            written: the template as people know it, if another one is given here.

        Raises:
            RouteUndeclaredError: the methods of the resource and its `access` do not match.
        """
        methods = self.map_http_methods(resource, **kwargs)
        check_declared(uri_template, resource, set(methods))
        access = cast(Guarded, resource).access
        self.endpoints += [Endpoint(method, written or uri_template, access[method]) for method in access]
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
