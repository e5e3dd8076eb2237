"""Certificates and keys as people paste them: on one line, with blanks for line ends, with text around."""

import base64
import binascii
import re
from collections.abc import Sequence
from dataclasses import dataclass

_block = re.compile(r"-----BEGIN ([A-Z0-9 ]{1,40})-----(.*?)-----END \1-----", re.DOTALL)
_WIDTH = 64


class PemInvalidError(Exception):
    """No PEM, or a damaged one; the text never holds any of it."""


@dataclass(frozen=True, slots=True)
class Block:
    """One certificate or key.

    Attributes:
        label: such as ``CERTIFICATE``.
        text: in lines of 64 letters, with a line end at the end.
    """

    label: str
    text: str


def blocks(text: str) -> Sequence[Block]:
    """Everything in PEM in a text, wrapped anew; what stands between is left out.

    Raises:
        PemInvalidError: there is nothing, something is cut off, damaged, or encrypted.
    """
    # Line ends that somebody's tool wrote as two letters.
    text = text.replace("\\r", "").replace("\\n", "\n")
    found = [_wrapped(label, body) for label, body in _block.findall(text)]
    if "-----BEGIN" in _block.sub("", text):
        raise PemInvalidError("the end is missing: it was cut off")
    if not found:
        raise PemInvalidError("it is not in PEM: there is no line -----BEGIN ...-----")
    return found


def _wrapped(label: str, body: str) -> Block:
    if "ENCRYPTED" in label or "Proc-Type" in body:
        raise PemInvalidError("it is encrypted")
    letters = "".join(body.split())
    try:
        base64.b64decode(letters, validate=True)
    except (binascii.Error, ValueError):
        raise PemInvalidError("it is damaged: between its lines BEGIN and END is no base64") from None
    if not letters:
        raise PemInvalidError("it is empty")
    lines = (letters[at : at + _WIDTH] for at in range(0, len(letters), _WIDTH))
    return Block(label, "\n".join((f"-----BEGIN {label}-----", *lines, f"-----END {label}-----", "")))
