"""What the service manager is told: systemd starts what comes after us when we really serve.

See sd_notify(3): a datagram of lines to the socket that NOTIFY_SOCKET names.
"""

import logging
import os
import socket

_log = logging.getLogger(__name__)


def tell_ready(status: str) -> None:
    """Say that everything is up; nothing happens where nobody asked.

    Args:
        status: one line for people, shown by ``systemctl status``.
    """
    where = os.environ.get("NOTIFY_SOCKET")
    if not where:
        return
    address = "\0" + where[1:] if where.startswith("@") else where
    message = f"READY=1\nSTATUS={' '.join(status.split())}\n".encode()
    try:
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC) as sender:
            sender.sendto(message, address)
    except OSError as error:  # it serves all the same
        _log.warning("the service manager could not be told: %s", error)
