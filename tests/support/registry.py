"""A small client of the distribution API that behaves as docker does and shows every answer."""

import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from enum import Enum

import pytest
import requests

from tests.support.images import DOCKER_LIST, DOCKER_MANIFEST, OCI_INDEX, OCI_MANIFEST, Blob, Image, digest_of

_ACCEPT = ", ".join((OCI_MANIFEST, OCI_INDEX, DOCKER_MANIFEST, DOCKER_LIST))
_PARAMETER = re.compile(r'(\w+)="([^"]*)"')
_SECONDS = 60


class Refusal(Enum):
    """How a registry says no: status and code, as the specification has them."""

    UNAUTHENTICATED = (401, "UNAUTHORIZED")
    DENIED = (403, "DENIED")
    BLOB_UNKNOWN = (404, "BLOB_UNKNOWN")
    UPLOAD_UNKNOWN = (404, "BLOB_UPLOAD_UNKNOWN")
    MANIFEST_UNKNOWN = (404, "MANIFEST_UNKNOWN")
    MANIFEST_BLOB_UNKNOWN = (404, "MANIFEST_BLOB_UNKNOWN")
    NAME_UNKNOWN = (404, "NAME_UNKNOWN")
    NAME_INVALID = (400, "NAME_INVALID")
    DIGEST_INVALID = (400, "DIGEST_INVALID")
    MANIFEST_INVALID = (400, "MANIFEST_INVALID")
    RANGE = (416, "BLOB_UPLOAD_INVALID")
    UNSUPPORTED = (405, "UNSUPPORTED")
    TOO_MANY = (429, "TOOMANYREQUESTS")


class RefusedError(Exception):
    """The registry answered with an error.

    Attributes:
        codes: of its error document, in order; empty when the body is none.
    """

    def __init__(self, answer: requests.Response) -> None:
        self.answer = answer
        self.status = answer.status_code
        self.codes = tuple(each["code"] for each in _errors(answer))
        super().__init__(f"{answer.request.method} {answer.request.url}: {self.status} {answer.text[:500]}")


def _errors(answer: requests.Response) -> list[dict[str, str]]:
    try:
        found: list[dict[str, str]] = answer.json()["errors"]
    except (ValueError, KeyError, TypeError):
        return []
    return found


@contextmanager
def refused(refusal: Refusal) -> Iterator[None]:
    """The block must be refused in exactly this way."""
    with pytest.raises(RefusedError) as caught:
        yield
    status, code = refusal.value
    assert (caught.value.status, caught.value.codes[:1]) == (status, (code,)), str(caught.value)


