"""The values of the properties: from a file, from the command line, never a password from there."""

import json
import tomllib
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from moorage_appliance.properties import BY_KEY, Kind
from moorage_appliance.settings import read_settings
from moorage_ova.errors import OvaError


def gather(file: Path | None, given: Iterable[str]) -> dict[str, str]:
    """Values by key; what is on the command line wins.

    Args:
        file: TOML or JSON, a table for each class.
        given: ``class.key=value``.

    Raises:
        OvaError: a property is unknown or bad, or a password is on the command line.
    """
    values = {} if file is None else _read(file)
    for each in given:
        key, equals, value = each.partition("=")
        if not equals:
            raise OvaError(f"{each}: a property is given as class.key=value")
        if key in BY_KEY and BY_KEY[key].secret:
            raise OvaError(f"{key} is secret: put it into the file of properties; others see command lines")
        values[key] = value
    for key, value in values.items():
        _check(key, value)
    # As the appliance itself will read them: what would be wrong at its first boot is told now.
    problems = read_settings(values)[1]
    if problems:
        lines = (f"  {each.property} {each.message}. {each.remedy}" for each in problems)
        raise OvaError("\n".join(("some properties cannot be used:", *lines)))
    return values


def _read(file: Path) -> dict[str, str]:
    try:
        text = file.read_text()
        tables: Mapping[str, Any] = json.loads(text) if file.suffix == ".json" else tomllib.loads(text)
        return {
            f"{name}.{key}": value if isinstance(value, str) else str(value)
            for name, table in tables.items()
            for key, value in table.items()
        }
    except (OSError, ValueError, AttributeError) as error:
        raise OvaError(f"{file} has no tables of properties: {error}") from error


def _check(key: str, value: str) -> None:
    known = BY_KEY.get(key)
    if known is None:
        raise OvaError(f"there is no property {key}; there are: {', '.join(BY_KEY)}")
    if known.kind is Kind.CHOICE and value not in known.choices:
        raise OvaError(f"{key} is one of {', '.join(known.choices)}")
    if known.kind is Kind.FLAG and value not in ("True", "False"):
        raise OvaError(f"{key} is True or False")
    if known.kind is Kind.NUMBER:
        if not value.isdecimal() or not known.minimum <= int(value) <= known.maximum:
            raise OvaError(f"{key} is a number from {known.minimum} to {known.maximum}")
    elif value and not known.minimum <= len(value) <= known.maximum:
        raise OvaError(f"{key} has {known.minimum} to {known.maximum} characters")
