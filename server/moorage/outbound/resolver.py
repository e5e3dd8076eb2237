"""Names into addresses, within a time: the C library has none of its own."""

import socket
import threading
from collections.abc import Callable, Sequence

from moorage.outbound.errors import NameUnusableError, ResolverBusyError

#: Host and port into addresses; raises OSError when there are none.
Resolve = Callable[[str, int], Sequence[str]]

#: So many names may hang at once; further ones fail at once.
_MOST = 16


def system_resolve(host: str, port: int) -> Sequence[str]:
    """What this machine's resolver says, each address once.

    Raises:
        OSError: nothing.
    """
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return _addresses(found)


def spelled_out(host: str) -> Sequence[str]:
    """The address that `host` is a spelling of, one that the C library knows; empty for a name.

    Nobody is asked for it.
    """
    try:
        found = socket.getaddrinfo(host, None, type=socket.SOCK_STREAM, flags=socket.AI_NUMERICHOST)
    except (OSError, UnicodeError):
        return ()
    return _addresses(found)


class _Question:
    """One name that is being asked for, by however many callers."""

    def __init__(self) -> None:
        self.answered = threading.Event()
        self.found: Sequence[str] = ()
        self.cause = "no answer in time"


class Resolver:
    """Asks in threads of its own, which are left behind when they take too long.

    A name that hangs is asked for once, however many calls wait for it, so that a slow one takes no
    more than its own place.
    """

    def __init__(self, resolve: Resolve = system_resolve, most: int = _MOST) -> None:
        self._resolve = resolve
        self._most = most
        self._lock = threading.Lock()
        self._open: dict[tuple[str, int], _Question] = {}

    def addresses(self, host: str, port: int, seconds: float) -> Sequence[str]:
        """The addresses of `host`, never empty.

        Raises:
            NameUnusableError: it has none, or nobody told in time.
            ResolverBusyError: too many others hang.
        """
        written = spelled_out(host)
        if written:
            return written
        question = self._question(host, port)
        question.answered.wait(seconds)
        if not question.found:
            raise NameUnusableError(f"{host} cannot be resolved: {question.cause}")
        return question.found

    def _question(self, host: str, port: int) -> _Question:
        key = (host, port)
        with self._lock:
            known = self._open.get(key)
            if known is not None:
                return known
            if len(self._open) >= self._most:
                raise ResolverBusyError
            question = self._open[key] = _Question()
        asking = threading.Thread(
            target=self._ask, args=(key, question), name="outbound-resolve", daemon=True
        )
        try:
            asking.start()
        except RuntimeError as error:  # no more threads
            self._close(key)
            raise ResolverBusyError from error
        return question

    def _ask(self, key: tuple[str, int], question: _Question) -> None:
        try:
            question.found = self._resolve(*key)
        except (OSError, UnicodeError) as error:
            question.cause = str(error)
        finally:
            self._close(key)
            question.answered.set()

    def _close(self, key: tuple[str, int]) -> None:
        with self._lock:
            del self._open[key]


def _addresses(found: Sequence[tuple[object, ...]]) -> Sequence[str]:
    places = [each[4] for each in found]
    return list(dict.fromkeys(str(place[0]) for place in places if isinstance(place, tuple)))
