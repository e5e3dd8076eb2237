"""The way to a vCenter: bounded in time and in number, and only ever to who it should be.

Verification is never off: either the certificate has issuers that are trusted and names the host, or it is
the very one whose thumbprint is known, and then nothing else about it matters. That is decided here, before
a single byte is sent, and not left to a library that makes exceptions for addresses of the same machine.
"""

import contextlib
import hmac
import http.client
import logging
import os
import socket
import ssl
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future
from typing import TypeVar

from moorage.certificates import Certificate, described, thumbprint_of
from moorage.config.settings import DirectorySettings
from moorage.identity.connection import Connection
from moorage.identity.errors import DirectoryAwayError, DirectoryBusyError, DirectoryUntrustedError

Result = TypeVar("Result")
#: How long a caller waits for its turn while the directory answers well.
_PATIENCE_SECONDS = 1.0
_LEAST_SECONDS = 0.01
_log = logging.getLogger(__name__)


class Deadline:
    """The time that one question has, and the means to end it."""

    def __init__(self, settings: DirectorySettings) -> None:
        self._connect = settings.connect_seconds
        self._end = time.monotonic() + settings.timeout_seconds
        self._lock = threading.Lock()
        self._held: list[socket.socket] = []
        self._over = False

    def left(self) -> float:
        """Seconds until it is over, never quite 0."""
        return max(_LEAST_SECONDS, self._end - time.monotonic())

    def to_connect(self) -> float:
        """Seconds that connecting may take."""
        return min(self._connect, self.left())

    def hold(self, sock: socket.socket) -> None:
        """End this connection too when the time is over."""
        # A second handle on it: TLS takes the first one away.
        handle = socket.socket(fileno=os.dup(sock.fileno()))
        with self._lock:
            self._held.append(handle)
            if self._over:
                _shut(handle)

    def cut(self) -> None:
        """The time is over: whoever reads or writes on one of the connections gets an error at once."""
        with self._lock:
            self._over = True
            for handle in self._held:
                _shut(handle)

    def release(self) -> None:
        """Let go of the connections."""
        with self._lock:
            for handle in self._held:
                handle.close()
            self._held.clear()


class Bounded:
    """Runs questions in threads of their own, so many at once, each for so long and no longer.

    The caller is free when the time is over, even if the name service or the kernel holds the thread.
    """

    def __init__(self, settings: DirectorySettings) -> None:
        self._settings = settings
        self._slots = threading.BoundedSemaphore(settings.calls)
        self._answers = True

    def run(self, work: Callable[[Deadline], Result]) -> Result:
        """What `work` returns.

        Raises:
            DirectoryAwayError: it took too long, or it did so the last time and others wait for it still.
            DirectoryBusyError: there are too many questions already, and answers come.
            MoorageError: whatever `work` raises.
        """
        # Who waits holds a thread of the server; that is worth it only while answers come.
        if not self._slots.acquire(timeout=_PATIENCE_SECONDS if self._answers else 0):
            if self._answers:
                raise DirectoryBusyError("too many questions wait for vCenter; try again in a moment")
            raise DirectoryAwayError("vCenter does not answer, and too many questions wait for it already")
        deadline = Deadline(self._settings)
        future: Future[Result] = Future()
        thread = threading.Thread(
            target=self._carry, args=(future, work, deadline), name="directory", daemon=True
        )
        try:
            thread.start()
        except RuntimeError:
            self._slots.release()
            raise DirectoryBusyError("the process has no thread left to ask vCenter") from None
        try:
            return self._outcome(future, deadline)
        finally:
            deadline.cut()

    def _outcome(self, future: "Future[Result]", deadline: Deadline) -> Result:
        try:
            found = future.result(timeout=deadline.left())
        except TimeoutError:
            self._answers = False
            raise DirectoryAwayError("vCenter takes too long to answer") from None
        except DirectoryAwayError:
            self._answers = False
            raise
        self._answers = True
        return found

    def _carry(
        self, future: "Future[Result]", work: Callable[[Deadline], Result], deadline: Deadline
    ) -> None:
        try:
            result = work(deadline)
        except BaseException as error:  # the caller gets it, whatever it is
            future.set_exception(error)
        else:
            future.set_result(result)
        finally:
            deadline.release()
            self._slots.release()


class Line(http.client.HTTPSConnection):
    """A connection to the vCenter that is meant, verified before anything is said."""

    def __init__(self, connection: Connection, deadline: Deadline) -> None:
        self._context = context = _context(connection)
        self._connection = connection
        self._deadline = deadline
        super().__init__(connection.host, connection.port, context=context)

    def connect(self) -> None:
        """Connect and verify.

        Raises:
            DirectoryUntrustedError: the certificate is another one; nothing was sent.
            OSError: nobody answers.
        """
        plain = socket.create_connection(
            (self._connection.host, self._connection.port), self._deadline.to_connect()
        )
        try:
            plain.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            self._deadline.hold(plain)
            self.sock = self._secured(plain)
        except BaseException:
            plain.close()
            raise
        self.sock.settimeout(self._deadline.left())

    def _secured(self, plain: socket.socket) -> ssl.SSLSocket:
        try:
            secured = self._context.wrap_socket(plain, server_hostname=self._connection.host)
        except ssl.SSLCertVerificationError as error:
            _log.warning(
                "the certificate of %s is refused: %s", self._connection.address, error.verify_message
            )
            raise DirectoryUntrustedError(
                f"the certificate of {self._connection.address} cannot be verified: {error.verify_message}"
            ) from None
        if self._connection.thumbprint:
            shown = secured.getpeercert(binary_form=True) or b""
            if not hmac.compare_digest(thumbprint_of(shown), self._connection.thumbprint):
                secured.close()
                _log.warning("%s shows another certificate than the known one", self._connection.address)
                raise DirectoryUntrustedError(
                    f"the certificate of {self._connection.address} is not the one with the known thumbprint"
                )
        return secured


def certificate_at(connection: Connection, deadline: Deadline) -> Certificate:
    """The certificate that whoever answers there shows; it is not verified, and nothing is said to them.

    Raises:
        DirectoryAwayError: nobody answers, or not with TLS.
    """
    context = _unverified()
    try:
        with socket.create_connection((connection.host, connection.port), deadline.to_connect()) as plain:
            deadline.hold(plain)
            with context.wrap_socket(plain, server_hostname=connection.host) as secured:
                return described(secured.getpeercert(binary_form=True) or b"")
    except OSError as error:
        raise away(connection, error) from None


def away(connection: Connection, error: Exception) -> DirectoryAwayError:
    """The error for a vCenter that does not answer; the log has the cause, the caller a sentence."""
    _log.warning("vCenter at %s does not answer: %s: %s", connection.address, type(error).__name__, error)
    return DirectoryAwayError(f"vCenter at {connection.address} does not answer")


def _context(connection: Connection) -> ssl.SSLContext:
    if connection.thumbprint:
        return _unverified()
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.load_verify_locations(cadata=connection.authorities)
    return context


def _unverified() -> ssl.SSLContext:
    """For whoever looks at the thumbprint instead."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context


def _shut(handle: socket.socket) -> None:
    with contextlib.suppress(OSError):
        handle.shutdown(socket.SHUT_RDWR)
