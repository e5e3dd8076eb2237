"""Holds answers against the document of the API: statuses, kinds of content, headers, bodies."""

import gzip
import json
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from typing import Any
from urllib.parse import unquote

from jsonschema import Draft202012Validator, FormatChecker
from jsonschema.exceptions import best_match

from moorage import __version__
from moorage.web.openapi.document import canonical, document
from moorage.web.openapi.tables import operations, schemas
from moorage.web.router import Endpoint

_FORMATS = FormatChecker(formats=())
_MOMENT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)").fullmatch
_FIELD = re.compile(r"\{([a-z_]+)\}")
#: In no path of the API: such requests are refused before anybody asks where they go.
_UNROUTED = frozenset({404, 405})


@_FORMATS.checks("date-time", raises=ValueError)
def _is_moment(value: object) -> bool:
    if not isinstance(value, str):
        return True
    return _MOMENT(value) is not None and bool(datetime.fromisoformat(value))


class OffDocumentError(AssertionError):
    """An answer that the document does not know."""


@dataclass(frozen=True)
class Answered:
    """What came back.

    Attributes:
        headers: by their names in lower case.
    """

    status: int
    headers: Mapping[str, str]
    body: bytes


class Paper:
    """The document of an app's endpoints, and what it says of each answer."""

    def __init__(self, endpoints: Sequence[Endpoint]) -> None:
        self.document: dict[str, Any] = document(endpoints, operations(), schemas(), __version__)
        self._templates = _by_precedence({each.template for each in endpoints})
        self._items = {canonical(path): item for path, item in self.document["paths"].items()}
        self._validators: dict[str, Draft202012Validator] = {}

    def operation(self, method: str, path: str) -> Mapping[str, Any] | None:
        """What the document says about a call; None when it does not know it."""
        plain = unquote(path)
        for template, pattern in self._templates:
            if pattern.fullmatch(plain):
                found: Mapping[str, Any] | None = self._items.get(canonical(template), {}).get(method.lower())
                return found
        return None

    def check(self, method: str, path: str, answered: Answered) -> None:
        """Make sure that the answer is one that the document knows.

        Raises:
            OffDocumentError: it is not.
        """
        operation = self.operation(method, path)
        if operation is None:
            return
        for fault in self._faults(method, operation, answered):
            text = answered.body[:400].decode("utf-8", "replace")
            raise OffDocumentError(
                f"{operation['operationId']}: {method} {path} -> {answered.status}: {fault}\n{text}"
            )

    def _faults(self, method: str, operation: Mapping[str, Any], answered: Answered) -> Iterable[str]:
        stated = operation["responses"].get(str(answered.status))
        if stated is None:
            if answered.status != 405:
                yield "this status is not documented"
            return
        response = self._resolved(stated)
        for name, header in response.get("headers", {}).items():
            required = self._resolved(header).get("required", False) or "$ref" in stated
            if required and name.lower() not in answered.headers:
                yield f"the header {name} is missing"
        content = response.get("content")
        if method == "HEAD" or not content:
            if answered.body:
                yield "a body is not documented"
            return
        media_type = answered.headers.get("content-type", "").partition(";")[0].strip()
        packed = answered.headers.get("content-encoding") == "gzip"
        for wanted in (media_type, "*/*"):
            if wanted in content:
                schema = content[wanted]["schema"]
                yield from self._off_schema(wanted, schema, answered.body, packed=packed)
                return
        yield f"the media type {media_type!r} is not documented, these are: {', '.join(content)}"

    def _off_schema(
        self, media_type: str, schema: Mapping[str, Any], body: bytes, *, packed: bool
    ) -> Iterable[str]:
        if media_type != "application/json" and not media_type.endswith("+json"):
            return
        try:
            value = json.loads(gzip.decompress(body) if packed else body)
        except ValueError as error:
            yield f"the body is no JSON: {error}"
            return
        worst = best_match(self._validator(schema).iter_errors(value))
        if worst is not None:
            yield f"the body is off schema at {worst.json_path}: {worst.message[:400]}"

    def _validator(self, schema: Mapping[str, Any]) -> Draft202012Validator:
        key = json.dumps(schema, sort_keys=True)
        if key not in self._validators:
            whole = {**schema, "components": {"schemas": self.document["components"]["schemas"]}}
            self._validators[key] = Draft202012Validator(whole, format_checker=_FORMATS)
        return self._validators[key]

    def _resolved(self, found: Mapping[str, Any]) -> Mapping[str, Any]:
        if "$ref" not in found:
            return found
        target: Any = self.document
        for part in found["$ref"].removeprefix("#/").split("/"):
            target = target[part]
        resolved: Mapping[str, Any] = target
        return resolved


@cache
def paper_of(endpoints: tuple[Endpoint, ...]) -> Paper:
    """The document of these endpoints, made once for all the apps that have the same."""
    return Paper(endpoints)


def _by_precedence(templates: Iterable[str]) -> list[tuple[str, re.Pattern[str]]]:
    """Patterns of paths; those whose parts are written out come first, as routers have it."""

    def weight(template: str) -> list[int]:
        return [part.startswith("{") for part in template.split("/")]

    made = []
    for template in sorted(templates, key=weight):
        text = re.sub(r"\\([{}_])", r"\1", re.escape(template))
        pattern = _FIELD.sub(lambda field: ".+" if field[1] == "name" else "[^/]+", text)
        made.append((template, re.compile(pattern, re.DOTALL)))
    return made
