"""What is said of webhooks, of what they were told, and how it was delivered."""

from collections.abc import Mapping

from moorage.jobs.model import State
from moorage.web.harbor.histories import STATUSES
from moorage.web.openapi.model import Json
from moorage.web.openapi.shapes import (
    COUNT,
    FLAG,
    ID,
    MOMENT,
    STORABLE,
    TEXT,
    array,
    nullable,
    one_of,
    ref,
    shape,
    taken,
    text,
    texts_by_name,
)
from moorage.webhooks.document import ECHOED, MAX_DESCRIPTION, MAX_NAME, MAX_TARGETS
from moorage.webhooks.model import PING, EventType, Format, TargetKind

_EVENT = one_of(*EventType)
_TOLD = one_of(*EventType, PING)
_KIND = one_of(*TargetKind)
_STATUS = one_of(*STATUSES.values())
_COUNTS = tuple(f"{state.value}_task_count" for state in State)
_LABEL = "[A-Za-z0-9_]([A-Za-z0-9_-]{0,61}[A-Za-z0-9_])?"
_HOST = f"({_LABEL}(\\.{_LABEL})*\\.?|\\[[0-9A-Fa-f:.]+\\])"
_ADDRESS = f"^[Hh][Tt][Tt][Pp][Ss]?://{_HOST}(:[1-9][0-9]{{0,4}})?([/?][!$-;=?-\\[\\]_a-z~]*)?$"

SCHEMAS: Mapping[str, Json] = {
    "WebhookPolicy": shape(
        {
            "id": ID,
            "name": TEXT,
            "description": TEXT,
            "project_id": ID,
            "targets": {**array(ref("WebhookTarget")), "minItems": 1, "maxItems": MAX_TARGETS},
            "event_types": {**array(_EVENT), "minItems": 1},
            "creator": TEXT,
            "creation_time": MOMENT,
            "update_time": MOMENT,
            "enabled": FLAG,
        }
    ),
    "WebhookTarget": shape(
        {"type": _KIND, "address": TEXT, "skip_cert_verify": FLAG, "payload_format": one_of(*Format)}
    ),
    "NewWebhookPolicy": taken(
        {
            "name": text(least=1, most=MAX_NAME, pattern="^[^\\u0000]*\\S[^\\u0000]*$"),
            "description": text(most=MAX_DESCRIPTION, pattern=STORABLE),
            "targets": {**array(ref("NewWebhookTarget")), "minItems": 1, "maxItems": MAX_TARGETS},
            "event_types": {**array(_EVENT), "minItems": 1},
            "enabled": {**FLAG, "default": True},
            "moorage": taken(
                {"secret": {**text(least=16, most=256, pattern="^[!-~]+$"), "writeOnly": True}},
                description="With what deliveries are signed; one is made when there is none.",
            ),
        },
        needed=("name", "targets", "event_types"),
        overlooked=ECHOED,
    ),
    "NewWebhookTarget": taken(
        {
            "type": _KIND,
            "address": {
                **text(most=2048, pattern=_ADDRESS),
                "description": "A URL without a user and a fragment.",
            },
            "auth_header": {
                **text(most=4096, pattern="^([!-~]([ -~]*[!-~])?)?$"),
                "writeOnly": True,
                "description": "For the header Authorization; without it a target keeps its own.",
            },
            "skip_cert_verify": FLAG,
            "payload_format": {**one_of(*Format, ""), "description": "slack has Default only."},
        },
        needed=("type", "address"),
        description="An address stands only once in a policy.",
    ),
    "WebhookSecret": shape(
        {"id": ID, "moorage": shape({"secret": TEXT})},
        description="The number of the policy, and with what its deliveries are signed.",
    ),
    "WebhookEvents": shape(
        {
            "event_type": array(_EVENT),
            "notify_type": array(_KIND),
            "payload_formats": array(shape({"notify_type": _KIND, "formats": array(one_of(*Format))})),
        }
    ),
    "WebhookLastTrigger": shape(
        {
            "policy_name": TEXT,
            "event_type": _EVENT,
            "enabled": FLAG,
            "creation_time": MOMENT,
            "last_trigger_time": MOMENT,
        }
    ),
    "WebhookRun": shape(
        {
            "id": ID,
            "vendor_type": {"const": "WEBHOOK"},
            "vendor_id": ID,
            "status": _STATUS,
            "status_message": {"const": ""},
            "metrics": shape({"task_count": COUNT, **dict.fromkeys(_COUNTS, COUNT)}, optional=_COUNTS),
            "trigger": {"const": "EVENT"},
            "extra_attrs": shape({"event_type": _TOLD, "operator": TEXT, "event_data": ref("WebhookData")}),
            "start_time": MOMENT,
            "end_time": MOMENT,
        },
        description="Something that a policy was told of.",
    ),
    "WebhookData": shape(
        {
            "resources": array(shape({"digest": TEXT, "tag": TEXT, "resource_url": TEXT})),
            "repository": shape(
                {
                    "name": TEXT,
                    "namespace": TEXT,
                    "repo_full_name": TEXT,
                    "repo_type": one_of("public", "private"),
                    "date_created": COUNT,
                },
                optional=("date_created",),
            ),
            "retention": shape(
                {
                    "total": COUNT,
                    "retained": COUNT,
                    "harbor_hostname": TEXT,
                    "project_name": TEXT,
                    "retention_policy_id": ID,
                    "result": TEXT,
                }
            ),
            "custom_attributes": texts_by_name(),
        },
        optional=("resources", "repository", "retention", "custom_attributes"),
        description="What happened, as it is sent.",
    ),
    "WebhookTask": shape(
        {
            "id": ID,
            "execution_id": ID,
            "status": _STATUS,
            "status_message": TEXT,
            "run_count": COUNT,
            "extra_attrs": shape(
                {
                    "notify_type": _KIND,
                    "address": TEXT,
                    "status_code": nullable({"type": "integer", "minimum": 100, "maximum": 999}),
                }
            ),
            "creation_time": MOMENT,
            "update_time": MOMENT,
            "start_time": MOMENT,
            "end_time": MOMENT,
        },
        description="A delivery to one target; status_code is null as long as nobody answered.",
    ),
    "WebhookJob": shape(
        {
            "id": ID,
            "policy_id": ID,
            "event_type": _TOLD,
            "notify_type": _KIND,
            "status": _STATUS,
            "job_detail": {"type": "string", "description": "What was sent, JSON as text."},
            "creation_time": MOMENT,
            "update_time": MOMENT,
        }
    ),
}
