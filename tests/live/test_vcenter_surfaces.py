"""A vCenter connected from the command line and over the API, as an administrator would."""

import base64
import json
import os
import pty
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from falcon.testing import Result, TestClient

from moorage.config import load
from moorage.db import migrate
from moorage.db.connection import close_connection, open_database
from moorage.events import SYSTEM
from moorage.jobs.model import Trigger
from moorage.services import Services
from moorage.web.app import root_app
from tests.support.stalling import StallingDoor
from tests.support.vcenter import PASSWORDS, Vcenter
from tests.support.vcenter_certificates import Issued, issue

SERVICE, ALICE, BOB = "svc@vsphere.local", "alice@vsphere.local", "bob@corp.example.com"
ADMIN_PASSWORD = "Harbour-1-master"
DOMAINS = ("--domain", "vsphere.local", "--domain", "corp.example.com=CORP")
Moorage = Callable[..., "subprocess.CompletedProcess[str]"]


@pytest.fixture(scope="module")
def issued(tmp_path_factory: pytest.TempPathFactory) -> Issued:
    return issue(tmp_path_factory.mktemp("issued"), "127.0.0.2")


@pytest.fixture(scope="module")
def vcenter(issued: Issued, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Vcenter]:
    found = Vcenter(issued, tmp_path_factory.mktemp("vcenter"))
    yield found
    found.stop()


@pytest.fixture
def environment(tmp_path: Path) -> dict[str, str]:
    data = tmp_path / "data"
    return {
        "MOORAGE_DATA": str(data),
        "MOORAGE_DATABASE_URL": f"sqlite:///{data}/db/moorage.sqlite",
        "MOORAGE_LOG_LEVEL": "warning",
        "MOORAGE_STORAGE_WARN_PERCENT": "100",
        "MOORAGE_STORAGE_FULL_PERCENT": "100",
    }


@pytest.fixture
def moorage(environment: dict[str, str]) -> Moorage:
    def run(*words: str, stdin: str = "") -> "subprocess.CompletedProcess[str]":
        return subprocess.run(
            [sys.executable, "-m", "moorage", *words],
            input=stdin,
            text=True,
            capture_output=True,
            timeout=120,
            env={**os.environ, **environment},
            check=False,
        )

    assert run("migrate").returncode == 0
    return run


@pytest.fixture
def services(environment: dict[str, str]) -> Iterator[Services]:
    settings = load(None, environment)
    open_database(settings.database_url)
    migrate.upgrade(settings.storage.data / "backups")
    built = Services.build(settings)
    built.users.create(SYSTEM, "boss", ADMIN_PASSWORD, admin=True)
    yield built
    built.audit.stop()
    close_connection()


@pytest.fixture
def call(services: Services) -> Callable[..., Result]:
    client = TestClient(root_app(services))
    credential = base64.b64encode(f"boss:{ADMIN_PASSWORD}".encode()).decode()

    def send(method: str, path: str, content: object = None) -> Result:
        return client.simulate_request(
            method,
            f"/api/v2.0{path}",
            headers={"Authorization": f"Basic {credential}"},
            json=content,
        )

    return send


def typed(command: list[str], environment: dict[str, str], answers: dict[str, str]) -> tuple[int, str]:
    """Run a command on a terminal and answer each question once; returns the exit code and what was shown."""
    child, terminal = pty.fork()
    if child == 0:
        os.execve(command[0], command, {**os.environ, **environment})  # noqa: S606
    shown, waiting = "", dict(answers)
    try:
        while chunk := os.read(terminal, 4096):
            shown += chunk.decode(errors="replace")
            for question in [each for each in waiting if each in shown]:
                os.write(terminal, (waiting.pop(question) + "\n").encode())
    except OSError:  # the end of a terminal
        pass
    _, status = os.waitpid(child, 0)
    os.close(terminal)
    return os.waitstatus_to_exitcode(status), shown


