"""A client library that others wrote for Harbor, unmodified: every answer of ours has to fit its models."""

from collections.abc import Iterator
from datetime import datetime
from typing import Any

import harbor_client as hc
import pytest

from tests.support.administration import Login
from tests.support.harbor_client import TAGS, Client, made, operations, refused
from tests.support.images import image
from tests.support.server import ADMIN
from tests.support.site import PRIVATE, PUBLIC, Site
from tests.support.variants import DIRECT_SQLITE, on

pytestmark = on(DIRECT_SQLITE)

PASSWORD = "Harbour-2-pilot"


@pytest.fixture
def chief(site: Site) -> Iterator[Client]:
    """The administrator's client."""
    client = Client(site.server.url, ADMIN, site.server.verify)
    yield client
    client.rest_client.pool_manager.clear()


@pytest.fixture
def pushed(site: Site) -> tuple[str, str]:
    """A repository with an image `v1`: its name without the project, and the digest."""
    name = site.fresh()
    client = site.client()
    digest = client.push(name, image(), "v1")
    client.close()
    return name.partition("/")[2], digest


def test_projects(chief: Client):
    api = chief.api("Project")
    wish = hc.ProjectReq(project_name="wharf", metadata=hc.ProjectMetadata(public="false"), storage_limit=-1)
    number = made(api.create_project_with_http_info(wish))
    with refused(409):
        api.create_project(wish)
    found = api.get_project("wharf", x_is_resource_name=True)
    assert (found.project_id, found.name, found.metadata.public) == (number, "wharf", "false")
    assert isinstance(found.creation_time, datetime)
    assert api.get_project(str(number)).name == "wharf"
    api.head_project("wharf")
    with refused(404):
        api.head_project("nowhere")
    api.update_project("wharf", hc.ProjectReq(metadata=hc.ProjectMetadata(public="true")))
    assert [each.name for each in api.list_projects(q="public=true,name=~wha")] == ["wharf"]
    assert api.get_project_summary("wharf").quota.hard["storage"] == -1
    assert api.get_project_deletable("wharf").deletable is True
    metadata = chief.api("ProjectMetadata")
    assert metadata.list_project_metadatas("wharf")["public"] == "true"
    metadata.update_project_metadata("wharf", "public", metadata={"public": "false"})
    assert metadata.get_project_metadata("wharf", "public") == {"public": "false"}
    api.delete_project("wharf")
    with refused(404):
        api.get_project(str(number))


def test_members(chief: Client):
    api = chief.api("Member")
    wish = hc.ProjectMember(role_id=2, member_user=hc.UserEntity(username="sam"))
    number = made(api.create_project_member_with_http_info(PUBLIC, project_member=wish))
    with refused(409):
        api.create_project_member(PUBLIC, project_member=wish)
    found = api.get_project_member(PUBLIC, number)
    assert (found.entity_name, found.entity_type, found.role_name) == ("sam", "u", "developer")
    api.update_project_member(PUBLIC, number, role=hc.RoleRequest(role_id=4))
    assert [each.role_id for each in api.list_project_members(PUBLIC, entityname="sam")] == [4]
    with refused(404):
        api.get_project_member(PRIVATE, number)
    api.delete_project_member(PUBLIC, number)
    assert api.list_project_members(PUBLIC, entityname="sam") == []


def test_users(chief: Client):
    api = chief.api("User")
    wish = hc.UserCreationReq(username="ursula", email="ursula@example.com", realname="U", password=PASSWORD)
    number = made(api.create_user_with_http_info(wish))
    found = api.get_user(number)
    assert (found.username, found.email, found.sysadmin_flag) == ("ursula", "ursula@example.com", False)
    assert [each.username for each in api.search_users("ursu")] == ["ursula"]
    assert "ursula" in [each.username for each in api.list_users(page_size=100)]
    api.update_user_profile(number, hc.UserProfile(email="u@example.com", realname="Ursula", comment="pilot"))
    assert api.get_user(number).realname == "Ursula"
    api.update_user_password(number, hc.PasswordReq(new_password=PASSWORD + "3"))
    api.set_user_sys_admin(number, hc.UserSysAdminFlag(sysadmin_flag=True))
    assert api.get_user(number).sysadmin_flag is True
    with refused(400):
        api.update_user_password(number, hc.PasswordReq(new_password="short"))
    api.delete_user(number)
    with refused(404):
        api.get_user(number)
    assert api.get_current_user_info().username == "admin"
    assert api.get_current_user_permissions(scope=f"/project/{_number(chief, PRIVATE)}", relative=True)


