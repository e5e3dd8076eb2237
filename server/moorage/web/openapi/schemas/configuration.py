"""The settings of the site: a field for each of `configuration.keys.KEYS`."""

from collections.abc import Mapping

from moorage.configuration.keys import KEYS
from moorage.configuration.model import Key
from moorage.web.openapi.model import Json
from moorage.web.openapi.shapes import FLAG, NUMBER, one_of, shape, taken, text, whole


def _value(key: Key) -> Json:
    if isinstance(key.default, bool):
        return FLAG
    if isinstance(key.default, int):
        return NUMBER if key.between is None else whole(*key.between)
    return one_of(*key.choices) if key.choices else text(most=key.longest)


def _taken(key: Key) -> Json:
    fixed = {} if key.editable else {"description": "Only what it holds is taken (403)."}
    return {**_value(key), **fixed}


SCHEMAS: Mapping[str, Json] = {
    "Configurations": shape(
        {
            name: shape({"value": _value(key), "editable": {"type": "boolean", "const": key.editable}})
            for name, key in KEYS.items()
            if not key.hidden
        },
        description="Every setting but secrets: what it holds, and whether that can be changed.",
    ),
    "ConfigurationsBody": taken(
        {name: _taken(key) for name, key in KEYS.items()},
        description="The settings to change; all of them change, or none.",
    ),
}
