"""The exact headers that docker sees on the way of a push and a pull."""

import re

from falcon.testing import Result, TestClient, create_environ

from moorage.projects.model import Project
from tests.http.v2.caller import Caller
from tests.support import images

ORIGIN = "http://registry.test"
ID = "0123456789abcdef"


def shown(answer: Result) -> dict[str, str]:
    """Every header but the request id, with upload ids blotted out."""
    found = {name.lower(): value for name, value in answer.headers.items()}
    assert found.pop("x-request-id") == ID
    if "docker-upload-uuid" in found:
        assert re.fullmatch("[0-9a-f]{32}", found["docker-upload-uuid"])
        found["location"] = found["location"].replace(found["docker-upload-uuid"], "<id>")
        found["docker-upload-uuid"] = "<id>"
    return found


def test_docker_sees_these_headers_and_no_others(alice: Caller, nobody: Caller, dock: Project) -> None:
    image = images.image(docker=True)
    config, layer = image.blobs
    own = {"X-Request-Id": ID}
    api = {"docker-distribution-api-version": "registry/2.0"}
    base = f"{ORIGIN}/v2/dock/app"

    ping = nobody.request("GET", "/v2/", headers=own)
    assert shown(ping) == api | {
        "www-authenticate": f'Bearer realm="{ORIGIN}/service/token",service="moorage"',
        "content-type": "application/json",
        "content-length": str(len(ping.content)),
    }

    absent = alice.request("HEAD", f"/v2/dock/app/blobs/{layer.digest}", headers=own)
    assert absent.status_code == 404
    assert shown(absent) == api | {
        "content-type": "application/json",
        "content-length": absent.headers["Content-Length"],
    }

    start = alice.request("POST", "/v2/dock/app/blobs/uploads/", headers=own)
    at_start = {
        "location": f"{base}/blobs/uploads/<id>",
        "range": "0-0",
        "docker-upload-uuid": "<id>",
        "content-length": "0",
        "content-type": "application/json",
    }
    assert (start.status_code, shown(start)) == (202, api | at_start)

    location = start.headers["Location"]
    patch = alice.request("PATCH", location, layer.data, own)
    assert patch.status_code == 202
    assert shown(patch) == api | at_start | {"range": f"0-{len(layer.data) - 1}"}

    status = alice.request("GET", location, headers=own)
    assert status.status_code == 204
    untyped = {name: value for name, value in shown(patch).items() if not name.startswith("content-")}
    assert shown(status) == untyped

    put = alice.request("PUT", f"{location}?digest={layer.digest}", headers=own)
    stored = {"content-length": "0", "content-type": "application/json"}
    assert put.status_code == 201
    assert shown(put) == api | stored | {
        "location": f"{base}/blobs/{layer.digest}",
        "docker-content-digest": layer.digest,
    }

    alice.push_blob("dock/app", config.data)
    pushed = alice.request(
        "PUT", "/v2/dock/app/manifests/1.0", image.body, own | {"Content-Type": image.media_type}
    )
    assert pushed.status_code == 201
    assert shown(pushed) == api | stored | {
        "location": f"{base}/manifests/{image.digest}",
        "docker-content-digest": image.digest,
    }

    manifest = api | {
        "content-type": image.media_type,
        "content-length": str(len(image.body)),
        "docker-content-digest": image.digest,
        "etag": f'"{image.digest}"',
    }
    blob = api | {
        "content-type": "application/octet-stream",
        "content-length": str(len(layer.data)),
        "docker-content-digest": layer.digest,
        "etag": f'"{layer.digest}"',
        "accept-ranges": "bytes",
        "cache-control": "private, max-age=31536000, immutable",
    }
    for method in ("HEAD", "GET"):
        pulled = alice.request(method, "/v2/dock/app/manifests/1.0", headers=own)
        assert (pulled.status_code, shown(pulled)) == (200, manifest)
        pulled = alice.request(method, f"/v2/dock/app/blobs/{layer.digest}", headers=own)
        assert (pulled.status_code, shown(pulled)) == (200, blob)


def test_the_configured_address_stands_in_every_location(alice: Caller, dock: Project) -> None:
    """Without one, it is the host that the client called."""
    answer = alice.request("POST", "/v2/dock/app/blobs/uploads/", headers={"Host": "other.test:5000"})
    assert answer.headers["Location"].startswith("http://other.test:5000/v2/dock/app/blobs/uploads/")
    answer = alice.request("GET", "/v2/", headers={"Host": "other.test:5000", "Authorization": "Bearer x"})
    assert 'realm="http://other.test:5000/service/token"' in answer.headers["WWW-Authenticate"]


def test_headers_are_spelled_as_people_look_for_them(alice: Caller, client: TestClient) -> None:
    image = images.image()
    attached = images.artifact(subject=image)
    alice.push("dock/app", image)
    for blob in attached.blobs:
        alice.push_blob("dock/app", blob.data)
    spelled: set[str] = set()
    for method, path, body in (
        ("GET", f"/v2/dock/app/manifests/{image.digest}", b""),
        ("PUT", f"/v2/dock/app/manifests/{attached.digest}", attached.body),
        ("POST", "/v2/dock/app/blobs/uploads/", b""),
        ("GET", f"/v2/dock/app/referrers/{image.digest}?artifactType=a/b", b""),
    ):
        headers = {**alice.headers, "Content-Type": attached.media_type}
        parts = path.partition("?")
        environ = create_environ(parts[0], parts[2], headers=headers, method=method, body=body)
        client.app(environ, lambda status, headers, _: spelled.update(name for name, _ in headers))
    assert spelled == {
        "Content-Length",
        "Content-Type",
        "Docker-Content-Digest",
        "Docker-Distribution-Api-Version",
        "Docker-Upload-UUID",
        "ETag",
        "Location",
        "OCI-Filters-Applied",
        "OCI-Subject",
        "Range",
        "X-Request-Id",
    }
