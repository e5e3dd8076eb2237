"""Listening sockets, bound once by the parent and shared with every process it forks."""

import contextlib
import errno
import os
import socket
import stat
from pathlib import Path

from moorage.serving.linux import fence

_BACKLOG = 1024
_SOCKET_UMASK = 0o117  # mode 0660: the proxy is in our group

_REASONS = {
    errno.EADDRINUSE: "another program listens there; stop it or choose another port",
    errno.EACCES: "this account may not; ports below 1024 need the right to bind them",
    errno.EADDRNOTAVAIL: "this machine does not have that address",
}


class ListenError(Exception):
    """A socket cannot be bound; says which and why."""


class Listener:
    """One bound and listening socket.

    Attributes:
        address: for people, for instance ``http://127.0.0.1:5000``.
    """

    def __init__(self, bound: socket.socket, address: str) -> None:
        self.socket = bound
        self.address = address

    def close(self, *, fenced: bool) -> None:
        """Take no new connection from now on; processes that share the socket go on with it.

        Args:
            fenced: keep out new connections in every process that shares the socket.
        """
        if self.socket.family == socket.AF_UNIX:
            with contextlib.suppress(FileNotFoundError):
                os.unlink(self.socket.getsockname())
        elif fenced:
            fence(self.socket)
        self.socket.close()


def listen(host: str, port: int) -> Listener:
    """Listen on a TCP address; port 0 takes a free one.

    Raises:
        ListenError: it is taken, or is not ours to take.
    """
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(
            host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )[0]
    except OSError as error:
        raise ListenError(f"cannot listen on {host}: {error.strerror or error}") from error
    bound = socket.socket(family, kind, protocol)
    try:
        bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if family == socket.AF_INET6:
            bound.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, int(host != "::"))
        bound.bind(address)
        bound.listen(_BACKLOG)
    except OSError as error:
        bound.close()
        raise ListenError(f"cannot listen on {host}:{port}: {_reason(error)}") from error
    actual = bound.getsockname()
    shown = f"[{actual[0]}]" if family == socket.AF_INET6 else actual[0]
    return Listener(bound, f"http://{shown}:{actual[1]}")


def listen_unix(path: Path) -> Listener:
    """Listen on a Unix socket that its owner and group may use; a stale one is replaced.

    A missing folder is made.

    Raises:
        ListenError: another program listens there, or the path is something else.
    """
    bound = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        path.parent.mkdir(mode=0o750, parents=True, exist_ok=True)
        _remove_stale(path)
        before = os.umask(_SOCKET_UMASK)
        try:
            bound.bind(str(path))
        finally:
            os.umask(before)
        bound.listen(_BACKLOG)
    except OSError as error:
        bound.close()
        raise ListenError(f"cannot listen on {path}: {_reason(error)}") from error
    return Listener(bound, f"unix:{path}")


def _remove_stale(path: Path) -> None:
    """Remove the socket of a program that has ended."""
    try:
        if not stat.S_ISSOCK(path.lstat().st_mode):
            raise OSError(errno.EEXIST, "there is something else")
    except FileNotFoundError:
        return
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as probe:
        try:
            probe.connect(str(path))
        except ConnectionRefusedError:
            path.unlink(missing_ok=True)
        else:
            raise OSError(errno.EADDRINUSE, os.strerror(errno.EADDRINUSE))


def _reason(error: OSError) -> str:
    return _REASONS.get(error.errno or 0, error.strerror or str(error))
