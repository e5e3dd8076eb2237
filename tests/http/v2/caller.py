"""One caller of the distribution API, over the app in this process."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from falcon.testing import Result, TestClient

from tests.support.images import Blob, Image, digest_of

__all__ = ["Caller", "code_of", "digest_of"]


#: Where every caller is.
ADDRESS = "192.0.2.7"


def code_of(result: Result) -> str:
    """The code of the one error in the answer."""
    (problem,) = result.json["errors"]
    assert set(problem) <= {"code", "message", "detail"}
    assert problem["message"]
    code: str = problem["code"]
    return code


@dataclass(frozen=True)
class Caller:
    """Sends requests with the headers of one account."""

    client: TestClient
    headers: Mapping[str, str]

    def request(
        self,
        method: str,
        path: str,
        body: bytes = b"",
        headers: Mapping[str, str] | None = None,
        **environ: Any,
    ) -> Result:
        """One request; `path` may have a query, and may be an absolute address from a ``Location``."""
        parts = urlsplit(path)
        return self.client.simulate_request(
            method,
            parts.path,
            query_string=parts.query,
            headers={"Host": "registry.test", **self.headers, **(headers or {})},
            body=body,
            extras={"REMOTE_ADDR": ADDRESS, **environ},
        )

    def get(self, path: str, **headers: str) -> Result:
        return self.request(
            "GET", path, headers={name.replace("_", "-"): text for name, text in headers.items()}
        )

    # -- the whole protocol, as a client speaks it -------------------------------------------

    def start(self, name: str) -> str:
        """Open an upload; its address."""
        answer = self.request("POST", f"/v2/{name}/blobs/uploads/")
        assert answer.status_code == 202, answer.text
        return str(answer.headers["Location"])

    def push_blob(self, name: str, data: bytes, algorithm: str = "sha256") -> str:
        """Push a blob; its digest."""
        digest = digest_of(data, algorithm)
        answer = self.request("POST", f"/v2/{name}/blobs/uploads/?digest={digest}", data)
        assert answer.status_code == 201, answer.text
        return digest

    def put_manifest(self, name: str, reference: str, body: bytes, media_type: str) -> Result:
        return self.request("PUT", f"/v2/{name}/manifests/{reference}", body, {"Content-Type": media_type})

    def push(self, name: str, image: Image, tag: str = "") -> str:
        """Push an image with everything below it; its digest."""
        for each in image.everything():
            for blob in each.blobs:
                self.push_blob(name, blob.data)
            reference = tag if tag and each is image else each.digest
            answer = self.put_manifest(name, reference, each.body, each.media_type)
            assert answer.status_code == 201, answer.text
        return image.digest


def sha256(data: bytes) -> str:
    """Hex digits, taken without the code under test."""
    return hashlib.sha256(data).hexdigest()


def encoded(document: object) -> bytes:
    return json.dumps(document).encode()


def blob_of(data: bytes) -> Blob:
    return Blob(data, "application/octet-stream")
