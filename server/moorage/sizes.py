"""Sizes as people write and read them: ``10 GiB``, ``512 MiB``."""

import re

from moorage.errors import Invalid

_UNITS = ("B", "KiB", "MiB", "GiB", "TiB", "PiB")
_STEP = 1024
#: More than any disk has, and exact in every client's numbers.
LARGEST = 2**53 - 1
_written = re.compile(r"(\d{1,18}(?:\.\d{1,9})?)\s*([kmgtp]?)(i?)(b?)", re.IGNORECASE | re.ASCII).fullmatch


class SizeInvalidError(Invalid):
    """The text is no size."""


def in_words(size_bytes: int) -> str:
    """A number of bytes for a person, for instance ``9.8 GiB``."""
    amount, unit = float(size_bytes), 0
    # 1023.95 and more would be written as 1024.0 of its unit.
    while abs(amount) >= _STEP - 0.05 and unit < len(_UNITS) - 1:
        amount, unit = amount / _STEP, unit + 1
    if unit == 0:
        return f"{size_bytes} {'byte' if size_bytes == 1 else 'bytes'}"
    return f"{amount:.1f}".removesuffix(".0") + f" {_UNITS[unit]}"


def parse(text: str) -> int:
    """The bytes that a person wrote: ``10GiB``, ``10G``, ``1.5 TiB``, ``4096``.

    Units are powers of 1024, also when their "i" is left out.

    Raises:
        SizeInvalidError: it is no size, or a larger one than any disk has.
    """
    found = _written(text.strip())
    if found is None or (found[3] and not found[2]):
        raise SizeInvalidError(f"{text[:40]!r} is no size; write for instance 512MiB or 10GiB")
    unit: int = _STEP ** " kmgtp".index(found[2].lower() or " ")
    size = round(float(found[1]) * unit) if "." in found[1] else int(found[1]) * unit
    if size > LARGEST:
        raise SizeInvalidError(f"{text[:40]!r} is larger than any disk")
    return size
