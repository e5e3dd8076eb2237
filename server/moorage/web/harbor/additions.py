"""`.../artifacts/{}/additions`: what more can be read of an artifact.

Everything in these answers was pushed by somebody. It is sent as text or JSON that browsers are told not
to take for anything else.
"""

import json
import re
from collections.abc import Callable, Mapping
from typing import ClassVar, Unpack

import falcon

from moorage.distribution.artifact_filter import MODEL
from moorage.distribution.details import Detail
from moorage.distribution.model import ManifestSummary
from moorage.errors import Invalid, NotFound
from moorage.projects.rules import READ_ADDITION
from moorage.services import Services
from moorage.web.access import Access
from moorage.web.harbor import contents, model_files, render
from moorage.web.harbor.answer import send
from moorage.web.harbor.artifact_paths import ArtifactPath, artifact_at

#: Configs of images with thousands of steps; manifests are not larger either.
_CONFIG_BYTES = 4 * 1024 * 1024
_CHART_LAYERS = frozenset({"application/vnd.cncf.helm.chart.content.v1.tar+gzip", "application/tar+gzip"})
_model_document = re.compile(r"application/vnd\.cn(?:cf|ai)\.model\.doc\.v1\.(raw|tar|tar\+gzip)").fullmatch
_SBOM_BYTES = 8 * 1024 * 1024
_MOST_ATTACHED = 1000
_STEP_FIELDS = ("created", "created_by", "author", "comment")
_IN_CHART = 2  # parts of the name: the chart's own folder and the file


class AdditionUnsupportedError(Invalid):
    """Artifacts of this kind have no such addition."""


class AdditionUnknownError(NotFound):
    """The artifact could have it, and has none."""


class AdditionResource:
    """One addition of an artifact."""

    access: ClassVar[Mapping[str, Access]] = {"GET": Access("project", READ_ADDITION, "get_addition")}

    def __init__(self, services: Services) -> None:
        self._services = services
        self._readers: Mapping[str, Callable[[ManifestSummary, Detail], tuple[bytes, str]]] = {
            "build_history": self._build_history,
            "readme.md": self._readme,
            "files": lambda found, detail: _json(model_files.tree(detail.layers)),
            contents.SBOM: self._sbom,
            "license": lambda found, detail: self._model_file(detail, "license", "text/plain"),
            "values.yaml": lambda found, detail: self._chart_file(detail, "values.yaml", "text/plain"),
            "dependencies": self._dependencies,
        }

    def on_get(
        self, req: falcon.Request, resp: falcon.Response, *, addition: str, **path: Unpack[ArtifactPath]
    ) -> None:
        """Read it out of the artifact."""
        _, found = artifact_at(self._services, req, path)
        name = addition.lower()
        offered = (*contents.additions_of(found), contents.SBOM)
        if name not in offered:
            known = ", ".join(offered) or "none"
            raise AdditionUnsupportedError(
                f"{addition[:80]!r} is no addition of {contents.kind(found)}; these are: {known}"
            )
        resp.data, resp.content_type = self._readers[name](found, self._services.details.of_one(found))
        resp.set_header("X-Content-Type-Options", "nosniff")
        resp.set_header("Content-Security-Policy", "default-src 'none'; sandbox")

    def _build_history(self, found: ManifestSummary, detail: Detail) -> tuple[bytes, str]:
        history = self._config(detail).get("history")
        steps = history if isinstance(history, list) else []
        return _json([step(each) for each in steps if isinstance(each, dict)])

    def _dependencies(self, found: ManifestSummary, detail: Detail) -> tuple[bytes, str]:
        needed = self._config(detail).get("dependencies")
        return _json([each for each in needed if isinstance(each, dict)] if isinstance(needed, list) else [])

    def _config(self, detail: Detail) -> Mapping[str, object]:
        config = None
        if detail.config is not None:
            config = self._services.reading.document(detail.config, _CONFIG_BYTES)
        if config is None:
            raise AdditionUnknownError("the artifact's config is damaged, too large, or no JSON")
        return config

    def _sbom(self, found: ManifestSummary, detail: Detail) -> tuple[bytes, str]:
        """The newest bill of materials that is attached to it, in the repository itself."""
        details = self._services.details
        attached = details.attached([found], limit=_MOST_ATTACHED).get(found.id, [])
        for one in reversed([each for each in attached if contents.is_sbom(each)]):
            for layer in details.of_one(one).layers:
                if layer.media_type not in contents.SBOM_TYPES:
                    continue
                document = self._services.reading.document(layer, _SBOM_BYTES)
                if document is not None:
                    return _json(document)
        raise AdditionUnknownError("no bill of materials is attached to it that is JSON and not too large")

    def _readme(self, found: ManifestSummary, detail: Detail) -> tuple[bytes, str]:
        if contents.kind(found) == MODEL:
            return self._model_file(detail, "readme", "text/markdown")
        return self._chart_file(detail, "readme.md", "text/markdown")

    def _model_file(self, detail: Detail, name: str, media_type: str) -> tuple[bytes, str]:
        """A file of a model's documentation; its layer says which one it has, and how."""

        def wanted(path: str) -> bool:
            last = path.lower().rstrip("/").rpartition("/")[2]
            return last in (name, f"{name}.md", f"{name}.txt")

        for layer in detail.layers:
            form = _model_document(layer.media_type)
            if form is None or not any(wanted(layer.annotations.get(key, "")) for key in model_files.PATHS):
                continue
            reading = self._services.reading
            content = (
                reading.content(layer)
                if form[1] == "raw"
                else reading.file(layer, wanted, gzipped=form[1] == "tar+gzip")
            )
            if content is not None:
                return content, f"{media_type}; charset=utf-8"
        raise AdditionUnknownError(f"the model has no {name}")

    def _chart_file(self, detail: Detail, name: str, media_type: str) -> tuple[bytes, str]:
        def wanted(entry: str) -> bool:
            parts = [part for part in entry.lower().split("/") if part not in ("", ".")]
            return len(parts) == _IN_CHART and parts[-1] == name

        archive = next((each for each in detail.layers if each.media_type in _CHART_LAYERS), None)
        content = None if archive is None else self._services.reading.file(archive, wanted)
        if content is None:
            raise AdditionUnknownError(f"the chart has no {name}")
        return content, f"{media_type}; charset=utf-8"


class VulnerabilitiesResource:
    """What a scan found in an artifact."""

    access: ClassVar[Mapping[str, Access]] = {"GET": Access("project", READ_ADDITION, "get_vulnerabilities")}

    def __init__(self, services: Services) -> None:
        self._services = services

    def on_get(self, req: falcon.Request, resp: falcon.Response, **path: Unpack[ArtifactPath]) -> None:
        """Reports by their types, as ``X-Accept-Vulnerabilities`` asks: none, for nothing was scanned."""
        artifact_at(self._services, req, path)
        send(resp, {})


def step(found: Mapping[str, object]) -> render.Json:
    """A line of an image's history; clients need the first two, which an image may lack."""
    texts = {name: found[name] for name in _STEP_FIELDS if isinstance(found.get(name), str)}
    return {
        "created": render.NEVER,
        "created_by": "",
        **texts,
        **({"empty_layer": True} if found.get("empty_layer") is True else {}),
    }


def _json(content: object) -> tuple[bytes, str]:
    return json.dumps(content, ensure_ascii=False).encode(), falcon.MEDIA_JSON
