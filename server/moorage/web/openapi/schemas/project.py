"""Projects, their settings and what is in them."""

from collections.abc import Mapping

from moorage.web.openapi.model import Json
from moorage.web.openapi.shapes import (
    COUNT,
    FLAG,
    ID,
    MOMENT,
    TEXT,
    array,
    described,
    one_of,
    ref,
    shape,
    taken,
    text,
    whole,
)

_ANY_CASE = "^([Tt][Rr][Uu][Ee]|[Ff][Aa][Ll][Ss][Ee])$"
_ANY_CASE_OR_NONE = "^([Tt][Rr][Uu][Ee]|[Ff][Aa][Ll][Ss][Ee])?$"
_COUNTED = "(-1|0|[1-9][0-9]{0,9})"
_SEVERITIES = ("none", "unknown", "negligible", "low", "medium", "high", "critical")
_FLAGS = (
    "enable_content_trust",
    "enable_content_trust_cosign",
    "prevent_vul",
    "auto_scan",
    "auto_sbom_generation",
    "reuse_sys_cve_allowlist",
    "proxy_cache_local_on_not_found",
    "proxy_referrer_api",
)
_COUNTS = ("proxy_speed_kb", "max_upstream_conn")
_SHOWN_FLAG = one_of("true", "false")
_ROLE = whole(0, 5)

#: What every project shows, to whoever may know of it.
_PLAIN: Mapping[str, Json] = {
    "project_id": ID,
    "owner_id": described(COUNT, "0 when nobody owns it."),
    "owner_name": TEXT,
    "name": TEXT,
    "creation_time": MOMENT,
    "update_time": MOMENT,
    "metadata": ref("ProjectMetadata"),
}
_DETAILS: Mapping[str, Json] = {
    "togglable": described(FLAG, "The caller may make it public and private."),
    "current_user_role_id": described(_ROLE, "The role of the caller; 0 for none."),
    "current_user_role_ids": array(whole(1, 5)),
    "repo_count": COUNT,
    "cve_allowlist": ref("Allowlist"),
}
_METADATA: Mapping[str, Json] = {
    "public": _SHOWN_FLAG,
    "retention_id": described(text(pattern="^[1-9][0-9]*$"), "The number of the retention policy."),
    **{name: _SHOWN_FLAG for name in _FLAGS},
    **{name: text(pattern=f"^{_COUNTED}$") for name in _COUNTS},
    "severity": one_of(*_SEVERITIES),
    "proxy_cache_filter_pattern": text(least=1, most=1024),
    "proxy_cache_filter_kind": one_of("doublestar", "regex"),
}
_METADATA_TAKEN: Mapping[str, Json] = {
    "public": text(pattern=_ANY_CASE),
    "retention_id": described(
        text(pattern="^[0-9]*$"), "It follows from the policy; only what is there already is taken."
    ),
    **{name: text(pattern=_ANY_CASE_OR_NONE) for name in _FLAGS},
    **{name: text(pattern=f"^{_COUNTED}?$") for name in _COUNTS},
    "severity": described(
        text(pattern="^[A-Za-z]*$"), f"One of {', '.join(_SEVERITIES)}, whatever the case, or empty."
    ),
    "proxy_cache_filter_pattern": text(most=1024),
    "proxy_cache_filter_kind": one_of("", "doublestar", "regex"),
}
_NO_PROXY = {"type": "integer", "const": 0, "description": "There are no proxy projects."}
_BODY: Mapping[str, Json] = {
    "public": described(FLAG, "As older clients say it; metadata.public wins."),
    "metadata": ref("ProjectMetadataBody"),
    "cve_allowlist": ref("AllowlistBody"),
    "registry_id": _NO_PROXY,
}

SCHEMAS: Mapping[str, Json] = {
    "Project": shape({**_PLAIN, "deleted": {"const": False}, **_DETAILS}),
    "ProjectOfList": shape(
        {**_PLAIN, "deleted": {"const": False}, **_DETAILS},
        optional=tuple(_DETAILS),
        description="A project; without details where with_detail is false.",
    ),
    "ProjectFound": shape({**_PLAIN, "repo_count": COUNT}, description="A project that a search found."),
    "ProjectMetadata": shape(
        _METADATA,
        optional=[name for name in _METADATA if name != "public"],
        description="Settings of a project, all of them texts.",
    ),
    "ProjectSetting": {
        **shape(_METADATA, optional=tuple(_METADATA), description="One setting of a project."),
        "minProperties": 1,
        "maxProperties": 1,
    },
    "ProjectMetadataBody": taken(
        _METADATA_TAKEN, description="Settings of a project; an empty text takes one away."
    ),
    "ProjectSettingBody": {
        **shape(
            _METADATA_TAKEN,
            optional=tuple(_METADATA_TAKEN),
            description="The setting that the path names, and no other.",
        ),
        "minProperties": 1,
        "maxProperties": 1,
    },
    "NewProject": taken(
        {
            "project_name": text(least=1, most=100, pattern=r"^[a-z0-9]+((\.|_|__|-+)[a-z0-9]+)*$"),
            "storage_limit": described(
                whole(-1, 2**53 - 1),
                "Bytes, -1 for no limit; 0 or nothing for what is usual. Only administrators may ask for "
                "another than that.",
            ),
            **_BODY,
        },
        needed=("project_name",),
    ),
    "ProjectChange": taken(
        {"project_name": described(TEXT, "What it is called from now on; empty for no change."), **_BODY},
        overlooked=("storage_limit",),
        description="What is left out stays.",
    ),
    "FormerProjectName": shape(
        {"name": TEXT, "project_id": ID, "project_name": TEXT, "renamed_time": MOMENT},
        description="A name that a project had, and what it is called now.",
    ),
    "ProjectDeletable": shape({"deletable": FLAG, "message": TEXT}, optional=("message",)),
    "ProjectSummary": shape(
        {
            "repo_count": COUNT,
            "quota": shape({"hard": ref("QuotaLimit"), "used": ref("QuotaUsed")}),
            "project_admin_count": COUNT,
            "maintainer_count": COUNT,
            "developer_count": COUNT,
            "guest_count": COUNT,
            "limited_guest_count": COUNT,
        },
        optional=(
            "quota",
            "project_admin_count",
            "maintainer_count",
            "developer_count",
            "guest_count",
            "limited_guest_count",
        ),
        description="The quota and the members for whoever may see them.",
    ),
}
