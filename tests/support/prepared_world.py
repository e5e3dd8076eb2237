"""A project with one of everything in a running registry, and new things for calls that take them away."""

import itertools
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import requests

from tests.support.administration import Administration, Login, RoleId
from tests.support.images import Image, image
from tests.support.registry import RegistryClient
from tests.support.server import ADMIN, RunningServer

_PASSWORD = "Harbour-1-pilot"
_SELECTOR = {"kind": "doublestar", "decoration": "matches", "pattern": "held-*"}
_EVERYWHERE = {"kind": "doublestar", "decoration": "repoMatches", "pattern": "**"}
PROJECT = "reef"


class PreparedWorld:
    """The project `reef`, which belongs to `mary`, and what fills the fields of paths.

    Attributes:
        mary: an ordinary user who has the project.
        scanner: the address of something that answers as a scanner does.
    """

    def __init__(self, server: RunningServer, scanner: str) -> None:
        self.server = server
        self.scanner = scanner
        self.chief = Administration(server.url, ADMIN)
        self.mary = self.chief.user(Login("mary", _PASSWORD))
        self._raw = RegistryClient(server.url, ADMIN.name, ADMIN.password, True)
        self._numbers = itertools.count(1)
        self.chief.project(PROJECT)
        self.chief.member(PROJECT, self.mary, RoleId.PROJECT_ADMIN)
        self.project_id: int = self.chief.call("GET", f"/projects/{PROJECT}").json()["project_id"]
        self.image = self.push("app", "v1")
        self.user = self.user_id()
        self.label = self.label_id()
        self.run: dict[str, int] = {}

    def close(self) -> None:
        self.chief.close()
        self._raw.close()

    @contextmanager
    def settings_kept(self) -> Iterator[None]:
        """Put the settings of the site back afterwards, whatever was made of them."""
        found = self.chief.call("GET", "/configurations").json()
        before = {name: each["value"] for name, each in found.items() if each["editable"]}
        try:
            yield
        finally:
            self.chief.call("PUT", "/configurations", before)

    def number(self) -> int:
        return next(self._numbers)

    def made(self, path: str, document: object) -> int:
        """The number of what a POST makes."""
        answer = self.chief.call("POST", path, document)
        return int(answer.headers["Location"].rpartition("/")[2])

    def push(self, repository: str, tag: str) -> Image:
        pushed = image()
        self._raw.push(f"{PROJECT}/{repository}", pushed, tag)
        return pushed

    def user_name(self) -> str:
        return self.chief.user(Login(f"hand{self.number()}", _PASSWORD)).name

    def user_id(self) -> int:
        name = self.user_name()
        (found,) = self.chief.call("GET", f"/users/search?username={name}").json()
        return int(found["user_id"])

    def label_id(self) -> int:
        return self.made(
            "/labels",
            {
                "name": f"label{self.number()}",
                "color": "#61717D",
                "scope": "p",
                "project_id": self.project_id,
            },
        )

    def member_id(self) -> int:
        document = {"role_id": 2, "member_user": {"username": self.user_name()}}
        return self.made(f"/projects/{PROJECT}/members", document)

    def robot_id(self) -> int:
        access = [{"resource": "repository", "action": "pull"}]
        document = {
            "name": f"robot{self.number()}",
            "level": "project",
            "duration": -1,
            "permissions": [{"kind": "project", "namespace": PROJECT, "access": access}],
        }
        return int(self.chief.call("POST", "/robots", document).json()["id"])

    def rule_id(self) -> int:
        return self.made(f"/projects/{PROJECT}/immutabletagrules", self.rule(f"held-{self.number()}"))

    def rule(self, pattern: str) -> dict[str, Any]:
        return {
            "disabled": False,
            "action": "immutable",
            "template": "immutable_template",
            "tag_selectors": [{**_SELECTOR, "pattern": pattern}],
            "scope_selectors": {"repository": [_EVERYWHERE]},
        }

    def hook(self) -> dict[str, Any]:
        return {
            "name": f"hook{self.number()}",
            "enabled": True,
            "event_types": ["PUSH_ARTIFACT"],
            "targets": [{"type": "http", "address": self.scanner, "skip_cert_verify": False}],
        }

    def hook_id(self) -> int:
        return self.made(f"/projects/{PROJECT}/webhook/policies", self.hook())

    def retention(self, project_id: int) -> dict[str, Any]:
        return {
            "algorithm": "or",
            "rules": [
                {
                    "disabled": False,
                    "action": "retain",
                    "template": "always",
                    "params": {},
                    "tag_selectors": [{**_SELECTOR, "pattern": "**"}],
                    "scope_selectors": {"repository": [_EVERYWHERE]},
                }
            ],
            "trigger": {"kind": "Schedule", "settings": {"cron": ""}, "references": {}},
            "scope": {"level": "project", "ref": project_id},
        }

    def new_project(self) -> tuple[str, int]:
        name = self.chief.project(f"islet{self.number()}")
        return name, int(self.chief.call("GET", f"/projects/{name}").json()["project_id"])

    def retention_id(self) -> int:
        return self.made("/retentions", self.retention(self.new_project()[1]))

    def scanner_id(self) -> str:
        answer = self.chief.call("POST", "/scanners", self.registration())
        return answer.headers["Location"].rpartition("/")[2]

    def registration(self) -> dict[str, Any]:
        number = self.number()
        return {"name": f"scanner{number}", "url": f"{self.scanner}/{number}"}

    def group_id(self) -> int:
        return self.made(
            "/usergroups", {"group_name": f"VSPHERE.LOCAL\\group{self.number()}", "group_type": 2}
        )

    def token_id(self, login: Login) -> int:
        own = Administration(self.server.url, login)
        try:
            found = own.call("POST", "/users/current/tokens", {"name": f"token{self.number()}"}).json()
        finally:
            own.close()
        return int(found["id"])

    def former_name(self) -> str:
        name, number = self.new_project()
        self.chief.call("PUT", f"/projects/{number}", {"project_name": f"{name}-renamed"})
        return name

    def upload(self, login: Login) -> str:
        """The path of a new upload of this person's."""
        answer = requests.post(
            f"{self.server.url}/v2/{PROJECT}/app/blobs/uploads/",
            auth=(login.name, login.password),
            timeout=60,
        )
        assert answer.status_code == 202, answer.text
        return answer.headers["Docker-Upload-UUID"]

    def run_of(self, kind: str) -> int:
        """A run of the collector of garbage (``gc``) or of old entries of the log (``purgeaudit``)."""
        if kind not in self.run:
            parameters = {} if kind == "gc" else {"audit_retention_hour": 24, "include_operations": "create"}
            document = {"schedule": {"type": "Manual"}, "parameters": parameters}
            answer = self.chief.ask("POST", f"/system/{kind}/schedule", document)
            assert answer.status_code in {201, 409}, (
                answer.text
            )  # a generated call may have begun one already
            self.run[kind] = self.chief.call("GET", f"/system/{kind}").json()[0]["id"]
        return self.run[kind]

    def once(self, key: str, make: Callable[[], int]) -> int:
        """What is made at the first call and kept."""
        if key not in self.run:
            self.run[key] = make()
        return self.run[key]
