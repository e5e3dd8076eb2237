"""The routes of Harbor's API v2.0, one line an endpoint."""

import falcon

from moorage.services import Services
from moorage.web.harbor import entries
from moorage.web.harbor.additions import AdditionResource, VulnerabilitiesResource
from moorage.web.harbor.allowlist import AllowlistResource
from moorage.web.harbor.answer import BASE
from moorage.web.harbor.artifacts import (
    AccessoriesResource,
    ArtifactResource,
    ArtifactsResource,
    ProjectArtifactsResource,
)
from moorage.web.harbor.audit import AuditEventsResource, AuditLogsResource, ProjectLogsResource
from moorage.web.harbor.auditors import UserAuditorResource
from moorage.web.harbor.configurations import ConfigurationsResource, InternalConfigurationsResource
from moorage.web.harbor.current import (
    AccessTokenResource,
    AccessTokensResource,
    CurrentPermissionsResource,
    CurrentUserResource,
)
from moorage.web.harbor.directory import DirectoryPingResource, DirectoryResource
from moorage.web.harbor.exports import AuditLogsExportResource, Exports, ProjectLogsExportResource
from moorage.web.harbor.former_names import FormerNameResource, FormerNamesResource
from moorage.web.harbor.gc import (
    GcForecastResource,
    GcHistoryResource,
    GcRunLogResource,
    GcRunResource,
    GcScheduleResource,
)
from moorage.web.harbor.immutable import ImmutableRuleResource, ImmutableRulesResource
from moorage.web.harbor.labels import (
    ArtifactLabelResource,
    ArtifactLabelsResource,
    LabelResource,
    LabelsResource,
)
from moorage.web.harbor.members import MemberResource, MembersResource
from moorage.web.harbor.metadata import MetadataResource, MetadatasResource
from moorage.web.harbor.permissions import PermissionsResource
from moorage.web.harbor.projects import (
    ProjectDeletableResource,
    ProjectResource,
    ProjectsResource,
    ProjectSummaryResource,
)
from moorage.web.harbor.purge import (
    PurgeHistoryResource,
    PurgeRunLogResource,
    PurgeRunResource,
    PurgeScheduleResource,
)
from moorage.web.harbor.quotas import QuotaResource, QuotasResource
from moorage.web.harbor.repositories import AllRepositoriesResource, RepositoriesResource, RepositoryResource
from moorage.web.harbor.retention import (
    RetentionMetadataResource,
    RetentionResource,
    RetentionSimulationResource,
    RetentionsResource,
)
from moorage.web.harbor.retention_runs import (
    RetentionRunResource,
    RetentionRunsResource,
    RetentionTaskLogResource,
    RetentionTasksResource,
)
from moorage.web.harbor.robots import RobotResource, RobotsResource
from moorage.web.harbor.scanners import (
    ProjectScannerCandidatesResource,
    ProjectScannerResource,
    ScannerMetadataResource,
    ScannerPingResource,
    ScannerResource,
    ScannersResource,
)
from moorage.web.harbor.schedules import SchedulePausedResource, SchedulesResource
from moorage.web.harbor.search import SearchResource, StatisticsResource
from moorage.web.harbor.session import SessionResource
from moorage.web.harbor.system import (
    CertificateResource,
    HealthResource,
    PingResource,
    SystemInfoResource,
    VolumesResource,
)
from moorage.web.harbor.tags import TagResource, TagsResource
from moorage.web.harbor.usergroups import (
    UserGroupResource,
    UserGroupSearchResource,
    UserGroupsResource,
)
from moorage.web.harbor.users import (
    UserAdminResource,
    UserCliSecretResource,
    UserPasswordResource,
    UserResource,
    UserSearchResource,
    UsersResource,
)
from moorage.web.harbor.webhook_runs import (
    WebhookJobsResource,
    WebhookRunsResource,
    WebhookTaskLogResource,
    WebhookTasksResource,
)
from moorage.web.harbor.webhooks import (
    WebhookEventsResource,
    WebhookLastTriggerResource,
    WebhookResource,
    WebhooksResource,
    WebhookTestResource,
)
from moorage.web.origin import Origin

