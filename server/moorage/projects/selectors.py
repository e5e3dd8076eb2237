"""Selectors: what chooses repositories and tags, by the patterns of `projects.patterns`."""

from dataclasses import dataclass

from moorage.projects.errors import ProjectInvalidError
from moorage.projects.patterns import check_pattern, matches

#: The only kind of selector.
DOUBLESTAR = "doublestar"
TAG_DECORATIONS = frozenset({"matches", "excludes"})
REPOSITORY_DECORATIONS = frozenset({"repoMatches", "repoExcludes"})
_EXCLUDING = frozenset({"excludes", "repoExcludes"})
_SHOWN = 80


@dataclass(frozen=True, slots=True)
class Selector:
    """Chooses tags or repositories by a pattern.

    Attributes:
        decoration: ``matches`` or ``excludes`` for tags, ``repoMatches`` or ``repoExcludes`` for
            repositories.
        untagged: manifests without any tag are chosen too; only retention looks at it.
    """

    pattern: str
    decoration: str = "matches"
    kind: str = DOUBLESTAR
    untagged: bool = False

    def accepts(self, text: str) -> bool:
        """Whether the tag, or the repository's name without the project, is chosen."""
        return matches(self.pattern, text) != self.excludes

    @property
    def excludes(self) -> bool:
        """Whether it chooses what does not match."""
        return self.decoration in _EXCLUDING


def check_tag_selector(selector: Selector) -> None:
    """See to it that the selector can choose tags.

    Raises:
        ProjectInvalidError: it cannot.
    """
    _check(selector, TAG_DECORATIONS, "tags")


def check_repository_selector(selector: Selector) -> None:
    """See to it that the selector can choose repositories.

    Raises:
        ProjectInvalidError: it cannot.
    """
    _check(selector, REPOSITORY_DECORATIONS, "repositories")


def _check(selector: Selector, decorations: frozenset[str], what: str) -> None:
    if selector.kind != DOUBLESTAR:
        raise ProjectInvalidError(f"a selector's kind is {DOUBLESTAR!r}, not {selector.kind[:_SHOWN]!r}")
    if selector.decoration not in decorations:
        allowed = " or ".join(repr(each) for each in sorted(decorations, reverse=True))
        raise ProjectInvalidError(
            f"the decoration of a selector of {what} is {allowed}, not {selector.decoration[:_SHOWN]!r}"
        )
    check_pattern(selector.pattern)
