"""Numbers that commands take, no larger than what they end up in."""

from math import isfinite
from typing import Any

import click

#: What the number of a row can be, in every database.
NUMBER = click.IntRange(0, 2**63 - 1)


class Amount(click.FloatRange):
    """A number with a fraction; neither infinite nor "not a number", which no range keeps out."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> float:
        """Read it."""
        number = float(super().convert(value, param, ctx))
        if not isfinite(number):
            self.fail(f"{value} is no number to count with", param, ctx)
        return number
