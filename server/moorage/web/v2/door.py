"""The registry's door: registry tokens, or Basic credentials, and rights that hold at this moment."""

import re
from collections.abc import Mapping
from typing import Any, ClassVar

import falcon

from moorage.audit.deeds import artifact
from moorage.audit.model import Deed
from moorage.config import TokenSettings
from moorage.distribution.errors import NameUnknownError
from moorage.errors import Unauthenticated
from moorage.identity.authenticator import Authenticator
from moorage.identity.model import ANONYMOUS, Principal
from moorage.oci.digest import Digest, DigestInvalidError
from moorage.oci.names import NameInvalidError, RepositoryName
from moorage.projects.access import Access as Standings
from moorage.projects.model import Permission, Standing
from moorage.projects.rules import DELETE_ARTIFACT, DELETE_TAG, PULL, PUSH, permitted
from moorage.token.errors import TokenExpiredError, TokenInvalidError
from moorage.token.model import REPOSITORY, Claims
from moorage.token.tokens import Tokens
from moorage.web.access import Access
from moorage.web.credentials import Basic, Bearer
from moorage.web.door import INSUFFICIENT, NO_PROOF, CredentialNeededError, PermissionDeniedError, Proof
from moorage.web.origin import TOKEN_PATH, Origin

#: What a token has to allow, and what a client without it is told to ask for (Docker's token
#: specification, "Requesting a token").
_ACTIONS: Mapping[Permission, tuple[str, str]] = {
    PULL: ("pull", "pull"),
    PUSH: ("push", "pull,push"),
    DELETE_ARTIFACT: ("delete", "delete"),
    DELETE_TAG: ("delete", "delete"),
}
# Whatever decodes to a slash, a backslash, NUL or a dot-dot is seen before decoding by a proxy and
# after it by the router; two readings of one path are how guards get bypassed.
_AMBIGUOUS = re.compile(r"//|\\|%2f|%5c|%00|(?:\.|%2e)%2e|%2e\.", re.IGNORECASE).search
_ABSOLUTE = re.compile(r"https?://[^/]*", re.IGNORECASE).match


class TokenVoidError(CredentialNeededError):
    """The token is well-formed and does not count (any more)."""

    def __init__(self, message: str, scope: str = "") -> None:
        super().__init__(message, scope=scope, reason="invalid_token")


