"""What happens after power-on, told as it happens: VMware Tools, the address, the first answer."""

import hashlib
import http.client
import ssl
import time
from collections.abc import Callable
from contextlib import closing, suppress
from dataclasses import dataclass
from typing import Any, cast

from moorage_ova.errors import OvaError

_POLL_SECONDS = 2.0
_ANSWER_SECONDS = 10
Say = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Answering:
    """An appliance that serves.

    Attributes:
        fingerprint: SHA-256 of the certificate it showed; the console has the same.
    """

    address: str
    port: int
    fingerprint: str


def until_it_answers(machine: Any, port: int, seconds: float, say: Say) -> Answering:
    """Wait for the registry on the machine.

    Args:
        machine: vSphere's object.
        port: of the registry.
        seconds: how long at most.
        say: called with a line for each thing that happened.

    Raises:
        OvaError: it has no address or does not answer in time, went off, or has something to be mended.
    """
    end = time.monotonic() + seconds
    address = _address(machine, end, say)
    say(f"its address is {address}; waiting for the registry on port {port}")
    while time.monotonic() < end:
        with suppress(OSError, http.client.HTTPException):
            status, fingerprint = _ask(address, port)
            if status == http.client.UNAUTHORIZED:
                return Answering(address, port, fingerprint)
            if status == http.client.SERVICE_UNAVAILABLE and _stays_so(address, port, end):
                raise OvaError(f"it started, but something is to be mended: see https://{address}:{port}/")
        _look(machine)
        time.sleep(_POLL_SECONDS)  # nobody tells when a port of another machine opens
    raise OvaError(
        f"the machine has the address {address}, but nothing answered on port {port} "
        f"within {seconds:.0f} s; look at its console"
    )


def _address(machine: Any, end: float, say: Say) -> str:
    begun = time.monotonic()
    said = False
    while time.monotonic() < end:
        _look(machine)
        if machine.guest.ipAddress:
            return str(machine.guest.ipAddress)
        if not said and machine.guest.toolsRunningStatus == "guestToolsRunning":
            say("the system is up; waiting for an address")
            said = True
        time.sleep(_POLL_SECONDS)  # one property of one machine; a filter would be longer than this
    waited = time.monotonic() - begun
    raise OvaError(f"the machine told no address within {waited:.0f} s; look at its console")


def _look(machine: Any) -> None:
    if machine.runtime.powerState == "poweredOff":
        raise OvaError("the machine was switched off before the registry answered")


#: While it starts, the registry is away for some seconds, too.
_MENDED_SECONDS = 60


def _stays_so(address: str, port: int, end: float) -> bool:
    """Whether 503 is not just the start of the registry behind its proxy."""
    limit = min(end, time.monotonic() + _MENDED_SECONDS)
    while time.monotonic() < limit:
        time.sleep(_POLL_SECONDS)
        with suppress(OSError, http.client.HTTPException):
            if _ask(address, port)[0] != http.client.SERVICE_UNAVAILABLE:
                return False
    return True


def _ask(address: str, port: int) -> tuple[int, str]:
    """Status of ``GET /v2/`` and the certificate's SHA-256; nothing secret is said to it."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    # Its authority was made a minute ago inside of it; the fingerprint is for comparing with the console.
    context.verify_mode = ssl.CERT_NONE
    line = http.client.HTTPSConnection(address, port, timeout=_ANSWER_SECONDS, context=context)
    with closing(line):
        line.request("GET", "/v2/")
        # A connection over TLS has such a socket from its first request on.
        shown = cast(ssl.SSLSocket, line.sock).getpeercert(binary_form=True) or b""
        return line.getresponse().status, _in_pairs(hashlib.sha256(shown).hexdigest())


def _in_pairs(digest: str) -> str:
    return ":".join(digest[place : place + 2] for place in range(0, len(digest), 2)).upper()
