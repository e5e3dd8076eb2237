"""Who is spoken to: a server whose certificate an authority signed, or the one with a known thumbprint.

There is no third way, also not for addresses of the same machine.
"""

import hashlib
import hmac
import socket
import ssl
from dataclasses import dataclass
from pathlib import Path

from moorage_ova.errors import OvaError

_SECONDS = 30


@dataclass(frozen=True, slots=True)
class Trust:
    """What makes a server the right one; with neither, the system's own authorities.

    Attributes:
        authorities: file in PEM.
        thumbprint: SHA-256 or, as vSphere has it for its hosts, SHA-1; hexadecimal, with colons or without.
    """

    authorities: Path | None = None
    thumbprint: str = ""

    def context(self, host: str, port: int) -> ssl.SSLContext:
        """For connections to this server and to no other.

        Raises:
            OvaError: it shows another certificate, or does not answer; nothing was said to it.
        """
        if not self.thumbprint:
            return _verifying(self.authorities)
        shown = _shown(host, port)
        if not _same(shown, self.thumbprint):
            found = hashlib.sha256(shown).hexdigest()
            raise OvaError(
                f"the certificate of {host}:{port} is not the one with the given thumbprint; it has {found}"
            )
        # From here on that very certificate is the authority, so that no later connection can be another's.
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.check_hostname = False
        context.verify_flags |= ssl.VERIFY_X509_PARTIAL_CHAIN
        context.load_verify_locations(cadata=ssl.DER_cert_to_PEM_cert(shown))
        return context


def _verifying(authorities: Path | None) -> ssl.SSLContext:
    try:
        return ssl.create_default_context(cafile=authorities)
    except (OSError, ssl.SSLError) as error:
        raise OvaError(f"{authorities} has no certificates of authorities in PEM: {error}") from error


def _same(shown: bytes, thumbprint: str) -> bool:
    wanted = thumbprint.replace(":", "").replace(" ", "").lower()
    digests = {64: hashlib.sha256, 40: lambda data: hashlib.sha1(data, usedforsecurity=False)}
    digest = digests.get(len(wanted))
    if digest is None:
        raise OvaError("a thumbprint has 64 hexadecimal digits (SHA-256), or 40 (SHA-1)")
    return hmac.compare_digest(digest(shown).hexdigest().encode(), wanted.encode())


def _shown(host: str, port: int) -> bytes:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    try:
        with (
            socket.create_connection((host, port), _SECONDS) as plain,
            context.wrap_socket(plain, server_hostname=host) as secured,
        ):
            return secured.getpeercert(binary_form=True) or b""
    except OSError as error:
        raise OvaError(f"{host}:{port} does not answer: {error}") from error
