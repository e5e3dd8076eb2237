"""A schema as a page shows it: in words, with the fields of objects one by one. Pure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

_REF = "#/components/schemas/"
_WORDS: Mapping[str, str] = {
    "string": "text",
    "integer": "whole number",
    "number": "number",
    "boolean": "true or false",
    "object": "object",
    "array": "list",
    "null": "null",
}
_LIMITS: Mapping[str, str] = {
    "minimum": "from {}",
    "maximum": "to {}",
    "minLength": "at least {} characters",
    "maxLength": "at most {} characters",
    "minItems": "at least {} entries",
    "maxItems": "at most {} entries",
    "pattern": "matches {}",
    "default": "{} unless told",
    "format": "{}",
}


@dataclass(frozen=True, slots=True)
class Shown:
    """What a value looks like.

    Attributes:
        prefix: in front of `kind`, such as "list of".
        kind: in words, or the name of a schema.
        is_link: `kind` is the name of a schema.
        suffix: behind `kind`, such as "or null".
        values: the only ones that there are; empty when there are others.
        limits: in words.
    """

    kind: str
    prefix: str = ""
    is_link: bool = False
    suffix: str = ""
    description: str = ""
    values: Sequence[str] = ()
    limits: Sequence[str] = ()
    fields: Sequence["Field"] = ()

    @property
    def is_plain(self) -> bool:
        """Whether one line says it all."""
        return not self.fields


@dataclass(frozen=True, slots=True)
class Field:
    """A field of an object."""

    name: str
    required: bool
    ignored: bool
    value: Shown


def shown(schema: Mapping[str, Any]) -> Shown:
    """The schema in words."""
    description = str(schema.get("description", ""))
    if "$ref" in schema:
        return Shown(str(schema["$ref"]).removeprefix(_REF), is_link=True, description=description)
    choices = schema.get("anyOf") or schema.get("oneOf")
    if choices:
        return _choice(choices, description)
    if schema.get("type") == "array":
        return _list(shown(schema.get("items", {})), _limits(schema), description)
    if isinstance(schema.get("additionalProperties"), Mapping) and "properties" not in schema:
        inner = shown(schema["additionalProperties"])
        return Shown(inner.kind, "object of", inner.is_link, inner.suffix, description)
    values = [schema["const"]] if "const" in schema else schema.get("enum", [])
    return Shown(
        _kind(schema),
        description=description,
        values=[str(each) for each in values],
        limits=_limits(schema),
        fields=_fields(schema),
    )


def _choice(choices: Sequence[Mapping[str, Any]], description: str) -> Shown:
    real = [each for each in choices if each.get("type") != "null"]
    suffix = "or null" if len(real) < len(choices) else ""
    if len(real) == 1:
        one = shown(real[0])
        return Shown(
            *(one.kind, one.prefix, one.is_link, f"{one.suffix} {suffix}".strip()),
            *(description or one.description, one.values, one.limits, one.fields),
        )
    return Shown(" or ".join(dict.fromkeys(shown(each).kind for each in real)), suffix=suffix)


def _list(inner: Shown, limits: Sequence[str], description: str) -> Shown:
    return Shown(
        *(inner.kind, f"list of {inner.prefix}".strip(), inner.is_link, inner.suffix),
        *(description, inner.values, (*inner.limits, *limits), inner.fields),
    )


def _kind(schema: Mapping[str, Any]) -> str:
    named = schema.get("type")
    if isinstance(named, list):
        return " or ".join(_WORDS.get(each, each) for each in named)
    if named is None:
        return "value" if "const" in schema or "enum" in schema else "anything"
    return _WORDS.get(named, str(named))


def _limits(schema: Mapping[str, Any]) -> list[str]:
    return [text.format(schema[name]) for name, text in _LIMITS.items() if name in schema]


def _fields(schema: Mapping[str, Any]) -> list[Field]:
    required = schema.get("required", ())
    found = [
        Field(name, name in required, bool(each.get("readOnly")), shown(each))
        for name, each in schema.get("properties", {}).items()
    ]
    return sorted(found, key=lambda field: field.ignored)
