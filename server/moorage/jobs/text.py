"""What handlers say, made fit to be kept and shown: printable, on one line, not too long."""

#: The most letters of one line.
LINE = 2000
_MARK = "…"


def fit(text: str, limit: int = LINE) -> str:
    """`text` in at most `limit` characters; whatever does not print is written as an escape.

    Names of images come from outside: line breaks could forge lines, NUL and lone surrogates
    cannot be stored at all.
    """
    head = text[: limit + 1]
    if not head.isprintable():
        head = "".join(c if c.isprintable() else c.encode("unicode_escape").decode("ascii") for c in head)
    return head if len(head) <= limit else head[: limit - 1] + _MARK
