"""The words that the two doors, the registry's and the portal's, have in common."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, Protocol

import falcon

from moorage.audit.model import Deed
from moorage.errors import Denied, Unauthenticated
from moorage.identity.model import ANONYMOUS, Principal
from moorage.projects.model import Standing
from moorage.token.model import Claims
from moorage.web.access import Access
from moorage.web.credentials import Basic, Bearer


@dataclass(frozen=True, slots=True)
class Proof:
    """What a credential proved. `claims` is None with anything but a registry token."""

    principal: Principal
    claims: Claims | None = None


NO_PROOF = Proof(ANONYMOUS)
#: The token is good and not wide enough (RFC 6750 section 3.1).
INSUFFICIENT = "insufficient_scope"


class CredentialNeededError(Unauthenticated):
    """The call needs a credential, or another one than was sent.

    Attributes:
        scope: what a token would have to be for; "" when any will do.
        reason: of RFC 6750 section 3.1; "" when no token was sent.
        denied: the account may not do this; a token that is merely too narrow is no event for
            the log.
    """

    def __init__(self, message: str, *, scope: str = "", reason: str = "", denied: bool = False) -> None:
        super().__init__(message)
        self.scope = scope
        self.reason = reason
        self.denied = denied


class PermissionDeniedError(Denied):
    """The account is known and may not do this."""


class Door(Protocol):
    """How one surface learns who is calling and decides whether they may."""

    #: Sent with every answer.
    headers: ClassVar[Mapping[str, str]]

    def check_target(self, environ: Mapping[str, Any]) -> None:
        """Refuse a request target that others could read differently."""

    def prove(self, credential: Basic | Bearer | None, address: str) -> Proof:
        """Check the credential.

        Raises:
            Unauthenticated: it proves nothing.
            RateLimited: there were too many bad ones.
        """

    def recognise(self, environ: Mapping[str, Any]) -> Proof:
        """Who is calling without an ``Authorization`` header.

        Raises:
            Denied: a cookie alone is not enough for this call.
        """

    def judge(
        self, proof: Proof, access: Access, params: dict[str, Any], req: falcon.Request
    ) -> Standing | None:
        """Decide; `params` are the fields of the path, which may be replaced by parsed ones.

        Returns:
            The standing in the project that the path names; None on a route outside projects.

        Raises:
            Unauthenticated: a (better) credential is needed.
            Denied: none would help.
        """

    def challenge(self, req: falcon.Request, error: Unauthenticated) -> str:
        """The ``WWW-Authenticate`` header that goes with the error."""

    def deed(self, access: Access, params: Mapping[str, Any], req: falcon.Request) -> Deed:
        """What a refused caller wanted to do."""
