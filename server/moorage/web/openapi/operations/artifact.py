"""Artifacts, their tags, and what is attached to them."""

from collections.abc import Mapping

from moorage.web.openapi.model import Answer, Body, Operation, Parameter, Route
from moorage.web.openapi.shapes import FLAG, PAGED, TEXT, array, asked, created, page_of, ref, sorts, text

_TAG = "artifact"
_COMPONENT = "[a-z0-9]+((\\.|_|__|-+)[a-z0-9]+)*"
_NAME = "[a-zA-Z0-9_][a-zA-Z0-9._-]{0,127}"
_DIGEST = "(sha256:[0-9a-f]{64}|sha512:[0-9a-f]{128})"
_ARTIFACTS = "/projects/{project_name}/repositories/{repository_name}/artifacts"
_ARTIFACT = _ARTIFACTS + "/{reference}"


def _flag(name: str, description: str, *, default: bool = False) -> Parameter:
    return Parameter(name, description, {**FLAG, "default": default})


_IMMUTABLE = _flag("with_immutable_status", "Say of each tag whether a rule keeps it.")
_SHOWN = (
    _flag("with_tag", "Show the tags.", default=True),
    _flag("with_label", "Show the labels."),
    _flag("with_accessory", "Show what is attached."),
    _IMMUTABLE,
    _flag("with_signature", "Taken and without meaning; signatures are accessories."),
    _flag("with_scan_overview", "Taken; no artifact has a scan."),
    _flag("with_sbom_overview", "Taken; no artifact has one."),
    _flag("with_inherited_accessory", "Taken; nothing is inherited."),
)
_TEXTS = ("tags", "digest", "media_type", "manifest_media_type", "artifact_type", "repository_name")
_LISTED = (
    *PAGED,
    asked(
        "type=v",
        "type={a b}",
        *(form for name in _TEXTS for form in (f"{name}=v", f"{name}=~v", f"{name}={{a b}}")),
        "tags=* (some)",
        "tags=nil (none)",
        "labels=id",
        "labels={id id} (any)",
        "labels=(id id) (all)",
        "size=[from~to]",
        "push_time=[from~to]",
        "pull_time=[from~to]",
    ),
    sorts("id", "digest", "push_time", "pull_time", "size", "type", "repository_name"),
)
_PAGE = page_of(ref("Artifact"), "A page of them, the youngest first unless told otherwise.")

OPERATIONS: Mapping[Route, Operation] = {
    ("GET", _ARTIFACTS): Operation(
        _TAG, "List the artifacts of a repository", {200: _PAGE}, parameters=(*_LISTED, *_SHOWN)
    ),
    ("GET", "/projects/{project_name_or_id}/artifacts"): Operation(
        _TAG,
        "List the artifacts of all repositories of a project",
        {200: _PAGE},
        parameters=(
            *_LISTED,
            *_SHOWN,
            _flag("latest_in_repository", "Of each repository only what was pushed last."),
        ),
    ),
    ("POST", _ARTIFACTS): Operation(
        _TAG,
        "Copy an artifact into the repository, with what is attached to it",
        {201: created("It is there.")},
        parameters=(
            Parameter(
                "from",
                "What to copy: project/repository:tag or project/repository@digest.",
                text(pattern=f"^{_COMPONENT}(/{_COMPONENT})+(:{_NAME}|@{_DIGEST})$"),
                required=True,
            ),
        ),
        refusals=frozenset({412}),
    ),
    ("GET", _ARTIFACT): Operation(
        _TAG,
        "Read an artifact",
        {200: Answer("The artifact.", ref("Artifact"))},
        parameters=_SHOWN,
    ),
    ("DELETE", _ARTIFACT): Operation(
        _TAG,
        "Delete an artifact with all its tags",
        {200: Answer("It is gone.")},
        refusals=frozenset({412}),
        description="Refused with 412 while an index lists it, or a rule of the project keeps a tag of it.",
    ),
    ("GET", _ARTIFACT + "/accessories"): Operation(
        _TAG,
        "List what is attached to an artifact",
        {200: page_of(ref("Accessory"), "A page of it, the oldest first.")},
        parameters=(*PAGED, asked(), sorts()),
    ),
    ("GET", _ARTIFACT + "/tags"): Operation(
        _TAG,
        "List the tags of an artifact",
        {200: page_of(ref("Tag"), "A page of them, the youngest first unless told otherwise.")},
        parameters=(
            *PAGED,
            asked("name=v", "name=~v"),
            sorts("name", "push_time", "pull_time"),
            _IMMUTABLE,
        ),
    ),
    ("POST", _ARTIFACT + "/tags"): Operation(
        _TAG,
        "Give an artifact another tag",
        {201: created("It has the tag.")},
        body=Body(ref("NewTag")),
        refusals=frozenset({409, 412}),
        description="Refused with 409 when the repository has the tag, and with 412 when a rule keeps it.",
    ),
    ("DELETE", _ARTIFACT + "/tags/{tag_name}"): Operation(
        _TAG,
        "Take a tag away",
        {200: Answer("It is gone; the artifact stays.")},
        refusals=frozenset({409, 412}),
    ),
    ("GET", _ARTIFACT + "/additions/vulnerabilities"): Operation(
        _TAG,
        "Read what scans found in an artifact",
        {200: Answer("Reports by their types.", ref("VulnerabilityReports"))},
        parameters=(
            Parameter(
                "X-Accept-Vulnerabilities",
                "The types of reports that the client understands.",
                TEXT,
                place="header",
            ),
        ),
    ),
    ("GET", _ARTIFACT + "/additions/{addition}"): Operation(
        _TAG,
        "Read more of an artifact, as it was pushed",
        {
            200: Answer(
                "The steps of a build, the dependencies of a chart, the files of a model, a bill of "
                "materials, or a file.",
                {"anyOf": [array(ref("BuildStep")), array({"type": "object"}), {"type": "object"}]},
                headers=("X-Content-Type-Options", "Content-Security-Policy"),
                also={"text/markdown": TEXT, "text/plain": TEXT},
            )
        },
        refusals=frozenset({400}),
        description="An image has build_history; a chart readme.md, values.yaml and dependencies; "
        "a model readme.md, license and files. Whatever has a bill of materials attached (SPDX or CycloneDX) "
        "has sbom.",
    ),
}
