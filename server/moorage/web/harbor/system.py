"""`/ping`, `/health`, `/systeminfo`, its volumes and its certificate."""

import shutil
from collections.abc import Mapping
from typing import ClassVar

import falcon

from moorage import __version__
from moorage.configuration import keys
from moorage.health import Finding
from moorage.projects.rules import READ_VOLUMES
from moorage.services import Services
from moorage.web.access import Access, Caller
from moorage.web.certificate import authority, has_authority
from moorage.web.harbor import render
from moorage.web.harbor.answer import send
from moorage.web.origin import Origin

#: The dialect spoken here, in the form that clients of Harbor take apart, and the release that speaks it.
DIALECT = f"v2.0.0-moorage-{__version__}"


class PingResource:
    """Whether this API is there."""

    access: ClassVar[Mapping[str, Access]] = {"GET": Access("anyone", None, "ping")}

    def on_get(self, req: falcon.Request, resp: falcon.Response) -> None:
        """Harbor's answer."""
        resp.content_type = falcon.MEDIA_TEXT
        resp.text = "Pong"


class HealthResource:
    """Which part is ill. The answer is 200 even then, as in Harbor; ``/readyz`` is for probes.

    A disk past its second mark, which refuses uploads, is unhealthy; one past the first is healthy
    and carries a warning.
    """

    access: ClassVar[Mapping[str, Access]] = {"GET": Access("anyone", None, "read_health")}

    def __init__(self, services: Services) -> None:
        self._services = services

    def on_get(self, req: falcon.Request, resp: falcon.Response) -> None:
        """Look at every part."""
        send_health(req, resp, self._services.health())


class SystemInfoResource:
    """What clients need to know before they begin."""

    access: ClassVar[Mapping[str, Access]] = {"GET": Access("anyone", None, "get_system_info")}

    def __init__(self, services: Services, origin: Origin) -> None:
        self._services = services
        self._origin = origin

    def on_get(self, req: falcon.Request, resp: falcon.Response) -> None:
        """The release only for whoever has an account, as in Harbor."""
        caller: Caller = req.context.caller
        site = self._services.site
        url = self._origin.of(req.env)
        answer: dict[str, object] = {
            "auth_mode": site.value(keys.AUTH_MODE),
            "primary_auth_mode": True,
            "self_registration": site.value(keys.SELF_REGISTRATION),
            "external_url": url,
            "registry_url": url.partition("://")[2],
            "project_creation_restriction": site.creation(),
            "has_ca_root": has_authority(self._services.settings.server.ca_file),
            "read_only": site.read_only(),
            "notification_enable": site.notifications(),
            "registry_storage_provider_name": "filesystem",
            "banner_message": site.value(keys.BANNER),
            "current_time": render.moment(self._services.clock()),
        }
        if not caller.principal.is_anonymous:
            answer["harbor_version"] = DIALECT
        send(resp, answer)


class CertificateResource:
    """The certificate that clients have to trust, for download."""

    access: ClassVar[Mapping[str, Access]] = {"GET": Access("anyone", None, "get_certificate")}

    def __init__(self, services: Services) -> None:
        self._services = services

    def on_get(self, req: falcon.Request, resp: falcon.Response) -> None:
        """It, and nothing else that its file may hold."""
        resp.text = authority(self._services.settings.server.ca_file)
        resp.content_type = "application/x-pem-file"
        resp.set_header("Content-Disposition", "attachment; filename=ca.crt")


class VolumesResource:
    """The disk that content lies on."""

    access: ClassVar[Mapping[str, Access]] = {"GET": Access("system", READ_VOLUMES, "get_volumes")}

    def __init__(self, services: Services) -> None:
        self._services = services

    def on_get(self, req: falcon.Request, resp: falcon.Response) -> None:
        """Its size and what is free."""
        total = shutil.disk_usage(self._services.settings.storage.data).total
        send(resp, {"storage": [{"total": total, "free": self._services.storage.space().free_bytes}]})


def send_health(req: falcon.Request, resp: falcon.Response, findings: Mapping[str, Finding]) -> None:
    """Tell which parts are ill.

    What exactly is wrong may name paths and hosts, so only administrators see it.
    """
    caller: Caller = req.context.caller
    send(resp, render.health(findings, detailed=caller.principal.admin))
