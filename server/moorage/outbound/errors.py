"""Why a call to the outside was not made, or came to nothing.

What a person reads says as little about the network behind the server as it can: whoever chooses
an address must not be able to use the server to look around there. The cause is for the program's log.
"""

from moorage.errors import Denied, Invalid, Unavailable


class AddressInvalidError(Invalid):
    """A text that is no address that could be called."""


class AddressRefusedError(Denied):
    """An address that this server does not call."""

    def __init__(self, message: str = "") -> None:
        super().__init__(message or "the server does not call this address; see the setting outbound.allow")


class CallFailedError(Unavailable):
    """There was no answer.

    Attributes:
        cause: what exactly happened, for the program's log alone.
    """

    def __init__(self, cause: str, message: str = "") -> None:
        super().__init__(message or "the address could not be reached, or did not answer in time")
        self.cause = cause


class NameUnusableError(CallFailedError):
    """A host name without an address that this server calls.

    That it has none, and that it has some inside of the network, is one answer: or whoever chooses names
    could find out which of them exist there.
    """

    def __init__(self, cause: str) -> None:
        super().__init__(
            cause, "the host name has no address that the server calls; see the setting outbound.allow"
        )


class ResolverBusyError(CallFailedError):
    """Too many names hang in the resolver; it says nothing about this one."""

    def __init__(self) -> None:
        super().__init__(
            "too many names are being resolved", "the server is busy with other host names; try again later"
        )


class CertificateUntrustedError(CallFailedError):
    """The other side cannot prove who it is."""

    def __init__(self, cause: str) -> None:
        super().__init__(cause, "the certificate of the address is not trusted")