def test_repositories_and_artifacts(chief: Client, pushed: tuple[str, str]):
    name, digest = pushed
    repositories, artifacts = chief.api("Repository"), chief.api("Artifact")
    found = repositories.get_repository(PRIVATE, name)
    assert (found.name, found.artifact_count) == (f"{PRIVATE}/{name}", 1)
    repositories.update_repository(PRIVATE, name, hc.Repository(description="of a pilot"))
    assert repositories.get_repository(PRIVATE, name).description == "of a pilot"
    assert f"{PRIVATE}/{name}" in [
        each.name for each in repositories.list_repositories(PRIVATE, q=f"name=~{name}")
    ]
    assert repositories.list_all_repositories(q=f"name=~{name}")
    (one,) = artifacts.list_artifacts(PRIVATE, name, with_tag=True)
    assert (one.digest, [each.name for each in one.tags]) == (digest, ["v1"])
    artifacts.create_tag(PRIVATE, name, digest, hc.Tag(name="v2"))
    assert sorted(each.name for each in artifacts.list_tags(PRIVATE, name, digest)) == ["v1", "v2"]
    artifacts.delete_tag(PRIVATE, name, digest, "v1")
    assert artifacts.get_artifact(PRIVATE, name, "v2").digest == digest
    assert artifacts.list_accessories(PRIVATE, name, digest) == []
    copy = f"{name}-copy"
    artifacts.copy_artifact(PUBLIC, copy, _from=f"{PRIVATE}/{name}@{digest}")
    assert artifacts.get_artifact(PUBLIC, copy, digest).size == one.size
    artifacts.delete_artifact(PUBLIC, copy, digest)
    with refused(404):
        artifacts.get_artifact(PUBLIC, copy, digest)
    repositories.delete_repository(PRIVATE, name)
    with refused(404):
        repositories.get_repository(PRIVATE, name)


def test_robots(chief: Client):
    api = chief.api("Robot")
    rights = [hc.RobotPermission("project", PRIVATE, [hc.Access("repository", "pull")])]
    found = api.create_robot(hc.RobotCreate(name="crane", level="project", duration=30, permissions=rights))
    assert (found.name, bool(found.secret)) == (f"robot${PRIVATE}+crane", True)
    robot = api.get_robot_by_id(found.id)
    assert (robot.duration, robot.disable, robot.secret) == (30, False, None)
    assert [each.id for each in api.list_robot(q=f"Level=project,ProjectID={_number(chief, PRIVATE)}")]
    robot.disable = True
    api.update_robot(found.id, robot)
    assert api.get_robot_by_id(found.id).disable is True
    assert api.refresh_sec(found.id, hc.RobotSec(secret="")).secret != found.secret
    api.delete_robot(found.id)
    with refused(404):
        api.get_robot_by_id(found.id)


def test_robots_of_the_system(site: Site, chief: Client):
    api = chief.api("Robot")
    known = chief.api("Permissions").get_permissions()
    assert len(known.system) > 60
    assert len(known.project) > 60
    rights = [
        hc.RobotPermission("project", "*", [hc.Access(each.resource, each.action) for each in known.project]),
        hc.RobotPermission("system", "/", [hc.Access(each.resource, each.action) for each in known.system]),
    ]
    made_robot = api.create_robot(
        hc.RobotCreate(name="mast", level="system", duration=-1, permissions=rights, description="all of it")
    )
    assert made_robot.name == "robot$mast"
    robot = api.get_robot_by_id(made_robot.id)
    assert (robot.level, robot.expires_at, len(robot.permissions)) == ("system", -1, 2)
    assert made_robot.id in [each.id for each in api.list_robot(q="Level=system")]
    machine = Client(site.server.url, Login(made_robot.name, made_robot.secret), site.server.verify)
    assert {each.name for each in machine.api("Project").list_projects()} >= {PRIVATE, PUBLIC}
    assert machine.api("User").list_users()
    with refused(412):
        machine.api("User").get_current_user_info()
    robot.permissions = [hc.RobotPermission("project", PRIVATE, [hc.Access("repository", "pull")])]
    api.update_robot(robot.id, robot)
    with refused(403):
        machine.api("User").list_users()
    assert api.get_robot_by_id(robot.id).permissions[0].namespace == PRIVATE
    api.delete_robot(robot.id)
    with refused(401):
        machine.api("Project").list_projects()
    machine.rest_client.pool_manager.clear()


