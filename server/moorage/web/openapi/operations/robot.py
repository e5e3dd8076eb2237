"""Robot accounts, and what they can be given."""

from collections.abc import Mapping

from moorage.web.openapi.model import Answer, Body, Operation, Route
from moorage.web.openapi.shapes import PAGED, asked, created, page_of, ref, sorts

_TAG = "robot"
_ONE = "/robots/{robot_id}"

OPERATIONS: Mapping[Route, Operation] = {
    ("GET", "/robots"): Operation(
        _TAG,
        "List the robots of a project, or of the system",
        {200: page_of(ref("Robot"), "A page of them, by name unless told otherwise.")},
        parameters=(
            *PAGED,
            asked("ProjectID=1", "Level=project", "Level=system", "name=v", "name=~v"),
            sorts("id", "name", "disable", "expires_at", "creation_time", "update_time"),
        ),
        refusals=frozenset({404}),
        description="Without a ProjectID they are the robots of the system.",
    ),
    ("POST", "/robots"): Operation(
        _TAG,
        "Make a robot",
        {201: created("The robot; this answer alone shows the secret that it got.", ref("RobotCreated"))},
        body=Body(ref("NewRobot")),
        refusals=frozenset({409}),
        description="Nobody can give a robot more than they may do themselves.",
    ),
    ("GET", _ONE): Operation(
        _TAG, "Read a robot", {200: Answer("The robot, without its secret.", ref("Robot"))}
    ),
    ("PUT", _ONE): Operation(
        _TAG,
        "Change a robot",
        {200: Answer("It is changed.")},
        body=Body(ref("RobotChange")),
        refusals=frozenset({409}),
    ),
    ("PATCH", _ONE): Operation(
        _TAG,
        "Give a robot a new secret; the old one and its tokens are void at once",
        {200: Answer("The secret, this once.", ref("RobotSecret"))},
        body=Body(ref("RobotSecretBody")),
        refusals=frozenset({409}),
    ),
    ("DELETE", _ONE): Operation(_TAG, "Delete a robot", {200: Answer("It is gone.")}),
    ("GET", "/permissions"): Operation(
        "permissions",
        "List everything that a robot can be given",
        {200: Answer("What there is; outside projects for whoever sees system robots.", ref("RobotRights"))},
    ),
}
