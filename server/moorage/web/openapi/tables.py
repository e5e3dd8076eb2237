"""Every table of `operations` and `schemas`, joined: a new file there needs no other line."""

import importlib
import pkgutil
from collections.abc import Iterator, Mapping
from functools import cache
from types import ModuleType
from typing import TypeVar

from moorage.web.openapi import operations as _operations
from moorage.web.openapi import schemas as _schemas
from moorage.web.openapi.model import Json, Operation, Route

K = TypeVar("K")
V = TypeVar("V")
BASE = "/api/v2.0"
#: What paths of other surfaces than Harbor's begin with; tables write these whole.
_WHOLE = ("/v2", "/service/", "/_admission", "/healthz", "/devcenter", "/readyz", "/metrics", BASE)


class TwiceDescribedError(Exception):
    """Two tables speak of the same operation, or of the same name of a schema."""


@cache
def operations() -> Mapping[Route, Operation]:
    """Every operation by its method and its whole path.

    Raises:
        TwiceDescribedError: one is there twice.
    """
    return _joined(
        ((method, whole(template)), operation)
        for table in _tables(_operations)
        for (method, template), operation in table.OPERATIONS.items()
    )


@cache
def schemas() -> Mapping[str, Json]:
    """Every schema that has a name.

    Raises:
        TwiceDescribedError: two have the same.
    """
    return _joined(each for table in _tables(_schemas) for each in table.SCHEMAS.items())


def whole(template: str) -> str:
    """The path as the server knows it, of one that may be written below `BASE`."""
    return template if template.startswith(_WHOLE) else BASE + template


def _tables(package: ModuleType) -> Iterator[ModuleType]:
    for found in pkgutil.iter_modules(package.__path__):
        yield importlib.import_module(f"{package.__name__}.{found.name}")


def _joined(entries: Iterator[tuple[K, V]]) -> Mapping[K, V]:
    made: dict[K, V] = {}
    for key, value in entries:
        if key in made:
            raise TwiceDescribedError(str(key))
        made[key] = value
    return made
