"""Patterns that choose repositories and tags, in the dialect that Harbor's users write ("doublestar").

======== =============================================================================
``*``    any characters but ``/``, also none
``**``   between slashes or alone: any number of whole components, also none; else ``*``
``?``    one character but ``/``
``[a-z]`` one character of these; ``[^a-z]`` and ``[!a-z]`` one of all others but ``/``
``{a,b}`` either, as if the pattern were written twice; may hold patterns, also ``{}``
``\\*``   the character itself
======== =============================================================================

The whole text must match; ``a/**`` matches what lies below ``a`` and not ``a``, ``**/a`` matches ``a`` too.
A repository's pattern sees its name without the project.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import lru_cache
from itertools import chain

from moorage.projects.errors import ProjectInvalidError

MAX_PATTERN_LENGTH = 1024
#: The only kind of selector.
DOUBLESTAR = "doublestar"
TAG_DECORATIONS = frozenset({"matches", "excludes"})
REPOSITORY_DECORATIONS = frozenset({"repoMatches", "repoExcludes"})
_EXCLUDING = frozenset({"excludes", "repoExcludes"})
_SHOWN = 80
#: How much of a machine is remembered: places in all of its steps together.
_REMEMBERED = 20_000


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


def check_pattern(pattern: str) -> None:
    """See to it that the text is a pattern.

    Raises:
        ProjectInvalidError: it is empty, too long, or malformed; the message says what is wrong.
    """
    if not pattern:
        raise ProjectInvalidError("a pattern is not empty; '**' stands for everything")
    if not pattern.isprintable():
        raise ProjectInvalidError("a pattern has a character that no name has")
    _machine(pattern)


def matches(pattern: str, text: str) -> bool:
    """Whether the whole text matches, in time proportional to the text; the empty pattern matches all.

    Raises:
        ProjectInvalidError: the pattern is malformed.
    """
    return not pattern or _machine(pattern).accepts(text)


def _check(selector: Selector, decorations: frozenset[str], what: str) -> None:
    if selector.kind != DOUBLESTAR:
        raise ProjectInvalidError(f"a selector's kind is {DOUBLESTAR!r}, not {selector.kind[:_SHOWN]!r}")
    if selector.decoration not in decorations:
        allowed = " or ".join(repr(each) for each in sorted(decorations, reverse=True))
        raise ProjectInvalidError(
            f"the decoration of a selector of {what} is {allowed}, not {selector.decoration[:_SHOWN]!r}"
        )
    check_pattern(selector.pattern)


# A pattern becomes a graph of nodes, and a text is read over it with all paths at once: the time never
# depends on how many ways there are to match. A place is a node that was reached, and how: the last two
# ways exist because `**` is more than `*` only between slashes, which braces may hide on either side.
_INSIDE, _BEGINS, _STARRED, _WILD, _SKIPS, _ENDS = range(6)
_WAYS = 6
_FORK, _ONE, _SLASH, _STAR, _DOUBLE, _END = range(6)


@dataclass(slots=True)
class _Node:
    """One thing a pattern says; `accepts` tells which character a node of kind `_ONE` takes."""

    kind: int
    accepts: Callable[[str], bool] | None = None
    after: list[int] = field(default_factory=list)


class _Step:
    """All places that some text leads to, and where each next character leads."""

    __slots__ = ("accepts", "after", "places")

    def __init__(self, places: frozenset[int], accepts: bool) -> None:
        self.places = places
        self.accepts = accepts
        self.after: dict[str, _Step] = {}


class _Machine:
    """Reads texts; remembers the steps it took, for the next text takes most of them again."""

    def __init__(self, nodes: list[_Node]) -> None:
        self._nodes = nodes
        self._steps: dict[frozenset[int], _Step] = {}
        self._size = 0
        self._start: _Step | None = None

    def accepts(self, text: str) -> bool:
        step = self._start
        if step is None:
            step = self._start = self._step([_BEGINS])
        for character in text:
            following = step.after.get(character)
            if following is None:
                following = self._step(self._moved(step.places, character))
                step.after[character] = following
            if not following.places:
                return False
            step = following
        return step.accepts

    def _moved(self, places: frozenset[int], character: str) -> Iterator[int]:
        """The places behind one more character."""
        for place in places:
            number, way = divmod(place, _WAYS)
            node = self._nodes[number]
            if way == _WILD or (way == _STARRED and character != "/"):
                yield place
            elif node.kind == _SLASH and character == "/":
                yield from (each * _WAYS + _BEGINS for each in node.after)
            elif node.accepts is not None and character != "/" and node.accepts(character):
                yield from (each * _WAYS + _INSIDE for each in node.after)

    def _step(self, places: list[int] | Iterator[int]) -> _Step:
        reached: set[int] = set()
        waiting = list(places)
        while waiting:
            place = waiting.pop()
            if place not in reached:
                reached.add(place)
                waiting.extend(self._free(*divmod(place, _WAYS)))
        key = frozenset(place for place in reached if self._counts(*divmod(place, _WAYS)))
        known = self._steps.get(key)
        if known is None:
            accepts = any(self._nodes[place // _WAYS].kind == _END for place in key)
            known = _Step(key, accepts)
            self._remember(known)
        return known

    def _free(self, number: int, way: int) -> Iterator[int]:
        """The places that are reached from a place without a character."""
        node = self._nodes[number]
        onward: tuple[int, ...] = ()
        here: tuple[int, ...] = ()
        if node.kind == _FORK:
            onward = (way,)
        elif way in (_SKIPS, _ENDS):
            # Behind a `**` that stands for components; it may stand for none, with its slash.
            onward = (_BEGINS,) if way == _SKIPS and node.kind == _SLASH else ()
        elif way == _STARRED:
            onward = (_INSIDE,)
        elif way == _WILD:
            onward = (_ENDS,)
        elif node.kind == _STAR:
            here = (_STARRED,)
        elif node.kind == _DOUBLE:
            here = (_STARRED, _WILD) if way == _BEGINS else (_STARRED,)
            onward = (_SKIPS,) if way == _BEGINS else ()
        return chain(
            (number * _WAYS + each for each in here),
            (each * _WAYS + how for each in node.after for how in onward),
        )

    def _counts(self, number: int, way: int) -> bool:
        """Whether the place matters for what comes: it takes a character, or is the end."""
        kind = self._nodes[number].kind
        if way in (_STARRED, _WILD):
            return True
        if way in (_SKIPS, _ENDS):
            return kind == _END or (kind == _SLASH and way == _ENDS)
        return kind in (_ONE, _SLASH, _END)

    def _remember(self, step: _Step) -> None:
        self._size += len(step.places) + 1
        if self._size > _REMEMBERED:
            # Whoever reads a text right now goes on with the steps at hand; no new text finds them.
            self._steps = {}
            self._size = 0
            self._start = None
        self._steps[step.places] = step


@lru_cache(maxsize=128)
def _machine(pattern: str) -> _Machine:
    if len(pattern) > MAX_PATTERN_LENGTH:
        raise ProjectInvalidError(f"a pattern has at most {MAX_PATTERN_LENGTH} characters")
    return _Machine(_Graph(pattern).nodes)


class _Graph:
    """The nodes of a pattern; the first one begins it."""

    def __init__(self, pattern: str) -> None:
        self._pattern = pattern
        self._index = 0
        self.nodes = [_Node(_FORK)]
        self._at = 0
        #: Where each brace that is open began, and where its alternatives meet.
        self._braces: list[tuple[int, int]] = []
        while self._index < len(pattern):
            self._read()
        if self._braces:
            raise self._wrong("a '{' is never closed")
        self._append(_Node(_END))

    def _read(self) -> None:
        character = self._take()
        if character == "*":
            self._stars()
        elif character == "?":
            self._append(_Node(_ONE, lambda _: True))
        elif character == "[":
            self._append(_Node(_ONE, self._class()))
        elif character == "{":
            self._open()
        elif character == "}" or (character == "," and self._braces):
            self._alternative(last=character == "}")
        else:
            self._append(_literal(self._escaped() if character == "\\" else character))

    def _stars(self) -> None:
        count = 1
        while self._pattern[self._index : self._index + 1] == "*":
            self._index += 1
            count += 1
        self._append(_Node(_DOUBLE if count == len("**") else _STAR))

    def _open(self) -> None:
        self._append(_Node(_FORK))
        self.nodes.append(_Node(_FORK))
        self._braces.append((self._at, len(self.nodes) - 1))

    def _alternative(self, *, last: bool) -> None:
        if not self._braces:
            raise self._wrong("a '}' closes nothing")
        opened, meet = self._braces[-1]
        self.nodes[self._at].after.append(meet)
        self._at = opened
        if last:
            self._braces.pop()
            self._at = meet

    def _class(self) -> Callable[[str], bool]:
        others = self._pattern[self._index : self._index + 1] in ("^", "!")
        self._index += others
        ranges = []
        while (character := self._take_of_class()) != "]":
            low = self._member(character)
            high = low
            if self._pattern[self._index : self._index + 1] == "-":
                self._index += 1
                high = self._member(self._take_of_class())
            if high < low:
                raise self._wrong(f"'{low}-{high}' runs backwards")
            ranges.append((low, high))
        if not ranges:
            raise self._wrong("'[]' is empty")
        return lambda given: any(low <= given <= high for low, high in ranges) != others

    def _member(self, character: str) -> str:
        if character in "-]":
            raise self._wrong(f"write '\\{character}' for the {character!r} between '[' and ']'")
        return self._escaped() if character == "\\" else character

    def _take(self) -> str:
        self._index += 1
        return self._pattern[self._index - 1]

    def _take_of_class(self) -> str:
        if self._index >= len(self._pattern):
            raise self._wrong("a '[' is never closed")
        return self._take()

    def _escaped(self) -> str:
        if self._index >= len(self._pattern):
            raise self._wrong("nothing stands behind the last '\\'")
        return self._take()

    def _append(self, node: _Node) -> None:
        self.nodes.append(node)
        self.nodes[self._at].after.append(len(self.nodes) - 1)
        self._at = len(self.nodes) - 1

    def _wrong(self, what: str) -> ProjectInvalidError:
        return ProjectInvalidError(f"{self._pattern[:_SHOWN]!r} is no pattern: {what}")


def _literal(character: str) -> _Node:
    return _Node(_SLASH) if character == "/" else _Node(_ONE, lambda given: given == character)
