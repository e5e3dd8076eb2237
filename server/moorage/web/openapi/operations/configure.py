"""The settings of the site, and the vulnerabilities that all of it puts up with."""

from collections.abc import Mapping

from moorage.web.openapi.model import Answer, Body, Operation, Route
from moorage.web.openapi.shapes import ref

_TAG = "configure"
_SHOWN = Answer("The settings.", ref("Configurations"))
_ALLOWLIST = "SystemCVEAllowlist"

OPERATIONS: Mapping[Route, Operation] = {
    ("GET", "/configurations"): Operation(_TAG, "Read the settings of the site", {200: _SHOWN}),
    ("PUT", "/configurations"): Operation(
        _TAG,
        "Change settings of the site, all that are named or none",
        {200: Answer("They are changed.")},
        body=Body(ref("ConfigurationsBody")),
        description="403 for another value of a setting that is not editable.",
    ),
    ("GET", "/internalconfig"): Operation(
        _TAG, "Read the settings of the site, as /configurations", {200: _SHOWN}
    ),
    ("GET", "/system/CVEAllowlist"): Operation(
        _ALLOWLIST, "Read the list of the site", {200: Answer("The list.", ref("Allowlist"))}
    ),
    ("PUT", "/system/CVEAllowlist"): Operation(
        _ALLOWLIST,
        "Put another list in the place of the site's",
        {200: Answer("It is there.")},
        body=Body(ref("AllowlistBody")),
    ),
}
