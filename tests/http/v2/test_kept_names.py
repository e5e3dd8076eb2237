"""Tags that are to stay, under every name that a program might have ideas about."""

import pytest

from moorage.events import SYSTEM
from moorage.projects.model import Project
from moorage.projects.selectors import Selector
from moorage.services import Services
from tests.http.v2.caller import Caller
from tests.support.images import image

_HEX = "ab" * 32


@pytest.mark.parametrize(
    "tag", ["latest", "LATEST", "Latest", "v1", "1", "_", f"sha256-{_HEX}", f"sha256-{_HEX}.sig", "x" * 128]
)
def test_no_name_of_a_tag_is_special(alice: Caller, services: Services, dock: Project, tag: str) -> None:
    services.immutability.add(
        SYSTEM, dock.id, repositories=Selector("**", "repoMatches"), tags=Selector("**", "matches")
    )
    first, second = image(annotations={"n": "1"}), image(annotations={"n": "2"})
    digest = alice.push("dock/app", first, tag)
    for blob in second.blobs:
        alice.push_blob("dock/app", blob.data)
    attacks = [
        alice.put_manifest("dock/app", tag, second.body, second.media_type),
        alice.request("DELETE", f"/v2/dock/app/manifests/{tag}"),
        alice.request("DELETE", f"/v2/dock/app/manifests/{digest}"),
    ]
    assert [answer.status_code for answer in attacks] == [412] * 3
    assert alice.get(f"/v2/dock/app/manifests/{tag}").headers["docker-content-digest"] == digest
