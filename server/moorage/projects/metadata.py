"""The settings of a project as Harbor names them: strings, each with what it may hold. Pure."""

import re
from collections.abc import Callable, Mapping

from moorage.projects.errors import MetadataInvalidError

PUBLIC = "public"
#: The number of the project's retention policy, which is shown and follows from the policy.
RETENTION = "retention_id"
REUSE_ALLOWLIST = "reuse_sys_cve_allowlist"

_SEVERITIES = frozenset({"none", "unknown", "negligible", "low", "medium", "high", "critical"})
_LONGEST_PATTERN = 1024
_number = re.compile(r"-1|0|[1-9][0-9]{0,9}").fullmatch


def _flag(value: str) -> str | None:
    lower = value.lower()
    return lower if lower in ("true", "false") else None


def _severity(value: str) -> str | None:
    return value.lower() if value.lower() in _SEVERITIES else None


def _count(value: str) -> str | None:
    return value if _number(value) else None


def _pattern(value: str) -> str | None:
    return value if len(value) <= _LONGEST_PATTERN and value.isprintable() else None


def _kind(value: str) -> str | None:
    return value if value in ("doublestar", "regex") else None


_FLAG = (_flag, '"true" or "false"')
_COUNT = (_count, "a whole number from -1 on")
#: What is stored: of each setting how to read it, and what it is in words. `PUBLIC` and `RETENTION`
#: are columns of their own elsewhere.
_STORED: Mapping[str, tuple[Callable[[str], str | None], str]] = {
    "enable_content_trust": _FLAG,
    "enable_content_trust_cosign": _FLAG,
    "prevent_vul": _FLAG,
    "severity": (_severity, " or ".join(sorted(_SEVERITIES))),
    "auto_scan": _FLAG,
    "auto_sbom_generation": _FLAG,
    REUSE_ALLOWLIST: _FLAG,
    "proxy_speed_kb": _COUNT,
    "max_upstream_conn": _COUNT,
    "proxy_cache_local_on_not_found": _FLAG,
    "proxy_referrer_api": _FLAG,
    "proxy_cache_filter_pattern": (_pattern, f"a text of at most {_LONGEST_PATTERN} characters"),
    "proxy_cache_filter_kind": (_kind, "doublestar or regex"),
}
NAMES = frozenset({PUBLIC, RETENTION, *_STORED})


def checked(values: Mapping[str, str]) -> dict[str, str]:
    """The same settings in the form in which they are kept; "" takes a setting away.

    Raises:
        MetadataInvalidError: one is not stored like this, or has a value that it cannot have.
    """
    found = {}
    for name, value in values.items():
        if name not in _STORED:
            raise MetadataInvalidError(f"metadata.{name[:80]}: there is no such setting")
        read, words = _STORED[name]
        kept = read(value) if value else ""
        if kept is None:
            raise MetadataInvalidError(f"metadata.{name} is {words}")
        found[name] = kept
    return found


def public_flag(value: str) -> bool:
    """Whether the setting `PUBLIC` says that the project is public.

    Raises:
        MetadataInvalidError: it says neither.
    """
    kept = _flag(value)
    if kept is None:
        raise MetadataInvalidError('metadata.public is "true" or "false"')
    return kept == "true"
