"""Every setting that clients of Harbor know, and what each is worth here. Pure.

A key that this registry has no use for is there with the value that stands for "off", so that
clients find what they look for; it cannot be changed, so that nobody believes it has an effect.
"""

from collections.abc import Mapping

from moorage.configuration.errors import SettingInvalidError, SettingUnknownError
from moorage.configuration.model import Key, Value

AUTH_MODE = "auth_mode"
BANNER = "banner_message"
CREATION = "project_creation_restriction"
LOG_ENDPOINT = "audit_log_forward_endpoint"
NOTIFICATIONS = "notification_enable"
READ_ONLY = "read_only"
ROBOT_DAYS = "robot_token_duration"
SCANNER_PULLS = "scanner_skip_update_pulltime"
SELF_REGISTRATION = "self_registration"
SESSION_MINUTES = "session_timeout"
STORAGE_LIMIT = "storage_per_project"
TOKEN_MINUTES = "token_expiration"  # noqa: S105 - a name, not a secret

_MAX_DAYS = 36_500
_MINUTES_OF_A_MONTH = 43_200
_OURS = (
    # People of a directory and local accounts stand side by side. In Harbor's other modes its clients
    # no longer offer to create accounts and to change passwords, both of which work here.
    Key(AUTH_MODE, "db_auth"),
    Key("primary_auth_mode", True),
    Key(SELF_REGISTRATION, False),
    Key(CREATION, "everyone", editable=True, choices=("everyone", "adminonly")),
    Key(READ_ONLY, False, editable=True),
    Key("quota_per_project_enable", True),
    Key(STORAGE_LIMIT, -1, editable=True, between=(-1, 2**50)),
    Key(ROBOT_DAYS, 30, editable=True, between=(1, _MAX_DAYS)),
    Key("robot_name_prefix", "robot$"),
    Key(TOKEN_MINUTES, 15, between=(1, 1440)),
    Key(SESSION_MINUTES, 60, editable=True, between=(1, _MINUTES_OF_A_MONTH)),
    Key(BANNER, "", editable=True),
    Key(NOTIFICATIONS, True, editable=True),
    Key(LOG_ENDPOINT, ""),
    Key("skip_audit_log_database", False),
    Key("disabled_audit_log_event_types", ""),
    Key(SCANNER_PULLS, True),
)
_OFF = (
    *(
        Key(f"ldap_{name}", "")
        for name in (
            "base_dn",
            "filter",
            "group_base_dn",
            "group_admin_dn",
            "group_attribute_name",
            "group_search_filter",
            "group_membership_attribute",
            "search_dn",
            "uid",
            "url",
        )
    ),
    Key("ldap_group_search_scope", 2),
    Key("ldap_group_attach_parallel", False),
    Key("ldap_scope", 2),
    Key("ldap_timeout", 5),
    Key("ldap_verify_cert", True),
    Key("ldap_search_password", "", hidden=True),
    Key("uaa_client_id", ""),
    Key("uaa_client_secret", "", hidden=True),
    Key("uaa_endpoint", ""),
    Key("uaa_verify_cert", True),
    *(
        Key(f"http_authproxy_{name}", "")
        for name in (
            "endpoint",
            "tokenreview_endpoint",
            "admin_groups",
            "admin_usernames",
            "server_certificate",
        )
    ),
    Key("http_authproxy_verify_cert", True),
    Key("http_authproxy_skip_search", False),
    *(
        Key(f"oidc_{name}", "")
        for name in (
            "name",
            "endpoint",
            "client_id",
            "groups_claim",
            "admin_group",
            "group_filter",
            "scope",
            "user_claim",
            "extra_redirect_parms",
        )
    ),
    Key("oidc_client_secret", "", hidden=True),
    Key("oidc_verify_cert", True),
    Key("oidc_auto_onboard", False),
    Key("oidc_logout", False),
)
#: Every setting by its name.
KEYS: Mapping[str, Key] = {key.name: key for key in (*_OURS, *_OFF)}

_KINDS: Mapping[type, str] = {bool: "true or false", int: "a whole number", str: "a text"}


def known(name: str) -> Key:
    """The setting of that name.

    Raises:
        SettingUnknownError: there is none.
    """
    found = KEYS.get(name)
    if found is None:
        raise SettingUnknownError(f"there is no setting {name[:80]!r}")
    return found


def checked(key: Key, value: object) -> Value:
    """The same value, if the setting can have it.

    Raises:
        SettingInvalidError: it cannot.
    """
    if type(value) is not type(key.default):  # True is an int for isinstance
        raise SettingInvalidError(f"{key.name} is {_KINDS[type(key.default)]}")
    if isinstance(value, str):
        if key.choices and value not in key.choices:
            raise SettingInvalidError(f"{key.name} is {' or '.join(key.choices)}")
        if len(value) > key.longest or any(not (each.isprintable() or each in "\n\t") for each in value):
            raise SettingInvalidError(
                f"{key.name} has more than {key.longest} characters, or some that cannot be printed"
            )
        return value
    if isinstance(value, int) and not isinstance(value, bool) and key.between is not None:
        least, most = key.between
        if not least <= value <= most:
            raise SettingInvalidError(f"{key.name} is a number from {least} to {most}")
    assert isinstance(value, bool | int)  # noqa: S101 - tells the type checker
    return value
