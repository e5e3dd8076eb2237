"""nginx in front of a server in two halves: each request reaches its half, and people see a page."""

import hashlib
import io
import json
from collections.abc import Iterator
from pathlib import Path

import pytest
import requests

from tests.live.test_serving_parts import Halves
from tests.support.proxy import Proxy
from tests.support.raw_http import RawClient
from tests.support.server import ADMIN

PEOPLE = {"Accept": "text/html"}


class Site(Halves):
    """Both halves and the proxy."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self.landing = folder / "landing"
        self.landing.mkdir()
        (self.landing / "index.html").write_text("<p>what is wrong</p>")
        (self.landing / "starting.html").write_text("<p>it is starting</p>")
        (self.landing / "page.css").write_text("p { color: navy }")
        self.proxy: Proxy | None = None

    def begin(self, **role: object) -> str:
        """Start the proxy; returns its address."""
        folder = self.landing.parent / "nginx"
        role = {
            "proxy_landing_folder": str(self.landing),
            "proxy_registry_processes": 2,
            "proxy_portal_processes": 2,
            **role,
        }
        self.proxy = Proxy(folder, self.sockets, self.data, **role)
        self.proxy.start()
        return self.proxy.url

    def end(self) -> None:
        if self.proxy is not None:
            self.proxy.stop()
        super().end()


@pytest.fixture
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    made = Site(tmp_path_factory.mktemp("s"))
    assert made.run("prepare").returncode == 0
    yield made
    made.end()


def token(url: str) -> dict[str, str]:
    wanted = {"scope": "repository:library/app:pull,push"}
    challenge = requests.get(f"{url}/v2/", timeout=30).headers["Www-Authenticate"]
    wanted["service"] = challenge.split('service="')[1].split('"')[0]
    found = requests.get(f"{url}/service/token", wanted, auth=(ADMIN.name, ADMIN.password), timeout=30)
    assert found.status_code == 200
    return {"Authorization": f"Bearer {found.json()['token']}"}


def push_and_pull(url: str) -> None:
    who, content = token(url), b"a layer" * 50_000
    begun = requests.post(f"{url}/v2/library/app/blobs/uploads/", headers=who, timeout=30)
    assert begun.status_code == 202
    digest = "sha256:" + hashlib.sha256(content).hexdigest()
    where = begun.headers["Location"]
    where = where if where.startswith("http") else url + where
    sent = requests.put(where, params={"digest": digest}, data=io.BytesIO(content), headers=who, timeout=30)
    assert sent.status_code == 201
    got = requests.get(f"{url}/v2/library/app/blobs/{digest}", headers=who, timeout=30)
    assert (got.status_code, got.content) == (200, content)


def test_each_request_reaches_its_half(site: Site) -> None:
    site.serve("registry")
    url = site.begin()
    push_and_pull(url)
    page = requests.get(url, headers=PEOPLE, timeout=30)
    assert (page.status_code, page.text) == (503, "<p>it is starting</p>")
    assert page.headers["Content-Type"].startswith("text/html")
    assert page.headers["Content-Security-Policy"].startswith("default-src 'none'")
    api = requests.get(f"{url}/api/v2.0/ping", timeout=30)
    assert (api.status_code, api.json()["errors"][0]["code"]) == (503, "UNAVAILABLE")

    portal = site.serve("portal")
    assert requests.get(f"{url}/api/v2.0/ping", timeout=30).status_code == 200
    assert portal.stop() == 0
    push_and_pull(url)  # while the portal is gone


def test_without_a_page_for_the_start_the_other_one_is_shown(site: Site) -> None:
    (site.landing / "starting.html").unlink()
    url = site.begin()
    page = requests.get(f"{url}/anywhere", timeout=30)
    assert (page.status_code, page.text) == (503, "<p>what is wrong</p>")
    (site.landing / "index.html").unlink()
    told = requests.get(url, timeout=30)
    assert (told.status_code, told.json()["errors"][0]["code"]) == (503, "UNAVAILABLE")


def test_a_server_that_is_held_back_gets_nothing(site: Site) -> None:
    site.serve("registry")
    site.serve("portal")
    url = site.begin(proxy_landing=True)
    page = requests.get(url, timeout=30)
    assert (page.status_code, page.text) == (503, "<p>what is wrong</p>")
    for path in ("page.css", "_landing/page.css"):
        style = requests.get(f"{url}/{path}", timeout=30)
        assert (style.status_code, style.headers["Content-Type"]) == (200, "text/css")
    for target in ("/v2", "/v2/", "/v2/library/app/blobs/uploads/", "/api/v2.0/ping", "/service/token"):
        with RawClient(url) as client:
            answer = client.request("POST", target, {}, b"content")
        assert (answer.status, json.loads(answer.body)["errors"][0]["code"]) == (503, "UNAVAILABLE"), target