def test_quotas(chief: Client):
    api = chief.api("Quota")
    (found,) = api.list_quotas(reference="project", reference_id=str(_number(chief, PRIVATE)))
    assert found.hard["storage"] == -1
    api.update_quota(found.id, hc.QuotaUpdateReq(hard={"storage": 10**12}))
    assert api.get_quota(found.id).hard["storage"] == 10**12
    api.update_quota(found.id, hc.QuotaUpdateReq(hard={"storage": -1}))


def test_the_log(chief: Client, pushed: tuple[str, str]):
    found = chief.api("Auditlog").list_audit_logs(q=f"resource=~{pushed[0]},operation=create")
    assert {each.username for each in found} == {"admin"}
    assert isinstance(found[0].op_time, datetime)
    assert chief.api("Project").get_logs(PRIVATE, q=f"resource=~{pushed[0]}")


def test_the_system(chief: Client):
    assert chief.api("Ping").get_ping() == "Pong"
    assert chief.api("Health").get_health().status == "healthy"
    assert chief.api("Systeminfo").get_system_info().harbor_version
    assert chief.api("Systeminfo").get_volumes().storage[0].total > 0
    assert chief.api("Statistic").get_statistic().total_project_count >= 2
    assert [each.name for each in chief.api("Search").search(PUBLIC).project] == [PUBLIC]


def test_the_settings_of_the_site(chief: Client):
    api = chief.api("Configure")
    found = api.get_configurations()
    assert (found.auth_mode.value, found.auth_mode.editable) == ("db_auth", False)
    assert (found.read_only.value, found.read_only.editable) == (False, True)
    api.update_configurations(hc.Configurations(session_timeout=90, auth_mode="db_auth"))
    assert api.get_configurations().session_timeout.value == 90
    assert api.get_internalconfig()["session_timeout"]["value"] == 90
    with refused(403):
        api.update_configurations(hc.Configurations(self_registration=True))
    with refused(400):
        api.update_configurations(hc.Configurations(project_creation_restriction="nobody"))
    with refused(404):
        chief.api("Systeminfo").get_cert()


def test_what_is_put_up_with(chief: Client):
    api = chief.api("SystemCVEAllowlist")
    api.put_system_cve_allowlist(allowlist=hc.CVEAllowlist(items=[hc.CVEAllowlistItem(cve_id="CVE-2024-1")]))
    found = api.get_system_cve_allowlist()
    assert [each.cve_id for each in found.items] == ["CVE-2024-1"]
    assert isinstance(found.update_time, datetime)
    with refused(400):
        api.put_system_cve_allowlist(allowlist=hc.CVEAllowlist(items=[hc.CVEAllowlistItem(cve_id="?")]))


def _number(chief: Client, project: str) -> Any:
    return chief.api("Project").get_project(project).project_id


def test_labels(chief: Client, pushed: tuple[str, str]):
    name, digest = pushed
    api, artifacts = chief.api("Label"), chief.api("Artifact")
    project = _number(chief, PRIVATE)
    wish = hc.Label(name="seaworthy", color="#00AB9A", scope="p", project_id=project)
    number = made(api.create_label_with_http_info(wish))
    with refused(409):
        api.create_label(wish)
    api.update_label(number, hc.Label(name="tested", color="#00AB9A", scope="p", project_id=project))
    assert api.get_label_by_id(number).name == "tested"
    assert [each.id for each in api.list_labels(scope="p", project_id=project, name="tested")] == [number]
    artifacts.add_label(PRIVATE, name, digest, hc.Label(id=number))
    (found,) = artifacts.list_artifacts(PRIVATE, name, with_label=True, q=f"labels=({number})")
    assert [each.name for each in found.labels] == ["tested"]
    artifacts.remove_label(PRIVATE, name, digest, number)
    assert artifacts.list_artifacts(PRIVATE, name, q=f"labels=({number})") == []
    api.delete_label(number)
    with refused(404):
        api.get_label_by_id(number)


def test_what_else_there_is_of_an_artifact(chief: Client, pushed: tuple[str, str]):
    name, digest = pushed
    artifacts = chief.api("Artifact")
    assert "created_by" in artifacts.get_addition(PRIVATE, name, digest, "build_history")
    assert artifacts.get_vulnerabilities_addition(PRIVATE, name, digest)
    with refused(404):
        artifacts.get_addition(PRIVATE, name, "sha256:" + "0" * 64, "build_history")
    found = chief.api("Project").list_artifacts_of_project(PRIVATE, with_tag=True, page_size=100)
    assert digest in [each.digest for each in found]


