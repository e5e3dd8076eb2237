"""The document of the API for people: one page, made on the server, that needs no script."""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup, escape

from moorage.web.openapi.shown import Shown, shown

MOST_SEARCHED = 100
_QUOTED = re.compile(r"`([^`]+)`")
_METHODS = ("get", "head", "post", "put", "patch", "delete")
_SCOPES: Mapping[str, str] = {
    "anyone": "Anyone",
    "signed_in": "Any account",
    "system": "System",
    "project": "Project",
}


@dataclass(frozen=True, slots=True)
class Entry:
    """An operation on the page.

    Attributes:
        text: what a search looks through, in lower case.
        html: as it stands on the page.
    """

    id: str
    method: str
    path: str
    summary: str
    text: str
    html: Markup


@dataclass(frozen=True, slots=True)
class Section:
    """The operations below one heading."""

    name: str
    description: str
    entries: Sequence[Entry]


class Page:
    """The page of a document. Its parts are made once; a search joins those that it finds.

    Args:
        address: of the document itself.
        style: the address of the page's style sheet.
    """

    def __init__(self, document: Mapping[str, Any], address: str, style: str) -> None:
        environment = Environment(
            loader=PackageLoader("moorage.web.openapi", "pages"),
            autoescape=True,
            trim_blocks=True,
            lstrip_blocks=True,
            undefined=StrictUndefined,
        )
        environment.filters["prose"] = prose
        self._document = document
        self._template = environment.get_template("page.html")
        self._operation = environment.get_template("operation.html")
        self._sections = self._made()
        self._fixed = {
            "info": document["info"],
            "address": address,
            "style": style,
            "count": sum(len(each.entries) for each in self._sections),
            "schemas": {name: shown(each) for name, each in document["components"]["schemas"].items()},
        }

    def html(self, searched: str = "") -> str:
        """The page, or what of it has every word of `searched`."""
        words = searched.lower().split()
        sections = []
        for section in self._sections:
            found = [each for each in section.entries if all(word in each.text for word in words)]
            if found:
                sections.append(Section(section.name, section.description, found))
        number = sum(len(each.entries) for each in sections)
        return self._template.render(self._fixed, sections=sections, searched=searched.strip(), found=number)

    def _made(self) -> list[Section]:
        found: dict[str, list[Entry]] = {each["name"]: [] for each in self._document["tags"]}
        for path, item in self._document["paths"].items():
            for method in _METHODS:
                if method in item:
                    found[item[method]["tags"][0]].append(self._entry(method, path, item[method]))
        return [
            Section(each["name"], each["description"], found[each["name"]]) for each in self._document["tags"]
        ]

    def _entry(self, method: str, path: str, operation: Mapping[str, Any]) -> Entry:
        summary = operation["summary"]
        html = self._operation.render(
            id=operation["operationId"],
            method=method,
            path=path,
            summary=summary,
            description=operation.get("description", ""),
            permission=permission(operation["x-permission"]),
            credentials=[" + ".join(each) or "none" for each in operation["security"]],
            parameters=[{**each, "value": shown(each["schema"])} for each in operation.get("parameters", ())],
            body=self._body(operation.get("requestBody")),
            answers=list(self._answers(operation)),
            refusals=list(self._refusals(operation)),
        )
        words = (method, path, summary, operation["operationId"], operation["tags"][0])
        return Entry(
            operation["operationId"],
            method,
            path,
            summary,
            " ".join(words).lower(),
            Markup(html),  # noqa: S704
        )

    def _body(self, body: Mapping[str, Any] | None) -> Mapping[str, Any] | None:
        if body is None:
            return None
        return {
            "required": body["required"],
            "description": body.get("description", ""),
            "contents": _contents(body),
        }

    def _answers(self, operation: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
        for status, answer in operation["responses"].items():
            if "$ref" not in answer:
                yield {
                    "status": status,
                    "phrase": HTTPStatus(int(status)).phrase,
                    "description": answer["description"],
                    "headers": list(answer.get("headers", {})),
                    "contents": _contents(answer),
                }

    def _refusals(self, operation: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
        answers = self._document["components"]["responses"]
        for status, answer in operation["responses"].items():
            if "$ref" in answer:
                yield status, answers[answer["$ref"].rpartition("/")[2]]["description"]


def prose(text: str) -> Markup:
    """A description; what stands between backticks in it is code."""
    return Markup(_QUOTED.sub(r"<code>\1</code>", str(escape(text))))  # noqa: S704


def permission(found: Mapping[str, Any]) -> str:
    """What it takes, in words, such as ``Project: repository / push``."""
    text = _SCOPES[found["scope"]]
    if "resource" in found:
        text += f": {found['resource']} / {found['action']}"
    if "of_tags" in found:
        text += f" (of a tag: {found['of_tags']['resource']} / {found['of_tags']['action']})"
    return text


def _contents(found: Mapping[str, Any]) -> list[tuple[str, Shown]]:
    return [(kind, shown(each["schema"])) for kind, each in found.get("content", {}).items()]
