"""What an operation of the API takes and answers. Pure data, from which the document is made.

The permission, the path and the name of an operation are not said here: they come from its route and its
`Access`. Refusals that follow from these (401, 403, 404) are not said either.

Source: OpenAPI 3.1.0, Operation Object; JSON Schema 2020-12 for every schema.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

Json = Mapping[str, object]
#: The method and the template of a route, the latter as it was given to `add_route`.
Route = tuple[str, str]

JSON = "application/json"


@dataclass(frozen=True, slots=True)
class Parameter:
    """Something that an operation takes outside its body and its path.

    Attributes:
        schema: of one value.
    """

    name: str
    description: str
    schema: Json
    place: Literal["query", "header"] = "query"
    required: bool = False


@dataclass(frozen=True, slots=True)
class Body:
    """What an operation takes as its body."""

    schema: Json
    media_type: str = JSON
    required: bool = True
    description: str = ""


@dataclass(frozen=True, slots=True)
class Answer:
    """One way in which an operation succeeds.

    Attributes:
        schema: of the body; None when there is none.
        headers: names of headers that it always has, such as ``Location``.
        also: other media types that the body may have, and the schema of each.
    """

    description: str
    schema: Json | None = None
    media_type: str = JSON
    headers: tuple[str, ...] = ()
    also: Mapping[str, Json] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Operation:
    """One method of one route.

    Attributes:
        tag: the heading below which people find it, such as ``project``.
        summary: what it does, in one line.
        answers: by status, successes only.
        refusals: statuses of errors besides those that follow from the route, such as 409 and 412.
    """

    tag: str
    summary: str
    answers: Mapping[int, Answer]
    parameters: tuple[Parameter, ...] = ()
    body: Body | None = None
    refusals: frozenset[int] = field(default_factory=frozenset)
    description: str = ""
