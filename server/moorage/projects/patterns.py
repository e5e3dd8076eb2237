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

from collections.abc import Iterator
from functools import lru_cache
from itertools import chain
from string import ascii_letters, digits

from moorage.projects.errors import ProjectInvalidError
from moorage.projects.pattern_graph import DOUBLE, END, FORK, ONE, SLASH, STAR, Graph, Node

MAX_PATTERN_LENGTH = 1024
_SHOWN = 80
#: How much of a machine is remembered: places in all of its steps together.
_REMEMBERED = 20_000
#: Of what names consist.
_LETTERS = ascii_letters + digits + "._-/"
#: How many moves a machine may have, from all of its steps with all letters together.
_MOVES = 100_000


def check_pattern(pattern: str) -> None:
    """See to it that the text is a pattern.

    Raises:
        ProjectInvalidError: it is empty, too long, malformed, or would take long with some names; the
            message says what is wrong.
    """
    if not pattern:
        raise ProjectInvalidError("a pattern is not empty; '**' stands for everything")
    if not (pattern.isascii() and pattern.isprintable()):
        raise ProjectInvalidError("a pattern has a character that no name has")
    if not _is_tame(pattern):
        raise ProjectInvalidError(
            f"{pattern[:_SHOWN]!r} has too many ways to match; '*' and '?' behind a '*' make them"
        )


def matches(pattern: str, text: str) -> bool:
    """Whether the whole text matches, in time proportional to the text; the empty pattern matches all.

    Raises:
        ProjectInvalidError: the pattern is malformed.
    """
    return not pattern or _machine(pattern).accepts(text)


# A pattern becomes a graph of nodes, and a text is read over it with all paths at once: the time never
# depends on how many ways there are to match. A place is a node that was reached, and how: the last two
# ways exist because `**` is more than `*` only between slashes, which braces may hide on either side.
_INSIDE, _BEGINS, _STARRED, _WILD, _SKIPS, _ENDS = range(6)
_WAYS = 6


class _Step:
    """All places that some text leads to, and where each next character leads."""

    __slots__ = ("accepts", "after", "places")

    def __init__(self, places: frozenset[int], accepts: bool) -> None:
        self.places = places
        self.accepts = accepts
        self.after: dict[str, _Step] = {}


class _Machine:
    """Reads texts; remembers the steps it took, for the next text takes most of them again."""

    def __init__(self, nodes: list[Node]) -> None:
        self._nodes = nodes
        self._steps: dict[frozenset[int], _Step] = {}
        self._size = 0
        self._start: _Step | None = None
        self._forgot = False

    def is_tame(self) -> bool:
        """Whether all its steps can be remembered; then no text takes longer than to look at its letters."""
        letters = self._different_letters()
        waiting, seen, moves = [self._step([_BEGINS])], {frozenset[int]()}, 0
        while waiting:
            step = waiting.pop()
            for letter in letters:
                moves += len(step.places)
                if moves > _MOVES or self._forgot:
                    return False
                following = self._step(self._moved(step.places, letter))
                if following.places not in seen:
                    seen.add(following.places)
                    waiting.append(following)
        return True

    def _different_letters(self) -> list[str]:
        """One letter of each kind: those of one kind lead from everywhere to the same places."""
        takers = [node.accepts for node in self._nodes if node.accepts is not None]
        kinds = {(each == "/", *(taker(each) for taker in takers)): each for each in _LETTERS}
        return list(kinds.values())

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
            elif node.kind == SLASH and character == "/":
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
            accepts = any(self._nodes[place // _WAYS].kind == END for place in key)
            known = _Step(key, accepts)
            self._remember(known)
        return known

    def _free(self, number: int, way: int) -> Iterator[int]:
        """The places that are reached from a place without a character."""
        node = self._nodes[number]
        onward: tuple[int, ...] = ()
        here: tuple[int, ...] = ()
        if node.kind == FORK:
            onward = (way,)
        elif way in (_SKIPS, _ENDS):
            # Behind a `**` that stands for components; it may stand for none, with its slash.
            onward = (_BEGINS,) if way == _SKIPS and node.kind == SLASH else ()
        elif way == _STARRED:
            onward = (_INSIDE,)
        elif way == _WILD:
            onward = (_ENDS,)
        elif node.kind == STAR:
            here = (_STARRED,)
        elif node.kind == DOUBLE:
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
            return kind == END or (kind == SLASH and way == _ENDS)
        return kind in (ONE, SLASH, END)

    def _remember(self, step: _Step) -> None:
        self._size += len(step.places) + 1
        if self._size > _REMEMBERED:
            # Whoever reads a text right now goes on with the steps at hand; no new text finds them.
            self._steps = {}
            self._size = 0
            self._start = None
            self._forgot = True
        self._steps[step.places] = step


@lru_cache(maxsize=4096)
def _is_tame(pattern: str) -> bool:
    return _machine(pattern).is_tame()


@lru_cache(maxsize=128)
def _machine(pattern: str) -> _Machine:
    if len(pattern) > MAX_PATTERN_LENGTH:
        raise ProjectInvalidError(f"a pattern has at most {MAX_PATTERN_LENGTH} characters")
    return _Machine(Graph(pattern).nodes)
