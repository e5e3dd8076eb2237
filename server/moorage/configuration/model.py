"""A setting: its name, what it may hold, and what it holds when nobody has said anything."""

from dataclasses import dataclass

Value = bool | int | str


@dataclass(frozen=True, slots=True)
class Key:
    """One setting, under Harbor's name for it.

    Attributes:
        default: its type is that of the setting; the configuration file may say another.
        editable: administrators can change it; otherwise it tells what this registry is.
        hidden: for a secret; it is never shown.
        choices: the only texts it can be; empty for any.
        between: the least and the greatest number.
        longest: characters of a text.
    """

    name: str
    default: Value
    editable: bool = False
    hidden: bool = False
    choices: tuple[str, ...] = ()
    between: tuple[int, int] | None = None
    longest: int = 4096


@dataclass(frozen=True, slots=True)
class Shown:
    """What a setting holds, and whether that can be changed."""

    value: Value
    editable: bool
