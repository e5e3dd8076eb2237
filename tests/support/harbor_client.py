"""`harbor-api-client` from PyPI, as it is, with a note of every operation that was called."""

import inspect
import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, ClassVar

import harbor_client
import pytest
from harbor_client.rest import ApiException

from tests.support.administration import Login

#: The parts of Harbor's API that are about people, projects, content and the log.
TAGS = (
    *("Artifact", "Auditlog", "Configure", "Health", "Label", "Member", "Permissions", "Ping", "Project"),
    *("ProjectMetadata", "Quota", "Repository", "Robot", "Scanner", "Search", "Statistic"),
    *("SystemCVEAllowlist", "Systeminfo", "User", "Usergroup", "Webhook", "Webhookjob"),
)

_CALL = re.compile(r"call_api\(\s*'([^']*)', '(\w+)'")


class Client(harbor_client.ApiClient):  # type: ignore[misc]
    """The client of one account.

    Attributes:
        called: method and path of every operation that any client got an answer to, a refusal too, as the
            library's own code names them.
    """

    called: ClassVar[set[tuple[str, str]]] = set()

    def __init__(self, url: str, login: Login, verify: str | bool) -> None:
        configuration = harbor_client.Configuration()
        configuration.host = f"{url}/api/v2.0"
        configuration.username, configuration.password = login.name, login.password
        if isinstance(verify, str):
            configuration.ssl_ca_cert = verify
        super().__init__(configuration)

    def call_api(self, resource_path: str, method: str, *rest: Any, **options: Any) -> Any:
        """One call; the client's own code parses the answer into its models."""
        try:
            return super().call_api(resource_path, method, *rest, **options)
        finally:
            self.called.add((method, resource_path))

    def api(self, tag: str) -> Any:
        """The operations of one tag."""
        return getattr(harbor_client, f"{tag}Api")(self)


def operations(tag: str) -> set[tuple[str, str]]:
    """Method and path of every operation of a tag, read from the library's own code."""
    found = set()
    for name, method in inspect.getmembers(getattr(harbor_client, f"{tag}Api"), inspect.isfunction):
        if name.endswith("_with_http_info"):
            called = _CALL.search(inspect.getsource(method))
            assert called is not None, name
            found.add((called[2], called[1]))
    return found


def made(answer: Any) -> int:
    """The number in the Location of what was made; `answer` is of an operation ``..._with_http_info``."""
    return int(answer[2]["Location"].rpartition("/")[2])


@contextmanager
def refused(status: int) -> Iterator[Any]:
    """What the block calls must be refused with this status."""
    with pytest.raises(ApiException) as caught:
        yield caught
    assert caught.value.status == status, caught.value.body
