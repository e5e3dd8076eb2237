"""Reading the configuration: defaults, then the file, then the environment, all checked.

Everything that is wrong is told at once. Values are not repeated in messages, numbers apart: one
of them may be a password, or one put into the wrong place.
"""

import re
import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path
from typing import Any

from moorage.config.entries import ENTRIES, PREFIX, SECTION_TYPES, SECTIONS, VARIABLES, Entry
from moorage.config.settings import Settings
from moorage.errors import Invalid

#: Variables with our prefix that are no settings.
_OTHER_VARIABLES = frozenset(
    {"MOORAGE_ADMIN_PASSWORD", "MOORAGE_CONFIG", "MOORAGE_CRASH_AT", "MOORAGE_CRASH_SKIP"}
)
_DEFAULT = "default"
_TEST_PREFIX = "MOORAGE_TEST_"
_WORDS = {"true": True, "yes": True, "1": True, "false": False, "no": False, "0": False}
_KINDS: Mapping[type, str] = {
    str: "a text",
    int: "a whole number",
    float: "a number",
    bool: "true or false",
    Path: "a path",
}
_whole = re.compile(r"[+-]?[0-9]{1,30}").fullmatch


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing that is wrong.

    Attributes:
        file: the file, or ``environment NAME``.
        key: ``section.key``; only ``section`` or "" where there is no more to say.
    """

    file: str
    key: str
    reason: str

    def __str__(self) -> str:
        return ": ".join(part for part in (self.file, self.key, self.reason) if part)


class ConfigurationError(Invalid):
    """The program cannot start with this configuration.

    Attributes:
        problems: all of them.
    """

    code = "CONFIGURATION_INVALID"

    def __init__(self, problems: Iterable[Problem]) -> None:
        self.problems = tuple(problems)
        super().__init__("\n".join(map(str, self.problems)))


def load(path: Path | None, env: Mapping[str, str]) -> Settings:
    """The settings from the file and the environment; the environment wins.

    Args:
        path: of the TOML file; None takes the one that ``MOORAGE_CONFIG`` names, or none.

    Raises:
        ConfigurationError: with everything that is wrong.
    """
    reader = _Reader()
    if path is None and env.get("MOORAGE_CONFIG"):
        path = Path(env["MOORAGE_CONFIG"])
    if path is not None:
        reader.read_file(path)
    reader.read_environment(env)
    reader.fill_defaults()
    if reader.problems:
        raise ConfigurationError(reader.problems)
    return reader.settings()


class _Reader:
    """Gathers values and problems."""

    def __init__(self) -> None:
        self.problems: list[Problem] = []
        self._values: dict[str, dict[str, object]] = {section: {} for section in SECTIONS}
        self._sources: dict[str, str] = {}

    def read_file(self, path: Path) -> None:
        file = str(path)
        try:
            body = path.read_bytes()
        except OSError as error:
            self._refuse(file, "", f"cannot be read: {error.strerror}")
            return
        try:
            document = tomllib.loads(body.decode())
        except UnicodeDecodeError as error:
            self._refuse(file, "", f"is not UTF-8 (at line {_lines(body[: error.start])})")
        except tomllib.TOMLDecodeError as error:
            place = f"at line {_lines(body.rstrip())}, the end"
            reason = str(error).replace("at end of document", place)
            self._refuse(file, "", f"TOML syntax error: {reason}")
        except (RecursionError, ValueError):
            self._refuse(file, "", "TOML syntax error: has a number or a nesting out of range")
        else:
            for section, content in document.items():
                self._read_section(file, section, content)

    def _read_section(self, file: str, section: str, content: object) -> None:
        entries = SECTIONS.get(section)
        if entries is None:
            if type(content) is dict:
                self._refuse(file, section, f"unknown section{_did_you_mean(section, SECTIONS)}")
            else:
                self._refuse(file, section, "unknown key outside of any section")
            return
        if type(content) is not dict:
            self._refuse(file, section, "is a section: write its keys below a line [section]")
            return
        for key, value in content.items():
            if key not in entries:
                self._refuse(file, f"{section}.{key}", f"unknown key{_suggest_key(key, entries)}")
                continue
            self._take(entries[key], file, value)

    def read_environment(self, env: Mapping[str, str]) -> None:
        for variable in sorted(env):
            if not variable.startswith(PREFIX) or variable in _OTHER_VARIABLES:
                continue
            entry = VARIABLES.get(variable)
            if entry is None:
                if not variable.startswith(_TEST_PREFIX):
                    reason = f"unknown variable{_did_you_mean(variable, VARIABLES)}"
                    self._refuse(f"environment {variable}", "", reason)
                continue
            long = entry.variables[0]
            if variable != long and env.get(long, env[variable]) != env[variable]:
                self._refuse(f"environment {variable}", entry.name, f"says otherwise than {long}")
            self._take_text(entry, f"environment {variable}", env[variable])

    def fill_defaults(self) -> None:
        """Take the defaults, which are checked too (is the data folder reachable?), and compare settings."""
        for entry in ENTRIES:
            if entry.name not in self._sources:
                default = str(entry.default) if entry.kind is Path else entry.default
                self._take(entry, _DEFAULT, default)
        self._compare_lock_outs()

    def _compare_lock_outs(self) -> None:
        login = self._values["login"]
        first, longest = login.get("lock_seconds"), login.get("max_lock_seconds")
        if isinstance(first, int) and isinstance(longest, int) and longest < first:
            names = ("login.max_lock_seconds", "login.lock_seconds")
            source = next(self._sources[name] for name in names if self._sources[name] != _DEFAULT)
            self._refuse(source, names[0], f"must be at least login.lock_seconds, which is {first}")

    def settings(self) -> Settings:
        sections: dict[str, Any] = {
            section: kind(**self._values[section]) for section, kind in SECTION_TYPES.items()
        }
        return Settings(**sections)

    def _take_text(self, entry: Entry, source: str, text: str) -> None:
        try:
            value = _from_text(entry.kind, text)
        except ValueError as error:
            self._sources[entry.name] = source
            self._refuse(source, entry.name, str(error))
        else:
            self._take(entry, source, value)

    def _take(self, entry: Entry, source: str, value: object) -> None:
        self._sources[entry.name] = source
        try:
            self._values[entry.section][entry.key] = _checked(entry, value)
        except ValueError as error:
            self._refuse(source, entry.name, str(error))

    def _refuse(self, source: str, key: str, reason: str) -> None:
        self.problems.append(Problem(source, key, reason))


def _lines(body: bytes) -> int:
    return body.count(b"\n") + 1


def _from_text(kind: type, text: str) -> object:
    """What a TOML file would have held instead of this text of the environment."""
    if kind is bool:
        if text.lower() not in _WORDS:
            raise ValueError(f"must be one of {', '.join(_WORDS)}")
        return _WORDS[text.lower()]
    if kind is int:
        if _whole(text) is None:
            raise ValueError("must be a whole number")
        return int(text)
    if kind is float:
        try:
            return float(text)
        except ValueError:
            raise ValueError("must be a number") from None
    return text


def _checked(entry: Entry, value: object) -> object:
    """The value as the settings hold it, or a `ValueError` with the reason."""
    expected = str if entry.kind is Path else entry.kind
    if entry.kind is float and type(value) is int:
        value = float(value)
    if type(value) is not expected:
        raise ValueError(f"must be {_KINDS[entry.kind]}, not {_described(value)}")
    if isinstance(value, str):
        return _checked_text(entry, value)
    limits = entry.rule.between
    # NaN is outside of everything, because it compares as neither below nor above.
    if limits and isinstance(value, int | float) and not limits[0] <= value <= limits[1]:
        raise ValueError(f"must be from {limits[0]} to {limits[1]}, not {value}")
    return value


def _checked_text(entry: Entry, text: str) -> str | Path:
    if entry.choices and text not in entry.choices:
        raise ValueError(f"must be one of {', '.join(entry.choices)}")
    if entry.rule.check is not None:
        text = entry.rule.check(text)
    return Path(text) if entry.kind is Path else text


def _described(value: object) -> str:
    names: Mapping[type, str] = {**_KINDS, dict: "a table", list: "an array"}
    return names.get(type(value), "a date or time")


def _suggest_key(key: str, entries: Mapping[str, Entry]) -> str:
    elsewhere = [entry.section for entry in ENTRIES if entry.key == key]
    if elsewhere:
        return f"; it belongs to [{elsewhere[0]}]"
    return _did_you_mean(key, entries)


def _did_you_mean(word: str, words: Iterable[str]) -> str:
    close = get_close_matches(word, words, n=1)
    return f"; did you mean {close[0]}?" if close else ""
