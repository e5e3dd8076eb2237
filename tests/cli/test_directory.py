"""`moorage directory` as an administrator types it, with nobody at the other end."""

import json
import socket
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from moorage.cli.main import main

Moorage = Callable[..., Result]
ADDRESS, ACCOUNT, SECRET = "vc.example.com", "svc@vsphere.local", "of the service"
THUMBPRINT = ":".join(["AB"] * 32)
KEPT = ("--thumbprint", THUMBPRINT, "--untested", "--password-stdin")


@pytest.fixture
def moorage(tmp_path: Path) -> Moorage:
    data = tmp_path / "data"
    environment = {
        "MOORAGE_DATA": str(data),
        "MOORAGE_DATABASE_URL": f"sqlite:///{data}/db/moorage.sqlite",
        "MOORAGE_LOG_LEVEL": "error",
    }

    def run(*words: str, **how: object) -> Result:
        return CliRunner().invoke(main, words, env=environment, **how)

    assert run("migrate").exit_code == 0
    return run


def connect(moorage: Moorage, *words: str, given: str = SECRET) -> Result:
    return moorage("directory", "connect", ADDRESS, "--account", ACCOUNT, *words, input=given + "\n")


def test_a_connection_is_kept_shown_and_forgotten(moorage: Moorage) -> None:
    made = connect(moorage, *KEPT, "--domain", "vsphere.local", "--domain", "corp.example.com=CORP")
    assert made.exit_code == 0, made.output
    shown = moorage("directory", "show", "--json")
    assert SECRET not in made.output + shown.output
    found = json.loads(shown.stdout)
    assert found["address"] == ADDRESS
    assert found["password"] == "kept"
    assert found["thumbprint"] == THUMBPRINT
    assert found["domains"] == ["vsphere.local", "corp.example.com=CORP"]
    assert found["admin_privileges"] == ["Authorization.ModifyPermissions"]
    assert moorage("directory", "disconnect", "--yes").exit_code == 0
    gone = moorage("directory", "show")
    assert (gone.exit_code, "not connected" in gone.output) == (1, True)


def test_who_administers_is_chosen(moorage: Moorage) -> None:
    for words, privileges, group in (
        (("--admin-group", "Admins@vsphere.local"), [], "admins@vsphere.local"),
        (("--admin-privilege", "Global.Settings"), ["Global.Settings"], None),
        (("--no-admins",), [], None),
    ):
        found = json.loads(connect(moorage, *KEPT, *words, "--json").stdout)
        assert (found["admin_privileges"], found["admin_group"]) == (privileges, group)


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (("--untested", "--password-stdin"), "--ca or --thumbprint"),
        (("--untested",), "--ca or --thumbprint"),
        ((*KEPT, "--ca", "/dev/null"), "not both"),
        ((*KEPT, "--no-admins", "--admin-group", "a@vsphere.local"), "--no-admins"),
        (("--ca", "/nowhere", "--untested", "--password-stdin"), "/nowhere"),
        (("--ca", "/dev/null", "--untested", "--password-stdin"), "give one of them"),
        (("--thumbprint", "ab" * 20, "--untested", "--password-stdin"), "SHA-1"),
        ((*KEPT, "--domain", "corp.example.com"), "domain of the account"),
        ((*KEPT, "--admin-privilege", "everything"), "privileges"),
    ],
)
def test_what_is_wrong_is_told_in_one_line(moorage: Moorage, words: tuple[str, ...], says: str) -> None:
    refused = connect(moorage, *words)
    assert refused.exit_code == 1
    assert says in refused.output
    assert "Traceback" not in refused.output
    assert moorage("directory", "show").exit_code == 1


def test_a_connection_that_does_not_work_is_not_kept(moorage: Moorage) -> None:
    with socket.create_server(("127.0.0.2", 0)) as listener:
        address = f"127.0.0.2:{listener.getsockname()[1]}"
    tried = moorage(
        *("directory", "connect", address, "--account", ACCOUNT, "--thumbprint", THUMBPRINT),
        "--password-stdin",
        input=SECRET + "\n",
    )
    assert tried.exit_code == 1
    assert f"{address} does not answer" in tried.output
    assert moorage("directory", "show").exit_code == 1