class RegistryClient:
    """Talks to `http://host:port` as one account, or as nobody.

    Args:
        verify: for https, the file of the certificate to trust.
    """

    def __init__(self, url: str, name: str = "", password: str = "", verify: str | bool = True) -> None:
        self.url = url
        self._credentials = (name, password) if name else None
        self._tokens: dict[str, str] = {}
        self._http = requests.Session()
        self._http.trust_env = False  # neither a proxy nor a .netrc of the machine
        self._http.verify = verify

    def close(self) -> None:
        self._http.close()

    # -- the protocol ------------------------------------------------------------------------

    def request(self, method: str, path: str, **how: object) -> requests.Response:
        """One call; a challenge is answered with a token as docker does it, once.

        A body that can be sent only once (a generator) needs a `warm` token first.

        Raises:
            RefusedError: the final answer is an error.
        """
        url = path if path.startswith("http") else self.url + path
        repository = _repository(url)
        answer = self._send(method, url, self._tokens.get(repository), how)
        if answer.status_code == requests.codes.unauthorized:
            answer = self._send(method, url, self._token_for(repository, answer), how)
        if answer.status_code >= requests.codes.bad_request:
            raise RefusedError(answer)
        return answer

    def token(self, *scopes: str) -> str:
        """A token for these scopes, cut to what the account may do.

        Raises:
            RefusedError: the credentials are wrong.
        """
        return self._fetch_token(f"{self.url}/service/token", {"service": "moorage", "scope": list(scopes)})

    def login(self) -> None:
        """What `docker login` does."""
        self.request("GET", "/v2/")

    def warm(self, repository: str, source: str = "") -> None:
        """Have a token for pushing to `repository`, by mounting from `source` too, before it is needed."""
        scopes = [f"repository:{repository}:pull,push"]
        if source:
            scopes.append(f"repository:{source}:pull")
        self._tokens[repository] = self.token(*scopes)

    def _token_for(self, repository: str, answer: requests.Response) -> str | None:
        challenge = answer.headers.get("WWW-Authenticate", "")
        if not challenge.startswith("Bearer "):
            return None
        fields = dict(_PARAMETER.findall(challenge))
        query = {key: fields[key].split(" ") for key in ("service", "scope") if key in fields}
        self._tokens[repository] = self._fetch_token(fields["realm"], query)
        return self._tokens[repository]

    def _fetch_token(self, realm: str, query: Mapping[str, object]) -> str:
        answer = self._http.get(realm, params=query, auth=self._credentials, timeout=_SECONDS)
        if answer.status_code != requests.codes.ok:
            raise RefusedError(answer)
        token: str = answer.json()["token"]
        return token

    def _send(self, method: str, url: str, token: str | None, how: dict[str, object]) -> requests.Response:
        headers = dict(how.get("headers") or {})
        if token:
            headers["Authorization"] = f"Bearer {token}"
        rest = {"allow_redirects": False, "timeout": _SECONDS, **how, "headers": headers}
        return self._http.request(method, url, **rest)

    # -- blobs -------------------------------------------------------------------------------

    def start_upload(self, repository: str) -> str:
        """Open an upload session; returns its address."""
        answer = self.request("POST", f"/v2/{repository}/blobs/uploads/")
        return self.absolute(answer.headers["Location"])

    def push_blob(self, repository: str, data: bytes, digest: str | None = None) -> str:
        """POST, then one PUT with the whole body; returns the digest."""
        digest = digest or digest_of(data)
        self.finish_upload(self.start_upload(repository), digest, data)
        return digest

    def push_blob_in_chunks(self, repository: str, data: bytes, chunk_bytes: int) -> str:
        """POST, a PATCH for each chunk with its range, and a PUT without a body."""
        location = self.start_upload(repository)
        for start in range(0, len(data), chunk_bytes):
            location = self.append(location, data[start : start + chunk_bytes], start)
        digest = digest_of(data)
        self.finish_upload(location, digest)
        return digest

    def append(self, location: str, chunk: bytes, start: int | None = None) -> str:
        """PATCH one chunk; returns where the next one goes."""
        headers = {"Content-Type": "application/octet-stream"}
        if start is not None:
            headers["Content-Range"] = f"{start}-{start + len(chunk) - 1}"
        return self.absolute(self.request("PATCH", location, data=chunk, headers=headers).headers["Location"])

    def finish_upload(self, location: str, digest: str, data: object = b"") -> requests.Response:
        """PUT the rest of the body and the digest."""
        headers = {"Content-Type": "application/octet-stream"}
        return self.request("PUT", _with_digest(location, digest), data=data, headers=headers)

    def pull_blob(self, repository: str, digest: str) -> bytes:
        """GET the bytes; they are what the digest says."""
        data = self.request("GET", f"/v2/{repository}/blobs/{digest}").content
        assert digest_of(data, digest.partition(":")[0]) == digest
        return data

    def has_blob(self, repository: str, digest: str) -> bool:
        """HEAD, as every client asks before it pushes a layer."""
        try:
            self.request("HEAD", f"/v2/{repository}/blobs/{digest}")
        except RefusedError as error:
            if error.status != requests.codes.not_found:
                raise
            return False
        return True

    # -- manifests ---------------------------------------------------------------------------

    def push_manifest(self, repository: str, reference: str, image: Image) -> requests.Response:
        """PUT the manifest alone; its blobs and children have to be there."""
        path = f"/v2/{repository}/manifests/{reference}"
        return self.request("PUT", path, data=image.body, headers={"Content-Type": image.media_type})

    def pull_manifest(self, repository: str, reference: str) -> requests.Response:
        """GET the manifest; its bytes are what the answer's digest says."""
        answer = self.request("GET", f"/v2/{repository}/manifests/{reference}", headers={"Accept": _ACCEPT})
        assert digest_of(answer.content) == answer.headers["Docker-Content-Digest"]
        return answer

    def push(self, repository: str, image: Image, tag: str | None = None) -> str:
        """Push an image or index with everything below it; returns the digest."""
        for each in image.everything():
            for blob in each.blobs:
                self._push_missing(repository, blob)
            top = each is image and tag is not None
            self.push_manifest(repository, str(tag) if top else each.digest, each)
        return image.digest

    def _push_missing(self, repository: str, blob: Blob) -> None:
        if not self.has_blob(repository, blob.digest):
            self.push_blob(repository, blob.data)

    def pull(self, repository: str, reference: str) -> str:
        """Pull a manifest and everything below it; returns its digest."""
        answer = self.pull_manifest(repository, reference)
        document = answer.json()
        for child in document.get("manifests", ()):
            self.pull(repository, child["digest"])
        config = [document["config"]] if "config" in document else []
        for descriptor in [*config, *document.get("layers", ())]:
            assert len(self.pull_blob(repository, descriptor["digest"])) == descriptor["size"]
        digest: str = answer.headers["Docker-Content-Digest"]
        return digest

    def delete(self, repository: str, reference: str) -> None:
        """DELETE a manifest by digest, or a tag alone."""
        self.request("DELETE", f"/v2/{repository}/manifests/{reference}")

    def tags(self, repository: str) -> list[str]:
        """The whole list of tags."""
        found: list[str] = self.request("GET", f"/v2/{repository}/tags/list").json()["tags"]
        return found

    def absolute(self, location: str) -> str:
        """The address a Location header means."""
        return self.url + location if location.startswith("/") else location


def _repository(url: str) -> str:
    """What a token is kept under: the repository the address names, or nothing."""
    found = re.search(r"/v2/(.+)/(?:blobs|manifests|tags|referrers)/", url)
    return found[1] if found else ""


def _with_digest(location: str, digest: str) -> str:
    return f"{location}{'&' if '?' in location else '?'}digest={digest}"
