"""The fields of paths: what each stands for, and what it looks like."""

from collections.abc import Mapping

from moorage.web.openapi.model import Json, Parameter
from moorage.web.openapi.shapes import ID, TEXT

_DIGEST: Json = {"type": "string", "pattern": "^[a-z0-9]+:[0-9a-f]+$"}


def _number(what: str) -> tuple[str, Json]:
    return f"The number of {what}.", ID


#: By name: a description and a schema.
FIELDS: Mapping[str, tuple[str, Json]] = {
    "addition": ("Which addition of the artifact, such as build_history, readme.md or dependencies.", TEXT),
    "digest": ("The digest of a blob or a manifest.", _DIGEST),
    "execution_id": _number("a run"),
    "former_name": ("A name that a project had before it was renamed.", TEXT),
    "group_id": _number("a group"),
    "immutable_rule_id": _number("a rule of immutable tags"),
    "job_type": ("The kind of job; only `all` is known.", {"type": "string", "enum": ["all"]}),
    "label_id": _number("a label"),
    "meta_name": ("The name of a setting of the project.", TEXT),
    "mid": _number("a membership"),
    "name": (
        "The whole name of a repository, project first. Its slashes stand in the path as they are.",
        {"type": "string", "pattern": "^[a-z0-9]+([._/-][a-z0-9]+)*$", "maxLength": 255},
    ),
    "project_name": ("The name of a project.", TEXT),
    "project_name_or_id": (
        "The name of a project or its number; digits alone are a number unless the header "
        "`X-Is-Resource-Name: true` says otherwise.",
        TEXT,
    ),
    "quota_id": _number("a quota, which is that of its project"),
    "reference": ("A tag or a digest.", TEXT),
    "registration_id": ("The id of a scanner's registration.", TEXT),
    "repository_name": (
        "The name of a repository without its project; slashes in it are encoded twice, as `%252F`.",
        TEXT,
    ),
    "retention_id": _number("a retention policy"),
    "robot_id": _number("a robot account"),
    "run_id": _number("a run"),
    "session_id": ("The id of an upload.", {"type": "string", "pattern": "^[0-9a-f]{32}$"}),
    "tag_name": ("The name of a tag.", TEXT),
    "task_id": _number("a task of a run"),
    "token_id": _number("a personal access token"),
    "user_id": _number("a user"),
    "webhook_policy_id": _number("a webhook policy"),
}

#: Goes with every path that has a ``project_name_or_id``.
BY_NAME = Parameter(
    "X-Is-Resource-Name",
    "`true`: the path has the project's name even if that is made of digits. Any other word says nothing.",
    TEXT,
    place="header",
)
