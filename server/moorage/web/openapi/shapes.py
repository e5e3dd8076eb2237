"""Short ways to write the schemas that are needed again and again (JSON Schema 2020-12)."""

from collections.abc import Mapping, Sequence

from moorage.web.openapi.model import Answer, Json, Parameter

TEXT: Json = {"type": "string"}
FLAG: Json = {"type": "boolean"}
NUMBER: Json = {"type": "integer"}
COUNT: Json = {"type": "integer", "minimum": 0}
ID: Json = {"type": "integer", "minimum": 1}
MOMENT: Json = {"type": "string", "format": "date-time"}
DIGEST: Json = {"type": "string", "pattern": "^sha(256|384|512):[0-9a-f]{64,128}$"}

Q = Parameter("q", "Conditions joined by commas: k=v, k=~part, k=[from~to], k={any of}, k=(all of).", TEXT)
SORT = Parameter("sort", "The field to sort by, with - in front for downwards.", TEXT)
PAGE = Parameter("page", "The number of the page, from 1 on.", {"type": "integer", "minimum": 1})
PAGE_SIZE = Parameter(
    "page_size", "Entries on a page.", {"type": "integer", "minimum": 1, "maximum": 100, "default": 10}
)
PAGED = (PAGE, PAGE_SIZE)


def ref(name: str) -> Json:
    """The schema `name` of the tables in `schemas`."""
    return {"$ref": f"#/components/schemas/{name}"}


def array(items: Json) -> Json:
    """A list of these."""
    return {"type": "array", "items": items}


def one_of(*values: str) -> Json:
    """One of these words."""
    return {"type": "string", "enum": list(values)}


def nullable(schema: Json) -> Json:
    """This, or null."""
    return {"anyOf": [schema, {"type": "null"}]}


def shape(
    fields: Mapping[str, Json], *, optional: Sequence[str] = (), closed: bool = True, description: str = ""
) -> Json:
    """An object with these fields, all of them there unless they are named as optional.

    Args:
        closed: it has no other field; what we send is always closed.
    """
    made: dict[str, object] = {"type": "object", "properties": dict(fields)}
    required = [name for name in fields if name not in optional]
    if required:
        made["required"] = required
    if closed:
        made["additionalProperties"] = False
    if description:
        made["description"] = description
    return made


def page_of(items: Json, description: str) -> Answer:
    """One page of a list, with the headers that tell of the rest."""
    return Answer(description, array(items), headers=("X-Total-Count",))


def created(description: str, schema: Json | None = None) -> Answer:
    """A new thing, and where it is."""
    return Answer(description, schema, headers=("Location",))
