"""Every error that the program knows has a status and a code, and is written on both surfaces."""

import importlib
import json
import pkgutil
from collections.abc import Iterator

import falcon
import pytest
from falcon.testing import TestClient

import moorage
from moorage import errors
from moorage.web.problems import STATUSES, Problems, status_of

#: Codes of the distribution spec (1.1.1, "Error Codes"), and of Docker's registry before it.
SPECIFIED = {
    "BLOB_UNKNOWN": 404,
    "BLOB_UPLOAD_INVALID": (400, 416),
    "BLOB_UPLOAD_UNKNOWN": 404,
    "DIGEST_INVALID": 400,
    "MANIFEST_BLOB_UNKNOWN": 404,
    "MANIFEST_INVALID": 400,
    "MANIFEST_UNKNOWN": 404,
    "NAME_INVALID": 400,
    "NAME_UNKNOWN": 404,
    "SIZE_INVALID": (400, 413),
    "UNAUTHORIZED": 401,
    "DENIED": 403,
    "UNSUPPORTED": 405,
    "TOOMANYREQUESTS": 429,
    "TAG_INVALID": 400,
    "PAGINATION_NUMBER_INVALID": 400,
    "RANGE_INVALID": 416,
}


def known() -> Iterator[type[errors.MoorageError]]:
    """Every class of errors in the program."""
    for module in pkgutil.walk_packages(moorage.__path__, "moorage."):
        if not module.name.endswith("__main__"):
            importlib.import_module(module.name)
    waiting: list[type[errors.MoorageError]] = [errors.MoorageError]
    while waiting:
        kind = waiting.pop()
        below = kind.__subclasses__()
        waiting += below
        if kind is not errors.MoorageError and kind.__module__.startswith("moorage."):
            yield kind


KNOWN = sorted(known(), key=lambda kind: (kind.__module__, kind.__name__))


@pytest.mark.parametrize("kind", KNOWN, ids=lambda kind: kind.__name__)
@pytest.mark.parametrize("details", [True, False], ids=["registry", "portal"])
def test_each_error_becomes_an_answer(kind: type[errors.MoorageError], details: bool) -> None:
    error = kind.__new__(kind)  # some of them write their own message
    errors.MoorageError.__init__(error, "what went wrong", {"some": "detail"})
    if isinstance(error, errors.RateLimited):
        error.retry_after = 3
    answer = answered(error, details=details)
    assert answer.status_code == status_of(kind)
    assert answer.status_code // 100 in (4, 5)
    assert answer.status_code != 500
    expected = {"code": kind.code, "message": "what went wrong"}
    assert answer.json == {"errors": [expected | ({"detail": {"some": "detail"}} if details else {})]}
    assert answer.headers["Content-Type"] == "application/json"
    assert ("Retry-After" in answer.headers) is (answer.status_code in (429, 503))


def answered(error: Exception, *, details: bool) -> falcon.testing.Result:
    class Resource:
        def on_get(self, req: falcon.Request, resp: falcon.Response) -> None:
            raise error

    app = falcon.App()
    Problems(details=details).install(app)
    app.add_route("/", Resource())
    return TestClient(app).simulate_get("/")


@pytest.mark.parametrize("kind", KNOWN, ids=lambda kind: kind.__name__)
def test_the_codes_of_the_specification_have_its_statuses(kind: type[errors.MoorageError]) -> None:
    expected = SPECIFIED.get(kind.code)
    if expected is not None:
        allowed = expected if isinstance(expected, tuple) else (expected,)
        assert status_of(kind) in allowed


def test_every_kind_of_error_is_in_the_table() -> None:
    assert set(errors.MoorageError.__subclasses__()) >= {
        kind for kind in STATUSES if kind.__module__ == "moorage.errors" and kind is not errors.MoorageError
    }
    for kind in errors.MoorageError.__subclasses__():
        if kind.__module__ == "moorage.errors":
            assert kind in STATUSES


def test_no_error_lies_deeper_than_its_kind() -> None:
    for kind in KNOWN:
        assert len([each for each in kind.__mro__ if issubclass(each, errors.MoorageError)]) <= 4, kind


def test_an_answer_is_json_whatever_the_message_holds() -> None:
    answer = answered(errors.Invalid('"\n\x00\ud800é'), details=True)
    assert json.loads(answer.content)["errors"][0]["message"] == '"\n\x00\ud800é'