App = falcon.App[falcon.Request, falcon.Response]

_PROJECT = "/projects/{project_name_or_id}"
_WEBHOOK = _PROJECT + "/webhook/policies/{webhook_policy_id}"
_REPOSITORIES = "/projects/{project_name}/repositories"
_ARTIFACTS = _REPOSITORIES + "/{repository_name}/artifacts"
_ARTIFACT = _ARTIFACTS + "/{reference}"


def routes(services: Services, origin: Origin) -> dict[str, object]:
    """Every path below `BASE` and the resource that answers there."""
    metadatas = MetadatasResource(services)
    exports = Exports(services)
    return {
        "/ping": PingResource(),
        "/health": HealthResource(services),
        "/systeminfo": SystemInfoResource(services, origin),
        "/systeminfo/volumes": VolumesResource(services),
        "/systeminfo/getcert": CertificateResource(services),
        "/directory": DirectoryResource(services),
        "/directory/ping": DirectoryPingResource(services),
        "/configurations": ConfigurationsResource(services),
        "/internalconfig": InternalConfigurationsResource(services),
        "/session": SessionResource(services, origin),
        "/system/CVEAllowlist": AllowlistResource(services),
        "/search": SearchResource(services),
        "/statistics": StatisticsResource(services),
        "/projects": ProjectsResource(services),
        _PROJECT: ProjectResource(services),
        _PROJECT + "/_deletable": ProjectDeletableResource(services),
        _PROJECT + "/summary": ProjectSummaryResource(services),
        _PROJECT + "/metadatas": metadatas,
        _PROJECT + "/metadatas/": metadatas,
        _PROJECT + "/metadatas/{meta_name}": MetadataResource(services),
        _PROJECT + "/members": MembersResource(services),
        _PROJECT + "/members/{mid}": MemberResource(services),
        _PROJECT + "/immutabletagrules": ImmutableRulesResource(services),
        _PROJECT + "/immutabletagrules/{immutable_rule_id}": ImmutableRuleResource(services),
        _PROJECT + "/scanner": ProjectScannerResource(services),
        _PROJECT + "/scanner/candidates": ProjectScannerCandidatesResource(services),
        _PROJECT + "/artifacts": ProjectArtifactsResource(services),
        _PROJECT + "/webhook/policies": WebhooksResource(services),
        _PROJECT + "/webhook/events": WebhookEventsResource(),
        _PROJECT + "/webhook/lasttrigger": WebhookLastTriggerResource(services),
        _PROJECT + "/webhook/jobs": WebhookJobsResource(services),
        _WEBHOOK: WebhookResource(services),
        _WEBHOOK + "/test": WebhookTestResource(services),
        _WEBHOOK + "/executions": WebhookRunsResource(services),
        _WEBHOOK + "/executions/{execution_id}/tasks": WebhookTasksResource(services),
        _WEBHOOK + "/executions/{execution_id}/tasks/{task_id}/log": WebhookTaskLogResource(services),
        "/projects/{project_name}/logs": ProjectLogsResource(services, entries.audit_log),
        "/projects/{project_name}/auditlog-exts": ProjectLogsResource(services, entries.audit_log_ext),
        "/projects/{project_name}/auditlog-exts/export": ProjectLogsExportResource(services, exports),
        "/repositories": AllRepositoriesResource(services),
        _REPOSITORIES: RepositoriesResource(services),
        _REPOSITORIES + "/{repository_name}": RepositoryResource(services),
        _ARTIFACTS: ArtifactsResource(services),
        _ARTIFACT: ArtifactResource(services),
        _ARTIFACT + "/accessories": AccessoriesResource(services),
        _ARTIFACT + "/tags": TagsResource(services),
        _ARTIFACT + "/tags/{tag_name}": TagResource(services),
        _ARTIFACT + "/additions/vulnerabilities": VulnerabilitiesResource(services),
        _ARTIFACT + "/additions/{addition}": AdditionResource(services),
        _ARTIFACT + "/labels": ArtifactLabelsResource(services),
        _ARTIFACT + "/labels/{label_id}": ArtifactLabelResource(services),
        "/labels": LabelsResource(services),
        "/labels/{label_id}": LabelResource(services),
        "/former-project-names": FormerNamesResource(services),
        "/former-project-names/{former_name}": FormerNameResource(services),
        "/quotas": QuotasResource(services),
        "/quotas/{quota_id}": QuotaResource(services),
        "/retentions": RetentionsResource(services),
        "/retentions/metadatas": RetentionMetadataResource(),
        "/retentions/{retention_id}": RetentionResource(services),
        "/retentions/{retention_id}/simulation": RetentionSimulationResource(services),
        "/retentions/{retention_id}/executions": RetentionRunsResource(services),
        "/retentions/{retention_id}/executions/{execution_id}": RetentionRunResource(services),
        "/retentions/{retention_id}/executions/{execution_id}/tasks": RetentionTasksResource(services),
        "/retentions/{retention_id}/executions/{execution_id}/tasks/{task_id}": RetentionTaskLogResource(
            services
        ),
        "/permissions": PermissionsResource(services),
        "/robots": RobotsResource(services),
        "/robots/{robot_id}": RobotResource(services),
        "/scanners": ScannersResource(services),
        "/scanners/ping": ScannerPingResource(services),
        "/scanners/{registration_id}": ScannerResource(services),
        "/scanners/{registration_id}/metadata": ScannerMetadataResource(services),
        "/users": UsersResource(services),
        "/users/current": CurrentUserResource(services),
        "/users/current/permissions": CurrentPermissionsResource(services),
        "/users/current/tokens": AccessTokensResource(services),
        "/users/current/tokens/{token_id}": AccessTokenResource(services),
        "/users/search": UserSearchResource(services),
        "/users/{user_id}": UserResource(services),
        "/users/{user_id}/sysadmin": UserAdminResource(services),
        "/users/{user_id}/auditor": UserAuditorResource(services),
        "/users/{user_id}/password": UserPasswordResource(services),
        "/users/{user_id}/cli_secret": UserCliSecretResource(services),
        "/usergroups": UserGroupsResource(services),
        "/usergroups/search": UserGroupSearchResource(services),
        "/usergroups/{group_id}": UserGroupResource(services),
        "/audit-logs": AuditLogsResource(services, entries.audit_log),
        "/auditlog-exts": AuditLogsResource(services, entries.audit_log_ext),
        "/auditlog-exts/events": AuditEventsResource(),
        "/auditlog-exts/export": AuditLogsExportResource(services, exports),
        "/system/gc": GcHistoryResource(services),
        "/system/gc/schedule": GcScheduleResource(services),
        "/system/gc/forecast": GcForecastResource(services),
        "/system/gc/{run_id}": GcRunResource(services),
        "/system/gc/{run_id}/log": GcRunLogResource(services),
        "/system/purgeaudit": PurgeHistoryResource(services),
        "/system/purgeaudit/schedule": PurgeScheduleResource(services),
        "/system/purgeaudit/{run_id}": PurgeRunResource(services),
        "/system/purgeaudit/{run_id}/log": PurgeRunLogResource(services),
        "/schedules": SchedulesResource(services),
        "/schedules/{job_type}/paused": SchedulePausedResource(),
    }


def add_routes(app: App, services: Services, origin: Origin) -> None:
    """Add everything under `BASE`; the app needs a `HarborRouter`."""
    # What has no body must not say that it is JSON: clients would try to read it.
    app.resp_options.default_media_type = falcon.MEDIA_TEXT
    for path, resource in routes(services, origin).items():
        app.add_route(BASE + path, resource)
