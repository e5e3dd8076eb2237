"""The secrets that this appliance has: what must be in no line that leaves it."""

import base64
import json
import tomllib
from collections.abc import Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from urllib.parse import unquote, urlsplit

from moorage_appliance.paths import Paths
from moorage_appliance.properties import BY_KEY, Kind

_SECRET_KINDS = frozenset({Kind.PASSWORD, Kind.SECRET_PEM})
#: Names of settings whose values are secrets, by what is in them.
SECRET_NAMES = ("password", "secret", "token", "passphrase", "credential")
_MOST_BYTES = 65_536
#: A shorter line of a key says nothing, and is found in many harmless places.
_LEAST_OF_A_LINE = 16


def secret_values(paths: Paths) -> frozenset[str]:
    """Every secret that is found where secrets lie: properties, configuration, keys, passwords."""
    found: set[str] = set()
    for folder in (paths.run, paths.state):
        found.update(_of_properties(folder / "properties.json"))
    found.update(_of_configuration(paths.configuration / "moorage.toml"))
    for path in _key_files(paths):
        found.update(_of_key(path))
    for path in (paths.admin_password, paths.registry / "admin-password"):
        found.update(_text(path).splitlines())
    found.update(_of_shadow(paths.etc / "shadow"))
    return frozenset(each.strip() for each in found if each.strip())


def _of_properties(path: Path) -> Iterator[str]:
    with suppress(ValueError):
        values = json.loads(_text(path) or "{}")
        for key, value in values.items():
            if not isinstance(value, str):
                continue
            if key in BY_KEY and BY_KEY[key].kind in _SECRET_KINDS:
                yield from _lines_of_key(value) if "-----BEGIN" in value else _plain(value)
            yield from _of_url(value)


def _plain(value: str) -> Iterator[str]:
    """Of a URL its password alone is the secret."""
    if "://" not in value:
        yield value


def _of_configuration(path: Path) -> Iterator[str]:
    with suppress(ValueError):
        yield from _of_settings(tomllib.loads(_text(path)))


def _of_settings(settings: Mapping[str, object]) -> Iterator[str]:
    for name, value in settings.items():
        if isinstance(value, Mapping):
            yield from _of_settings(value)
        elif isinstance(value, str):
            if any(word in name for word in SECRET_NAMES):
                yield value
            yield from _of_url(value)


def _of_url(text: str) -> Iterator[str]:
    """The password of a URL, as it is written and as it is meant."""
    with suppress(ValueError):
        if "://" in text and (password := urlsplit(text).password):
            yield password
            yield unquote(password)


def _key_files(paths: Paths) -> Iterator[Path]:
    for folder in (paths.tls, paths.state, paths.registry / "keys", paths.etc / "ssh"):
        with suppress(OSError):
            for path in folder.rglob("*"):
                if path.is_file() and (path.suffix in (".key", ".pem") or path.name.endswith("_key")):
                    yield path


def _of_key(path: Path) -> Iterator[str]:
    """The lines of a key in text; of one in bytes the ways to write it."""
    try:
        body = path.read_bytes()[:_MOST_BYTES]
    except OSError:
        return
    if b"PRIVATE KEY" in body:
        yield from _lines_of_key(body.decode(errors="replace"))
    elif b"-----BEGIN" not in body:
        yield body.hex()
        yield base64.b64encode(body).decode().rstrip("=")
        yield base64.urlsafe_b64encode(body).decode().rstrip("=")


def _lines_of_key(text: str) -> Iterator[str]:
    """Also of a key that was pasted on one line, with blanks or ``\\n`` in it."""
    if "-----BEGIN" not in text:
        return
    for line in text.replace("\\n", " ").split():
        if len(line) >= _LEAST_OF_A_LINE and not line.startswith("-----"):
            yield line


def _of_shadow(path: Path) -> Iterator[str]:
    for line in _text(path).splitlines():
        hashed = line.split(":")[1:2]
        yield from (each for each in hashed if each.startswith("$"))


def _text(path: Path) -> str:
    try:
        return path.read_bytes()[:_MOST_BYTES].decode(errors="replace")
    except OSError:
        return ""
