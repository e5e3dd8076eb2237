"""Over everything that the caller may see."""

from collections.abc import Mapping

from moorage.web.openapi.model import Answer, Operation, Parameter, Route
from moorage.web.openapi.shapes import ref, text

OPERATIONS: Mapping[Route, Operation] = {
    ("GET", "/search"): Operation(
        "search",
        "Search projects and repositories by a part of their names",
        {200: Answer("The first hundred of each, by name.", ref("SearchResult"))},
        parameters=(Parameter("q", "The part; none finds everything.", text(most=4096)),),
    ),
    ("GET", "/statistics"): Operation(
        "statistic",
        "Count the projects and repositories that the caller may see",
        {200: Answer("The figures.", ref("Statistics"))},
    ),
}
