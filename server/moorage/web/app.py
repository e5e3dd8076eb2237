"""The WSGI applications: the registry, which is hot, the portal, which is not, and both as one."""

from collections.abc import Callable, Iterable, Sequence
from typing import Any

import falcon

from moorage.services import Services
from moorage.web.authentication import Authentication, Observe
from moorage.web.counts import Counts
from moorage.web.door import Door
from moorage.web.harbor.router import HarborRouter
from moorage.web.harbor.routes import add_routes as add_portal_routes
from moorage.web.health import LivenessResource, ReadinessResource
from moorage.web.metrics import MetricsResource
from moorage.web.openapi.publication import Publication
from moorage.web.origin import TOKEN_PATH, Origin
from moorage.web.portal import PortalDoor
from moorage.web.problems import Problems
from moorage.web.router import Endpoint, Router
from moorage.web.session import SessionCookies
from moorage.web.token import TokenResource
from moorage.web.v2.admission import ADMISSION_PATH, Admission, AdmissionResource
from moorage.web.v2.door import RegistryDoor
from moorage.web.v2.routes import add_routes as add_registry_routes

App = falcon.App[falcon.Request, falcon.Response]
StartResponse = Callable[..., Any]
WsgiApp = Callable[[dict[str, Any], StartResponse], Iterable[bytes]]


# HTTP does not care for the case of a header's name; people who grep for one do.
_SPELLED = {
    "etag": "ETag",
    "www-authenticate": "WWW-Authenticate",
    "docker-upload-uuid": "Docker-Upload-UUID",
    "oci-subject": "OCI-Subject",
    "oci-filters-applied": "OCI-Filters-Applied",
}


class RootApp:
    """Everything on one port: hands each request to the registry or to the portal.

    Attributes:
        admission: may an upload come in? For whoever receives bodies before this app sees them.
        endpoints: every method of every route.
    """

    def __init__(
        self, registry: WsgiApp, portal: WsgiApp, admission: Admission, endpoints: Sequence[Endpoint]
    ) -> None:
        self._registry = registry
        self._portal = portal
        self.admission = admission
        self.endpoints = endpoints

    def __call__(self, environ: dict[str, Any], start_response: StartResponse) -> Iterable[bytes]:
        def start_spelled(status: str, headers: list[tuple[str, str]], exc_info: Any = None) -> Any:
            spelled = [(_SPELLED.get(name) or _spell(name), value) for name, value in headers]
            return start_response(status, spelled, exc_info)

        path = environ["PATH_INFO"]
        if path.startswith("/v2/") or path in ("/v2", TOKEN_PATH, ADMISSION_PATH):
            return self._registry(environ, start_spelled)
        return self._portal(environ, start_spelled)


def _spell(name: str) -> str:
    found = _SPELLED[name] = name.title()  # the program's own names: there are few of them
    return found


def root_app(services: Services) -> RootApp:
    """The registry and the portal over these services."""
    counts = Counts(services.settings.storage.data / "metrics")
    counts.subscribe(services.events)
    router, pages = Router(), HarborRouter()
    registry, admission = registry_app(services, router, counts.observer("registry"))
    publication = Publication()
    portal = portal_app(services, pages, counts, publication)
    endpoints = (*router.endpoints, *pages.endpoints)
    publication.publish(endpoints)
    return RootApp(registry, portal, admission, endpoints)


def registry_app(services: Services, router: Router, observe: Observe) -> tuple[App, Admission]:
    """Everything that clients of a registry call, and the decision about their uploads."""
    settings = services.settings
    origin = Origin(settings.server)
    door = RegistryDoor(services.access, services.tokens, services.authenticator, settings.token, origin)
    app = _app(door, router, services, observe, details=True)
    admission = Admission(door, services.uploads, router.find, services.site.read_only)
    token = TokenResource(
        services.tokens, services.access, services.authenticator, services.audit, settings.token.service
    )
    app.add_route(TOKEN_PATH, token)
    if settings.server.behind_nginx:
        app.add_route(ADMISSION_PATH, AdmissionResource(admission, door, services.audit))
    add_registry_routes(app, services, door, origin)
    return app, admission


def portal_app(services: Services, router: HarborRouter, counts: Counts, publication: Publication) -> App:
    """Harbor's API, its description, health and metrics."""
    origin = Origin(services.settings.server)
    cookies = SessionCookies(services.sessions, services.authenticator, origin)
    door = PortalDoor(services.access, services.authenticator, cookies)
    app = _app(door, router, services, counts.observer("portal"), details=False)
    app.add_route("/healthz", LivenessResource())
    app.add_route("/readyz", ReadinessResource(services))
    app.add_route("/metrics", MetricsResource(services, counts))
    add_portal_routes(app, services, origin)
    publication.add_routes(app)
    return app


def _app(door: Door, router: Router, services: Services, observe: Observe, *, details: bool) -> App:
    authentication = Authentication(
        door, services.audit, observe, services.site.read_only, services.notices.refused_for_quota
    )
    app = App(middleware=authentication, router=router)
    Problems(details=details).install(app)
    return app
