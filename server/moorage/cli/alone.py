"""Which servers may run at the same time over one data folder."""

import fcntl
import os
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from enum import StrEnum
from pathlib import Path

from moorage.cli.context import CommandError


class Part(StrEnum):
    """Half of a server behind a proxy, which sends each request to the half that it is for.

    Both know everything; that they are different processes keeps a slow page from holding up a pull.
    """

    REGISTRY = "registry"
    PORTAL = "portal"


@contextmanager
def alone(data: Path, part: Part | None = None) -> Iterator[None]:
    """Be the only server over the folder `data`, or the only one of its part.

    A second one would empty the spool under the first.

    Raises:
        CommandError: there is one already.
    """
    data.mkdir(parents=True, exist_ok=True, mode=0o700)
    with ExitStack() as held:
        held.enter_context(_lock(data / "serve.lock", fcntl.LOCK_EX if part is None else fcntl.LOCK_SH))
        if part is not None:
            held.enter_context(_lock(data / f"serve-{part}.lock", fcntl.LOCK_EX))
        yield


@contextmanager
def _lock(path: Path, kind: int) -> Iterator[None]:
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        try:
            fcntl.flock(descriptor, kind | fcntl.LOCK_NB)
        except BlockingIOError:
            raise CommandError(f"another moorage serves from {path.parent}") from None
        yield
    finally:
        os.close(descriptor)
