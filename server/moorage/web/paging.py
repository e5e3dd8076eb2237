"""Pages of lists: the registry's ``n`` and ``last``, Harbor's ``page`` and ``page_size``."""

from collections.abc import Sequence
from dataclasses import dataclass
from urllib.parse import quote, urlencode

import falcon

from moorage.errors import Invalid

DEFAULT_PAGE_SIZE = 10
MAX_PAGE_SIZE = 100
_LONGEST_NUMBER = 18
_LONGEST_LAST = 1024
_FURTHEST = 10**18


class PageInvalidError(Invalid):
    """A page that cannot be asked for."""


class PageNumberInvalidError(Invalid):
    """``n`` is no number of entries."""

    code = "PAGINATION_NUMBER_INVALID"


@dataclass(frozen=True, slots=True)
class KeyPage:
    """At most `limit` entries that come after the key `last`."""

    limit: int
    last: str


@dataclass(frozen=True, slots=True)
class NumberedPage:
    """The page `number`, counted from 1, of `size` entries each."""

    number: int
    size: int

    @property
    def offset(self) -> int:
        """How many entries come before it; fewer where no list reaches, for databases count in 64 bits."""
        return min((self.number - 1) * self.size, _FURTHEST)

    @property
    def limit(self) -> int:
        return self.size


def key_page(req: falcon.Request, most: int) -> KeyPage:
    """The page that ``n`` and ``last`` ask for; `most` entries at once, asked for or not.

    Raises:
        PageNumberInvalidError: ``n`` is not one whole number from 0 on.
        PageInvalidError: ``last`` cannot be a key.
    """
    given = req.get_param_as_list("n")
    limit = most if given is None else min(most, _whole_number(given))
    last = req.get_param_as_list("last") or [""]
    if len(last) > 1 or len(last[0]) > _LONGEST_LAST or not last[0].isprintable():
        raise PageInvalidError("'last' is not the key of an entry")
    return KeyPage(limit, last[0])


def cut(req: falcon.Request, resp: falcon.Response, page: KeyPage, found: Sequence[str]) -> Sequence[str]:
    """Cut `found` down to the page and link to the next one if there is more.

    Args:
        found: the answer to a question for one entry more than the page holds.
    """
    if len(found) <= page.limit:
        return found
    shown = found[: page.limit]
    if shown:
        query = f"n={page.limit}&last={quote(shown[-1], safe='')}"
        resp.set_header("Link", f'<{quote(req.path)}?{query}>; rel="next"')
    return shown


def numbered_page(req: falcon.Request) -> NumberedPage:
    """The page that ``page`` and ``page_size`` ask for.

    Raises:
        PageInvalidError: one of them is not a whole number, or out of bounds.
    """
    number = _parameter(req, "page", 1)
    size = _parameter(req, "page_size", DEFAULT_PAGE_SIZE)
    if number < 1 or not 1 <= size <= MAX_PAGE_SIZE:
        raise PageInvalidError(f"'page' starts at 1 and 'page_size' goes from 1 to {MAX_PAGE_SIZE}")
    return NumberedPage(number, size)


def tell_total(req: falcon.Request, resp: falcon.Response, page: NumberedPage, total: int) -> None:
    """Set ``X-Total-Count`` and the ``Link`` to the pages before and after."""
    resp.set_header("X-Total-Count", str(total))
    links = []
    if page.number > 1:
        links.append(_link(req, page.number - 1, page.size, "prev"))
    if page.offset + page.size < total:
        links.append(_link(req, page.number + 1, page.size, "next"))
    if links:
        resp.set_header("Link", " , ".join(links))


def _link(req: falcon.Request, number: int, size: int, relation: str) -> str:
    query = {name: value for name, value in req.params.items() if name not in ("page", "page_size")}
    text = urlencode({**query, "page": number, "page_size": size}, doseq=True)
    return f'<{quote(req.path)}?{text}>; rel="{relation}"'


def _parameter(req: falcon.Request, name: str, default: int) -> int:
    text = req.get_param(name)
    if text is None:
        return default
    if not _is_number(text):
        raise PageInvalidError(f"'{name}' is not a whole number")
    return int(text)


def _whole_number(given: Sequence[str]) -> int:
    if len(given) != 1 or not given[0].isascii() or not given[0].isdigit():
        raise PageNumberInvalidError("'n' is not a whole number from 0 on")
    return int(given[0][-_LONGEST_NUMBER:]) if len(given[0]) <= _LONGEST_NUMBER else 10**_LONGEST_NUMBER


def _is_number(text: str) -> bool:
    return text.isascii() and text.isdigit() and len(text) <= _LONGEST_NUMBER
