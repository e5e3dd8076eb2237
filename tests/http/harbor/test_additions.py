"""`.../additions`: what more can be read of an artifact, however it was made."""

import gzip
import json
from collections.abc import Callable

import pytest

from moorage.distribution import reading
from moorage.projects.model import Project
from moorage.services import Services
from tests.http.harbor.portal import Portal, Pusher, code_of, repository_path
from tests.support.images import (
    OCI_CONFIG,
    OCI_EMPTY,
    Blob,
    Image,
    artifact,
    chart,
    image,
    manifest,
    multi_platform,
    tar_of,
)

APP = repository_path("dock/deep/app") + "/artifacts"


@pytest.fixture(autouse=True)
def _dock(dock: Project) -> None:
    """Every test here is about ``dock/deep/app``."""


def of_image(config: object) -> Blob:
    return Blob(json.dumps(config).encode(), OCI_CONFIG)


def test_the_history_of_an_image(alice: Portal, push: Pusher) -> None:
    step = {"created": "2026-01-02T03:04:05Z", "created_by": "RUN <script>alert(1)</script>"}
    history = [{**step, "empty_layer": True, "comment": "buildkit"}, {}, "no step", {"created_by": 7}]
    push("dock/deep/app", manifest(of_image({"os": "linux", "history": history}), []), "1")
    found = alice.get(f"{APP}/1/additions/build_history")
    unknown = {"created": "0001-01-01T00:00:00.000Z", "created_by": ""}
    assert found.json == [{**step, "empty_layer": True, "comment": "buildkit"}, unknown, unknown]
    assert found.headers["content-type"] == "application/json"
    assert found.headers["x-content-type-options"] == "nosniff"
    assert "sandbox" in found.headers["content-security-policy"]


@pytest.mark.parametrize("history", [None, {}, "x", 7])
def test_an_image_without_a_history_has_an_empty_one(alice: Portal, push: Pusher, history: object) -> None:
    push("dock/deep/app", manifest(of_image({"history": history}), []), "1")
    assert alice.get(f"{APP}/1/additions/build_history").json == []


@pytest.mark.parametrize("config", [b"\x00", b"[]", b"[" * 100_000, b'{"a": 1, "a": 2}', b'{"a": NaN}'])
def test_a_config_that_is_no_json_has_no_history(alice: Portal, push: Pusher, config: bytes) -> None:
    push("dock/deep/app", manifest(Blob(config, OCI_CONFIG), []), "1")
    assert alice.get(f"{APP}/1/additions/build_history").status_code == 404
    assert alice.get(f"{APP}/1").json["extra_attrs"] == {}


def test_a_damaged_config_is_not_shown(alice: Portal, push: Pusher, services: Services) -> None:
    pushed = push("dock/deep/app", image(), "1")
    hexed = pushed.blobs[0].digest.partition(":")[2]
    (path,) = services.settings.storage.data.glob(f"blobs/sha256/*/{hexed}")
    path.chmod(0o600)
    path.write_bytes(path.read_bytes().replace(b"amd64", b"evil!"))
    assert alice.get(f"{APP}/1").json["extra_attrs"] == {}
    assert alice.get(f"{APP}/1/additions/build_history").status_code == 404
    path.unlink()
    assert alice.get(f"{APP}/1").json["extra_attrs"] == {}


def test_the_files_of_a_chart(alice: Portal, push: Pusher) -> None:
    needed = [{"name": "redis", "version": "1.2.3", "repository": "oci://example.com/charts"}]
    files = {
        "app/Chart.yaml": b"name: app",
        "app/charts/redis/README.md": b"another chart's",
        "app/README.md": "# Möwe\n<script>alert(1)</script>".encode(),
        "app/values.yaml": b"replicas: 1\n",
    }
    push("dock/deep/app", chart(files, dependencies=needed), "1")
    found = alice.get(f"{APP}/1").json
    assert (found["type"], found["extra_attrs"]["name"]) == ("CHART", "app")
    assert set(found["addition_links"]) == {"readme.md", "values.yaml", "dependencies"}
    readme = alice.get(f"{APP}/1/additions/readme.md")
    assert readme.text == "# Möwe\n<script>alert(1)</script>"
    assert readme.headers["content-type"] == "text/markdown; charset=utf-8"
    assert readme.headers["x-content-type-options"] == "nosniff"
    values = alice.get(found["addition_links"]["values.yaml"]["href"])
    assert (values.text, values.headers["content-type"]) == ("replicas: 1\n", "text/plain; charset=utf-8")
    assert alice.get(f"{APP}/1/additions/dependencies").json == needed


def test_what_a_chart_lacks_is_not_found(alice: Portal, push: Pusher) -> None:
    push("dock/deep/app", chart({"README.md": b"not in the chart's folder"}), "1")
    for name in ("readme.md", "values.yaml"):
        assert alice.get(f"{APP}/1/additions/{name}").status_code == 404
    assert alice.get(f"{APP}/1/additions/dependencies").json == []


