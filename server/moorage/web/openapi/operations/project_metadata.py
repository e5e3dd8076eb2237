"""The settings of a project, one by one."""

from collections.abc import Mapping

from moorage.web.openapi.model import Answer, Body, Operation, Route
from moorage.web.openapi.shapes import ref

_TAG = "projectMetadata"
_ALL = "/projects/{project_name_or_id}/metadatas"
_ONE = _ALL + "/{meta_name}"

OPERATIONS: Mapping[Route, Operation] = {
    ("GET", _ALL): Operation(
        _TAG, "Read the settings of a project", {200: Answer("All that it has.", ref("ProjectMetadata"))}
    ),
    ("POST", _ALL): Operation(
        _TAG,
        "Set what the project does not have yet",
        {200: Answer("All of it is set.")},
        body=Body(ref("ProjectMetadataBody")),
        refusals=frozenset({409}),
    ),
    ("GET", _ONE): Operation(
        _TAG, "Read one setting", {200: Answer("Its name and its value.", ref("ProjectSetting"))}
    ),
    ("PUT", _ONE): Operation(
        _TAG, "Change one setting", {200: Answer("It is changed.")}, body=Body(ref("ProjectSettingBody"))
    ),
    ("DELETE", _ONE): Operation(_TAG, "Take one setting away", {200: Answer("It is gone.")}),
}
