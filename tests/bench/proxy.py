"""Moorage behind nginx, from the template that the proxy role installs."""

import sys
from collections.abc import Mapping
from contextlib import ExitStack
from pathlib import Path

from tests.bench.errors import BenchError
from tests.bench.ours import make_developer, new_password, our_environment
from tests.bench.programs import Program
from tests.bench.target import Target
from tests.support.child import ChildEndedError
from tests.support.proxy import Proxy

_START_SECONDS = 60.0


def start_ours_behind_nginx(folder: Path, settings: Mapping[str, str]) -> Target:
    """Start Moorage on Unix sockets and nginx before them; nginx counts as a part of the server.

    Args:
        folder: made here.
        settings: further MOORAGE_... variables.

    Raises:
        BenchError: one of them does not start.
    """
    sockets = folder / "sockets"
    sockets.mkdir(parents=True)
    password = new_password()
    where = {"MOORAGE_SERVER_SOCKET_FOLDER": str(sockets.absolute()), "MOORAGE_SERVER_BEHIND_NGINX": "true"}
    environment = our_environment(folder, password, {**where, **settings})
    with ExitStack() as stack:
        server = Program("moorage", [sys.executable, "-m", "moorage", "serve"], environment, folder / "log")
        stack.callback(server.stop)
        server.await_word("is ready at", _START_SECONDS)
        proxy = Proxy(folder.absolute() / "nginx", sockets.absolute(), folder.absolute() / "data")
        stack.callback(proxy.stop)
        try:
            proxy.start()
        except ChildEndedError as error:
            raise BenchError(f"nginx did not start: {error}") from error
        server.await_answer(proxy.url, "/healthz", _START_SECONDS)
        credentials = make_developer(proxy.url, password)
        stop = stack.pop_all().close
    roots = [server.pid] if proxy.child is None else [server.pid, proxy.child.pid]
    return Target("ours", "Moorage behind nginx", proxy.url, credentials, roots=roots, stop=stop)
