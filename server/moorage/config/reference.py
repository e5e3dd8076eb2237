"""The reference of all settings, ``server/docs/configuration.md``, made from the settings.

``python -m moorage.config.reference`` writes it to standard output.
"""

import sys

from moorage.config.entries import SECTION_TYPES, SECTIONS, Entry

_INTRODUCTION = """\
# Configuration

Every setting has a default. A TOML file changes it, and an environment variable changes it again;
the environment wins. The file is the one that `MOORAGE_CONFIG` names; without it none is read.

```toml
[server]
port = 5000
external_url = "https://registry.example.com"

[projects]
creation = "adminonly"
```

Everything is checked at start, and everything that is wrong is told at once, each with its file (or
variable), its key and the reason. Unknown sections, keys and `MOORAGE_` variables are refused.

In the environment a truth value is one of `true`, `yes`, `1`, `false`, `no`, `0`. These variables
are no settings:

| Variable | Meaning |
|---|---|
| `MOORAGE_CONFIG` | Path of the TOML file. |
| `MOORAGE_ADMIN_PASSWORD` | Password of the first administrator, read once, when there is no account yet. |
"""
_COLUMNS = "| Key | Type | Default | Environment | Meaning |\n|---|---|---|---|---|\n"


def markdown() -> str:
    """The whole page."""
    return _INTRODUCTION + "".join(map(_section, SECTIONS))


def _section(name: str) -> str:
    purpose = (SECTION_TYPES[name].__doc__ or "").partition(";")[0].rstrip(".")
    rows = "".join(map(_row, SECTIONS[name].values()))
    return f"\n## [{name}]\n\n{purpose}.\n\n{_COLUMNS}{rows}"


def _row(entry: Entry) -> str:
    variables = "<br>".join(f"`{variable}`" for variable in entry.variables)
    return f"| `{entry.key}` | {_kind(entry)} | {_default(entry)} | {variables} | {entry.rule.doc} |\n"


def _kind(entry: Entry) -> str:
    if entry.choices:
        return ", ".join(f"`{choice}`" for choice in entry.choices)
    names = {"str": "text", "int": "whole number", "float": "number", "bool": "truth value", "Path": "path"}
    kind = names[entry.kind.__name__]
    limits = entry.rule.between
    return f"{kind}, {limits[0]} to {limits[1]}" if limits else kind


def _default(entry: Entry) -> str:
    default = entry.default
    if isinstance(default, bool):
        return f"`{str(default).lower()}`"
    return f"`{default}`" if default != "" else "empty"


if __name__ == "__main__":
    sys.stdout.write(markdown())
