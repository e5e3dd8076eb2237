"""Scopes that clients ask for, and grants that tokens carry (Docker's token protocol)."""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from moorage.identity.model import Principal
from moorage.token.errors import ScopeInvalidError

REPOSITORY = "repository"
REGISTRY = "registry"
CATALOG = "catalog"
#: Stands for every action on a thing.
EVERY_ACTION = "*"

MAX_SCOPES = 100
MAX_SCOPE_LENGTH = 1024

_kind = re.compile(r"[a-z0-9]+").fullmatch
_class = re.compile(r"[a-z0-9]+\([a-z0-9]*\)").fullmatch
_actions = re.compile(r"(?:[a-z]*|\*)(?:,(?:[a-z]*|\*))*").fullmatch
_blanks = re.compile(r"[\0- \x7f]").search


@dataclass(frozen=True, slots=True)
class Scope:
    """What a client would like to do to one thing.

    Attributes:
        kind: ``repository`` or ``registry``; others are understood and never granted.
        name: of the thing; not checked beyond having no blanks.
    """

    kind: str
    name: str
    actions: frozenset[str]


@dataclass(frozen=True, slots=True)
class Grant:
    """What a token lets its bearer do to one thing, as long as the account itself may.

    Attributes:
        project_id: the project that had that name when the token was issued; None outside projects.
    """

    kind: str
    name: str
    project_id: int | None
    actions: frozenset[str]


@dataclass(frozen=True, slots=True)
class IssuedToken:
    """A token for a client.

    Attributes:
        expires_in: seconds.
    """

    token: str
    expires_in: int
    issued_at: datetime


@dataclass(frozen=True, slots=True)
class Claims:
    """What a verified token says."""

    principal: Principal
    grants: tuple[Grant, ...]
    id: str
    issued_at: datetime
    expires_at: datetime

    def allows(self, kind: str, name: str, action: str) -> bool:
        """Whether the token covers the action on exactly that thing."""
        return any(
            grant.name == name and grant.kind == kind and action in grant.actions for grant in self.grants
        )

    def covers(self, project_id: int, path: str, action: str) -> bool:
        """Whether the token covers the action on a repository, by what does not change in a rename.

        Args:
            project_id: the project that the repository is in.
            path: its name without that of the project.
        """
        return any(
            grant.kind == REPOSITORY
            and grant.project_id == project_id
            and action in grant.actions
            and grant.name.partition("/")[2] == path
            for grant in self.grants
        )

    def project_id(self, name: str) -> int | None:
        """The project in which the token covers the repository of that name."""
        for grant in self.grants:
            if grant.name == name and grant.kind == REPOSITORY:
                return grant.project_id
        return None


def parse_scopes(texts: Iterable[str]) -> list[Scope]:
    """The scopes in the parameters of a token request, in order.

    A parameter may hold several, set apart by blanks; what is asked for twice is put together.

    Args:
        texts: each parameter's value, for instance ``repository:library/nginx:pull,push``.

    Raises:
        ScopeInvalidError: one of them is malformed, or there are more than `MAX_SCOPES`.
    """
    found: dict[tuple[str, str], frozenset[str]] = {}
    count = 0
    for text in texts:
        for piece in filter(None, text.split(" ", MAX_SCOPES)):
            count += 1
            if count > MAX_SCOPES:
                raise ScopeInvalidError(f"more than {MAX_SCOPES} scopes in one request")
            scope = _parse(piece)
            key = (scope.kind, scope.name)
            found[key] = found.get(key, frozenset()) | scope.actions
    return [Scope(kind, name, actions) for (kind, name), actions in found.items()]


def _parse(text: str) -> Scope:
    if len(text) > MAX_SCOPE_LENGTH:
        raise ScopeInvalidError(f"a scope has at most {MAX_SCOPE_LENGTH} characters")
    # A name may have a colon itself, before a port; kind and actions have none.
    kind, _, rest = text.partition(":")
    name, _, actions = rest.rpartition(":")
    if _class(kind):
        raise ScopeInvalidError(f"the scope {text!r} names a class of repositories; there are none")
    if not (_kind(kind) and name and _actions(actions)) or _blanks(name):
        raise ScopeInvalidError(f"the scope {text!r} is not of the form <kind>:<name>:<action>,<action>")
    return Scope(kind, name, frozenset(filter(None, actions.split(","))))
