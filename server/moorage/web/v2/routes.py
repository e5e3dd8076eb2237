"""The routes of the distribution spec, one line an endpoint; the first that matches counts."""

import falcon

from moorage.services import Services
from moorage.web.origin import Origin
from moorage.web.transfer import Bodies
from moorage.web.v2.blobs import BlobResource
from moorage.web.v2.catalog import CatalogResource
from moorage.web.v2.door import RegistryDoor
from moorage.web.v2.manifests import ManifestResource
from moorage.web.v2.ping import PingResource
from moorage.web.v2.referrers import ReferrersResource
from moorage.web.v2.tags import TagListResource
from moorage.web.v2.uploads import UploadResource, UploadsResource

App = falcon.App[falcon.Request, falcon.Response]


def add_routes(app: App, services: Services, door: RegistryDoor, origin: Origin) -> None:
    """Add everything under ``/v2``."""
    behind_nginx = services.settings.server.behind_nginx
    page_limit = services.settings.registry.page_limit
    bodies = Bodies(services.spool, behind_nginx=behind_nginx)
    manifest = ManifestResource(
        services.manifests, services.tags, services.candidates, services.audit, origin
    )
    blob = BlobResource(services.blobs, services.audit, behind_nginx=behind_nginx)
    uploads = UploadsResource(services.uploads, bodies, door, origin)
    upload = UploadResource(services.uploads, bodies, origin)

    app.add_route("/v2", PingResource())
    app.add_route("/v2/", PingResource())
    app.add_route("/v2/_catalog", CatalogResource(services.catalog, page_limit))
    app.add_route("/v2/{name}/manifests/{reference}", manifest)
    app.add_route("/v2/{name}/blobs/uploads", uploads)
    app.add_route("/v2/{name}/blobs/uploads/", uploads)
    app.add_route("/v2/{name}/blobs/uploads/{session_id}", upload)
    app.add_route("/v2/{name}/blobs/{digest}", blob)
    app.add_route("/v2/{name}/tags/list", TagListResource(services.tags, page_limit))
    app.add_route("/v2/{name}/referrers/{digest}", ReferrersResource(services.referrers))
