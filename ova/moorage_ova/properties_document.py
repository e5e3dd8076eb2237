"""The table of properties as a page of the documentation: ``server/docs/appliance-properties.md``."""

import sys
from itertools import groupby

from moorage_appliance.properties import PROPERTIES, Kind, Property

_PREFACE = """# Properties of the appliance

Printed from `appliance/moorage_appliance/properties.py`; change it there.

They are asked for when the appliance is deployed, and can be changed later: shut the guest down, edit the
machine's vApp options, start it. What is marked *first start* is applied once and changed on the appliance
from then on. All may stay empty; no password has a default. A value that is wrong never stops the start: the
console and the appliance's web page say which one it is and how to mend it.

Certificates and keys in PEM may stand on one line, as vSphere's clients paste them.
"""
_COLUMNS = "| Property | Name | Value | Default | Meaning |\n|---|---|---|---|---|\n"


def markdown() -> str:
    """The page; a test keeps the file equal."""
    return _PREFACE + "".join(
        f"\n## {category}\n\n{_COLUMNS}{''.join(map(_row, some))}"
        for category, some in groupby(PROPERTIES, key=lambda each: each.category)
    )


def _row(each: Property) -> str:
    default = f"`{each.default}`" if each.default else "empty"
    meaning = " ".join(filter(None, (each.description, "*First start.*" if each.once else "")))
    return f"| `{each.key}` | {each.label} | {_value(each)} | {default} | {meaning} |\n".replace("  ", " ")


def _value(each: Property) -> str:
    if each.kind is Kind.CHOICE:
        return ", ".join(f"`{choice}`" for choice in each.choices)
    if each.kind is Kind.NUMBER:
        return f"{each.minimum} to {each.maximum}"
    if each.kind is Kind.FLAG:
        return "`True` or `False`"
    length = f"{each.minimum} to {each.maximum}" if each.minimum else f"up to {each.maximum}"
    words = {
        Kind.TEXT: "text",
        Kind.PASSWORD: "hidden text",
        Kind.PEM: "PEM",
        Kind.SECRET_PEM: "PEM, hidden",
    }
    return f"{words[each.kind]}, {length}"


if __name__ == "__main__":
    sys.stdout.write(markdown())
