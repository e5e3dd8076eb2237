"""Every operation of the API's document is called with generated requests; every answer is held against it.

Requests and the judgement of answers are schemathesis'; the fields of paths are those of a `PreparedWorld`,
so that calls get further than to a 404.
"""

import json
import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
import requests
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from schemathesis.checks import not_a_server_error
from schemathesis.config import SchemathesisConfig
from schemathesis.core.failures import FailureGroup
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from tests.live.conftest import PATIENT
from tests.support.administration import Login
from tests.support.prepared_world import PROJECT, PreparedWorld
from tests.support.scanner import scanner
from tests.support.server import ADMIN, RunningServer

Body = dict[str, Any]
CHECKS = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
]
#: Not called with generated content, and why.
EXCLUDED = {
    ("GET", "/_admission"): "only behind nginx, which alone may ask it",
}
#: Fields of bodies that are taken away, and why.
WITHOUT = {
    ("PUT", "/api/v2.0/configurations"): {"read_only": "nothing could be changed afterwards"},
}
#: Answers that are right although they look like a failure of the server.
UNREACHED = ("POST", "/api/v2.0/directory/ping", 503)  # the vCenter that the body names cannot be reached
#: Addresses that the server would call; what is generated for them leads to a port of loopback.
ADDRESSES = frozenset({"address", "url"})


@dataclass
class Tour:
    """What came of calling everything as one account."""

    requests: int = 0
    called: set[str] = field(default_factory=set)
    reached: set[str] = field(default_factory=set)
    statuses: Counter[int] = field(default_factory=Counter)
    faults: dict[str, str] = field(default_factory=dict)


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[PreparedWorld]:
    folder: Path = tmp_path_factory.mktemp("schema")
    outbound = {"MOORAGE_OUTBOUND_ALLOW": "127.0.0.1"}
    with (
        RunningServer(folder, settings={**PATIENT, **outbound}) as server,
        scanner(below_any_path=True) as asked,
    ):
        made = PreparedWorld(server, asked.url(""))
        yield made
        made.close()


@pytest.fixture(scope="module")
def described(world: PreparedWorld) -> dict[str, Any]:
    """The document as the running server gives it out."""
    found: dict[str, Any] = requests.get(f"{world.server.url}/api/v2.0/openapi.json", timeout=60).json()
    return found


def loaded(document: dict[str, Any]) -> Any:
    made = schemathesis.openapi.from_dict(document, config=SchemathesisConfig())
    made.config.generation.update(with_security_parameters=False)
    return made


@pytest.mark.parametrize(
    ("who", "examples", "share"), [("administrator", 6, 0.88), ("owner", 3, 0.5), ("nobody", 2, 0.08)]
)
def test_every_answer_is_one_that_the_document_knows(
    world: PreparedWorld,
    described: dict[str, Any],
    capsys: pytest.CaptureFixture[str],
    *,
    who: str,
    examples: int,
    share: float,
) -> None:
    login = {"administrator": ADMIN, "owner": world.mary, "nobody": None}[who]
    began = time.monotonic()
    with world.settings_kept():
        tour = tour_of(loaded(described), world, login, examples)
    everything = {
        f"{method.upper()} {path}"
        for path, item in described["paths"].items()
        for method in item
        if (method.upper(), path) not in EXCLUDED
    }
    with capsys.disabled():
        print(f"\n  {who}: {tour.requests} requests in {time.monotonic() - began:.0f} s")
        print(f"  2xx from {len(tour.reached)} of {len(everything)} operations; {dict(tour.statuses)}")
    assert not tour.faults, "\n\n".join(tour.faults.values())
    assert tour.called == everything
    assert len(tour.reached) >= share * len(everything), f"never 2xx: {sorted(everything - tour.reached)}"


