"""Failures that nobody foresaw, and those of Falcon and of the database."""

import io
import logging

import falcon
import peewee
import pytest
from falcon.testing import Result, TestClient

from moorage.errors import Invalid, MoorageError, Unavailable
from moorage.web import problems
from moorage.web.problems import Problems


def answered(error: Exception, method: str = "GET") -> Result:
    class Resource:
        def on_get(self, req: falcon.Request, resp: falcon.Response) -> None:
            req.context.request_id = "r-7"
            resp.data = b"half an answer"
            raise error

        on_head = on_get

    app = falcon.App()
    Problems(details=True).install(app)
    app.add_route("/", Resource())
    return TestClient(app).simulate_request(method, "/")


@pytest.mark.parametrize("error", [RuntimeError("/secret/path"), MoorageError("/secret/path"), KeyError("x")])
def test_what_nobody_foresaw_is_logged_and_not_shown(
    error: Exception, caplog: pytest.LogCaptureFixture
) -> None:
    answer = answered(error)
    assert answer.status_code == 500
    assert "/secret/path" not in answer.text
    assert answer.json["errors"][0]["code"] == "UNKNOWN"
    assert "r-7" in answer.json["errors"][0]["message"]
    (record,) = caplog.records
    assert record.levelno == logging.ERROR
    assert record.exc_info is not None
    assert record.exc_info[1] is error
    assert vars(record)["request_id"] == "r-7"


@pytest.mark.parametrize(
    "error", [peewee.OperationalError("db.internal refused"), peewee.InterfaceError("db.internal")]
)
def test_an_ill_database_is_said_to_be_ill_and_its_connection_is_dropped(
    error: Exception, monkeypatch: pytest.MonkeyPatch
) -> None:
    dropped: list[bool] = []
    monkeypatch.setattr(problems, "in_transaction", lambda: False)
    monkeypatch.setattr(problems, "close_connection", lambda: dropped.append(True))
    answer = answered(error)
    assert (answer.status_code, answer.json["errors"][0]["code"]) == (503, "UNAVAILABLE")
    assert int(answer.headers["Retry-After"]) > 0
    assert "db.internal" not in answer.text
    assert dropped == [True]


def test_a_part_that_is_ill_tells_when_to_come_again() -> None:
    answer = answered(Unavailable("later"))
    assert (answer.status_code, answer.headers["Retry-After"]) == (503, "5")


@pytest.mark.parametrize(
    ("error", "status", "code"),
    [
        (falcon.HTTPNotFound(), 404, "NOT_FOUND"),
        (falcon.HTTPBadRequest(description="odd"), 400, "BAD_REQUEST"),
        (falcon.HTTPContentTooLarge(), 413, "SIZE_INVALID"),
        (falcon.HTTPUnsupportedMediaType(), 415, "UNSUPPORTED"),
        (falcon.HTTPMethodNotAllowed(["GET"]), 405, "UNSUPPORTED"),
    ],
)
def test_what_falcon_refuses_looks_like_everything_else(error: Exception, status: int, code: str) -> None:
    answer = answered(error)
    assert (answer.status_code, answer.json["errors"][0]["code"]) == (status, code)
    assert answer.json["errors"][0]["message"]


def test_a_failure_of_head_has_no_body() -> None:
    answer = answered(Invalid("odd"), "HEAD")
    assert (answer.status_code, answer.content) == (400, b"")
    assert answer.headers["Content-Type"] == "application/json"


def test_a_file_that_was_about_to_be_sent_is_closed() -> None:
    file = io.BytesIO(b"content")

    class Resource:
        def on_get(self, req: falcon.Request, resp: falcon.Response) -> None:
            resp.set_stream(file, 7)
            raise Unavailable("later")

    app = falcon.App()
    Problems(details=True).install(app)
    app.add_route("/", Resource())
    answer = TestClient(app).simulate_get("/")
    assert answer.json["errors"][0]["message"] == "later"
    assert answer.headers["Content-Length"] == str(len(answer.content))
    assert file.closed
