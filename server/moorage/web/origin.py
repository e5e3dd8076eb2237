"""Where the outside reaches us: the scheme and host in front of every address we give out."""

import re
from collections.abc import Mapping
from typing import Any

from moorage.config import ServerSettings
from moorage.errors import Invalid

#: Where tokens are to be had; challenges name it.
TOKEN_PATH = "/service/token"  # noqa: S105 - an address, not a secret

_HOST = re.compile(
    r"(?:[A-Za-z0-9](?:[A-Za-z0-9_.-]{0,253})|\[[0-9A-Fa-f:.]{2,45}\])(?::[0-9]{1,5})?"
).fullmatch
_SCHEMES = ("http", "https")
_DEFAULT_PORTS = {"http": ":80", "https": ":443"}


class HostInvalidError(Invalid):
    """The ``Host`` header is not a host."""


class Origin:
    """Builds absolute addresses, spelled as browsers spell an origin (RFC 6454, section 6.2).

    Clients resolve a relative ``Location`` differently, and the realm of a challenge has to be
    absolute anyway. The configured address wins; else it is what the client said it called.
    """

    def __init__(self, settings: ServerSettings) -> None:
        scheme, separator, host = settings.external_url.rstrip("/").partition("://")
        self._fixed = _spelled(scheme.lower(), host) if separator else ""
        self._behind_nginx = settings.behind_nginx

    def of(self, environ: Mapping[str, Any]) -> str:
        """``scheme://host[:port]`` for this request.

        Raises:
            HostInvalidError: nothing is configured and the ``Host`` header is malformed.
        """
        if self._fixed:
            return self._fixed
        scheme: str = environ["wsgi.url_scheme"]
        if self._behind_nginx:
            forwarded = environ.get("HTTP_X_FORWARDED_PROTO")
            scheme = forwarded if forwarded in _SCHEMES else scheme
        host = environ.get("HTTP_HOST") or f"{environ['SERVER_NAME']}:{environ['SERVER_PORT']}"
        if _HOST(host) is None:
            raise HostInvalidError("the Host header is malformed")
        return _spelled(scheme, host)


def _spelled(scheme: str, host: str) -> str:
    """Small letters, and no port where it is the scheme's own."""
    return f"{scheme}://{host.lower().removesuffix(_DEFAULT_PORTS[scheme])}"
