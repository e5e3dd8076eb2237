"""The settings as a table: one entry for each, read from the dataclasses themselves."""

from collections.abc import Mapping
from dataclasses import dataclass, fields
from types import MappingProxyType
from typing import Any, Literal, get_args, get_origin, get_type_hints

from moorage.config.rules import Rule, rule_of
from moorage.config.settings import Settings

PREFIX = "MOORAGE_"


@dataclass(frozen=True, slots=True)
class Entry:
    """One setting.

    Attributes:
        kind: `str`, `int`, `float`, `bool` or `Path`; `str` when there are choices.
        choices: the only texts allowed, when there are any.
    """

    section: str
    key: str
    kind: type
    default: object
    choices: tuple[str, ...]
    rule: Rule

    @property
    def name(self) -> str:
        """``section.key``, as messages call it."""
        return f"{self.section}.{self.key}"

    @property
    def variables(self) -> tuple[str, ...]:
        """Its names in the environment, the long one first."""
        long = f"{PREFIX}{self.section}_{self.key}".upper()
        return (long, self.rule.short) if self.rule.short else (long,)


def _entries(section: str, settings: type[Any]) -> dict[str, Entry]:
    hints = get_type_hints(settings)
    entries = {}
    for each in fields(settings):
        hint = hints[each.name]
        choices = get_args(hint) if get_origin(hint) is Literal else ()
        entries[each.name] = Entry(
            section, each.name, str if choices else hint, each.default, choices, rule_of(each.metadata)
        )
    return entries


SECTION_TYPES: Mapping[str, type[Any]] = MappingProxyType(get_type_hints(Settings))
SECTIONS: Mapping[str, Mapping[str, Entry]] = MappingProxyType(
    {name: _entries(name, kind) for name, kind in SECTION_TYPES.items()}
)
ENTRIES = tuple(entry for entries in SECTIONS.values() for entry in entries.values())
VARIABLES: Mapping[str, Entry] = MappingProxyType(
    {variable: entry for entry in ENTRIES for variable in entry.variables}
)
