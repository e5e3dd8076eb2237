"""`Client`: the one way by which this server calls addresses that somebody else chose."""

import ssl
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from functools import lru_cache
from http.client import HTTPException, HTTPResponse

from moorage.outbound.connection import Deadline, PinnedConnection
from moorage.outbound.errors import (
    AddressInvalidError,
    AddressRefusedError,
    CallFailedError,
    NameUnusableError,
)
from moorage.outbound.policy import Policy, Verdict, parsed
from moorage.outbound.resolver import Resolve, Resolver, spelled_out, system_resolve
from moorage.outbound.target import Target

_MOST_ADDRESSES = 4
_MOVED = frozenset({301, 302, 303})
_KEPT = frozenset({307, 308})
_SAFE = frozenset({"GET", "HEAD"})
#: What only the host that was meant may see.
_CREDENTIALS = frozenset({"authorization", "proxy-authorization", "cookie"})


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back.

    Attributes:
        headers: their names in lower case; of a repeated one the last.
        body: at most as many bytes as were asked for.
        complete: whether that is all of it.
        url: who answered, behind all redirects.
        showable: whether it may be shown to whoever chose the address.
    """

    status: int
    headers: Mapping[str, str]
    body: bytes
    complete: bool
    url: str
    showable: bool


class Client:
    """Calls addresses that `policy` lets it call.

    Each name is resolved once, each address judged, and the judged one connected to. Redirects go the
    same way. No proxy of the environment is used, and no credential of the machine's.

    Args:
        ca_file: PEM file of authorities to trust besides those of the system; empty for none.
    """

    def __init__(self, policy: Policy, *, resolve: Resolve = system_resolve, ca_file: str = "") -> None:
        self._policy = policy
        self._resolver = Resolver(resolve)
        self._ca_file = ca_file

    def check(self, url: str) -> Target:
        """Look at an address that is to be called later; no name is resolved.

        Raises:
            AddressInvalidError: it cannot be called.
            AddressRefusedError: it names a number that is refused.
        """
        target = Target.parse(url)
        try:
            address = parsed(target.host)
        except ValueError:
            return target
        if self._policy.judge(target.host, address) is Verdict.REFUSED:
            raise AddressRefusedError
        return target

    def call(
        self,
        method: str,
        url: str,
        *,
        headers: Mapping[str, str] | None = None,
        body: bytes | None = None,
        verify: bool = True,
        seconds: float = 3.0,
        limit_bytes: int = 65_536,
        redirects: int = 3,
        credentials: Collection[str] = (),
    ) -> Answer:
        """Make one call, with everything that belongs to it in `seconds`.

        A redirect that would turn the method into another is an answer like any other.

        Args:
            verify: check the certificate.
            limit_bytes: read no more of the answer.
            redirects: follow so many.
            credentials: names of headers, besides ``Authorization`` and ``Cookie``, that no other
                origin may see.

        Raises:
            AddressInvalidError: the URL, or that of a redirect, cannot be called.
            AddressRefusedError: it is a number that this server does not call.
            NameUnusableError: it is a name that leads nowhere, or to where this server does not call.
            ResolverBusyError: other names hang, and this one was not even looked at.
            CallFailedError: nobody answered in time, or not with HTTP.
        """
        target = Target.parse(url)
        sent = dict(headers or {})
        private = _CREDENTIALS | {name.lower() for name in credentials}
        with Deadline(seconds) as deadline:
            for left in range(redirects, -1, -1):
                answer = self._once(method, target, sent, body, verify, deadline, limit_bytes)
                following = _following(method, target, answer) if left else None
                if following is None:
                    return answer
                if following.origin != target.origin:
                    sent = {name: value for name, value in sent.items() if name.lower() not in private}
                target = following
        raise AssertionError("the last round returns")

    def _once(
        self,
        method: str,
        target: Target,
        headers: Mapping[str, str],
        body: bytes | None,
        verify: bool,
        deadline: Deadline,
        limit_bytes: int,
    ) -> Answer:
        addresses, showable = self._judged(target, deadline)
        try:
            context = _context(verify, self._ca_file) if target.secure else None
        except OSError as error:
            raise CallFailedError(f"outbound.ca_file: {error}") from error
        connection = PinnedConnection(target, addresses, deadline, context)
        try:
            connection.request(method, target.path, body, {**headers, "Host": target.authority})
            response = connection.getresponse()
            content, complete = _content(response, limit_bytes)
        except (OSError, HTTPException) as error:
            cause = "no answer in time" if deadline.over else f"{type(error).__name__}: {error}"
            raise CallFailedError(f"{target.authority}: {cause}") from error
        finally:
            connection.close()
        if deadline.over:
            raise CallFailedError(f"{target.authority}: no answer in time")
        told = {name.lower(): value for name, value in response.getheaders()}
        return Answer(response.status, told, content, complete, target.url, showable)

    def _judged(self, target: Target, deadline: Deadline) -> tuple[list[str], bool]:
        """The addresses that may be called, and whether what they answer may be shown."""
        found = self._resolver.addresses(target.host, target.port, deadline.left)
        verdicts = {}
        for text in found:
            try:
                verdicts[text] = self._policy.judge(target.host, parsed(text))
            except ValueError:
                continue
        callable_ = [text for text, verdict in verdicts.items() if verdict is not Verdict.REFUSED]
        if not callable_:
            if spelled_out(target.host):
                raise AddressRefusedError
            raise NameUnusableError(f"{target.host} leads to {', '.join(verdicts)}, which is not called")
        chosen = callable_[:_MOST_ADDRESSES]
        return chosen, all(verdicts[text] is Verdict.OPEN for text in chosen)


def _following(method: str, target: Target, answer: Answer) -> Target | None:
    """Where a redirect leads; None when there is none to follow."""
    location = answer.headers.get("location")
    followed = answer.status in _KEPT or (answer.status in _MOVED and method in _SAFE)
    if not followed or location is None:
        return None
    following = target.joined(location)
    if target.secure and not following.secure:
        raise AddressInvalidError("the address redirects from https to http")
    return following


def _content(response: HTTPResponse, limit_bytes: int) -> tuple[bytes, bool]:
    content = response.read(limit_bytes + 1)
    return content[:limit_bytes], len(content) <= limit_bytes


@lru_cache(maxsize=8)
def _context(verify: bool, ca_file: str) -> ssl.SSLContext:
    """How TLS is spoken: 1.2 or later.

    Raises:
        OSError: the file of authorities cannot be read.
    """
    context = ssl.create_default_context()
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    if ca_file:
        context.load_verify_locations(ca_file)
    if not verify:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    return context
