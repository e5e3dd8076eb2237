"""The document of the API, made from the routes and the tables of what they take and answer. Pure.

Source: OpenAPI 3.1.0; its schemas are JSON Schema 2020-12.
"""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence

from moorage.projects.model import Permission, Standing
from moorage.projects.rules import permitted
from moorage.web.openapi import refusals
from moorage.web.openapi.fields import BY_NAME, FIELDS
from moorage.web.openapi.headers import HEADERS
from moorage.web.openapi.model import Answer, Json, Operation, Parameter, Route
from moorage.web.openapi.security import SCHEMES, requirements
from moorage.web.openapi.tags import TAGS
from moorage.web.router import Endpoint

VERSION = "3.1.0"
_STRANGER = Standing(project_id=0, public=True, active=True, admin=False, role=None)
_BY_EITHER = "project_name_or_id"
_PAGED = "X-Total-Count"
Documented = Sequence[tuple[Endpoint, Operation]]


def documented(endpoints: Iterable[Endpoint], operations: Mapping[Route, Operation]) -> Documented:
    """The endpoints that the document has, each with its operation.

    ``HEAD`` without an operation of its own is what ``GET`` is, without a body. Of two paths that differ
    in a slash at the end and answer alike, the document has the one that a table describes.
    """
    known = list(endpoints)
    made = ((each, _operation(each, operations)) for each in known)
    return [(endpoint, operation) for endpoint, operation in made if operation is not None]


def undescribed(endpoints: Iterable[Endpoint], operations: Mapping[Route, Operation]) -> list[Endpoint]:
    """The endpoints that no table describes, not even as another name of one that a table does."""
    known = list(endpoints)
    described = {(each.method, canonical(each.template)) for each, _ in documented(known, operations)}
    return [each for each in known if (each.method, canonical(each.template)) not in described]


def canonical(template: str) -> str:
    """The template without a slash at its end, which never means anything."""
    return template.rstrip("/") or "/"


def document(
    endpoints: Iterable[Endpoint],
    operations: Mapping[Route, Operation],
    schemas: Mapping[str, Json],
    release: str,
) -> dict[str, object]:
    """The document of all the endpoints that a table describes.

    Args:
        release: of the program that answers.
    """
    found = documented(endpoints, operations)
    ids = _operation_ids([endpoint for endpoint, _ in found])
    paths: dict[str, dict[str, object]] = {}
    for endpoint, operation in found:
        item = paths.setdefault(endpoint.template, {})
        item[endpoint.method.lower()] = _described(endpoint, operation, ids[endpoint])
    used = {operation.tag for _, operation in found}
    return {
        "openapi": VERSION,
        "info": {
            "title": "Moorage",
            "version": release,
            "summary": "The API of the registry, of its portal and of its administration.",
            "license": {"name": "Apache 2.0", "identifier": "Apache-2.0"},
        },
        "servers": [{"url": "/"}],
        "tags": [{"name": name, "description": text} for name, text in TAGS.items() if name in used],
        "paths": paths,
        "components": {
            "schemas": {**schemas, **refusals.SCHEMAS},
            "responses": refusals.components(found),
            "headers": {
                name: {"description": text, "schema": schema} for name, (text, schema) in HEADERS.items()
            },
            "securitySchemes": SCHEMES,
        },
    }


def _operation(endpoint: Endpoint, operations: Mapping[Route, Operation]) -> Operation | None:
    found = operations.get((endpoint.method, endpoint.template))
    if found is None and endpoint.method == "HEAD":
        shown = operations.get(("GET", endpoint.template))
        if shown is not None:
            return Operation(
                tag=shown.tag,
                summary=f"The headers alone of: {shown.summary}",
                answers={status: _bodiless(answer) for status, answer in shown.answers.items()},
                parameters=shown.parameters,
                refusals=shown.refusals,
            )
    return found


def _bodiless(answer: Answer) -> Answer:
    return Answer(answer.description, headers=answer.headers)


def _operation_ids(endpoints: Sequence[Endpoint]) -> dict[Endpoint, str]:
    """The operation's name; where several have the same, the method or the path's last word follows it."""
    shared = Counter(each.access.operation for each in endpoints)
    made: dict[Endpoint, str] = {}
    for each in endpoints:
        name = each.access.operation
        if each.method == "HEAD" and shared[name] > 1:
            name = f"head_{name}"
        elif name in made.values():
            words = [part for part in each.template.split("/") if part and "{" not in part]
            last = "".join(letter if letter.isalnum() else "_" for letter in words[-1])
            name = f"{name}_{each.method.lower()}_{last}"
        made[each] = name
    return made


def _described(endpoint: Endpoint, operation: Operation, operation_id: str) -> dict[str, object]:
    made: dict[str, object] = {
        "operationId": operation_id,
        "tags": [operation.tag],
        "summary": operation.summary,
        "x-permission": _permission(endpoint),
        "security": requirements(endpoint, anybody=_is_open(endpoint)),
    }
    if operation.description:
        made["description"] = operation.description
    parameters = [_field(name) for name in endpoint.fields]
    parameters += [_parameter(each) for each in _parameters(endpoint, operation)]
    if parameters:
        made["parameters"] = parameters
    if operation.body is not None:
        body: dict[str, object] = {
            "required": operation.body.required,
            "content": {operation.body.media_type: {"schema": operation.body.schema}},
        }
        if operation.body.description:
            body["description"] = operation.body.description
        made["requestBody"] = body
    made["responses"] = {
        **{str(status): _answer(answer) for status, answer in sorted(operation.answers.items())},
        **refusals.responses(endpoint, operation),
    }
    return made


def _permission(endpoint: Endpoint) -> dict[str, object]:
    """What it takes, in the words of the table of permissions."""
    access = endpoint.access
    made: dict[str, object] = {"scope": access.scope}
    if access.permission is not None:
        made |= {"resource": access.permission.resource, "action": access.permission.action}
    if access.tag_permission is not None:
        made["of_tags"] = {
            "resource": access.tag_permission.resource,
            "action": access.tag_permission.action,
        }
    return made


def _is_open(endpoint: Endpoint) -> bool:
    """Whether it can be called without a credential, if only in public projects."""
    access = endpoint.access
    if access.scope == "project" and isinstance(access.permission, Permission):
        return permitted(_STRANGER, access.permission)
    return access.scope == "anyone"


def _field(name: str) -> dict[str, object]:
    description, schema = FIELDS[name]
    return {"name": name, "in": "path", "required": True, "description": description, "schema": schema}


def _parameters(endpoint: Endpoint, operation: Operation) -> tuple[Parameter, ...]:
    if _BY_EITHER not in endpoint.fields or BY_NAME.name in {each.name for each in operation.parameters}:
        return operation.parameters
    return (*operation.parameters, BY_NAME)


def _parameter(found: Parameter) -> dict[str, object]:
    return {
        "name": found.name,
        "in": found.place,
        "required": found.required,
        "description": found.description,
        "schema": found.schema,
    }


def _answer(found: Answer) -> dict[str, object]:
    made: dict[str, object] = {"description": found.description}
    headers: dict[str, object] = {name: _header(name) for name in found.headers}
    if _PAGED in headers:
        headers["Link"] = {"$ref": "#/components/headers/Link"}
    if headers:
        made["headers"] = headers
    if found.schema is not None:
        content = {found.media_type: found.schema, **found.also}
        made["content"] = {name: {"schema": schema} for name, schema in content.items()}
    return made


def _header(name: str) -> dict[str, object]:
    description, schema = HEADERS[name]
    return {"description": description, "required": True, "schema": schema}