def test_metadata_of_a_project(chief: Client):
    api = chief.api("ProjectMetadata")
    api.add_project_metadatas(PUBLIC, metadata={"auto_scan": "true"})
    assert api.get_project_metadata(PUBLIC, "auto_scan") == {"auto_scan": "true"}
    api.delete_project_metadata(PUBLIC, "auto_scan")
    with refused(404):
        api.get_project_metadata(PUBLIC, "auto_scan")


def test_groups_without_a_directory(chief: Client):
    api = chief.api("Usergroup")
    assert api.list_user_groups() == []
    assert api.search_user_groups("sail") == []
    with refused(404):
        api.get_user_group(1)
    with refused(404):
        api.update_user_group(1, usergroup=hc.UserGroup(group_name="sailors"))
    with refused(404):
        api.delete_user_group(1)
    with refused(409):
        api.create_user_group(usergroup=hc.UserGroup(group_name="sailors@vsphere.local", group_type=2))
    with refused(412):
        chief.api("User").set_cli_secret(1, hc.OIDCCliSecretReq(secret="Harbour-5-pilot"))


def test_webhooks(chief: Client):
    api = chief.api("Webhook")
    assert "PUSH_ARTIFACT" in api.get_supported_event_types(PRIVATE).event_type
    wish = hc.WebhookPolicy(
        name="bell",
        enabled=True,
        event_types=["PUSH_ARTIFACT"],
        targets=[hc.WebhookTargetObject(type="http", address="https://hooks.example.com/x", auth_header="k")],
    )
    number = made(api.create_webhook_policy_of_project_with_http_info(PRIVATE, wish))
    found = api.get_webhook_policy_of_project(PRIVATE, number)
    assert (found.name, found.targets[0].address) == ("bell", "https://hooks.example.com/x")
    assert found.targets[0].auth_header != "k"
    found.enabled = False
    api.update_webhook_policy_of_project(PRIVATE, number, found)
    assert [each.enabled for each in api.list_webhook_policies_of_project(PRIVATE)] == [False]
    assert [each.enabled for each in api.last_trigger(PRIVATE)] == [False]
    assert api.list_executions_of_webhook_policy(PRIVATE, number) == []
    with refused(404):
        api.list_tasks_of_webhook_execution(PRIVATE, number, 1)
    with refused(404):
        api.get_logs_of_webhook_task(PRIVATE, number, 1, 1)
    assert chief.api("Webhookjob").list_webhook_jobs(PRIVATE, number) == []
    with refused(404):
        api.get_webhook_policy_of_project(PUBLIC, number)
    api.delete_webhook_policy_of_project(PRIVATE, number)
    assert api.list_webhook_policies_of_project(PRIVATE) == []


def test_scanners(chief: Client):
    api, projects = chief.api("Scanner"), chief.api("Project")
    wish = hc.ScannerRegistrationReq(
        name="lookout",
        url="https://lookout.invalid:8443",
        description="looks out",
        auth="Basic",
        access_credential="pilot:Harbour-1",
    )
    location = api.create_scanner_with_http_info(wish)[2]["Location"]
    with refused(409):
        api.create_scanner(wish)
    uuid = location.rpartition("/")[2]
    found = api.get_scanner(uuid)
    assert (found.uuid, found.name, found.url) == (uuid, "lookout", "https://lookout.invalid:8443")
    assert (found.is_default, found.auth, found.access_credential) == (True, "Basic", None)
    assert isinstance(found.create_time, datetime)
    found.description = "looks farther"
    api.update_scanner(uuid, found)
    assert [each.description for each in api.list_scanners(q="name=lookout")] == ["looks farther"]
    with refused(503):
        api.ping_scanner(hc.ScannerRegistrationSettings(name="x", url="https://lookout.invalid"))
    with refused(403):
        api.ping_scanner(hc.ScannerRegistrationSettings(name="x", url="http://169.254.169.254"))
    with refused(503):
        api.get_scanner_metadata(uuid)
    api.set_scanner_as_default(uuid, hc.IsDefault(is_default=True))
    assert projects.get_scanner_of_project(PRIVATE).uuid == uuid
    assert [each.uuid for each in projects.list_scanner_candidates_of_project(PRIVATE)] == [uuid]
    projects.set_scanner_of_project(PRIVATE, hc.ProjectScanner(uuid=uuid))
    assert api.delete_scanner(uuid).name == "lookout"
    with refused(404):
        api.get_scanner(uuid)
    with refused(404):
        projects.get_scanner_of_project(PRIVATE)


def test_every_operation_of_these_tags_was_called(chief: Client):
    """The last one here, after all the others."""
    wanted = {each for tag in TAGS for each in operations(tag)}
    assert len(wanted) > 90
    assert wanted - chief.called == set()
