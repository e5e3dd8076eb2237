"""Text from outside, made fit for the log: printable, on one line, and not too long."""

_MARK = "…"


def fit(text: str, limit: int) -> str:
    """`text` in at most `limit` characters; whatever does not print is written as an escape.

    Line breaks, terminal controls and direction marks could forge rows for a reader of the log;
    NUL and lone surrogates cannot be stored at all.
    """
    if len(text) <= limit and text.isprintable():  # nearly always, and on the way of every pull
        return text
    # Escapes only make text longer, so what lies beyond the limit never needs a look.
    head = text[: limit + 1]
    if not head.isprintable():
        head = "".join(c if c.isprintable() else _escape(c) for c in head)
    return head if len(head) <= limit else head[: limit - 1] + _MARK


def _escape(character: str) -> str:
    return character.encode("unicode_escape").decode("ascii")
