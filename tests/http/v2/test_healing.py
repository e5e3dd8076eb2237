"""A blob whose bytes went bad heals by the next push, also of clients that ask before they send."""

from pathlib import Path

import pytest

from moorage.config import Settings
from moorage.events import SYSTEM
from moorage.health import State
from moorage.jobs.model import Trigger
from moorage.services import Services
from tests.http.v2.caller import Caller, code_of
from tests.support import images
from tests.support.images import Image

NAME = "dock/app"


@pytest.fixture
def image(alice: Caller) -> Image:
    made = images.image()
    alice.push(NAME, made, "v1")
    return made


def repaired(services: Services) -> dict[str, object]:
    """What a check with repairs came to."""
    asked = services.executions.request(SYSTEM, "fsck", trigger=Trigger.MANUAL, parameters={"repair": True})
    return dict(services.runner.run(asked.id).result)


def statuses(caller: Caller, digest: str) -> list[int]:
    """What HEAD and GET of the blob answer, and a mount of it into another repository."""
    mount = f"/v2/dock/other/blobs/uploads/?mount={digest}&from={NAME}"
    return [
        caller.request("HEAD", f"/v2/{NAME}/blobs/{digest}").status_code,
        caller.get(f"/v2/{NAME}/blobs/{digest}").status_code,
        caller.request("POST", mount).status_code,
    ]


@pytest.mark.parametrize("damage", [lambda data: data[:-1], lambda data: data[:-1] + b"!", lambda _: b""])
def test_a_client_that_asks_first_heals_a_damaged_blob(alice, image, services, settings: Settings, damage):
    layer = image.blobs[-1]
    digest = layer.digest
    path = Path(settings.storage.data, "blobs", "sha256", digest[7:9], digest[7:])
    assert statuses(alice, digest) == [200, 200, 201]
    path.write_bytes(damage(layer.data))
    result = repaired(services)
    assert (result["ok"], result["repaired"]) == (False, 1)
    health = services.health()["content"]
    assert (health.state, "1 remain" in health.text) == (State.WARNING, True)
    assert statuses(alice, digest) == [404, 404, 202]
    assert code_of(alice.get(f"/v2/{NAME}/blobs/{digest}")) == "BLOB_UNKNOWN"
    # The image itself is still there: only its blob is missing.
    assert alice.get(f"/v2/{NAME}/manifests/v1").status_code == 200
    assert repaired(services)["findings"] == {"missing_file": 1}

    for blob in image.blobs:  # as docker does it
        if alice.request("HEAD", f"/v2/{NAME}/blobs/{blob.digest}").status_code == 404:
            alice.push_blob(NAME, blob.data)
    assert alice.put_manifest(NAME, "v1", image.body, image.media_type).status_code == 201
    assert alice.get(f"/v2/{NAME}/blobs/{digest}").content == layer.data
    assert statuses(alice, digest) == [200, 200, 201]
    assert repaired(services)["ok"] is True
    assert services.health()["content"].state is State.WELL
