"""Names and tags: their grammar (distribution-spec 1.1.1, "Pulling manifests").

Every component is matched by linear-time patterns after its length was checked.
"""

import re

from moorage.errors import Invalid
from moorage.oci.digest import Digest

#: Characters in a whole repository name, project included. The spec lets clients limit host plus
#: name to 255, so a longer one could be pushed but not pulled by everybody.
MAX_NAME_LENGTH = 255
MAX_TAG_LENGTH = 128

_COMPONENT = r"[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*"
_component = re.compile(_COMPONENT).fullmatch
_name = re.compile(rf"{_COMPONENT}(?:/{_COMPONENT})+").fullmatch
_tag = re.compile(rf"[a-zA-Z0-9_][a-zA-Z0-9._-]{{0,{MAX_TAG_LENGTH - 1}}}").fullmatch
_SHOWN = 300


class NameInvalidError(Invalid):
    """The text is no repository name."""

    code = "NAME_INVALID"


class TagInvalidError(Invalid):
    """The text is no tag."""

    code = "TAG_INVALID"


class RepositoryName(str):
    """The full name of a repository, ``project/path``, where the path may have slashes itself.

    The constructor trusts its caller (a row that was parsed once); text from outside goes
    through `parse`.
    """

    __slots__ = ()

    @classmethod
    def parse(cls, text: str) -> "RepositoryName":
        """Check the spec's grammar, that there is a project, and the length.

        Raises:
            NameInvalidError: one of them fails; the message says which.
        """
        if len(text) > MAX_NAME_LENGTH or _name(text) is None:
            raise NameInvalidError(_complaint(text), {"name": text[:_SHOWN]})
        return cls(text)

    @property
    def project(self) -> str:
        """The first component."""
        return self.partition("/")[0]

    def within(self, project: str) -> "RepositoryName":
        """The same path in a project of that name."""
        return RepositoryName(f"{project}/{self.path}")

    @property
    def path(self) -> str:
        """Everything after the project."""
        return self.partition("/")[2]


class Tag(str):
    """The name that moves from manifest to manifest inside a repository.

    The constructor trusts its caller; text from outside goes through `parse`.
    """

    __slots__ = ()

    @classmethod
    def parse(cls, text: str) -> "Tag":
        """Check the spec's grammar: a letter, digit or ``_``, then up to 127 of those, ``.``, ``-``.

        Raises:
            TagInvalidError: it does not hold.
        """
        if _tag(text) is None:
            raise TagInvalidError(_tag_complaint(text), {"tag": text[:_SHOWN]})
        return cls(text)


def is_component(text: str) -> bool:
    """Whether `text` is one component of a repository name, as a project's name must be."""
    return len(text) <= MAX_NAME_LENGTH and _component(text) is not None


def parse_reference(text: str) -> Tag | Digest:
    """What stands behind ``/manifests/``: a digest if it has a colon, which no tag has, else a tag.

    Raises:
        DigestInvalidError: it has a colon and is no digest.
        TagInvalidError: it has none and is no tag.
    """
    return Digest.parse(text) if ":" in text else Tag.parse(text)


def _complaint(text: str) -> str:
    if not text:
        return "the repository name is empty"
    if len(text) > MAX_NAME_LENGTH:
        return f"a repository name has at most {MAX_NAME_LENGTH} characters, this one {len(text)}"
    if _component(text) is not None:
        return f"the name needs a project in front: <project>/{text}"
    if any(letter.isupper() for letter in text):
        return f"repository name {text!r} has upper-case letters; only lower case is allowed"
    return (
        f"repository name {text!r} breaks the grammar: components of a-z and 0-9, joined inside by "
        "'.', '_', '__' or dashes and set apart by single slashes"
    )


def _tag_complaint(text: str) -> str:
    if not text:
        return "the tag is empty"
    if len(text) > MAX_TAG_LENGTH:
        return f"a tag has at most {MAX_TAG_LENGTH} characters, this one {len(text)}"
    return f"tag {text!r} breaks the grammar: a letter, digit or '_', then letters, digits, '_', '.', '-'"
