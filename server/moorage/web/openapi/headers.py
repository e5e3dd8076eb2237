"""The headers of answers that mean something to a client."""

from collections.abc import Mapping

from moorage.web.openapi.model import Json
from moorage.web.openapi.shapes import DIGEST, TEXT

_NUMBER: Json = {"type": "string", "pattern": "^[0-9]+$"}

#: By name: a description and a schema.
HEADERS: Mapping[str, tuple[str, Json]] = {
    "Accept-Ranges": ("Parts of the content can be asked for.", {"type": "string", "const": "bytes"}),
    "Cache-Control": ("How long the answer may be kept.", TEXT),
    "Content-Disposition": ("Under which name a browser should save it.", TEXT),
    "Content-Range": ("Which bytes these are, and of how many.", TEXT),
    "Content-Security-Policy": ("What a browser may do with the content: nothing.", TEXT),
    "Docker-Content-Digest": ("The digest of the content.", DIGEST),
    "Docker-Upload-UUID": ("The id of the upload.", TEXT),
    "ETag": ("Names this very content, for If-None-Match.", TEXT),
    "Link": ("The pages before and after this one, as far as there are any.", TEXT),
    "Location": ("Where the new thing is.", TEXT),
    "OCI-Filters-Applied": ("What the list was narrowed by.", TEXT),
    "OCI-Subject": ("The manifest that the new one refers to.", DIGEST),
    "Range": ("The bytes that have arrived.", TEXT),
    "Retry-After": ("Seconds until it is worth trying again.", _NUMBER),
    "Set-Cookie": ("The cookie of the session.", TEXT),
    "Warning": ("What the answer lacks, or what the project is called since it was renamed.", TEXT),
    "WWW-Authenticate": ("Which credential is wanted.", TEXT),
    "X-Content-Type-Options": ("The type is as it says.", {"type": "string", "const": "nosniff"}),
    "X-Harbor-CSRF-Token": ("What a browser shows when it changes something.", TEXT),
    "X-Total-Count": ("How many entries all the pages have together.", _NUMBER),
}
