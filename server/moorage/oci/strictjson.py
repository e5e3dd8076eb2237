"""JSON as strict as the strictest client: one body must mean the same thing to everybody.

Parsers disagree about duplicate keys, NaN, byte-order marks and what follows the document, and a
deep one can exhaust a stack; such bodies are refused instead of guessed at.
"""

import json
import re
from collections import Counter
from math import isfinite

from moorage.errors import Invalid

#: Objects and arrays inside each other. A manifest needs 5; extensions in annotations none at all.
MAX_DEPTH = 32

_BOM = b"\xef\xbb\xbf"
_TO_SQUARE = bytes.maketrans(b"{}", b"[]")
_NOT_STRUCTURE = bytes(byte for byte in range(256) if byte not in b'[]{}"')
_surrogate_escape = re.compile(rb"\\u[dD][89a-fA-F]").search


class JsonInvalidError(Invalid):
    """The body is not JSON that everybody reads alike."""


def parse(body: bytes, max_depth: int = MAX_DEPTH) -> dict[str, object]:
    """Parse one JSON object in UTF-8.

    Args:
        body: the exact bytes.
        max_depth: the outermost object counts as 1.

    Raises:
        JsonInvalidError: not UTF-8, a byte-order mark, bad syntax, anything after the document, a
            key twice in one object, a number that is not finite, half a surrogate pair, nesting
            deeper than `max_depth`, or a document that is no object.
    """
    if body.startswith(_BOM):
        raise JsonInvalidError("the JSON begins with a byte-order mark")
    # Before the parser runs, because it recurses.
    if body.count(b"[") + body.count(b"{") > max_depth and _is_deeper(body, max_depth):
        raise JsonInvalidError(f"the JSON is nested deeper than {max_depth}")
    try:
        document = _DECODER.decode(body.decode())
    except UnicodeDecodeError as error:
        raise JsonInvalidError(f"the JSON is not UTF-8: byte {error.start} fits nowhere") from error
    except json.JSONDecodeError as error:
        raise JsonInvalidError(f"the JSON is malformed: {error}") from error
    except ValueError as error:  # an integer of thousands of digits
        raise JsonInvalidError("the JSON has an integer of too many digits") from error
    if type(document) is not dict:
        raise JsonInvalidError("the JSON is not an object")
    if _surrogate_escape(body) is not None:
        _refuse_half_pairs(document)
    return document


def _is_deeper(body: bytes, limit: int) -> bool:
    """Whether brackets nest deeper than `limit`, counted up to the first syntax error at least.

    Strings are cut out, then the innermost pairs are taken away, one level a round; all of it
    runs over whole byte strings at C speed.
    """
    bare = body.replace(rb"\\", b"").replace(rb"\"", b"") if b"\\" in body else body
    pieces = bare.translate(_TO_SQUARE, _NOT_STRUCTURE).split(b'"')
    brackets = b"".join(pieces[::2])
    chain = b"[" * (limit + 1)
    for _ in range(limit):
        if chain in brackets:
            return True
        fewer = brackets.replace(b"[]", b"")
        if len(fewer) == len(brackets):
            break
        brackets = fewer
    # What is left never closes, and ends in a syntax error if it is shallow enough to parse.
    return b"[]" in brackets or brackets.count(b"[") > limit


def _object(pairs: list[tuple[str, object]]) -> dict[str, object]:
    result = dict(pairs)
    if len(result) != len(pairs):
        ((twice, _),) = Counter(key for key, _ in pairs).most_common(1)
        raise JsonInvalidError(f"the JSON has the key {twice[:80]!r} twice in one object")
    return result


def _refuse_constant(name: str) -> float:
    raise JsonInvalidError(f"the JSON has {name}, which is no JSON number")


def _finite(text: str) -> float:
    number = float(text)
    if not isfinite(number):
        raise JsonInvalidError(f"the JSON has a number out of range: {text[:80]}")
    return number


def _refuse_half_pairs(document: dict[str, object]) -> None:
    try:
        json.dumps(document, ensure_ascii=False).encode()
    except UnicodeEncodeError as error:
        raise JsonInvalidError("the JSON has half of a surrogate pair") from error


# Built once: `json.loads` with hooks would build one a call.
_DECODER = json.JSONDecoder(object_pairs_hook=_object, parse_constant=_refuse_constant, parse_float=_finite)
