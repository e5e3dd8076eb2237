"""The settings of a project as Harbor's clients send them: strings, many of which mean nothing here.

A client that leaves a setting at the value that stands for "off" is not bothered. One that asks for
something this server does not do is told so, rather than left to believe that it does.
"""

from collections.abc import Mapping

from moorage.errors import Invalid
from moorage.web.harbor.body import Body

PUBLIC = "public"
#: Harbor's other settings, and the values that ask for nothing.
_OFF: Mapping[str, frozenset[str]] = {
    "enable_content_trust": frozenset({"", "false"}),
    "enable_content_trust_cosign": frozenset({"", "false"}),
    "prevent_vul": frozenset({"", "false"}),
    "severity": frozenset({"", "none", "low"}),
    "auto_scan": frozenset({"", "false"}),
    "auto_sbom_generation": frozenset({"", "false"}),
    "reuse_sys_cve_allowlist": frozenset({"", "true", "false"}),
    "retention_id": frozenset({"", "0"}),
    "proxy_speed_kb": frozenset({"", "-1", "0"}),
    "max_upstream_conn": frozenset({"", "-1", "0"}),
    "proxy_cache_local_on_not_found": frozenset({"", "false"}),
    "proxy_referrer_api": frozenset({"", "false"}),
    "proxy_cache_filter_pattern": frozenset({""}),
    "proxy_cache_filter_kind": frozenset({"", "doublestar", "regex"}),
}
NAMES = frozenset({PUBLIC, *_OFF})
_FLAGS = {"true": True, "false": False}


class SettingInvalidError(Invalid):
    """A setting with a value that it cannot have, or that this server does not offer."""


def public_flag(metadata: Body | None, *, retention_id: int | None = None) -> bool | None:
    """What `metadata` says about `public`; None when it says nothing.

    Args:
        retention_id: of the project's policy, which clients send back because they got it.

    Raises:
        SettingInvalidError: a setting asks for what this server does not do.
    """
    if metadata is None:
        return None
    public = None
    for name, value in metadata.texts().items():
        if name == PUBLIC:
            public = flag(name, value)
        elif name != "retention_id" or retention_id is None or value != str(retention_id):
            _check_off(name, value)
    return public


def flag(name: str, value: str) -> bool:
    """A setting that is on or off.

    Raises:
        SettingInvalidError: the value is neither ``"true"`` nor ``"false"``.
    """
    if value not in _FLAGS:
        raise SettingInvalidError(f'metadata.{name} is "true" or "false"')
    return _FLAGS[value]


def _check_off(name: str, value: str) -> None:
    if value not in _OFF[name]:
        offered = " or ".join(f'"{each}"' for each in sorted(_OFF[name]) if each) or '""'
        raise SettingInvalidError(f"metadata.{name}: this server offers {offered} only")
