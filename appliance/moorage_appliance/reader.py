"""Takes values of properties and gathers what is wrong with them."""

from collections.abc import Callable, Mapping
from typing import TypeVar

from moorage_appliance import checks
from moorage_appliance.problem import Problem
from moorage_appliance.properties import BY_KEY, Property

T = TypeVar("T")
D = TypeVar("D")


class Reader:
    """Reads one property after the other.

    Args:
        values: by key, as they came.

    Attributes:
        problems: what was wrong so far.
    """

    def __init__(self, values: Mapping[str, str]) -> None:
        self.problems: list[Problem] = []
        self._values = values

    def given(self, key: str) -> bool:
        """Whether something was filled in, right or wrong."""
        return bool(self._values.get(key, "").strip())

    def read(self, key: str, check: Callable[[str], T], default: D) -> T | D:
        """A value; the default when it is empty or wrong."""
        text = self._values.get(key, "").strip()
        return self._checked(BY_KEY[key], text, check, default) if text else default

    def password(self, key: str, check: Callable[[str], str]) -> str:
        """A password as it is, blanks and all; "" when there is none or a bad one."""
        text = self._values.get(key, "")
        return self._checked(BY_KEY[key], text, check, "") if text else ""

    def text(self, key: str) -> str:
        """A value as it is."""
        return self._values.get(key, "").strip()

    def flag(self, key: str) -> bool:
        """A truth value."""
        return self.read(key, checks.flag, checks.flag(BY_KEY[key].default))

    def number(self, key: str) -> int:
        """A whole number between the property's limits."""
        text, known = self._values.get(key, "").strip(), BY_KEY[key]
        if text:
            try:
                return checks.whole(text, known.minimum, known.maximum)
            except checks.Refused as error:
                self.refuse(key, str(error), error.remedy)
        return self.default_number(key)

    @staticmethod
    def default_number(key: str) -> int:
        """What a number is when it is not given."""
        return int(BY_KEY[key].default)

    def choice(self, key: str) -> str:
        """One of the property's choices."""
        known, text = BY_KEY[key], self._values.get(key, "").strip().lower()
        if not text or text in known.choices:
            return text or known.default
        self.refuse(key, "is none of the choices", f"Choose one of {', '.join(known.choices)}.")
        return known.default

    def refuse(self, key: str, message: str, remedy: str) -> None:
        """Tell of something that is wrong with a property."""
        self.problems.append(Problem(key, message, remedy))

    def _checked(self, known: Property, text: str, check: Callable[[str], T], default: D) -> T | D:
        try:
            if not known.minimum <= len(text) <= known.maximum:
                least = f"{known.minimum} to " if known.minimum else "at most "
                message = "is too short" if len(text) < known.minimum else "is too long"
                raise checks.Refused(message, f"Give {least}{known.maximum} characters.")
            return check(text)
        except checks.Refused as error:
            self.refuse(known.key, str(error), error.remedy)
            return default
