"""The portal's door: Basic credentials or a session's cookie, and the rights of Harbor's roles."""

from collections.abc import Mapping
from typing import Any, ClassVar

import falcon

from moorage.audit.model import Deed
from moorage.errors import Denied, Unauthenticated
from moorage.identity.authenticator import Authenticator
from moorage.identity.model import Principal
from moorage.projects.access import Access as Standings
from moorage.projects.errors import ProjectUnknownError
from moorage.projects.model import Permission, Standing, SystemPermission
from moorage.projects.rules import permitted, system_permitted
from moorage.web.access import Access
from moorage.web.credentials import Basic, Bearer
from moorage.web.door import NO_PROOF, CredentialNeededError, PermissionDeniedError, Proof
from moorage.web.session import SessionCookies

_LONGEST_ID = 18
_PROJECT_FIELDS = frozenset({"project_name_or_id", "project_name", "project_id"})
_READS = frozenset({"GET", "HEAD", "OPTIONS"})
_OUR_SITES = frozenset({"none", "same-origin"})


class ForeignPageError(Denied):
    """A browser asks on behalf of another site's page."""


class PortalDoor:
    """Decides about everything under ``/api``."""

    headers: ClassVar[Mapping[str, str]] = {"X-Content-Type-Options": "nosniff", "Cache-Control": "no-store"}

    def __init__(self, standings: Standings, authenticator: Authenticator, cookies: SessionCookies) -> None:
        self._standings = standings
        self._authenticator = authenticator
        self._cookies = cookies

    def check_target(self, environ: Mapping[str, Any]) -> None:
        """Refuse a change that a browser makes for a page of somebody else.

        A browser remembers a name and a password for this API and sends them along with whatever
        a foreign page asks for; it says so in Sec-Fetch-Site (W3C Fetch Metadata). Other clients
        send no such header. Encoded slashes are fine: Harbor's clients encode repository names.

        Raises:
            ForeignPageError: the page is not ours.
        """
        if environ["REQUEST_METHOD"] in _READS:
            return
        if environ.get("HTTP_SEC_FETCH_SITE", "none") not in _OUR_SITES:
            raise ForeignPageError("a page of another site may not change anything here")

    def prove(self, credential: Basic | Bearer | None, address: str) -> Proof:
        """Check a name and a secret.

        A registry token is not taken: it is good for what it names and nothing else.
        """
        if credential is None:
            return NO_PROOF
        if isinstance(credential, Bearer):
            raise CredentialNeededError("registry tokens are not for this API; send a name and a password")
        return Proof(self._authenticator.authenticate(credential.name, credential.password, address))

    def recognise(self, environ: Mapping[str, Any]) -> Proof:
        """Whose session the browser's cookie is.

        Raises:
            CsrfError: it would change something, and does not show that one of our pages asks for it.
        """
        return self._cookies.prove(environ)

    def judge(
        self, proof: Proof, access: Access, params: dict[str, Any], req: falcon.Request
    ) -> Standing | None:
        """Decide; the project is that of the path's ``project_name_or_id``, ``project_name`` or
        ``project_id``.
        """
        principal = proof.principal
        if access.scope == "anyone":
            return None
        if access.scope == "project":
            return self._in_project(proof, access, params, req)
        if principal.is_anonymous:
            raise CredentialNeededError("authentication is required")
        if access.scope == "system":
            self._check_system(principal, access)
        return None

    def challenge(self, req: falcon.Request, error: Unauthenticated) -> str:
        """Which credential is wanted."""
        return 'Basic realm="Moorage", charset="UTF-8"'

    def deed(self, access: Access, params: Mapping[str, Any], req: falcon.Request) -> Deed:
        """What a refused caller wanted to do."""
        named = _project(params, req) if _PROJECT_FIELDS & params.keys() else ""
        project = named if isinstance(named, str) else ""
        return Deed(access.operation, access.operation.partition("_")[2], req.path, project=project)

    def _check_system(self, principal: Principal, access: Access) -> None:
        permission = access.permission
        if not isinstance(permission, SystemPermission):
            raise TypeError(f"{access.operation} is no operation outside projects")
        account = self._standings.account(principal.kind, principal.id, principal.generation)
        if not system_permitted(account, permission):
            what = f"{permission.resource}: {permission.action}"
            raise PermissionDeniedError(f"this takes a system administrator, or the permission {what}")

    def _in_project(
        self, proof: Proof, access: Access, params: dict[str, Any], req: falcon.Request
    ) -> Standing:
        """The standing in the project, if it allows `access`; the path's ``project_name`` becomes the one
        that the project has now.

        A stranger gets one answer for a project that is hidden and one that does not exist.
        """
        permission, principal = access.permission, proof.principal
        if not isinstance(permission, Permission):
            raise TypeError(f"{access.operation} is no operation of a project")
        standing = self._standing(proof, params, req)
        if standing is not None and permitted(standing, permission):
            if standing.present_name and "project_name" in params:
                params["project_name"] = standing.present_name
            return standing
        if principal.is_anonymous:
            raise CredentialNeededError("authentication is required")
        if standing is None and principal.admin:
            raise ProjectUnknownError("there is no such project")
        raise PermissionDeniedError("this is denied, or there is no such project")

    def _standing(self, proof: Proof, params: Mapping[str, Any], req: falcon.Request) -> Standing | None:
        principal = proof.principal
        account = (principal.kind, principal.id, principal.generation)
        found = _project(params, req)
        if isinstance(found, int):
            return self._standings.standing_by_id(*account, found)
        return self._standings.standing(*account, found)


def _project(params: Mapping[str, Any], req: falcon.Request) -> int | str:
    """The number or the name of the project in the path.

    Digits alone are a number unless the client says that they are a name, as in Harbor.
    """
    if "project_name" in params:
        return str(params["project_name"])
    text = str(params["project_id"] if "project_id" in params else params["project_name_or_id"])
    if "project_id" not in params and req.get_header("X-Is-Resource-Name") == "true":
        return text
    is_number = text.isascii() and text.isdigit() and len(text) <= _LONGEST_ID
    return int(text) if is_number else text
