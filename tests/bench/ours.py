"""Moorage as it is delivered: accounts, roles, tokens and audit switched on, its own log written."""

import json
import os
import secrets
import sys
from collections.abc import Mapping
from pathlib import Path

from tests.bench.errors import BenchError
from tests.bench.programs import Program
from tests.bench.target import PROJECT, Credentials, FixedToken, Target, TokenService, basic
from tests.bench.wire import Connection
from tests.support.free_port import free_port

_START_SECONDS = 60.0
_TOKEN_LIFETIME_SECONDS = 6 * 3600
_ADMINISTRATOR = "admin"
_DEVELOPER = "bencher"
_DEVELOPER_ROLE = 2
_JSON = {"Content-Type": "application/json"}


def start_ours(folder: Path, settings: Mapping[str, str]) -> Target:
    """Start Moorage with its data below `folder`; its own waitress answers the clients.

    Args:
        folder: made here.
        settings: further MOORAGE_... variables.

    Raises:
        BenchError: it does not start, or refuses the accounts.
    """
    folder.mkdir(parents=True)
    port = free_port()
    password = new_password()
    environment = our_environment(folder, password, {"MOORAGE_PORT": str(port), **settings})
    server = Program("moorage", [sys.executable, "-m", "moorage", "serve"], environment, folder / "log")
    url = f"http://127.0.0.1:{port}"
    try:
        server.await_answer(url, "/healthz", _START_SECONDS)
        credentials = make_developer(url, password)
    except BenchError:
        server.stop()
        raise
    return Target("ours", "Moorage, direct", url, credentials, roots=(server.pid,), stop=server.stop)


def our_environment(folder: Path, password: str, settings: Mapping[str, str]) -> dict[str, str]:
    """The shell's environment without its MOORAGE_ variables, and with those of this run."""
    clean = {name: value for name, value in os.environ.items() if not name.startswith("MOORAGE_")}
    return {
        **clean,
        "MOORAGE_HOST": "127.0.0.1",
        "MOORAGE_DATA": str(folder / "data"),
        "MOORAGE_ADMIN_PASSWORD": password,
        "MOORAGE_TOKEN_LIFETIME_SECONDS": str(_TOKEN_LIFETIME_SECONDS),
        **settings,
    }


def new_password() -> str:
    """A random password that satisfies the rules for passwords."""
    return f"Aa1-{secrets.token_urlsafe(18)}"


def make_developer(url: str, admin_password: str) -> TokenService:
    """Make the project and a developer in it through the API; gives the developer's credentials.

    Raises:
        BenchError: a call was refused.
    """
    password = new_password()
    person = {
        "username": _DEVELOPER,
        "password": password,
        "email": "bencher@example.com",
        "realname": "Bench",
    }
    member = {"role_id": _DEVELOPER_ROLE, "member_user": {"username": _DEVELOPER}}
    with Connection(url, basic(_ADMINISTRATOR, admin_password)) as connection:
        for path, body in (
            ("/api/v2.0/users", person),
            ("/api/v2.0/projects", {"project_name": PROJECT, "metadata": {"public": "false"}}),
            (f"/api/v2.0/projects/{PROJECT}/members", member),
        ):
            connection.request("POST", path, _JSON, json.dumps(body).encode()).expect(201)
    return TokenService(url, _DEVELOPER, password)


def running_ours(url: str, token: str, account: str, pids: tuple[int, ...]) -> Target:
    """A server that somebody else started; it must have the project and is not stopped.

    Args:
        url: `http://host:port`.
        token: used for everything; empty when `account` is given, or when nothing is needed.
        account: `name:password` of a developer of the project, from which tokens are fetched.
        pids: the server's first processes, for the memory row.
    """
    name, _, password = account.partition(":")
    credentials: Credentials = TokenService(url, name, password) if account else FixedToken(token)
    return Target("ours", f"running at {url}", url.rstrip("/"), credentials, roots=pids)
