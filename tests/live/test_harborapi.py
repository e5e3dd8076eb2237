"""A second client library that others wrote for Harbor: one administrator's day, with a transcript."""

import asyncio
import inspect
from collections.abc import Callable, Coroutine
from typing import Any

import pytest
from harborapi import HarborAsyncClient
from harborapi import models as m
from harborapi.exceptions import NotFound

from tests.support.images import image
from tests.support.server import ADMIN
from tests.support.site import Site
from tests.support.variants import DIRECT_SQLITE, NGINX_POSTGRESQL, on

# The library is older than the validation library beneath it.
pytestmark = [on(DIRECT_SQLITE, NGINX_POSTGRESQL), pytest.mark.filterwarnings("ignore::DeprecationWarning")]


class Transcript:
    """Passes calls on to the client and writes down what was called and what came of it."""

    def __init__(self, client: HarborAsyncClient) -> None:
        self._client = client
        self.lines: list[str] = []

    def __getattr__(self, name: str) -> Callable[..., Any]:
        method = getattr(self._client, name)

        async def call(*positional: Any, **named: Any) -> Any:
            answer = await method(*positional, **named)
            words = [str(each) for each in positional] + [f"{key}={value}" for key, value in named.items()]
            self.lines.append(f"{name}({', '.join(words)[:90]}) -> {_shown(answer)}")
            return answer

        return call


def _shown(answer: object) -> str:
    if isinstance(answer, list):
        return f"{len(answer)} of {type(answer[0]).__name__}" if answer else "an empty list"
    return "done" if answer is None else type(answer).__name__


def test_a_day_with_harborapi(site: Site, capsys: pytest.CaptureFixture[str]):
    client = HarborAsyncClient(
        url=f"{site.server.url}/api/v2.0",
        username=ADMIN.name,
        secret=ADMIN.password,
        verify=site.server.verify,
    )
    raw = site.client()
    said = Transcript(client)
    assert inspect.iscoroutinefunction(client.get_projects)
    asyncio.run(
        _closing(client, _day(said, lambda name: raw.push(name, image(layers=2), "v1"), site.fresh("pier")))
    )
    raw.close()
    with capsys.disabled():
        print("\n  " + "\n  ".join(said.lines))


async def _closing(client: HarborAsyncClient, day: Coroutine[Any, Any, None]) -> None:
    try:
        await day
    finally:
        await client.client.aclose()


async def _day(client: Any, push: Callable[[str], str], name: str) -> None:
    await client.create_project(m.ProjectReq(project_name="pier", metadata=m.ProjectMetadata(public="false")))
    project = await client.get_project("pier")
    assert project.name == "pier"
    assert await client.project_exists("pier")
    assert not await client.project_exists("nowhere")

    password = "Harbour-3-pilot"
    await client.create_user(
        m.UserCreationReq(username="nora", email="n@example.com", realname="Nora", password=password)
    )
    nora = await client.get_user_by_username("nora")
    await client.add_project_member_user("pier", "nora", role_id=2)
    (member,) = await client.get_project_members("pier", entity_name="nora")
    await client.update_project_member_role("pier", member.id, 4)
    assert (await client.get_project_member("pier", member.id)).role_id == 4

    digest = push(name)
    repository = name.partition("/")[2]
    (found,) = await client.get_artifacts("pier", repository)
    assert found.digest == digest
    await client.create_artifact_tag("pier", repository, digest, m.Tag(name="v2"))
    assert len(await client.get_artifact_tags("pier", repository, digest)) == 2
    await client.copy_artifact("pier", f"{repository}-copy", f"{name}@{digest}")
    assert len(await client.get_repositories("pier")) == 2
    await client.update_repository("pier", repository, m.Repository(description="of Nora"))

    robot = await client.create_robot(
        m.RobotCreate(
            name="crane",
            level="project",
            duration=30,
            permissions=[
                m.RobotPermission(
                    kind="project", namespace="pier", access=[m.Access(resource="repository", action="pull")]
                )
            ],
        )
    )
    assert (await client.get_robot(robot.id)).name == "robot$pier+crane"
    assert (await client.refresh_robot_secret(robot.id, "")).secret
    await client.delete_robot(robot.id)

    rule = m.ImmutableRule(
        disabled=False,
        action="immutable",
        template="immutable_template",
        tag_selectors=[m.ImmutableSelector(kind="doublestar", decoration="matches", pattern="v*")],
        scope_selectors={
            "repository": [m.ImmutableSelector(kind="doublestar", decoration="repoMatches", pattern="**")]
        },
    )
    await client.create_project_immutable_tag_rule("pier", rule)
    (held,) = await client.get_project_immutable_tag_rules("pier")
    await client.delete_project_immutable_tag_rule("pier", held.id)

    (quota,) = await client.get_quotas(reference="project", reference_id=str(project.project_id))
    await client.update_quota(quota.id, m.QuotaUpdateReq(hard={"storage": 10**9}))
    assert await client.get_audit_logs(query="resource=~pier")
    assert await client.get_project_logs("pier")
    assert (await client.get_statistics()).total_project_count >= 1
    assert (await client.search("pier")).project
    assert await client.get_gc_jobs() is not None
    assert (await client.get_system_info()).harbor_version
    assert await client.ping() == "Pong"
    await _settings(client)
    await _scanners(client)

    await client.delete_artifact("pier", repository, digest)
    with pytest.raises(NotFound):
        await client.get_artifact("pier", repository, digest)
    for each in await client.get_repositories("pier"):
        await client.delete_repository("pier", each.base_name)
    await client.delete_user(nora.user_id)
    await client.delete_project("pier")


async def _scanners(client: Any) -> None:
    wish = m.ScannerRegistrationReq(
        name="lookout", url="https://lookout.invalid", auth="Bearer", access_credential="abc"
    )
    uuid = (await client.create_scanner(wish)).rpartition("/")[2]
    found = await client.get_scanner(uuid)
    assert (found.uuid, found.is_default, found.access_credential) == (uuid, True, None)
    wish.description = "looks out"
    await client.update_scanner(uuid, wish)
    assert [each.description for each in await client.get_scanners(query="name=lookout")] == ["looks out"]
    await client.set_default_scanner(uuid, False)
    await client.set_default_scanner(uuid)
    assert [each.uuid for each in await client.get_project_scanner_candidates("pier")] == [uuid]
    await client.set_project_scanner("pier", uuid)
    assert (await client.get_project_scanner("pier")).uuid == uuid
    assert (await client.delete_scanner(uuid)).name == "lookout"
    with pytest.raises(NotFound):
        await client.get_project_scanner("pier")


async def _settings(client: Any) -> None:
    await client.update_config(m.Configurations(banner_message="hello", read_only=False))
    assert (await client.get_config()).banner_message.value == "hello"
    await client.update_project(
        "pier",
        m.ProjectReq(
            metadata=m.ProjectMetadata(auto_scan="true", severity="high"),
            cve_allowlist=m.CVEAllowlist(
                items=[m.CVEAllowlistItem(cve_id="CVE-2024-1")], expires_at=1900000000
            ),
        ),
    )
    project = await client.get_project("pier")
    assert (project.metadata.auto_scan, project.metadata.severity) == ("true", "high")
    assert [each.cve_id for each in project.cve_allowlist.items] == ["CVE-2024-1"]
    await client.update_cve_allowlist(m.CVEAllowlist(items=[m.CVEAllowlistItem(cve_id="CVE-2024-2")]))
    assert [each.cve_id for each in (await client.get_cve_allowlist()).items] == ["CVE-2024-2"]
