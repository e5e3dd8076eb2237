"""Storage limits over the wire: refused before the body is sent, with the figures, on every way in."""

import os
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
import requests

from tests.support.images import digest_of, image
from tests.support.registry import RefusedError, RegistryClient
from tests.support.site import Site
from tests.support.variants import everywhere

pytestmark = everywhere

_MIB = 2**20


@pytest.fixture
def project(site: Site) -> Iterator[str]:
    """A new project that may hold a mebibyte."""
    chief = site.administration()
    name = f"tight-{os.urandom(4).hex()}"
    chief.call("POST", "/projects", {"project_name": name, "storage_limit": _MIB})
    yield name
    chief.close()


@pytest.fixture
def client(site: Site, project: str) -> RegistryClient:
    made = site.client()
    made.warm(f"{project}/app")
    return made


def spooled(site: Site) -> list[Path]:
    return [each for each in (site.server.data / "spool").rglob("*") if each.is_file()]


def used(site: Site, project: str) -> int:
    quota = site.administration().call("GET", f"/projects/{project}/summary").json()["quota"]
    return int(quota["used"]["storage"])


def test_a_body_that_cannot_fit_is_refused_with_the_figures(
    site: Site, client: RegistryClient, project: str
) -> None:
    location = client.start_upload(f"{project}/app")
    with pytest.raises(RefusedError) as caught:
        client.request("PATCH", location, data=os.urandom(2 * _MIB))
    assert (caught.value.status, caught.value.codes) == (403, ("DENIED",))
    (problem,) = caught.value.answer.json()["errors"]
    assert problem["message"] == (
        "the project's storage limit is 1 MiB: 0 bytes are used, and 2 MiB more do not fit"
    )
    assert spooled(site) == []
    assert client.append(location, b"small") == location
    client.request("DELETE", location)


def test_a_body_of_unknown_length_is_refused_when_it_is_here(
    site: Site, client: RegistryClient, project: str
) -> None:
    data = os.urandom(2 * _MIB)
    location = client.start_upload(f"{project}/app")
    client.request("PATCH", location, data=iter([data]))
    with pytest.raises(RefusedError) as caught:
        client.finish_upload(location, digest_of(data))
    assert (caught.value.status, caught.value.codes) == (403, ("DENIED",))
    assert "storage limit is 1 MiB" in str(caught.value)
    assert used(site, project) == 0
    client.request("DELETE", location)


def test_many_clients_together_never_get_over_the_limit(site: Site, project: str) -> None:
    def push(number: int) -> bool:
        client = site.client()
        try:
            client.push(f"{project}/app{number}", image(layers=2, layer_bytes=200 * 1024), "1")
        except RefusedError as error:
            assert (error.status, error.codes) == (requests.codes.forbidden, ("DENIED",)), error
            return False
        finally:
            client.close()
        return True

    with ThreadPoolExecutor(6) as pool:
        passed = list(pool.map(push, range(6)))
    assert sum(passed) <= 2  # of the third no more than one layer has room
    assert 800 * 1024 < used(site, project) <= _MIB
