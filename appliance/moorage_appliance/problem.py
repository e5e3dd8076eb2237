"""Something that is wrong with the appliance's properties or parts, in words for who can mend it."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing that is wrong.

    Attributes:
        property: key of the property to blame; "" when none is.
        message: what is wrong, without any secret.
        remedy: how to mend it.
        warning: it works for now, so nothing is kept from starting.
    """

    property: str
    message: str
    remedy: str
    warning: bool = False
