"""Short ways to write the schemas that are needed again and again (JSON Schema 2020-12)."""

from collections.abc import Collection, Mapping, Sequence

from moorage.web.openapi.model import Answer, Json, Parameter

TEXT: Json = {"type": "string"}
FLAG: Json = {"type": "boolean"}
NUMBER: Json = {"type": "integer"}
COUNT: Json = {"type": "integer", "minimum": 0}
ID: Json = {"type": "integer", "minimum": 1}
MOMENT: Json = {"type": "string", "format": "date-time"}
DIGEST: Json = {"type": "string", "pattern": "^(sha256:[0-9a-f]{64}|sha512:[0-9a-f]{128})$"}
#: Everything but NUL, which the databases cannot hold.
STORABLE = "^[^\\u0000]*$"
#: Neither control characters nor breaks of lines.
ONE_LINE = "^[^\\u0000-\\u001f\\u007f-\\u009f\\u2028\\u2029]*$"

Q = Parameter("q", "Conditions joined by commas: k=v, k=~part, k=[from~to], k={any of}, k=(all of).", TEXT)
SORT = Parameter("sort", "The field to sort by, with - in front for downwards.", TEXT)
PAGE = Parameter(
    "page", "The number of the page, from 1 on.", {"type": "integer", "minimum": 1, "maximum": 10**18 - 1}
)
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


def text(*, least: int = 0, most: int | None = None, pattern: str = "") -> Json:
    """A text of so many characters; `pattern` finds something in it."""
    made: dict[str, object] = {"type": "string"}
    if least:
        made["minLength"] = least
    if most is not None:
        made["maxLength"] = most
    if pattern:
        made["pattern"] = pattern
    return made


def whole(least: int, most: int) -> Json:
    """A whole number from `least` to `most`."""
    return {"type": "integer", "minimum": least, "maximum": most}


def line(most: int = 255) -> Json:
    """A text in one line of so many characters."""
    return text(most=most, pattern=ONE_LINE)


def described(schema: Json, description: str) -> Json:
    """The same with a word about it."""
    return {**schema, "description": description}


def texts_by_name() -> Json:
    """An object whose fields are all texts, whatever their names."""
    return {"type": "object", "additionalProperties": TEXT}


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


def taken(
    fields: Mapping[str, Json],
    *,
    needed: Sequence[str] = (),
    overlooked: Collection[str] = (),
    description: str = "",
) -> Json:
    """An object that a call takes. A field that is not needed may be null as well, which leaves it out.

    Args:
        overlooked: fields that may be sent along because an answer has them, and that mean nothing.
    """
    known = {name: schema if name in needed else nullable(schema) for name, schema in fields.items()}
    ignored = {name: {"readOnly": True} for name in sorted(set(overlooked) - set(fields))}
    return shape(
        {**known, **ignored},
        optional=[name for name in (*known, *ignored) if name not in needed],
        description=description,
    )


def asked(*forms: str) -> Parameter:
    """The parameter ``q`` of a list that knows just these forms of conditions; without any it takes none."""
    if not forms:
        return Parameter("q", "This list takes no conditions.", text(most=0))
    return Parameter(
        "q",
        f"Conditions, joined by commas: {', '.join(forms)}.",
        {"type": "string", "maxLength": 4096, "examples": [forms[0]]},
    )


def sorts(*names: str) -> Parameter:
    """The parameter ``sort`` of a list that can be sorted by these fields; without any it takes none."""
    if not names:
        return Parameter("sort", "This list has one order.", text(most=0))
    return Parameter(
        "sort",
        "The field to sort by, with - in front for downwards.",
        one_of(*(f"{sign}{name}" for name in names for sign in ("", "-"))),
    )


def page_of(items: Json, description: str) -> Answer:
    """One page of a list, with the headers that tell of the rest."""
    return Answer(description, array(items), headers=("X-Total-Count",))


def created(description: str, schema: Json | None = None) -> Answer:
    """A new thing, and where it is."""
    return Answer(description, schema, headers=("Location",))
