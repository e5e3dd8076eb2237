"""Whatever is done to a valid manifest, it stays a manifest or is refused as one."""

import copy
import json

from hypothesis import given, settings
from hypothesis import strategies as st

from moorage.oci.manifest import ImageIndex, ImageManifest, ManifestInvalidError, parse_manifest
from moorage.oci.mediatypes import INDEXES, MANIFESTS, OCI_INDEX, OCI_MANIFEST
from tests.unit.oci.bodies import artifact, descriptor, docker_image, docker_list, encoded, image, index

VALID = [
    image(annotations={"a": "b"}),
    index(subject=descriptor("image", OCI_MANIFEST), annotations={"a": "b"}),
    docker_image(),
    docker_list(),
    artifact(layers=[descriptor(urls=["https://example.com"], annotations={"c": "d"})]),
]
HEADERS = st.sampled_from([None, "", *sorted(MANIFESTS)]) | st.text()
KEYS = [
    "schemaVersion",
    "mediaType",
    "config",
    "layers",
    "manifests",
    "subject",
    "annotations",
    "artifactType",
    "digest",
    "size",
    "urls",
    "data",
    "platform",
    "os.features",
    "fsLayers",
    "Layers",
]
SCALARS = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.integers(2**62, 2**65)
    | st.floats()
    | st.text()
    | st.sampled_from(["", OCI_INDEX, "a/b", "e30=", "sha256:" + "0" * 64, "SHA256:" + "0" * 64])
)
VALUES = st.recursive(
    SCALARS,
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(KEYS) | st.text(), inner, max_size=4)
    ),
    max_leaves=12,
)


def places(value: object) -> list[tuple[object, object]]:
    """Every container below with every key in it."""
    found: list[tuple[object, object]] = []
    if isinstance(value, dict | list):
        keys = list(value) if isinstance(value, dict) else list(range(len(value)))
        for key in keys:
            found.append((value, key))
            found += places(value[key])
    return found


@st.composite
def mutated(draw: st.DrawFn) -> dict[str, object]:
    document = copy.deepcopy(draw(st.sampled_from(VALID)))
    for _ in range(draw(st.integers(1, 3))):
        container, key = draw(st.sampled_from(places(document)))
        action = draw(st.sampled_from(["replace", "remove", "add", "repeat"]))
        if action == "replace":
            container[key] = draw(VALUES)
        elif action == "remove":
            del container[key]
        elif isinstance(container, dict):
            container[draw(st.sampled_from(KEYS) | st.text())] = draw(VALUES)
        else:
            container.append(copy.deepcopy(container[key]))
        if not places(document):
            break
    return document


def check(body: bytes, header: str | None) -> None:
    try:
        manifest = parse_manifest(body, header)
    except ManifestInvalidError as error:
        error.message.encode()
        return
    document = json.loads(body)
    assert document["schemaVersion"] == 2
    assert document.get("mediaType") in {manifest.media_type, "", None}
    assert ("manifests" in document) != ("config" in document)
    assert len(body) <= manifest.size_bytes < 2**63
    if isinstance(manifest, ImageIndex):
        assert manifest.media_type in INDEXES
        assert len(manifest.manifests) == len(document["manifests"] or ())
        children = {each.digest for each in (*manifest.required_manifests, *manifest.required_blobs)}
        assert children <= {each.digest for each in manifest.manifests}
    else:
        assert isinstance(manifest, ImageManifest)
        named = {document["config"]["digest"], *(layer["digest"] for layer in document["layers"] or ())}
        assert {str(each.digest) for each in manifest.required_blobs} <= named
        assert manifest.artifact_type
    hash(manifest)


@settings(deadline=None, max_examples=400)
@given(mutated(), HEADERS)
def test_a_manifest_with_values_exchanged(document, header):
    check(encoded(document), header)


@settings(deadline=None, max_examples=300)
@given(st.sampled_from(VALID), st.data())
def test_a_manifest_with_bytes_exchanged(document, data):
    body = bytearray(encoded(document))
    for _ in range(data.draw(st.integers(1, 4))):
        start = data.draw(st.integers(0, len(body)))
        end = data.draw(st.integers(start, min(len(body), start + 8)))
        body[start:end] = data.draw(
            st.binary(max_size=8) | st.sampled_from([b'"', b"{", b"]", b"\\u0000", b","])
        )
    check(bytes(body), data.draw(HEADERS))


@settings(deadline=None)
@given(st.sampled_from(VALID), st.data())
def test_a_manifest_cut_off_anywhere_is_refused(document, data):
    body = encoded(document)
    cut = body[: data.draw(st.integers(0, len(body) - 1))]
    try:
        parse_manifest(cut, None)
    except ManifestInvalidError:
        return
    raise AssertionError(cut)


@settings(deadline=None)
@given(st.binary(), HEADERS)
def test_bytes_out_of_nowhere(body, header):
    check(body, header)


@settings(deadline=None)
@given(st.sampled_from(VALID))
def test_valid_bodies_are_read(document):
    parse_manifest(encoded(document), None)
