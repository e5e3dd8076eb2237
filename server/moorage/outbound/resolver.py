"""Names into addresses, within a time: the C library has none of its own."""

import socket
import threading
from collections.abc import Callable, Sequence

from moorage.outbound.errors import CallFailedError

#: Host and port into addresses; raises OSError when there are none.
Resolve = Callable[[str, int], Sequence[str]]

#: So many questions may hang at once; further ones fail at once.
_MOST = 16


def system_resolve(host: str, port: int) -> Sequence[str]:
    """What this machine's resolver says, each address once.

    Raises:
        OSError: nothing.
    """
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(str(each[4][0]) for each in found))


class Resolver:
    """Asks in threads of its own, which are left behind when they take too long."""

    def __init__(self, resolve: Resolve = system_resolve, most: int = _MOST) -> None:
        self._resolve = resolve
        self._free = threading.BoundedSemaphore(most)

    def addresses(self, host: str, port: int, seconds: float) -> Sequence[str]:
        """The addresses of `host`, never empty.

        Raises:
            CallFailedError: it has none, or nobody told in time.
        """
        if not self._free.acquire(blocking=False):
            raise CallFailedError("too many names are being resolved")
        found: list[Sequence[str]] = []
        cause = ["no answer in time"]

        def ask() -> None:
            try:
                found.append(self._resolve(host, port))
            except (OSError, UnicodeError) as error:
                cause[0] = str(error)
            finally:
                self._free.release()

        asking = threading.Thread(target=ask, name="outbound-resolve", daemon=True)
        asking.start()
        asking.join(seconds)
        if not found or not found[0]:
            raise CallFailedError(f"{host} cannot be resolved: {cause[0]}")
        return found[0]