_MODEL = Blob(b'{"descriptor":{"name":"tiny"}}', "application/vnd.cncf.model.config.v1+json")
_DOC = "application/vnd.cncf.model.doc.v1."


def model(*documents: tuple[str, str, bytes]) -> Image:
    """A model with documents: how each is packed, the path it is said to have, and the bytes."""
    blobs = [Blob(data, _DOC + form) for form, _, data in documents]
    paths = [{"annotations": {"org.cncf.model.filepath": path}} for _, path, _ in documents]
    whole = manifest(_MODEL, blobs)
    layers = [{**blob.descriptor, **more} for blob, more in zip(blobs, paths, strict=True)]
    body = json.dumps({**whole.document, "layers": layers}).encode()
    return Image(body, whole.media_type, whole.blobs)


@pytest.mark.parametrize("form", ["raw", "tar", "tar+gzip"])
def test_the_documents_of_a_model(alice: Portal, push: Pusher, form: str) -> None:
    pack = {"raw": lambda name, data: data, "tar": lambda name, data: tar_of({name: data})}
    pack["tar+gzip"] = lambda name, data: packed({name: data})
    documents = [("LICENSE", b"free"), ("docs/README.md", b"# tiny"), ("other.md", b"x")]
    push("dock/deep/app", model(*((form, path, pack[form](path, data)) for path, data in documents)), "1")
    found = alice.get(f"{APP}/1").json
    assert (found["type"], found["extra_attrs"]) == ("CNAI", {"descriptor": {"name": "tiny"}})
    for name, (text, kind) in {"license": ("free", "plain"), "readme.md": ("# tiny", "markdown")}.items():
        answer = alice.get(found["addition_links"][name]["href"])
        assert (answer.text, answer.headers["content-type"]) == (text, f"text/{kind}; charset=utf-8")
    assert [each["digest"] for each in alice.get(APP, q="type=CNAI").json] == [found["digest"]]


def test_a_model_without_documents_has_none_and_a_large_one_is_refused(alice: Portal, push: Pusher) -> None:
    push("dock/deep/app", model(("raw", "LICENSE", bytes(reading.MAX_FILE_BYTES + 1))), "1")
    assert alice.get(f"{APP}/1/additions/readme.md").status_code == 404
    assert alice.get(f"{APP}/1/additions/license").status_code == 400


def test_the_files_of_a_model(alice: Portal, push: Pusher) -> None:
    told = {"org.cncf.model.file.metadata+json": '{"name": "x", "size": 7000000000}'}
    paths = [
        ("weights/a.safetensors", told),
        ("weights/b.safetensors", {}),
        ("/./config.json", {"org.cncf.model.file.metadata+json": "[" * 4000}),
        ("../../etc/passwd", {"org.cncf.model.file.metadata+json": '{"size": -1}'}),
        ("/".join("x" * 40), {}),
        ("", {}),
    ]
    whole = model(*(("raw", path, b"12345") for path, _ in paths))
    layers = [
        {**layer, "annotations": {**layer["annotations"], **more}}
        for layer, (_, more) in zip(whole.document["layers"], paths, strict=True)  # type: ignore[call-overload]
    ]
    body = json.dumps({**whole.document, "layers": layers}).encode()
    push("dock/deep/app", Image(body, whole.media_type, whole.blobs), "1")
    found = alice.get(f"{APP}/1").json
    answer = alice.get(found["addition_links"]["files"]["href"])

    def file(name: str, size: int = 5) -> dict[str, object]:
        return {"name": name, "type": "file", "size": size}

    def folder(name: str, *children: object) -> dict[str, object]:
        return {"name": name, "type": "directory", "children": list(children)}

    assert answer.json == [
        folder("weights", file("a.safetensors", 7_000_000_000), file("b.safetensors")),
        file("config.json"),
        folder("etc", file("passwd")),
        file("/".join("x" * 40)),
    ]
    assert answer.headers["content-type"] == "application/json"
    assert alice.get(f"{APP}/1/additions/sbom").status_code == 404


def bill(kind: str, document: bytes, subject: Image) -> Image:
    """A bill of materials about an image."""
    about = {"artifactType": kind, "subject": subject.descriptor}
    return manifest(Blob(b"{}", OCI_EMPTY), [Blob(document, kind)], **about)


@pytest.mark.parametrize(
    "kind",
    [
        "application/spdx+json",
        "application/vnd.cyclonedx+json",
        "application/vnd.goharbor.harbor.sbom.v1",
    ],
)
@pytest.mark.parametrize("make", [image, multi_platform, chart])
def test_the_newest_bill_of_materials_that_is_attached(
    alice: Portal, push: Pusher, kind: str, make: Callable[[], Image]
) -> None:
    pushed = push("dock/deep/app", make(), "1")
    path = f"{APP}/1/additions/sbom"
    assert (alice.get(path).status_code, code_of(alice.get(path))) == (404, "NOT_FOUND")
    push("dock/deep/app", bill(kind, b'{"name": "old"}', pushed))
    push("dock/deep/app", bill(kind, b'{"name": "new"}', pushed))
    push("dock/deep/app", bill("application/vnd.example.signature", b'{"name": "other"}', pushed))
    push("dock/deep/app", bill(kind, b"no JSON", pushed))
    found = alice.get(path)
    assert (found.json, found.headers["content-type"]) == ({"name": "new"}, "application/json")
    assert "sandbox" in found.headers["content-security-policy"]
    whole = alice.get(f"{APP}/1", with_accessory="true").json
    assert alice.get(whole["addition_links"]["sbom"]["href"]).json == {"name": "new"}
    assert "sbom" not in alice.get(f"{APP}/1").json["addition_links"]