class RegistryDoor:
    """Decides about everything under ``/v2``, for requests and for the admission of uploads alike."""

    headers: ClassVar[Mapping[str, str]] = {"Docker-Distribution-Api-Version": "registry/2.0"}

    def __init__(
        self,
        standings: Standings,
        tokens: Tokens,
        authenticator: Authenticator,
        settings: TokenSettings,
        origin: Origin,
    ) -> None:
        self._standings = standings
        self._tokens = tokens
        self._authenticator = authenticator
        self._service = settings.service
        self._origin = origin

    def check_target(self, environ: Mapping[str, Any]) -> None:
        """Refuse encoded slashes, dots and the like in the raw path.

        Raises:
            NameInvalidError: the path has one.
        """
        raw = environ.get("REQUEST_URI") or environ.get("RAW_URI")
        if raw is not None:
            check_path(raw)

    def prove(self, credential: Basic | Bearer | None, address: str) -> Proof:
        """Check a registry token or a name and a secret."""
        if credential is None:
            return NO_PROOF
        if isinstance(credential, Basic):
            return Proof(self._authenticator.authenticate(credential.name, credential.password, address))
        try:
            claims = self._tokens.verify(credential.token)
        except (TokenExpiredError, TokenInvalidError) as error:
            raise TokenVoidError(error.message) from error
        return Proof(claims.principal, claims)

    def recognise(self, environ: Mapping[str, Any]) -> Proof:
        """Nobody: cookies are for the portal."""
        return NO_PROOF

    def judge(
        self, proof: Proof, access: Access, params: dict[str, Any], req: falcon.Request
    ) -> Standing | None:
        """Decide; turns the path's ``name`` into a `RepositoryName`.

        Raises:
            NameInvalidError: it is none.
        """
        # For what was looked up under a name that is not the repository's any more (`renames`).
        req.context.present_name = self._standings.present_name
        return self.decide(proof, access, params)

    def decide(self, proof: Proof, access: Access, params: dict[str, Any]) -> Standing | None:
        """`judge` without a request: all that counts is who wants what of which repository.

        A repository of a project that was renamed is found by its old name, too; whoever may not have it
        learns nothing of that.
        """
        if access.scope == "project":
            name = RepositoryName.parse(params["name"])
            params["name"] = name
            permission = access.permission
            if access.tag_permission is not None and ":" not in params["reference"]:
                permission = access.tag_permission
            if not isinstance(permission, Permission):
                raise TypeError(f"{access.operation} is no operation of a project")
            standing = self._in_repository(proof, permission, name)
            if standing.present_name:
                params["name"] = name.within(standing.present_name)
            return standing
        if access.scope == "signed_in":
            self._signed_in(proof, access.grant)
        return None

    def pullable(self, proof: Proof, name: RepositoryName) -> RepositoryName | None:
        """What the repository is called now, if the caller may mount from it: as if to pull."""
        standing = self._standing(proof.principal, name.project)
        if standing is None or not (permitted(standing, PULL) and _covered(proof, name, "pull", standing)):
            return None
        return name.within(standing.present_name) if standing.present_name else name

    def may_read(self, proof: Proof, project_id: int) -> bool:
        """Whether blobs may be mounted from any repository of the project.

        A token allows that when it lets its bearer pull from there at all.
        """
        principal, claims = proof.principal, proof.claims
        if claims is not None and not any(
            grant.project_id == project_id and "pull" in grant.actions for grant in claims.grants
        ):
            return False
        standing = self._standings.standing_by_id(
            principal.kind, principal.id, principal.generation, project_id
        )
        return permitted(standing, PULL)

    def challenge(self, req: falcon.Request, error: Unauthenticated) -> str:
        """Where a token for this call is to be had (Docker's token specification; RFC 6750)."""
        if req.path == TOKEN_PATH:
            return f'Basic realm="{self._service}", charset="UTF-8"'
        words = [f'Bearer realm="{self._origin.of(req.env)}{TOKEN_PATH}"', f'service="{self._service}"']
        if isinstance(error, CredentialNeededError):
            scope = error.scope + _mount_scope(req)
            words += [f'scope="{scope}"'] if scope else []
            words += [f'error="{error.reason}"'] if error.reason else []
        return ",".join(words)

    def deed(self, access: Access, params: Mapping[str, Any], req: falcon.Request) -> Deed:
        """What a refused caller wanted to do."""
        name = params.get("name")
        if not isinstance(name, RepositoryName):
            return Deed(access.operation, "registry", req.path)
        tag, digest = _reference(str(params.get("reference") or params.get("digest") or ""))
        standing = self._standing(ANONYMOUS, name.project)
        project_id = None if standing is None else standing.project_id
        return artifact(access.operation, project_id, name, tag=tag, digest=digest)

    def _standing(self, principal: Principal, project: str) -> Standing | None:
        return self._standings.standing(principal.kind, principal.id, principal.generation, project)

    def _in_repository(self, proof: Proof, permission: Permission, name: RepositoryName) -> Standing:
        action, asked = _ACTIONS[permission]
        standing = self._standing(proof.principal, name.project)
        if (
            standing is not None
            and permitted(standing, permission)
            and _covered(proof, name, action, standing)
        ):
            return standing
        raise self._refusal(proof, name, standing, permission, f"{REPOSITORY}:{name}:{asked}")

    def _refusal(
        self,
        proof: Proof,
        name: RepositoryName,
        standing: Standing | None,
        permission: Permission,
        scope: str,
    ) -> Exception:
        """The error of a call that may not be, which tells a stranger nothing about the project.

        A client with a token that is too narrow is told to get a wider one; only an account that
        can see the project anyway is told that it has no right.
        """
        principal, claims = proof.principal, proof.claims
        if principal.is_anonymous:
            return CredentialNeededError(
                "authentication is required",
                scope=scope,
                reason="" if claims is None else INSUFFICIENT,
                denied=claims is not None and not permitted(standing, permission),
            )
        account = self._standings.account(principal.kind, principal.id, principal.generation)
        if not account.active:
            return TokenVoidError("the account has changed since the credential was given out", scope)
        if standing is None and account.admin:
            return NameUnknownError(f"there is no project {name.project}", {"name": str(name)})
        if permitted(standing, PULL) and not permitted(standing, permission):
            return PermissionDeniedError(f"{principal.name} may not do this in {name.project}")
        if claims is None:
            return PermissionDeniedError(f"access to {name} is denied, or there is no such project")
        return _too_narrow(claims, name, standing, permission, scope)

    def _signed_in(self, proof: Proof, grant: str) -> None:
        principal, claims = proof.principal, proof.claims
        if claims is None:
            if principal.is_anonymous:
                raise CredentialNeededError("authentication is required", scope=grant)
            return
        if not self._standings.account(principal.kind, principal.id, principal.generation).active:
            raise TokenVoidError("the account has changed since the token was given out", grant)
        if grant and not claims.allows(*grant.split(":")):
            raise CredentialNeededError("the token is not for this", scope=grant, reason=INSUFFICIENT)


def check_path(target: str) -> None:
    """Refuse a raw request target whose path can be read in two ways.

    Raises:
        NameInvalidError: it can.
    """
    path = target.partition("?")[0]
    absolute = _ABSOLUTE(path)
    if absolute is not None:  # RFC 9112 section 3.2.2: a server accepts the absolute form, too
        path = path[absolute.end() :]
    if _AMBIGUOUS(path) is not None:
        raise NameInvalidError("the path has encoded slashes, dots or backslashes, or empty parts")


def _covered(proof: Proof, name: RepositoryName, action: str, standing: Standing | None) -> bool:
    claims = proof.claims
    if claims is None:
        return True
    # Not by the name: a token for the old one is good for the new one, and the other way round.
    return standing is not None and claims.covers(standing.project_id, name.path, action)


def _too_narrow(
    claims: Claims, name: RepositoryName, standing: Standing | None, permission: Permission, scope: str
) -> CredentialNeededError:
    action, _ = _ACTIONS[permission]
    if claims.allows(REPOSITORY, name, action) and (
        standing is None or claims.project_id(name) != standing.project_id
    ):
        return TokenVoidError("the token was given out for another project of this name", scope)
    return CredentialNeededError(
        f"access to {name} is denied, or there is no such project",
        scope=scope,
        reason=INSUFFICIENT,
        denied=not permitted(standing, permission),
    )


def _mount_scope(req: falcon.Request) -> str:
    """A client that mounts needs to pull from the source as well: it can ask for both at once."""
    source = req.get_param("from") if req.method == "POST" else None
    if not source:
        return ""
    try:
        return f" {REPOSITORY}:{RepositoryName.parse(source)}:pull"
    except NameInvalidError:
        return ""


def _reference(text: str) -> tuple[str, Digest | None]:
    """The tag and the digest that a path's reference stands for; one of them is empty."""
    try:
        return ("", Digest.parse(text)) if ":" in text else (text, None)
    except DigestInvalidError:
        return text, None