def test_an_administrator_connects_tests_shows_and_disconnects(
    moorage: Moorage, vcenter: Vcenter, environment: dict[str, str], tmp_path: Path
) -> None:
    made = moorage(
        *("directory", "connect", vcenter.address, "--account", SERVICE, *DOMAINS),
        *("--ca", str(vcenter.issued.authority), "--admin-group", "Administrators@vsphere.local"),
        "--password-stdin",
        stdin=PASSWORDS[SERVICE] + "\n",
    )
    assert made.returncode == 0, made.stderr
    tested = moorage("directory", "test", "--json")
    assert tested.returncode == 0, tested.stderr
    assert json.loads(tested.stdout)["vcenter"].startswith("VMware vCenter Server")
    as_bob = moorage(
        *("directory", "test", "--user", "CORP\\bob", "--password-stdin", "--json"),
        stdin=PASSWORDS[BOB] + "\n",
    )
    found = json.loads(as_bob.stdout)
    assert (found["user"], found["administrator"]) == (BOB, True)
    assert "administrators@vsphere.local" in found["groups"]
    wrong = moorage("directory", "test", "--user", ALICE, "--password-stdin", stdin="wrong\n")
    assert (wrong.returncode, "password is wrong" in wrong.stderr) == (1, True)
    shown = moorage("directory", "show")
    printed = "".join(each.stdout + each.stderr for each in (made, tested, as_bob, wrong, shown))
    assert PASSWORDS[SERVICE] not in printed
    assert PASSWORDS[BOB] not in printed
    assert not [
        path
        for path in (tmp_path / "data").rglob("*")
        if path.is_file() and PASSWORDS[SERVICE].encode() in path.read_bytes()
    ]
    assert moorage("directory", "disconnect", "--yes").returncode == 0
    assert moorage("directory", "test").returncode == 1


def test_a_person_is_shown_the_certificate_and_asked(
    moorage: Moorage, vcenter: Vcenter, environment: dict[str, str]
) -> None:
    words = ["directory", "connect", vcenter.address, "--account", SERVICE, *DOMAINS]
    command = [sys.executable, "-m", "moorage", *words]
    code, shown = typed(command, environment, {"thumbprint that": "n"})
    assert code == 1
    assert "CN=vcenter of a test" in shown
    assert moorage("directory", "show").returncode == 1
    code, shown = typed(command, environment, {"thumbprint that": "y", "Password": PASSWORDS[SERVICE]})
    assert code == 0, shown
    assert PASSWORDS[SERVICE] not in shown
    pairs = bytes.fromhex(vcenter.issued.thumbprint).hex(":").upper()
    assert pairs in shown
    assert json.loads(moorage("directory", "show", "--json").stdout)["thumbprint"] == pairs


def test_a_wrong_password_of_the_service_account_is_told_and_not_kept(
    moorage: Moorage, vcenter: Vcenter
) -> None:
    tried = moorage(
        *("directory", "connect", vcenter.address, "--account", SERVICE),
        *("--thumbprint", vcenter.issued.thumbprint, "--password-stdin"),
        stdin="wrong\n",
    )
    assert (tried.returncode, "service account's password" in tried.stderr) == (1, True)
    assert moorage("directory", "show").returncode == 1


def test_the_connection_is_tried_out_over_the_api(call: Callable[..., Result], vcenter: Vcenter) -> None:
    kept = {
        "address": vcenter.address,
        "account": SERVICE,
        "password": PASSWORDS[SERVICE],
        "ca": vcenter.issued.authority.read_text(),
    }
    before = call("POST", "/directory/ping", kept)
    assert before.json["logged_in"] is True
    assert call("GET", "/directory").json == {"connected": False}
    assert call("PUT", "/directory", kept).status_code == 200
    answer = call("POST", "/directory/ping", {})
    assert answer.status_code == 200, answer.text
    assert answer.json["name"].startswith("VMware vCenter Server")
    assert answer.json["thumbprint"] == vcenter.issued.thumbprint
    assert (answer.json["verified"], answer.json["logged_in"]) == (True, True)
    assert PASSWORDS[SERVICE] not in answer.text + before.text


def test_a_ping_elsewhere_never_takes_the_kept_secret_along(
    call: Callable[..., Result], vcenter: Vcenter, issued: Issued, tmp_path: Path
) -> None:
    ca = issued.authority.read_text()
    kept = {"address": vcenter.address, "account": SERVICE, "password": PASSWORDS[SERVICE], "ca": ca}
    assert call("PUT", "/directory", kept).status_code == 200
    strange = Vcenter(issued, tmp_path)
    try:
        for asked in (
            {"address": strange.address},
            {"address": strange.address, "thumbprint": issued.thumbprint},
            {"address": strange.address, "ca": ca, "account": SERVICE},
        ):
            answer = call("POST", "/directory/ping", asked)
            assert (answer.status_code, answer.json["logged_in"]) == (200, False)
        assert strange.count()["Names"] == []
        moved = call("PUT", "/directory", {**kept, "address": strange.address, "password": None})
        assert moved.json["has_password"] is False
        assert call("POST", "/directory/ping", {}).status_code == 503
        assert strange.count()["Names"] == []
    finally:
        strange.stop()


