"""How many people may lose access at once before somebody has to say that this is right."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Brake:
    """It takes both numbers: few people are soon a large part of few, and many a small part of many.

    Attributes:
        people: so many may lose access at once whatever part of all they are.
        percent: so large a part of all may, however many they are; 100 lets everybody.
    """

    people: int = 5
    percent: int = 20

    def holds(self, losing: int, known: int) -> bool:
        """Whether it is too much that so many of the known people lose access at once."""
        return losing > self.people and losing * 100 > self.percent * known
