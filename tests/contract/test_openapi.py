"""The document of the API speaks of every operation that there is, and of no other, in valid OpenAPI."""

import importlib
import json
import pkgutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator
from jsonschema.exceptions import SchemaError

from moorage.config import load
from moorage.db.connection import close_connection, open_database
from moorage.services import Services
from moorage.web.app import root_app
from moorage.web.openapi import operations as operations_package
from moorage.web.openapi import schemas as schemas_package
from moorage.web.openapi.document import canonical, undescribed
from moorage.web.openapi.fields import FIELDS
from moorage.web.openapi.headers import HEADERS
from moorage.web.openapi.tables import operations, schemas
from moorage.web.openapi.tags import TAGS
from moorage.web.router import Endpoint
from tests.support.answers import Paper
from tests.support.databases import SqliteDatabases


@pytest.fixture(scope="module")
def endpoints(
    sqlite_databases: SqliteDatabases, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[Endpoint, ...]]:
    """Every method of every route, that of nginx too."""
    folder: Path = tmp_path_factory.mktemp("openapi")
    url = sqlite_databases.fresh(folder)
    open_database(url)
    environ = {
        "MOORAGE_DATA": str(folder / "data"),
        "MOORAGE_DATABASE_URL": url,
        "MOORAGE_SERVER_BEHIND_NGINX": "true",
        "MOORAGE_SERVER_EXTERNAL_URL": "https://registry.test",
    }
    services = Services.build(load(None, environ))
    yield tuple(root_app(services).endpoints)
    services.audit.stop()
    close_connection()


@pytest.fixture(scope="module")
def paper(endpoints: tuple[Endpoint, ...]) -> Paper:
    return Paper(endpoints)


def test_every_method_of_every_route_is_described(endpoints: tuple[Endpoint, ...]) -> None:
    missing = undescribed(endpoints, operations())
    assert [(each.method, each.template) for each in missing] == []


def test_every_operation_has_a_route(endpoints: tuple[Endpoint, ...]) -> None:
    known = {(each.method, each.template) for each in endpoints}
    assert set(operations()) - known == set()


def test_of_two_paths_that_differ_in_a_slash_one_is_described() -> None:
    described = [(method, canonical(path)) for method, path in operations()]
    assert len(described) == len(set(described))


def test_every_field_heading_and_header_is_explained(endpoints: tuple[Endpoint, ...]) -> None:
    assert {field for each in endpoints for field in each.fields} - set(FIELDS) == set()
    assert {each.tag for each in operations().values()} - set(TAGS) == set()
    named = {
        name for each in operations().values() for answer in each.answers.values() for name in answer.headers
    }
    assert named - set(HEADERS) == set()


def test_operations_have_names_of_their_own(paper: Paper) -> None:
    names = [
        operation["operationId"] for item in paper.document["paths"].values() for operation in item.values()
    ]
    assert sorted(names) == sorted(set(names))


def test_every_reference_leads_somewhere(paper: Paper) -> None:
    for target in references(paper.document):
        found: Any = paper.document
        for part in target.removeprefix("#/").split("/"):
            assert part in found, target
            found = found[part]


def test_every_named_schema_is_used(paper: Paper) -> None:
    used = set(references(paper.document))
    assert {name for name in schemas() if f"#/components/schemas/{name}" not in used} == set()


def test_every_schema_is_a_schema(paper: Paper) -> None:
    for where, schema in all_schemas(paper.document, "#"):
        try:
            Draft202012Validator.check_schema(schema)
        except SchemaError as error:
            pytest.fail(f"{where}: {error.message}")


def test_the_document_is_json_and_has_what_openapi_demands(paper: Paper) -> None:
    found = json.loads(json.dumps(paper.document))
    assert found["openapi"].startswith("3.1.")
    assert {"title", "version"} <= set(found["info"])
    for path, item in found["paths"].items():
        assert path.startswith("/")
        for operation in item.values():
            fields = {each["name"] for each in operation.get("parameters", ()) if each["in"] == "path"}
            assert fields == {part.partition("}")[0] for part in path.split("{")[1:]}
            named = [(each["in"], each["name"]) for each in operation.get("parameters", ())]
            assert len(named) == len(set(named)), path
            assert operation["responses"]
            for answer in operation["responses"].values():
                assert "$ref" in answer or answer["description"]
            needed = {name for each in operation["security"] for name in each}
            assert needed <= set(found["components"]["securitySchemes"])


@pytest.mark.parametrize("package", [operations_package, schemas_package], ids=["operations", "schemas"])
def test_every_table_is_a_file_with_a_table(package: Any) -> None:
    for found in pkgutil.iter_modules(package.__path__):
        module = importlib.import_module(f"{package.__name__}.{found.name}")
        assert getattr(module, "OPERATIONS" if package is operations_package else "SCHEMAS")


def references(value: object) -> Iterator[str]:
    if isinstance(value, dict):
        for key, each in value.items():
            if key == "$ref":
                yield each
            else:
                yield from references(each)
    elif isinstance(value, list):
        for each in value:
            yield from references(each)


def all_schemas(value: object, where: str) -> Iterator[tuple[str, Any]]:
    if isinstance(value, dict):
        for key, each in value.items():
            if key == "schemas":
                yield from ((f"{where}/{key}/{name}", schema) for name, schema in each.items())
            elif key == "schema":
                yield f"{where}/{key}", each
            else:
                yield from all_schemas(each, f"{where}/{key}")
    elif isinstance(value, list):
        for number, each in enumerate(value):
            yield from all_schemas(each, f"{where}/{number}")
