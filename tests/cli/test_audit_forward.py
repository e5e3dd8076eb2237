"""`moorage audit forward`: how far the log was sent, and a message to try the server out."""

import json
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from moorage.cli.main import main
from tests.support.free_port import free_port
from tests.support.syslog_receiver import Receiver

Moorage = Callable[..., Result]


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    made = Receiver()
    yield made
    made.go_away()


@pytest.fixture
def moorage(tmp_path: Path) -> Moorage:
    """Runs a command over a data folder of its own, already migrated."""
    runner = CliRunner()

    def run(*words: str, url: str = "", **more: str) -> Result:
        environment = {
            "MOORAGE_DATA": str(tmp_path / "data"),
            "MOORAGE_LOG_LEVEL": "error",
            "MOORAGE_SYSLOG_URL": url,
            "MOORAGE_STORAGE_WARN_PERCENT": "100",
            "MOORAGE_STORAGE_FULL_PERCENT": "100",
            **more,
        }
        return runner.invoke(main, words, env=environment)

    assert run("migrate").exit_code == 0
    return run


def test_a_message_to_try_it_out_is_sent_and_read(moorage: Moorage, receiver: Receiver) -> None:
    done = moorage("audit", "forward", "--test", url=f"tcp://127.0.0.1:{receiver.port}")
    assert done.exit_code == 0, done.output
    assert done.output == f"tcp://127.0.0.1:{receiver.port}: read\n"
    (message,) = receiver.messages
    assert b" moorage - test [moorage@32473] a message to try the connection out" in message


def test_a_server_that_is_not_there_is_told(moorage: Moorage) -> None:
    url = f"tcp://127.0.0.1:{free_port()}"
    done = moorage("audit", "forward", "--test", url=url)
    assert done.exit_code == 1
    assert f"Error: {url}: Connection refused" in done.output


def test_without_a_server_there_is_nothing_to_try(moorage: Moorage) -> None:
    done = moorage("audit", "forward", "--test")
    assert done.exit_code == 1
    assert "no syslog server is named" in done.output


def test_a_certificate_that_is_none_is_told(moorage: Moorage, tmp_path: Path) -> None:
    broken = tmp_path / "broken.pem"
    broken.write_text("no certificate")
    done = moorage(
        "audit", "forward", "--test", url="tls://127.0.0.1:6514", MOORAGE_SYSLOG_CA_FILE=str(broken)
    )
    assert done.exit_code == 1
    assert "the certificates for the syslog server cannot be used" in done.output


def test_how_far_it_came_is_shown(moorage: Moorage) -> None:
    assert moorage("project", "add", "dock").exit_code == 0
    done = moorage("audit", "forward", "--json", url="tcp://127.0.0.1:9")
    told = json.loads(done.output)
    assert (told["url"], told["connected"], told["waiting"], told["sent"]) == (
        *("tcp://127.0.0.1:9", False),
        *(1, None),
    )
    assert "waiting" in moorage("audit", "forward").output


def test_a_wrong_url_is_refused_at_the_start(moorage: Moorage) -> None:
    done = moorage("audit", "forward", url="https://logs.example.com")
    assert done.exit_code == 2
    assert "must begin with udp://, tcp:// or tls://" in done.output
