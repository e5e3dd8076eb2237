"""What the directory says of somebody, beside what is kept of them."""

import re
from dataclasses import dataclass

from moorage.identity.directory import Person
from moorage.identity.model import User
from moorage.identity.people_store import PeopleStore
from moorage.identity.text import MAX_TEXT

#: What no name, address or line of the log may have in it.
CONTROLS = r"\0-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff"
_unprintable = re.compile(f"[{CONTROLS}]")
_email = re.compile(r"[^@\s]+@[^@\s]+").fullmatch


@dataclass(frozen=True, slots=True)
class Described:
    """What is to be kept of somebody from now on.

    What the directory was unsure of is as it was kept before: it never takes anything away.

    Attributes:
        user: as they are kept.
        held: the groups known here that they are kept in, by their numbers.
        groups: those that they are in.
        administrator: whether they administer the directory's own system.
    """

    user: User
    profile: dict[str, object]
    held: frozenset[int]
    groups: frozenset[int]
    administrator: bool

    @classmethod
    def of(cls, store: PeopleStore, user: User, person: Person) -> "Described":
        """Put the two together."""
        held = store.groups_of(user.id)
        groups = store.known(person.groups)
        if person.unsure:
            groups |= held & store.known(person.unsure)
        administrator = person.administrator or (person.administrator_unsure and user.directory_admin)
        return cls(user, profile_of(person), frozenset(held), frozenset(groups), administrator)

    @property
    def differences(self) -> list[str]:
        """What the directory says otherwise than it did, in words for the log."""
        user = self.user
        checks = (
            ("back in the directory", user.left_at is not None),
            ("profile of the directory", {"email": user.email, "real_name": user.real_name} != self.profile),
            ("groups of the directory", self.groups != self.held),
            ("administrator by the directory", self.administrator and not user.directory_admin),
            ("no administrator by the directory", user.directory_admin and not self.administrator),
        )
        return [words for words, differs in checks if differs]

    @property
    def takes_away(self) -> bool:
        """Whether somebody may do less than before by what the directory says now."""
        return bool(self.held - self.groups) or (self.user.directory_admin and not self.administrator)


def profile_of(person: Person) -> dict[str, object]:
    """The directory's texts as columns can hold them: it follows rules of its own."""
    email = person.email.strip()
    return {
        "email": email if len(email) <= MAX_TEXT and _email(email) and not _unprintable.search(email) else "",
        "real_name": _unprintable.sub(" ", person.real_name).strip()[:MAX_TEXT],
    }
