"""What is said of artifacts, their tags and what belongs to them."""

from collections.abc import Mapping

from moorage.web.openapi.model import Json
from moorage.web.openapi.shapes import (
    COUNT,
    DIGEST,
    ID,
    MOMENT,
    TEXT,
    array,
    nullable,
    ref,
    shape,
    taken,
    text,
    texts_by_name,
)

_TAG_SHOWN: Mapping[str, Json] = {
    "id": ID,
    "repository_id": ID,
    "artifact_id": ID,
    "name": TEXT,
    "push_time": MOMENT,
    "pull_time": MOMENT,
    "immutable": {"type": "boolean", "description": "False unless with_immutable_status was asked for."},
}
_ADDITIONS = ("build_history", "readme.md", "values.yaml", "dependencies", "license", "files", "sbom")

SCHEMAS: Mapping[str, Json] = {
    "Artifact": shape(
        {
            "id": ID,
            "type": {"type": "string", "description": "IMAGE, CHART, CNAI, another word, or UNKNOWN."},
            "media_type": {"type": "string", "description": "Of the config, or of the manifest without one."},
            "manifest_media_type": TEXT,
            "artifact_type": TEXT,
            "project_id": ID,
            "repository_id": ID,
            "repository_name": {"type": "string", "description": "With the project in front."},
            "digest": DIGEST,
            "size": {**COUNT, "description": "In bytes, with everything that it refers to."},
            "push_time": MOMENT,
            "pull_time": MOMENT,
            "extra_attrs": {"type": "object", "description": "What the config says, as it was pushed."},
            "annotations": texts_by_name(),
            "references": array(ref("ArtifactReference")),
            "tags": nullable(array(ref("Tag"))),
            "labels": nullable(array(ref("Label"))),
            "accessories": nullable(array(ref("Accessory"))),
            "addition_links": shape(dict.fromkeys(_ADDITIONS, ref("AdditionLink")), optional=_ADDITIONS),
        },
        description="Tags, labels and accessories are null when they were not asked for.",
    ),
    "ArtifactReference": shape(
        {
            "parent_id": ID,
            "child_id": {**COUNT, "description": "0 while the manifest is absent."},
            "child_digest": DIGEST,
            "annotations": texts_by_name(),
            "urls": array(TEXT),
            "platform": ref("Platform"),
        },
        optional=("platform",),
        description="A line of an index.",
    ),
    "Platform": shape(
        {
            "architecture": TEXT,
            "os": TEXT,
            "os.version": TEXT,
            "os.features": array(TEXT),
            "variant": TEXT,
        }
    ),
    "AdditionLink": shape({"absolute": {"const": False}, "href": TEXT}),
    "Accessory": shape(
        {
            "id": ID,
            "artifact_id": ID,
            "subject_artifact_id": ID,
            "subject_artifact_digest": DIGEST,
            "subject_artifact_repo": TEXT,
            "digest": DIGEST,
            "size": COUNT,
            "type": TEXT,
            "icon": {"const": ""},
            "creation_time": MOMENT,
        },
        description="A manifest that says something about another one: a signature, a bill of materials.",
    ),
    "Tag": shape(_TAG_SHOWN),
    "NewTag": taken(
        {"name": text(most=128, pattern="^[a-zA-Z0-9_][a-zA-Z0-9._-]*$")},
        needed=("name",),
        overlooked=(*_TAG_SHOWN, "signed"),
    ),
    "BuildStep": shape(
        {
            "created": {"type": "string", "description": "As the image's config has it."},
            "created_by": TEXT,
            "author": TEXT,
            "comment": TEXT,
            "empty_layer": {"const": True},
        },
        optional=("author", "comment", "empty_layer"),
    ),
    "VulnerabilityReports": {
        "type": "object",
        "maxProperties": 0,
        "description": "Reports by their types; empty where nothing was scanned.",
    },
}
