"""Which of the scopes asked for a principal gets."""

from collections.abc import Collection, Iterable, Mapping

from moorage.identity.model import Principal
from moorage.oci.names import NameInvalidError, RepositoryName
from moorage.projects import rules
from moorage.projects.access import Access
from moorage.projects.model import Permission, Standing
from moorage.token.model import CATALOG, EVERY_ACTION, REGISTRY, REPOSITORY, Grant, Scope

#: The actions of the registry protocol. One is granted when any of its permissions is held; which of
#: them a request needs is asked again when the token is used.
ACTIONS: Mapping[str, tuple[Permission, ...]] = {
    "pull": (rules.PULL,),
    "push": (rules.PUSH,),
    "delete": (rules.DELETE_ARTIFACT, rules.DELETE_TAG),
}


def decide(access: Access, principal: Principal, scopes: Iterable[Scope]) -> list[Grant]:
    """The part of the scopes that the principal may really have.

    Nothing is refused aloud: what is not granted is left out, the same way for a private project
    and for one that does not exist.
    """
    standings: dict[str, Standing | None] = {}
    grants = []
    for scope in scopes:
        if scope.kind == REPOSITORY:
            grants.append(_repository(access, principal, scope, standings))
        elif scope.kind == REGISTRY and scope.name == CATALOG:
            grants.append(_catalog(scope))
    return [grant for grant in grants if grant is not None]


def _repository(
    access: Access, principal: Principal, scope: Scope, standings: dict[str, Standing | None]
) -> Grant | None:
    try:
        project = RepositoryName.parse(scope.name).project
    except NameInvalidError:
        return None
    if project not in standings:
        standings[project] = access.standing(principal.kind, principal.id, principal.generation, project)
    standing = standings[project]
    actions = _permitted(standing, scope.actions)
    if standing is None or not actions:
        return None
    return Grant(REPOSITORY, scope.name, standing.project_id, actions)


def _permitted(standing: Standing | None, wanted: Collection[str]) -> frozenset[str]:
    return frozenset(
        action
        for action, permissions in ACTIONS.items()
        if (action in wanted or EVERY_ACTION in wanted)
        and any(rules.permitted(standing, permission) for permission in permissions)
    )


def _catalog(scope: Scope) -> Grant | None:
    """Anyone may read the catalog: it shows each caller what that caller may see."""
    if EVERY_ACTION not in scope.actions:
        return None
    return Grant(REGISTRY, CATALOG, None, frozenset({EVERY_ACTION}))
