"""The configuration: one TOML file, environment variables, and the defaults (`settings`).

Every setting is declared and documented once, in `settings`; loader, environment names and
``server/docs/configuration.md`` follow from that.
"""

from moorage.config.loader import ConfigurationError, Problem, load
from moorage.config.settings import (
    AuditSettings,
    DatabaseSettings,
    LoginSettings,
    LogSettings,
    ProjectsSettings,
    RegistrySettings,
    ServerSettings,
    Settings,
    StorageSettings,
    SyslogSettings,
    TokenSettings,
    UploadsSettings,
)

__all__ = (
    "AuditSettings",
    "ConfigurationError",
    "DatabaseSettings",
    "LogSettings",
    "LoginSettings",
    "Problem",
    "ProjectsSettings",
    "RegistrySettings",
    "ServerSettings",
    "Settings",
    "StorageSettings",
    "SyslogSettings",
    "TokenSettings",
    "UploadsSettings",
    "load",
)
