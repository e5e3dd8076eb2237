"""The page about security names tests that exist, and what it says of the program as a whole is so."""

import ast
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import moorage

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "server" / "docs" / "security.md"
#: What gives objects back that were written down, with whatever these do when they come.
_RUNNING = frozenset({"pickle", "cPickle", "dill", "marshal", "shelve", "jsonpickle", "yaml", "joblib"})
_CALLS = frozenset({"eval", "exec", "compile", "__import__"})


def _named() -> list[tuple[str, str]]:
    return re.findall(r"`(tests/[\w/]+\.py)::(\w+)`", PAGE.read_text())


@cache
def _tests(path: str) -> frozenset[str]:
    tree = ast.parse((ROOT / path).read_text())
    return frozenset(node.name for node in ast.walk(tree) if isinstance(node, ast.FunctionDef))


def test_every_test_that_is_named_exists() -> None:
    named = _named()
    assert len(named) > 100
    gone = [path for path, _ in named if not (ROOT / path).is_file()]
    assert gone == []
    missing = [f"{path}::{name}" for path, name in named if name not in _tests(path)]
    assert missing == []
    assert all(name.startswith("test_") for _, name in named)


def test_every_row_names_a_test() -> None:
    rows = [line for line in PAGE.read_text().splitlines() if line.startswith("| ")]
    told = [row for row in rows if not row.startswith("| Class of fault ")]
    assert [row for row in told if not re.search(r"`tests/[\w/]+\.py::\w+` ?[,|]", row)] == []


def _sources() -> Iterator[tuple[Path, ast.AST]]:
    for path in sorted(Path(moorage.__file__).parent.rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text())):
            yield path, node


def _modules(node: ast.AST) -> set[str]:
    if isinstance(node, ast.Import):
        return {each.name.partition(".")[0] for each in node.names}
    if isinstance(node, ast.ImportFrom) and node.module:
        return {node.module.partition(".")[0]}
    return set()


def test_nothing_that_is_read_can_run() -> None:
    found = [
        f"{path}:{node.lineno}"  # type: ignore[attr-defined]  # imports and calls have one
        for path, node in _sources()
        if _modules(node) & _RUNNING
        or (isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in _CALLS)
    ]
    assert found == []
