"""The distribution API: what it takes and answers (distribution-spec 1.1.1, "Endpoints")."""

from collections.abc import Mapping

from moorage.oci.mediatypes import OCI_INDEX
from moorage.web.openapi.model import Answer, Body, Json, Operation, Parameter, Route
from moorage.web.openapi.shapes import DIGEST, TEXT, ref, text

_TAG = "registry"
_DIGEST = "Docker-Content-Digest"
_BINARY = "application/octet-stream"
_MANIFEST = "application/vnd.oci.image.manifest.v1+json"
#: What goes with every answer about an upload that goes on.
_UPLOAD = ("Location", "Range", "Docker-Upload-UUID")
_STORED = Answer("The blob is stored.", headers=("Location", _DIGEST))
_UNCHANGED = Answer("It is what the client has.", headers=(_DIGEST, "ETag"))
#: A field of a path or a query that is not well-formed is 400, a repository that is not there is 404.
_FULL = frozenset({403, 404, 413, 416, 507})
_ANYTHING: Json = {}
_N = Parameter(
    "n", "How many entries at most; the registry has a limit of its own.", {"type": "integer", "minimum": 0}
)
_LAST = Parameter("last", "Only what comes after this entry.", text(most=1024))
_NONE_MATCH = Parameter("If-None-Match", "The ETag of what the client has.", TEXT, place="header")
_PROMISED = Parameter("digest", "The digest of the whole blob.", DIGEST)
_CHUNK = Parameter(
    "Content-Range", "Which bytes of the blob these are.", text(pattern="^[0-9]+-[0-9]+$"), place="header"
)

OPERATIONS: Mapping[Route, Operation] = {
    ("GET", "/v2/"): Operation(
        _TAG,
        "Whether this is a registry and the credential is good",
        {200: Answer("It is.", ref("Nothing"))},
        description="An anonymous registry token is good enough.",
    ),
    ("GET", "/v2/_catalog"): Operation(
        _TAG,
        "List the repositories that hold something and that the caller may see",
        {200: Answer("A page of them, by name.", ref("Catalog"))},
        parameters=(_N, _LAST),
    ),
    ("GET", "/v2/{name}/tags/list"): Operation(
        _TAG,
        "List the tags of a repository",
        {200: Answer("A page of them, by name.", ref("TagList"))},
        parameters=(_N, _LAST),
    ),
    ("GET", "/v2/{name}/referrers/{digest}"): Operation(
        _TAG,
        "List what refers to a manifest",
        {200: Answer("An index of it, empty when nothing does.", ref("Referrers"), OCI_INDEX)},
        parameters=(
            Parameter("artifactType", "Only artifacts of this type.", TEXT),
            Parameter("last", "Only what comes after this digest.", DIGEST),
        ),
    ),
    ("GET", "/v2/{name}/manifests/{reference}"): Operation(
        _TAG,
        "Pull a manifest",
        {
            200: Answer("It, byte for byte as it was pushed.", _ANYTHING, "*/*", (_DIGEST, "ETag")),
            304: _UNCHANGED,
        },
        parameters=(_NONE_MATCH,),
    ),
    ("PUT", "/v2/{name}/manifests/{reference}"): Operation(
        _TAG,
        "Push a manifest",
        {201: Answer("It is stored, and so is the tag.", headers=("Location", _DIGEST))},
        body=Body(
            {"type": "object"}, _MANIFEST, description="A manifest or an index, of OCI's kind or Docker's."
        ),
        refusals=frozenset({403, 409, 412, 507}),
    ),
    ("DELETE", "/v2/{name}/manifests/{reference}"): Operation(
        _TAG,
        "Delete a manifest with all its tags, or a tag alone",
        {202: Answer("It is gone.")},
        refusals=frozenset({409, 412}),
    ),
    ("GET", "/v2/{name}/blobs/{digest}"): Operation(
        _TAG,
        "Pull a blob or a part of it",
        {
            200: Answer(
                "All of it.", _ANYTHING, _BINARY, (_DIGEST, "ETag", "Accept-Ranges", "Cache-Control")
            ),
            206: Answer("The part.", _ANYTHING, _BINARY, (_DIGEST, "ETag", "Content-Range")),
            304: _UNCHANGED,
        },
        parameters=(
            _NONE_MATCH,
            Parameter("Range", "The bytes that are wanted.", TEXT, place="header"),
            Parameter("If-Range", "The ETag that the range is of.", TEXT, place="header"),
        ),
        refusals=frozenset({416}),
    ),
    ("HEAD", "/v2/{name}/blobs/{digest}"): Operation(
        _TAG,
        "Whether a blob is there, which promises that it stays for a while",
        {200: Answer("It is.", headers=(_DIGEST, "ETag", "Accept-Ranges")), 304: _UNCHANGED},
        parameters=(_NONE_MATCH,),
    ),
    ("DELETE", "/v2/{name}/blobs/{digest}"): Operation(
        _TAG,
        "Take a blob out of a repository",
        {202: Answer("It is out.")},
        refusals=frozenset({409, 412}),
    ),
    ("POST", "/v2/{name}/blobs/uploads/"): Operation(
        _TAG,
        "Begin an upload, mount a blob of another repository, or push a whole one",
        {202: Answer("The upload has begun.", headers=_UPLOAD), 201: _STORED},
        parameters=(
            Parameter("mount", "The digest of a blob that is in the registry already.", DIGEST),
            Parameter("from", "The repository to mount it from.", TEXT),
            _PROMISED,
            _CHUNK,
        ),
        body=Body(_ANYTHING, _BINARY, required=False, description="The whole blob, with `digest`."),
        refusals=_FULL,
    ),
    ("GET", "/v2/{name}/blobs/uploads/{session_id}"): Operation(
        _TAG, "How much of an upload has arrived", {204: Answer("So much.", headers=_UPLOAD)}
    ),
    ("PATCH", "/v2/{name}/blobs/uploads/{session_id}"): Operation(
        _TAG,
        "Upload a chunk",
        {202: Answer("It has arrived.", headers=_UPLOAD)},
        parameters=(_CHUNK,),
        body=Body(_ANYTHING, _BINARY, required=False, description="The chunk."),
        refusals=_FULL,
    ),
    ("PUT", "/v2/{name}/blobs/uploads/{session_id}"): Operation(
        _TAG,
        "Finish an upload",
        {201: _STORED},
        parameters=(Parameter("digest", "The digest of the whole blob.", DIGEST, required=True), _CHUNK),
        body=Body(_ANYTHING, _BINARY, required=False, description="The last chunk, if there is one more."),
        refusals=_FULL,
    ),
    ("DELETE", "/v2/{name}/blobs/uploads/{session_id}"): Operation(
        _TAG, "Give an upload up", {204: Answer("It is forgotten.")}
    ),
    ("GET", "/_admission"): Operation(
        _TAG,
        "Whether an upload may come in, which nginx asks",
        {204: Answer("It may.")},
        parameters=(
            Parameter("X-Original-Method", "The method of the upload.", TEXT, place="header"),
            Parameter("X-Original-URI", "Its path and query.", TEXT, place="header"),
            Parameter("X-Original-Length", "Its Content-Length.", TEXT, place="header"),
        ),
        refusals=frozenset({403}),
    ),
}
