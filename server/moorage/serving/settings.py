"""waitress's own settings, from ours."""

import socket
import sys

from waitress.adjustments import Adjustments

from moorage.config import ServerSettings

#: A client may hold a connection without a word for so long. More than the 60 s that nginx keeps
#: an idle connection to us, so that nginx is always the one to close it.
IDLE_SECONDS = 75
_HEADER_BYTES = 64 << 10
_CONNECTIONS = 4096


def adjustments(settings: ServerSettings, family: socket.AddressFamily) -> Adjustments:
    """How one process serves a listening socket of that family."""
    unix = family == socket.AF_UNIX
    trusted: dict[str, object] = {}
    if unix or settings.behind_nginx:
        # Peers on a Unix socket are all called "localhost".
        trusted = {
            "trusted_proxy": "localhost" if unix else "127.0.0.1",
            "trusted_proxy_headers": "x-forwarded-for x-forwarded-proto",
        }
    return Adjustments(
        threads=settings.threads,
        connection_limit=_CONNECTIONS,
        channel_timeout=IDLE_SECONDS,
        max_request_header_size=_HEADER_BYTES,
        # Bodies have limits of their own, which the application explains in its own words.
        max_request_body_size=sys.maxsize,
        clear_untrusted_proxy_headers=True,
        expose_tracebacks=False,
        ident=None,
        **trusted,
    )
