"""What the distribution API and the token service answer."""

from collections.abc import Mapping

from moorage.oci.mediatypes import OCI_INDEX
from moorage.web.openapi.model import Json
from moorage.web.openapi.shapes import COUNT, DIGEST, MOMENT, TEXT, array, shape, texts_by_name

SCHEMAS: Mapping[str, Json] = {
    "Nothing": shape({}),
    "Catalog": shape({"repositories": array(TEXT)}),
    "TagList": shape({"name": TEXT, "tags": array(TEXT)}),
    "Descriptor": shape(
        {
            "mediaType": TEXT,
            "digest": DIGEST,
            "size": COUNT,
            "artifactType": TEXT,
            "annotations": texts_by_name(),
        },
        optional=["artifactType", "annotations"],
    ),
    "Referrers": shape(
        {
            "schemaVersion": {"const": 2},
            "mediaType": {"const": OCI_INDEX},
            "manifests": array({"$ref": "#/components/schemas/Descriptor"}),
        }
    ),
    "Token": shape(
        {
            "token": TEXT,
            "access_token": {"type": "string", "description": "The same, under OAuth2's name."},
            "expires_in": {"type": "integer", "minimum": 1, "description": "Seconds."},
            "issued_at": MOMENT,
            "scope": {"type": "string", "description": "What was granted; OAuth2's form alone has it."},
            "refresh_token": TEXT,
        },
        optional=["scope", "refresh_token"],
        description="A right that the account does not have is left out, not refused.",
    ),
}