def test_people_of_vcenter_use_the_registry_as_who_they_are(
    call: Callable[..., Result], services: Services, vcenter: Vcenter
) -> None:
    kept = {
        "address": vcenter.address,
        "account": SERVICE,
        "password": PASSWORDS[SERVICE],
        "ca": vcenter.issued.authority.read_text(),
        "domains": ["vsphere.local", "corp.example.com=CORP"],
        "admin_group": "Administrators@vsphere.local",
    }
    client = TestClient(root_app(services))

    def current(name: str, password: str) -> Result:
        credential = base64.b64encode(f"{name}:{password}".encode()).decode()
        return client.simulate_get(
            "/api/v2.0/users/current", headers={"Authorization": f"Basic {credential}"}
        )

    assert current("CORP\\bob", PASSWORDS[BOB]).status_code == 401
    assert call("PUT", "/directory", kept).status_code == 200
    services.directory.refresh()  # type: ignore[attr-defined]  # or two seconds later
    found = current("CORP\\bob", PASSWORDS[BOB])
    assert found.status_code == 200, found.text
    assert (found.json["username"], found.json["admin_role_in_auth"]) == (BOB, True)
    plain = current(ALICE, PASSWORDS[ALICE])
    assert (plain.json["username"], plain.json["admin_role_in_auth"]) == (ALICE, False)
    assert current(ALICE, "wrong").status_code == 401
    assert call("DELETE", "/directory").status_code == 200
    services.directory.refresh()  # type: ignore[attr-defined]
    assert current("bob@corp.example.com", "another").status_code == 401


def test_a_fresh_process_that_reads_slowly_takes_nothing_away(
    call: Callable[..., Result], services: Services, vcenter: Vcenter, monkeypatch: pytest.MonkeyPatch
) -> None:
    kept = {
        "address": vcenter.address,
        "account": SERVICE,
        "password": PASSWORDS[SERVICE],
        "ca": vcenter.issued.authority.read_text(),
        "domains": ["vsphere.local", "corp.example.com=CORP"],
        "admin_group": "Administrators@vsphere.local",
    }
    assert call("PUT", "/directory", kept).status_code == 200
    services.directory.refresh()  # type: ignore[attr-defined]
    first = services.authenticator.authenticate(BOB, PASSWORDS[BOB], "192.0.2.1")
    assert first.admin
    # No time but for one group a question, as where each answer takes seconds.
    monkeypatch.setattr("moorage.identity.vsphere_directory._NESTING_SHARE", 0.0)
    fresh = Services.build(services.settings)
    again = fresh.directory.person(BOB)
    assert again is not None
    assert not again.whole
    assert not again.administrator
    assert fresh.authenticator.authenticate(BOB, PASSWORDS[BOB], "192.0.2.1") == first
    fresh = Services.build(services.settings)
    run = fresh.executions.request(SYSTEM, "identity-refresh", trigger=Trigger.MANUAL)
    done = fresh.runner.run(run.id)
    assert (done.result["checked"], done.result["unsure"]) == (1, 0)
    assert fresh.authenticator.current(first).admin


def test_who_cannot_be_verified_is_an_error_with_a_reason(
    call: Callable[..., Result], vcenter: Vcenter, tmp_path: Path
) -> None:
    other = issue(tmp_path, "127.0.0.2").authority.read_text()
    door = StallingDoor(("127.0.0.2", int(vcenter.address.rpartition(":")[2])), "127.0.0.3")
    for asked, reason in (
        ({"address": vcenter.address, "ca": other}, "cannot be verified"),
        ({"address": vcenter.address, "thumbprint": "ab" * 32}, "known thumbprint"),
        (
            {"address": f"127.0.0.3:{door.port}", "ca": vcenter.issued.authority.read_text()},
            "cannot be verified",
        ),
    ):
        answer = call("POST", "/directory/ping", asked)
        assert answer.status_code == 503
        assert reason in answer.json["errors"][0]["message"]
    door.stop()
