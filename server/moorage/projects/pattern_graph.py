"""A pattern as a graph: a node for each thing that it says, in the order in which texts are read."""

from collections.abc import Callable
from dataclasses import dataclass, field

from moorage.projects.errors import ProjectInvalidError

_SHOWN = 80
FORK, ONE, SLASH, STAR, DOUBLE, END = range(6)


@dataclass(slots=True)
class Node:
    """One thing a pattern says; `accepts` tells which character a node of kind `ONE` takes."""

    kind: int
    accepts: Callable[[str], bool] | None = None
    after: list[int] = field(default_factory=list)


class Graph:
    """The nodes of a pattern; the first one begins it.

    Raises:
        ProjectInvalidError: it is malformed; the message says where.
    """

    def __init__(self, pattern: str) -> None:
        self._pattern = pattern
        self._index = 0
        self.nodes = [Node(FORK)]
        self._at = 0
        #: Where each brace that is open began, and where its alternatives meet.
        self._braces: list[tuple[int, int]] = []
        while self._index < len(pattern):
            self._read()
        if self._braces:
            raise self._wrong("a '{' is never closed")
        self._append(Node(END))

    def _read(self) -> None:
        character = self._take()
        if character == "*":
            self._stars()
        elif character == "?":
            self._append(Node(ONE, lambda _: True))
        elif character == "[":
            self._append(Node(ONE, self._class()))
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
        self._append(Node(DOUBLE if count == len("**") else STAR))

    def _open(self) -> None:
        self._append(Node(FORK))
        self.nodes.append(Node(FORK))
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

    def _append(self, node: Node) -> None:
        self.nodes.append(node)
        self.nodes[self._at].after.append(len(self.nodes) - 1)
        self._at = len(self.nodes) - 1

    def _wrong(self, what: str) -> ProjectInvalidError:
        return ProjectInvalidError(f"{self._pattern[:_SHOWN]!r} is no pattern: {what}")


def _literal(character: str) -> Node:
    return Node(SLASH) if character == "/" else Node(ONE, lambda given: given == character)
