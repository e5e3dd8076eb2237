"""What an administrator does before clients can work: accounts, projects, members, robots, over HTTP."""

from dataclasses import dataclass
from enum import IntEnum

import requests

_SECONDS = 60


class RoleId(IntEnum):
    """Roles by the numbers that the API takes."""

    PROJECT_ADMIN = 1
    DEVELOPER = 2
    GUEST = 3
    MAINTAINER = 4
    LIMITED_GUEST = 5


@dataclass(frozen=True, slots=True)
class Login:
    """A name and what proves it."""

    name: str
    password: str


class Administration:
    """Calls `/api/v2.0` of a running server as one account."""

    def __init__(self, url: str, login: Login, verify: str | bool = True) -> None:
        self._url = f"{url}/api/v2.0"
        self._http = requests.Session()
        self._http.trust_env = False
        self._http.verify = verify
        self._http.auth = (login.name, login.password)

    def close(self) -> None:
        self._http.close()

    def call(self, method: str, path: str, document: object = None) -> requests.Response:
        """One call that has to succeed."""
        answer = self.ask(method, path, document)
        assert answer.ok, f"{method} {path}: {answer.status_code} {answer.text}"
        return answer

    def ask(self, method: str, path: str, document: object = None) -> requests.Response:
        """One call, whatever comes of it."""
        return self._http.request(method, self._url + path, json=document, timeout=_SECONDS)

    def user(self, login: Login) -> Login:
        """Make an account."""
        document = {
            "username": login.name,
            "password": login.password,
            "email": f"{login.name}@example.com",
            "realname": login.name.capitalize(),
            "comment": "",
        }
        self.call("POST", "/users", document)
        return login

    def project(self, name: str, *, public: bool = False) -> str:
        """Make a project."""
        document = {"project_name": name, "metadata": {"public": "true" if public else "false"}}
        self.call("POST", "/projects", document)
        return name

    def member(self, project: str, login: Login, role: RoleId) -> None:
        """Give an account a role in a project."""
        document = {"role_id": int(role), "member_user": {"username": login.name}}
        self.call("POST", f"/projects/{project}/members", document)

    def robot(self, project: str, name: str, *actions: str) -> Login:
        """Make a robot that may do `actions` with the project's repositories."""
        access = [{"resource": "repository", "action": action} for action in actions]
        document = {
            "name": name,
            "level": "project",
            "duration": -1,
            "permissions": [{"kind": "project", "namespace": project, "access": access}],
        }
        made = self.call("POST", "/robots", document).json()
        return Login(made["name"], made["secret"])

    def audit(self, query: str = "") -> list[dict[str, object]]:
        """The newest entries of the log."""
        found: list[dict[str, object]] = self.call("GET", f"/audit-logs?page_size=100{query}").json()
        return found
