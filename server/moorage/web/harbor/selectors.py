"""Selectors of tags and repositories as Harbor's JSON, from bodies and back."""

from moorage.projects.selectors import DOUBLESTAR, Selector
from moorage.web.harbor.body import Body, BodyInvalidError
from moorage.web.harbor.render import Json

#: Where rules keep them: tags in a list, repositories in a list below a key.
TAGS = "tag_selectors"
SCOPE = "scope_selectors"
_REPOSITORY = "repository"
_FIELDS = frozenset({"kind", "decoration", "pattern", "extras"})


def tag_selector(asked: Body) -> Selector | None:
    """The one selector in `tag_selectors`; None when the field is left out.

    Raises:
        BodyInvalidError: there is more than one, or what is there is no selector.
    """
    return _only(asked, TAGS, "matches") if TAGS in asked else None


def repository_selector(asked: Body) -> Selector | None:
    """The one selector in `scope_selectors.repository`; None when the field is left out.

    Raises:
        BodyInvalidError: there is more than one, or what is there is no selector.
    """
    scope = asked.part(SCOPE, known={_REPOSITORY})
    return None if scope is None else _only(scope, _REPOSITORY, "repoMatches")


def rendered(selector: Selector) -> Json:
    """A selector; `extras` is for retention alone."""
    return {
        "kind": selector.kind,
        "decoration": selector.decoration,
        "pattern": selector.pattern,
        "extras": "",
    }


def _only(asked: Body, name: str, decoration: str) -> Selector:
    found = asked.parts(name, known=_FIELDS, most=1)
    if not found:
        raise BodyInvalidError(f"{name} is missing; it is a list of one selector")
    part = found[0]
    part.text("extras", "")
    return Selector(
        part.text("pattern"),
        part.text("decoration", decoration),
        part.text("kind", DOUBLESTAR),
    )