def test_a_document_that_says_something_else_is_noticed(
    world: PreparedWorld, described: dict[str, Any]
) -> None:
    """Otherwise the test above could pass because it looks at nothing."""
    wrong = json.loads(json.dumps(described))
    status = wrong["paths"]["/api/v2.0/ping"]["get"]["responses"]
    status["201"] = status.pop("200")
    media = wrong["paths"]["/api/v2.0/systeminfo"]["get"]["responses"]["200"]["content"]
    media["text/html"] = media.pop("application/json")
    wrong["paths"]["/api/v2.0/statistics"]["get"]["responses"]["200"]["content"]["application/json"][
        "schema"
    ] = {"type": "array"}
    wrong["components"]["headers"]["Retry-After"]["required"] = True
    projects = wrong["paths"]["/api/v2.0/projects"]["get"]["responses"]["200"]
    projects["headers"]["X-Not-There"] = {"required": True, "schema": {"type": "string"}}
    tampered = {
        f"GET /api/v2.0/{each}": f"/api/v2.0/{each}"
        for each in ("ping", "systeminfo", "statistics", "projects")
    }
    wrong["paths"] = {path: {"get": wrong["paths"][path]["get"]} for path in tampered.values()}
    assert set(tour_of(loaded(wrong), world, ADMIN, 1).faults) == set(tampered)


def tour_of(schema: Any, world: PreparedWorld, login: Login | None, examples: int) -> Tour:
    """Call every operation: once as is known to work, and as often as said with what is generated."""
    tour = Tour()
    with requests.Session() as http:
        http.trust_env = False
        http.auth = None if login is None else (login.name, login.password)
        for result in schema.get_all_operations():
            operation = result.ok()
            route = (operation.method.upper(), operation.path)
            if route not in EXCLUDED:
                _visit(tour, operation, world, http, login, examples)
    return tour


