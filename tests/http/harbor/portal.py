"""One caller of Harbor's API, over the app in this process."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qsl, quote, urlsplit

from falcon.testing import Result, TestClient

from moorage.events import SYSTEM
from moorage.oci.digest import Digest
from moorage.oci.names import RepositoryName, Tag
from moorage.services import Services
from tests.support.images import Image

BASE = "/api/v2.0"
#: Where every caller is.
ADDRESS = "192.0.2.77"


def code_of(result: Result) -> str:
    """The code of the one error in the answer, which has nothing but code and message."""
    assert set(result.json) == {"errors"}
    (problem,) = result.json["errors"]
    assert set(problem) == {"code", "message"}
    assert problem["message"]
    code: str = problem["code"]
    return code


def message_of(result: Result) -> str:
    """The sentence of the one error in the answer."""
    (problem,) = result.json["errors"]
    message: str = problem["message"]
    return message


def links_of(result: Result) -> dict[str, str]:
    """The ``Link`` header by relation."""
    found = {}
    for part in filter(None, result.headers.get("link", "").split(" , ")):
        target, _, relation = part.partition("; rel=")
        found[relation.strip('"')] = target.strip("<>")
    return found


@dataclass(frozen=True)
class Portal:
    """Sends requests with the headers of one account."""

    client: TestClient
    headers: Mapping[str, str]

    def request(
        self,
        method: str,
        path: str,
        content: object = None,
        *,
        body: bytes | None = None,
        headers: Mapping[str, str] | None = None,
        **parameters: Any,
    ) -> Result:
        """One request to `path` below the API; `content` is sent as JSON."""
        parts = urlsplit(path)
        sent = {"Host": "registry.test", **self.headers}
        if content is not None:
            body = json.dumps(content).encode()
        if body is not None:
            sent["Content-Type"] = "application/json"
        return self.client.simulate_request(
            method,
            parts.path if parts.path.startswith(BASE) else BASE + parts.path,
            params={**dict(parse_qsl(parts.query)), **parameters},
            params_csv=False,
            headers={**sent, **(headers or {})},
            body=body,
            remote_addr=ADDRESS,
        )

    def get(self, path: str, **parameters: Any) -> Result:
        return self.request("GET", path, **parameters)

    def head(self, path: str, **parameters: Any) -> Result:
        return self.request("HEAD", path, **parameters)

    def post(self, path: str, content: object = None, **parameters: Any) -> Result:
        return self.request("POST", path, content, **parameters)

    def put(self, path: str, content: object = None, **parameters: Any) -> Result:
        return self.request("PUT", path, content, **parameters)

    def patch(self, path: str, content: object = None, **parameters: Any) -> Result:
        return self.request("PATCH", path, content, **parameters)

    def delete(self, path: str, **parameters: Any) -> Result:
        return self.request("DELETE", path, **parameters)


def repository_path(name: str) -> str:
    """The path of a repository as Harbor's clients write it: slashes encoded twice."""
    project, _, rest = name.partition("/")
    return f"/projects/{project}/repositories/{quote(quote(rest, safe=''), safe='')}"


class Pusher:
    """Puts images into repositories, past the distribution API."""

    def __init__(self, services: Services) -> None:
        self._services = services

    def __call__(self, name: str, image: Image, *tags: str) -> Image:
        """Push the image with everything below it under each tag, or by digest alone."""
        repository = RepositoryName.parse(name)
        project = self._services.projects.find(repository.project)
        assert project is not None
        for each in image.everything():
            for blob in each.blobs:
                path = self._services.spool.new_path()
                with open(path, "wb") as file:
                    file.write(blob.data)
                spooled = self._services.spool.adopt(path)
                digest = Digest.parse(blob.digest)
                self._services.uploads.push(SYSTEM, project.id, repository, spooled, digest)
            names = [Tag(tag) for tag in tags] if each is image and tags else [Digest.parse(each.digest)]
            for reference in names:
                self._services.manifests.put(
                    SYSTEM, project.id, repository, reference, each.media_type, each.body
                )
        return image