def test_a_bill_of_materials_of_another_repository_is_not_shown(
    alice: Portal, push: Pusher, pier: Project
) -> None:
    pushed = push("dock/deep/app", image(), "1")
    push("pier/app", pushed)
    push("pier/app", bill("application/spdx+json", b'{"name": "theirs"}', pushed))
    assert alice.get(f"{APP}/1/additions/sbom").status_code == 404


def test_what_a_kind_does_not_have_is_refused(alice: Portal, push: Pusher) -> None:
    push("dock/deep/app", image(), "image")
    push("dock/deep/app", multi_platform(), "index")
    push("dock/deep/app", artifact(), "sbom")
    push("dock/deep/app", chart(), "chart")
    for tag, name in (
        ("image", "values.yaml"),
        ("image", "license"),
        ("image", "nonsense"),
        ("index", "build_history"),
        ("sbom", "build_history"),
        ("chart", "build_history"),
    ):
        refused = alice.get(f"{APP}/{tag}/additions/{name}")
        assert (refused.status_code, code_of(refused)) == (400, "BAD_REQUEST"), (tag, name)
    assert alice.get(f"{APP}/none/additions/build_history").status_code == 404


def test_what_nobody_scanned_has_no_reports(alice: Portal, push: Pusher, bob: Portal) -> None:
    push("dock/deep/app", image(), "1")
    assert alice.get(f"{APP}/1/additions/vulnerabilities").json == {}
    assert alice.get(f"{APP}/2/additions/vulnerabilities").status_code == 404
    assert bob.get(f"{APP}/1/additions/vulnerabilities").status_code == 403


def packed(files: dict[str, bytes]) -> bytes:
    return gzip.compress(tar_of(files), mtime=0)


def with_link() -> bytes:
    """An archive whose README is a link to a file of the machine."""
    plain = bytearray(tar_of({"app/README.md": b""}))
    plain[156:157] = b"2"
    plain[157:168] = b"/etc/passwd"
    plain[148:156] = b" " * 8
    plain[148:156] = b"%06o\0 " % sum(plain[:512])
    return gzip.compress(bytes(plain), mtime=0)


def with_size(field: bytes) -> bytes:
    """An archive that lies about the size of its first file."""
    plain = bytearray(tar_of({"app/first": b"x"}))
    plain[124:136] = field
    plain[148:156] = b" " * 8
    plain[148:156] = b"%06o\0 " % sum(plain[:512])
    return gzip.compress(bytes(plain), mtime=0)


_BROKEN = {
    "no gzip": (b"no gzip at all", 400),
    "no tar": (gzip.compress(b"x" * 2000), 400),
    "cut": (packed({"app/README.md": b"x" * 5000})[:-40], 400),
    "empty": (gzip.compress(b""), 400),
    "bomb": (gzip.compress(bytes([1]) * 100_000_000, 9), 400),
    "bomb in a file": (packed({"app/first": bytes(40_000_000)}), 400),
    "large readme": (packed({"app/README.md": bytes(reading.MAX_FILE_BYTES + 1)}), 400),
    "link": (with_link(), 404),
    "negative size": (with_size(b"-0000000001\0"), 400),
    "binary size": (with_size(b"\xff" * 12), 400),
    "huge size": (with_size(b"77777777777\0"), 400),
    "no readme": (packed({"app/first": b"x", "README.md": b"x", "app/x/README.md": b"x"}), 404),
}


@pytest.mark.parametrize("kind", _BROKEN)
def test_a_chart_that_was_made_to_harm_is_refused(alice: Portal, push: Pusher, kind: str) -> None:
    layer, status = _BROKEN[kind]
    push("dock/deep/app", chart(layer=layer), "1")
    answer = alice.get(f"{APP}/1/additions/readme.md")
    assert answer.status_code == status, answer.text
    assert code_of(answer) == ("BAD_REQUEST" if status == 400 else "NOT_FOUND")


def test_an_archive_of_very_many_entries_is_not_looked_through(
    alice: Portal, push: Pusher, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reading, "MAX_ENTRIES", 5)
    files = {f"app/{number}": b"" for number in range(6)} | {"app/README.md": b"x"}
    push("dock/deep/app", chart(files), "1")
    assert alice.get(f"{APP}/1/additions/readme.md").status_code == 400