def _visit(
    tour: Tour,
    operation: Any,
    world: PreparedWorld,
    http: requests.Session,
    login: Login | None,
    examples: int,
) -> None:
    route = (operation.method.upper(), operation.path)
    name = f"{route[0]} {route[1]}"
    good = Good(world, login).bodies().get(route)
    chosen = Good(world, login).queries().get(route, {})
    first = True

    def one(case: Any) -> None:
        nonlocal first
        if first:
            case.query = dict(chosen)
            case.headers.pop("X-Is-Resource-Name", None)
            if good is not None:
                case.body = good()
        first = False
        if isinstance(case.body, dict):
            case.body = _tamed(route, case.body, world)
        case.path_parameters = dict(case.path_parameters or {})
        template = _filled(operation.path, route, world, login)
        sent = case.as_transport_kwargs(base_url=world.server.url)
        sent["url"] = world.server.url + template
        sent.pop("cookies", None)
        http.cookies.clear()
        answer = http.request(**sent, timeout=60, allow_redirects=False)
        tour.requests += 1
        tour.called.add(name)
        tour.statuses[answer.status_code] += 1
        if answer.ok:
            tour.reached.add(name)
        if (*route, answer.status_code) == UNREACHED:
            return
        try:
            case.validate_response(answer, checks=CHECKS)
        except FailureGroup as found:
            told = "; ".join(f"{each.title}: {each.message}" for each in found.exceptions)
            request = (
                f"{route[0]} {template} {sent.get('params')} {sent.get('json', sent.get('data'))!r:.300}"
            )
            tour.faults.setdefault(name, f"{request} -> {answer.status_code}: {told}\n{answer.text[:300]}")

    steady = settings(
        max_examples=examples,
        derandomize=True,
        database=None,
        deadline=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    steady(given(case=operation.as_strategy())(one))()


def _tamed(route: tuple[str, str], body: Body, world: PreparedWorld) -> Body:
    """The body without what would end the tour, and with addresses that lead no further than loopback."""

    def tame(value: Any) -> Any:
        if isinstance(value, list):
            return [tame(each) for each in value]
        if not isinstance(value, dict):
            return value
        return {
            key: world.scanner if key in ADDRESSES and isinstance(each, str) and "/" in each else tame(each)
            for key, each in value.items()
            if key not in WITHOUT.get(route, {})
        }

    made: Body = tame(body)
    if "/directory" in route[1] and "address" in made:
        made["address"] = "127.0.0.1:9"
    return made


def _filled(path: str, route: tuple[str, str], world: PreparedWorld, login: Login | None) -> str:
    """The path with things that exist; each deletion gets a thing of its own."""
    found = Fields(world, route, login)
    for name in [part.partition("}")[0] for part in path.split("{")[1:]]:
        text = str(getattr(found, name)())
        path = path.replace(f"{{{name}}}", text if name == "name" else quote(text, safe=":"))
    return path


class Fields:
    """What stands in the fields of one call's path."""

    def __init__(self, world: PreparedWorld, route: tuple[str, str], login: Login | None) -> None:
        self._world = world
        self._login = login or ADMIN
        self._path = route[1]
        self._gone = route[0] == "DELETE"
        self._repository = ""
        self._digest = world.image.digest

    def _own(self, key: str, make: Callable[[], Any]) -> Any:
        return make() if self._gone else self._world.once(f"{key} {self._login.name}", make)

    def _last(self, field: str) -> bool:
        return self._gone and self._path.endswith(f"{{{field}}}")

    def project_name(self) -> str:
        return PROJECT

    def project_name_or_id(self) -> object:
        if self._last("project_name_or_id"):
            return self._world.new_project()[0]
        if self._path.endswith("/{project_name_or_id}"):
            return self._world.once("changed project", lambda: self._world.new_project()[1])
        return PROJECT

    def repository_name(self) -> str:
        self._repository = "app"
        if self._gone:
            self._repository = f"gone{self._world.number()}"
            self._digest = self._world.push(self._repository, "v1").digest
            if self._path.endswith("/labels/{label_id}"):
                self._label = self._world.label_id()
                self._world.chief.call(
                    "POST",
                    f"/projects/{PROJECT}/repositories/{self._repository}/artifacts/v1/labels",
                    {"id": self._label},
                )
        return self._repository

    def name(self) -> str:
        if self._gone and "uploads" not in self._path:
            return f"{PROJECT}/{self.repository_name()}"
        return f"{PROJECT}/app"

    def reference(self) -> str:
        return self._digest if self._path.endswith("/manifests/{reference}") else "v1"

    def digest(self) -> str:
        if self._path.startswith("/v2/") and "blobs" in self._path:
            pushed = self._world.image
            return pushed.layers[0].digest
        return self._digest

    def tag_name(self) -> str:
        return "v1"

    def addition(self) -> str:
        return "build_history"

    def former_name(self) -> str:
        return self._world.former_name()

    def job_type(self) -> str:
        return "all"

    def meta_name(self) -> str:
        return "auto_scan" if self._gone else "public"

    def label_id(self) -> int:
        if "artifacts" in self._path:
            return self._label
        return int(self._own("label", self._world.label_id))

    def mid(self) -> int:
        return int(self._own("member", self._world.member_id))

    def immutable_rule_id(self) -> int:
        return int(self._own("rule", self._world.rule_id))

    def webhook_policy_id(self) -> int:
        return int(self._own("hook", self._world.hook_id))

    def retention_id(self) -> int:
        return int(self._own("retention", self._world.retention_id))

    def robot_id(self) -> int:
        return int(self._own("robot", self._world.robot_id))

    def registration_id(self) -> str:
        return str(self._own("scanner", self._world.scanner_id))

    def group_id(self) -> int:
        return 999999  # a group takes a directory, and none is connected

    def user_id(self) -> int:
        return int(self._own("user", self._world.user_id))

    def token_id(self) -> int:
        return self._world.token_id(self._login)

    def quota_id(self) -> int:
        return self._world.project_id

    def execution_id(self) -> int:
        return 1

    def task_id(self) -> int:
        return 1

    def run_id(self) -> int:
        return self._world.run_of("gc" if "/gc/" in self._path else "purgeaudit")

    def session_id(self) -> str:
        login = self._login if self._login is self._world.mary else ADMIN
        return self._world.upload(login)


class Good:
    """Bodies and queries that are known to work, for what is too particular to be generated."""

    def __init__(self, world: PreparedWorld, login: Login | None) -> None:
        self._world = world
        self._login = login or ADMIN

    def queries(self) -> dict[tuple[str, str], Body]:
        artifacts = "/api/v2.0/projects/{project_name}/repositories/{repository_name}/artifacts"
        jobs = "/api/v2.0/projects/{project_name_or_id}/webhook/jobs"
        return {
            ("POST", artifacts): {"from": f"{PROJECT}/app:v1"},
            ("HEAD", "/api/v2.0/projects"): {"project_name": PROJECT},
            ("GET", "/api/v2.0/users/search"): {"username": "mary"},
            ("GET", "/api/v2.0/usergroups/search"): {"groupname": "group"},
            ("GET", "/api/v2.0/retentions/{retention_id}/simulation"): {"repository": "app"},
            ("GET", jobs): {"policy_id": self._world.once("asked hook", self._world.hook_id)},
            ("GET", "/service/token"): {"service": "harbor-registry"},
        }

    def bodies(self) -> dict[tuple[str, str], Callable[[], Any]]:
        world = self._world
        number = world.number
        project = "/api/v2.0/projects/{project_name_or_id}"
        artifact = "/api/v2.0/projects/{project_name}/repositories/{repository_name}/artifacts/{reference}"
        users = "/api/v2.0/users"
        scanners = "/api/v2.0/scanners"
        gc, purge = "/api/v2.0/system/gc/schedule", "/api/v2.0/system/purgeaudit/schedule"
        never = {"schedule": {"type": "None"}}
        robot = {"name": "made", "level": "project", "duration": -1, "permissions": [self._permission()]}
        return {
            ("POST", f"{artifact}/tags"): lambda: {"name": f"v{number()}-more"},
            ("POST", f"{artifact}/labels"): lambda: {"id": world.label_id()},
            ("POST", "/api/v2.0/labels"): lambda: {
                "name": f"made{number()}",
                "color": "#61717D",
                "scope": "p",
                "project_id": world.project_id,
            },
            ("PUT", "/api/v2.0/labels/{label_id}"): lambda: {"name": f"made{number()}"},
            ("PUT", "/api/v2.0/configurations"): lambda: {"robot_token_duration": 40},
            ("PUT", gc): lambda: {**never, "parameters": {}},
            ("POST", gc): lambda: {**never, "parameters": {}},
            ("PUT", purge): lambda: {**never, "parameters": {}},
            ("POST", purge): lambda: {**never, "parameters": {}},
            ("POST", "/api/v2.0/projects"): lambda: {"project_name": f"made{number()}"},
            ("PUT", project): lambda: {"metadata": {"public": "false"}},
            ("POST", f"{project}/metadatas"): lambda: {"auto_scan": "true"},
            ("PUT", f"{project}/metadatas/{{meta_name}}"): lambda: {"public": "false"},
            ("POST", f"{project}/members"): lambda: {
                "role_id": 2,
                "member_user": {"username": world.user_name()},
            },
            ("PUT", f"{project}/members/{{mid}}"): lambda: {"role_id": 3},
            ("POST", f"{project}/immutabletagrules"): lambda: world.rule(f"held-{number()}"),
            ("PUT", f"{project}/immutabletagrules/{{immutable_rule_id}}"): lambda: world.rule(
                f"held-{number()}"
            ),
            ("POST", f"{project}/webhook/policies"): world.hook,
            ("PUT", f"{project}/webhook/policies/{{webhook_policy_id}}"): world.hook,
            ("PUT", f"{project}/scanner"): lambda: {"uuid": world.scanner_id()},
            ("PUT", "/api/v2.0/quotas/{quota_id}"): lambda: {"hard": {"storage": 10**9}},
            ("POST", "/api/v2.0/retentions"): lambda: world.retention(world.new_project()[1]),
            ("POST", "/api/v2.0/retentions/{retention_id}/executions"): lambda: {"dry_run": True},
            ("POST", "/api/v2.0/robots"): lambda: {**robot, "name": f"made{number()}"},
            ("POST", scanners): world.registration,
            ("POST", f"{scanners}/ping"): world.registration,
            ("PUT", f"{scanners}/{{registration_id}}"): world.registration,
            ("POST", "/api/v2.0/session"): lambda: {
                "username": self._login.name,
                "password": self._login.password,
            },
            ("POST", "/service/token"): lambda: {
                "grant_type": "password",
                "service": "harbor-registry",
                "username": self._login.name,
                "password": self._login.password,
                "client_id": "docker",
            },
            ("POST", users): lambda: {
                "username": f"made{number()}",
                "email": f"made{number()}@example.com",
                "realname": "Made",
                "password": "Harbour-2-pilot",
            },
            ("PUT", f"{users}/{{user_id}}"): lambda: {
                "email": f"made{number()}@example.com",
                "realname": "Made",
            },
            ("PUT", f"{users}/{{user_id}}/password"): lambda: {"new_password": f"Harbour-{number()}-pilot"},
            ("POST", f"{users}/current/tokens"): lambda: {"name": f"made{number()}"},
            ("PUT", "/v2/{name}/manifests/{reference}"): lambda: json.loads(world.image.body),
        }

    def _permission(self) -> Body:
        return {
            "kind": "project",
            "namespace": PROJECT,
            "access": [{"resource": "repository", "action": "pull"}],
        }
