"""A connection to an address that was judged, under the name that was asked for."""

import socket
import ssl
import threading
import time
from collections.abc import Sequence
from http.client import HTTPConnection
from types import TracebackType

from moorage.outbound.errors import CallFailedError, CertificateUntrustedError
from moorage.outbound.target import Target

#: One address of several may cost so much.
_CONNECT_SECONDS = 2.0


class Deadline:
    """Ends a call that takes too long, also one whose other side goes on sending a byte now and then.

    The time-out of a socket counts from its last byte; this shuts the socket down.
    """

    def __init__(self, seconds: float) -> None:
        self._until = time.monotonic() + seconds
        self._timer = threading.Timer(seconds, self._end)
        self._timer.daemon = True
        self._socket: socket.socket | None = None
        self._lock = threading.Lock()
        self.over = False

    def __enter__(self) -> "Deadline":
        self._timer.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._timer.cancel()

    @property
    def left(self) -> float:
        """Seconds; never quite 0, which would mean not to wait at all."""
        return max(self._until - time.monotonic(), 0.001)

    def watch(self, connected: socket.socket) -> None:
        """Shut this one down when the time is over."""
        with self._lock:
            self._socket = connected
            if self.over:
                self._shut()

    def _end(self) -> None:
        with self._lock:
            self.over = True
            self._shut()

    def _shut(self) -> None:
        if self._socket is not None:
            try:
                # That of the class: the one of TLS would have its reader go on in plain text.
                socket.socket.shutdown(self._socket, socket.SHUT_RDWR)
            except OSError:
                return


class PinnedConnection(HTTPConnection):
    """Speaks to one of `addresses`, whatever the name resolves to by now; TLS checks the name.

    Args:
        context: None for plain HTTP.
    """

    def __init__(
        self, target: Target, addresses: Sequence[str], deadline: Deadline, context: ssl.SSLContext | None
    ) -> None:
        super().__init__(target.host, target.port, timeout=deadline.left)
        self._target = target
        self._addresses = addresses
        self._deadline = deadline
        self._context = context

    def connect(self) -> None:
        """Connect to the first address that takes it.

        Raises:
            CallFailedError: none does.
            CertificateUntrustedError: the other side cannot prove its name.
        """
        plain = self._reached()
        self._deadline.watch(plain)
        plain.settimeout(self._deadline.left)
        self.sock = plain
        if self._context is None:
            return
        try:
            secure = self._context.wrap_socket(plain, server_hostname=self._target.host)
        except ssl.SSLCertVerificationError as error:
            raise CertificateUntrustedError(error.verify_message) from error
        self.sock = secure
        self._deadline.watch(secure)

    def _reached(self) -> socket.socket:
        cause = "no address"
        for address in self._addresses:
            seconds = min(self._deadline.left, _CONNECT_SECONDS)
            try:
                return socket.create_connection((address, self._target.port), timeout=seconds)
            except OSError as error:
                cause = str(error)
        raise CallFailedError(f"{self._target.authority} cannot be connected to: {cause}")
