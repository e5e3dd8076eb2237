"""JSON bodies, read by the names that a call knows and by nothing else.

A model's columns never meet a client's keys: a call asks for its fields one by one, and a key that
it neither knows nor was told to overlook is refused.
"""

from collections.abc import Collection, Mapping

import falcon

from moorage.errors import Invalid
from moorage.oci import strictjson
from moorage.oci.mediatypes import of_content_type
from moorage.web.transfer import small_body

MAX_BYTES = 1024 * 1024
MAX_DEPTH = 8
_LARGEST = 2**53
_SHOWN = 80


class BodyInvalidError(Invalid):
    """A body that is not what the call takes."""


class Body:
    """One JSON object of a request.

    Args:
        values: as parsed.
        known: the keys that the call takes; `None` as a value is the same as leaving the key out.
        overlooked: keys that clients of Harbor send along and that mean nothing here.
        at: where in the body the object stands, for messages.

    Raises:
        BodyInvalidError: it has any other key.
    """

    def __init__(
        self,
        values: Mapping[str, object],
        *,
        known: Collection[str],
        overlooked: Collection[str] = (),
        at: str = "",
    ) -> None:
        strangers = sorted(set(values) - set(known) - set(overlooked))
        if strangers:
            raise BodyInvalidError(
                f"{at}{strangers[0][:_SHOWN]}: no such field; the call takes {', '.join(sorted(known))}"
            )
        self._values = {name: value for name, value in values.items() if value is not None and name in known}
        self._at = at

    def __contains__(self, name: str) -> bool:
        return name in self._values

    def text(self, name: str, default: str | None = None) -> str:
        """The string `name`; required without a default.

        Raises:
            BodyInvalidError: it is missing or no string.
        """
        value = self._values.get(name, default)
        if not isinstance(value, str):
            raise self._wrong(name, value, "a string")
        return value

    def flag(self, name: str, default: bool | None = None) -> bool:
        """The boolean `name`; required without a default.

        Raises:
            BodyInvalidError: it is missing or no boolean.
        """
        value = self._values.get(name, default)
        if not isinstance(value, bool):
            raise self._wrong(name, value, "true or false")
        return value

    def number(self, name: str, default: int | None = None) -> int:
        """The whole number `name`; required without a default.

        Raises:
            BodyInvalidError: it is missing, no whole number, or absurdly large.
        """
        value = self._values.get(name, default)
        if isinstance(value, float) and value.is_integer():  # 25.0 is a whole number to JSON Schema
            value = int(value)
        if not isinstance(value, int) or isinstance(value, bool) or abs(value) > _LARGEST:
            raise self._wrong(name, value, "a whole number")
        return value

    def part(self, name: str, *, known: Collection[str], overlooked: Collection[str] = ()) -> "Body | None":
        """The object `name`, or None when it is left out.

        Raises:
            BodyInvalidError: it is no object, or has a key that is neither known nor overlooked.
        """
        value = self._values.get(name)
        if value is None:
            return None
        if not isinstance(value, dict):
            raise self._wrong(name, value, "an object")
        return Body(value, known=known, overlooked=overlooked, at=f"{self._at}{name}.")

    def parts(
        self, name: str, *, known: Collection[str], overlooked: Collection[str] = (), most: int
    ) -> list["Body"]:
        """The list of objects `name`; empty when it is left out.

        Raises:
            BodyInvalidError: it is no list of at most `most` such objects.
        """
        value = self._values.get(name, [])
        if not isinstance(value, list) or len(value) > most:
            raise self._wrong(name, value, f"a list of at most {most} objects")
        found = []
        for number, each in enumerate(value):
            if not isinstance(each, dict):
                raise self._wrong(f"{name}[{number}]", each, "an object")
            at = f"{self._at}{name}[{number}]."
            found.append(Body(each, known=known, overlooked=overlooked, at=at))
        return found

    def plain(self) -> dict[str, object]:
        """Every known field that is there, for a reader that checks them itself."""
        return dict(self._values)

    def texts(self) -> dict[str, str]:
        """Every known field that is there, all of them strings.

        Raises:
            BodyInvalidError: one is no string.
        """
        return {name: self.text(name) for name in self._values}

    def _wrong(self, name: str, value: object, wanted: str) -> BodyInvalidError:
        what = "is missing; it is" if value is None else "is not"
        return BodyInvalidError(f"{self._at}{name} {what} {wanted}")


def read(req: falcon.Request, *, known: Collection[str], overlooked: Collection[str] = ()) -> Body:
    """The JSON object that the request brings.

    Only bodies that say they are JSON are taken: a form on a foreign page can send any other kind
    with the credential that a browser remembers.

    Raises:
        BodyTooLargeError: it has more than `MAX_BYTES`.
        HTTPUnsupportedMediaType: it does not say that it is JSON.
        JsonInvalidError: it is no strict JSON object.
        BodyInvalidError: it has a key that is neither known nor overlooked.
    """
    content = small_body(req, MAX_BYTES)
    if of_content_type(req.content_type) != falcon.MEDIA_JSON:
        raise falcon.HTTPUnsupportedMediaType(description=f"the body is to be {falcon.MEDIA_JSON}")
    return Body(strictjson.parse(content, MAX_DEPTH), known=known, overlooked=overlooked)
