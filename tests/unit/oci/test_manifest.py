"""Manifests: five kinds of valid body, and every way to be two things at once."""

import pytest

from moorage.errors import TooLarge
from moorage.oci.digest import digest_of
from moorage.oci.manifest import (
    MAX_DESCRIPTORS,
    MAX_MANIFEST_BYTES,
    ImageIndex,
    ImageManifest,
    ManifestInvalidError,
    ManifestTooLargeError,
    parse_manifest,
)
from moorage.oci.mediatypes import (
    DOCKER_CONFIG,
    DOCKER_MANIFEST,
    DOCKER_MANIFEST_LIST,
    MANIFESTS,
    OCI_CONFIG,
    OCI_EMPTY,
    OCI_INDEX,
    OCI_MANIFEST,
)
from tests.unit.oci.bodies import (
    OCI_LAYER,
    SBOM,
    artifact,
    descriptor,
    digest,
    docker_image,
    docker_list,
    encoded,
    image,
    index,
)

FOREIGN = "application/vnd.docker.image.rootfs.foreign.diff.tar.gzip"
NONDISTRIBUTABLE = "application/vnd.oci.image.layer.nondistributable.v1.tar"


def read_image(document: dict[str, object]) -> ImageManifest:
    manifest = parse_manifest(encoded(document), None)
    assert isinstance(manifest, ImageManifest)
    return manifest


def read_index(document: dict[str, object]) -> ImageIndex:
    manifest = parse_manifest(encoded(document), None)
    assert isinstance(manifest, ImageIndex)
    return manifest


def digests(descriptors: object) -> list[str]:
    return [str(each.digest) for each in descriptors]


def refused(document: object, media_type: str | None = None) -> str:
    body = document if isinstance(document, bytes) else encoded(document)
    with pytest.raises(ManifestInvalidError) as caught:
        parse_manifest(body, media_type)
    assert caught.value.code == "MANIFEST_INVALID"
    assert len(caught.value.message) < 500
    return caught.value.message


def test_an_image_has_a_config_and_layers():
    body = encoded(image(annotations={"org.example": "1"}))
    manifest = parse_manifest(body, OCI_MANIFEST)
    assert isinstance(manifest, ImageManifest)
    assert manifest.media_type == OCI_MANIFEST
    assert manifest.artifact_type == OCI_CONFIG
    assert manifest.config.digest == digest_of(b"config")
    assert digests(manifest.layers) == [digest("first"), digest("second")]
    assert digests(manifest.required_blobs) == [digest("config"), digest("first"), digest("second")]
    assert manifest.size_bytes == len(body) + len("config" + "first" + "second")
    assert manifest.annotations == {"org.example": "1"}
    assert manifest.subject is None


def test_an_index_has_children():
    body = encoded(index())
    manifest = parse_manifest(body, OCI_INDEX)
    assert isinstance(manifest, ImageIndex)
    assert manifest.artifact_type == ""
    assert digests(manifest.manifests) == [digest("child")]
    assert digests(manifest.required_manifests) == [digest("child")]
    assert manifest.required_blobs == ()
    assert manifest.manifests[0].platform.architecture == "amd64"
    assert manifest.size_bytes == len(body) + len("child")


def test_docker_images_and_lists_are_read_alike():
    manifest = read_image(docker_image())
    assert (manifest.media_type, manifest.artifact_type) == (DOCKER_MANIFEST, DOCKER_CONFIG)
    listed = read_index(docker_list())
    assert listed.media_type == DOCKER_MANIFEST_LIST
    assert listed.manifests[0].platform.os_version == "10.0"


def test_an_artifact_says_its_own_type_and_its_subject():
    manifest = read_image(artifact())
    assert manifest.artifact_type == SBOM
    assert manifest.config.media_type == OCI_EMPTY
    assert manifest.subject.digest == digest_of(b"child")
    assert digests(manifest.required_blobs) == [digest("{}")]


def test_an_empty_config_without_an_artifact_type_is_the_clients_business():
    assert read_image(artifact(artifactType=None)).artifact_type == OCI_EMPTY
    assert read_image(artifact(artifactType="")).artifact_type == OCI_EMPTY


def test_an_index_may_have_an_artifact_type_and_a_subject():
    manifest = read_index(index(artifactType=SBOM, subject=descriptor("image", OCI_MANIFEST)))
    assert manifest.artifact_type == SBOM
    assert manifest.subject.digest == digest_of(b"image")


def test_a_subject_does_not_count_into_the_size():
    with_subject, body = artifact(), encoded(artifact())
    assert read_image(with_subject).size_bytes == len(body) + 2 * len("{}")


@pytest.mark.parametrize(
    "media_type",
    [FOREIGN, NONDISTRIBUTABLE, NONDISTRIBUTABLE + "+gzip", NONDISTRIBUTABLE + "+zstd"],
)
def test_layers_that_must_not_be_distributed_are_not_demanded(media_type):
    foreign = descriptor("windows", media_type, urls=["https://example.com/windows"])
    manifest = read_image(image(layers=[foreign, descriptor("own")]))
    assert digests(manifest.layers) == [digest("windows"), digest("own")]
    assert digests(manifest.required_blobs) == [digest("config"), digest("own")]


def test_a_layer_that_is_named_twice_is_demanded_once_and_counted_twice():
    layers = [descriptor("same"), descriptor("other"), descriptor("same")]
    body = encoded(image(layers=layers))
    manifest = parse_manifest(body, None)
    assert digests(manifest.required_blobs) == [digest("config"), digest("same"), digest("other")]
    assert manifest.size_bytes == len(body) + len("config" + "same" + "other" + "same")


def test_a_foreign_layer_that_is_an_own_layer_too_is_demanded():
    layers = [descriptor("same", FOREIGN), descriptor("same")]
    assert digest("same") in digests(read_image(image(layers=layers)).required_blobs)


def test_an_index_of_a_build_cache_demands_its_blobs_as_blobs():
    children = [
        descriptor("layer"),
        descriptor("cache", "application/vnd.buildkit.cacheconfig.v0"),
        descriptor("image", OCI_MANIFEST),
        descriptor("nested", OCI_INDEX),
        descriptor("windows", FOREIGN),
        descriptor("layer"),
    ]
    manifest = read_index(index(manifests=children))
    assert digests(manifest.required_blobs) == [digest("layer"), digest("cache")]
    assert digests(manifest.required_manifests) == [digest("image"), digest("nested")]
    assert len(manifest.manifests) == len(children)


@pytest.mark.parametrize("nothing", [[], None])
def test_no_layers_and_no_children_are_fine(nothing):
    assert read_image({**image(), "layers": nothing}).layers == ()
    assert read_index({**index(), "manifests": nothing}).manifests == ()


def test_unknown_fields_are_kept_out_of_the_way():
    assert read_image(image(newField={"layers": [1]}, zz=None)).layers


# What kind is it?


@pytest.mark.parametrize(
    ("document", "media_type"),
    [
        (image(), OCI_MANIFEST),
        (index(), OCI_INDEX),
        (docker_image(), DOCKER_MANIFEST),
        (docker_list(), DOCKER_MANIFEST_LIST),
    ],
)
@pytest.mark.parametrize("form", ["{}", "{}; charset=utf-8", " {} ", "{};x"])
def test_header_and_body_agree(document, media_type, form):
    assert parse_manifest(encoded(document), form.format(media_type)).media_type == media_type
    assert parse_manifest(encoded(document), form.format(media_type.upper())).media_type == media_type


@pytest.mark.parametrize("header", [None, "", " ", "; charset=utf-8"])
@pytest.mark.parametrize("document", [image(), index(), docker_image(), docker_list()])
def test_without_a_header_the_body_decides(document, header):
    assert parse_manifest(encoded(document), header).media_type == document["mediaType"]


def test_an_oci_body_may_leave_its_media_type_to_the_header():
    for missing in ({}, {"mediaType": ""}):
        body = encoded({**image(mediaType=None), **missing})
        assert isinstance(parse_manifest(body, OCI_MANIFEST), ImageManifest)
        body = encoded({**index(mediaType=None), **missing})
        assert isinstance(parse_manifest(body, OCI_INDEX), ImageIndex)


def test_a_docker_body_must_say_its_media_type():
    said = refused(docker_image(mediaType=None), DOCKER_MANIFEST)
    assert f"a body sent as {DOCKER_MANIFEST} must have that mediaType" in said
    assert "must have that mediaType" in refused(docker_list(mediaType=None), DOCKER_MANIFEST_LIST)


def test_without_any_media_type_nobody_guesses():
    assert "neither Content-Type nor mediaType" in refused(image(mediaType=None))
    assert "neither Content-Type nor mediaType" in refused(index(mediaType=None), "")


@pytest.mark.parametrize("own", sorted(MANIFESTS))
@pytest.mark.parametrize("sent_as", sorted(MANIFESTS))
def test_header_and_body_must_not_contradict(own, sent_as):
    documents = (image(), index(), docker_image(), docker_list())
    document = next(each for each in documents if each["mediaType"] == own)
    if own == sent_as:
        assert parse_manifest(encoded(document), sent_as).media_type == own
    else:
        assert refused(document, sent_as) == f"the body has mediaType {own}, but was sent as {sent_as}"


@pytest.mark.parametrize(
    "media_type",
    ["application/json", "text/plain", "application/octet-stream", OCI_CONFIG, OCI_LAYER, "x" * 1000, "é/\0"],
)
def test_an_unknown_kind_is_refused_in_header_and_body(media_type):
    assert "no manifest that is supported" in refused(image(), media_type)
    assert "no manifest that is supported" in refused(image(mediaType=media_type))
    assert "no manifest that is supported" in refused(image(mediaType=media_type), OCI_MANIFEST)


def test_the_media_type_of_the_body_is_compared_exactly():
    assert "no manifest that is supported" in refused(image(mediaType=OCI_MANIFEST.upper()))
    assert "no manifest that is supported" in refused(image(mediaType=OCI_MANIFEST + "; charset=utf-8"))


@pytest.mark.parametrize("value", [5, [], {}, True, [OCI_MANIFEST]])
def test_a_media_type_is_a_string(value):
    assert refused(image(mediaType=value), OCI_MANIFEST) == "mediaType is not a string"


SCHEMA1 = {
    "schemaVersion": 1,
    "name": "library/nginx",
    "tag": "latest",
    "fsLayers": [{"blobSum": digest()}],
    "history": [{"v1Compatibility": "{}"}],
    "signatures": [],
}


@pytest.mark.parametrize(
    "media_type",
    [
        "application/vnd.docker.distribution.manifest.v1+json",
        "application/vnd.docker.distribution.manifest.v1+prettyjws",
        None,
        OCI_MANIFEST,
        DOCKER_MANIFEST,
    ],
)
def test_dockers_first_schema_is_refused_by_name(media_type):
    assert "schema 1 is not supported" in refused(SCHEMA1, media_type)
    assert "schema 1 is not supported" in refused({**image(), "fsLayers": []}, OCI_MANIFEST)


def test_the_withdrawn_artifact_manifest_is_refused_by_name():
    withdrawn = "application/vnd.oci.artifact.manifest.v1+json"
    assert "withdrawn" in refused({"mediaType": withdrawn, "blobs": []})
    assert "withdrawn" in refused(image(), withdrawn)


# One body, one meaning.


@pytest.mark.parametrize("make", [image, docker_image, artifact])
@pytest.mark.parametrize("value", [[], None, {}, [descriptor("child", OCI_MANIFEST)]])
def test_an_image_that_could_be_read_as_an_index_is_refused(make, value):
    assert "must not have 'manifests'" in refused({**make(), "manifests": value})


@pytest.mark.parametrize("make", [index, docker_list])
@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("config", descriptor("config", OCI_CONFIG)),
        ("config", None),
        ("layers", []),
        ("layers", [descriptor()]),
    ],
)
def test_an_index_that_could_be_read_as_an_image_is_refused(make, field, value):
    assert f"must not have {field!r}" in refused({**make(), field: value})


def test_a_body_of_two_kinds_without_media_type_is_refused_under_either_header():
    both = {**image(mediaType=None), "manifests": index()["manifests"]}
    for header in (OCI_MANIFEST, OCI_INDEX):
        assert "must not have" in refused(both, header)


@pytest.mark.parametrize(
    "key", ["Manifests", "LAYERS", "mediatype", "Config", "\u017fubject", "schemaversion"]
)
def test_a_key_that_some_readers_take_for_another_is_refused(key):
    assert f"the manifest spells a known field {key!r}" in refused({**image(), key: []})


@pytest.mark.parametrize(
    ("body", "said"),
    [
        (b"", "malformed"),
        (b"not json", "malformed"),
        (encoded(image()) + b"x", "Extra data"),
        (encoded(image()) + encoded(image()), "Extra data"),
        (encoded(image())[:-1], "malformed"),
        (b"\xef\xbb\xbf" + encoded(image()), "byte-order mark"),
        (encoded(image()).replace(b'"size": 6', b'"size": 6, "size": 7'), "key 'size' twice"),
        (encoded(image()).replace(b"{", b'{"layers": [], ', 1), "key 'layers' twice"),
        (encoded(image()).replace(b'"size": 6', b'"size": NaN'), "NaN"),
        (encoded(image()).replace(b'"size": 6', b'"size": 6e999'), "out of range"),
        (encoded(image(deep=None)).replace(b"{", b'{"x": ' + b"[" * 9999 + b"]" * 9999 + b",", 1), "deeper"),
        (encoded([image()]), "not an object"),
        (b"null", "not an object"),
        ('{"schemaVersion": 2}'.encode("utf-16"), "not UTF-8"),
    ],
)
def test_json_that_readers_disagree_about_is_no_manifest(body, said):
    assert said in refused(body, OCI_MANIFEST)


# Types and limits.


@pytest.mark.parametrize("version", [None, 0, 3, "2", 2.0, True, [2], -2])
def test_the_schema_version_is_the_number_two(version):
    said = refused({**image(), "schemaVersion": version})
    assert said == "schemaVersion is missing or not 2"
    assert "schemaVersion" in refused(index(schemaVersion=None))


@pytest.mark.parametrize(
    ("document", "said"),
    [
        (image(config=None), "config is missing"),
        ({**image(), "config": None}, "config is not an object"),
        (image(config=[]), "config is not an object"),
        (image(config={}), "config.mediaType is missing"),
        (image(layers=None), "layers is missing"),
        (image(layers={}), "layers is not an array"),
        (image(layers="x"), "layers is not an array"),
        (image(layers=[descriptor(), None]), "layers[1] is not an object"),
        (
            image(layers=[descriptor(), descriptor("x", size=-1)]),
            "layers[1].size is missing or not an integer",
        ),
        (
            image(layers=[descriptor(digest="sha256:" + "F" * 64)]),
            "layers[0].digest: a sha256 digest is written",
        ),
        (image(annotations=[]), "annotations is not an object"),
        (image(annotations={"a": 1}), "annotations['a'] is not a string"),
        (image(annotations={"k" * 10_000: 1}), "is not a string"),
        (image(artifactType=1), "artifactType is not a string"),
        (image(artifactType="sbom"), "artifactType is not a media type"),
        (image(subject="x"), "subject is not an object"),
        (image(subject=[]), "subject is not an object"),
        (image(subject={}), "subject.mediaType is missing"),
        (image(subject=descriptor(size=2**63)), "subject.size"),
        (index(manifests=None), "manifests is missing"),
        (index(manifests={}), "manifests is not an array"),
        (index(manifests=[[]]), "manifests[0] is not an object"),
        (index(manifests=[descriptor(platform="linux")]), "manifests[0].platform is not an object"),
        (index(annotations="x"), "annotations is not an object"),
        (index(artifactType="x"), "artifactType is not a media type"),
        (index(subject=1), "subject is not an object"),
    ],
)
def test_a_wrong_type_is_refused_by_its_place(document, said):
    assert said in refused(document)


def test_optional_fields_of_null_are_absent():
    names = ("annotations", "subject", "artifactType")
    manifest = read_image({**image(), **dict.fromkeys(names)})
    assert (manifest.annotations, manifest.subject, manifest.artifact_type) == ({}, None, OCI_CONFIG)


def test_one_digest_has_one_size():
    layers = [descriptor("same"), descriptor("same", size=5)]
    assert f"{digest('same')} is given two different sizes" in refused(image(layers=layers))
    assert "two different sizes" in refused(index(manifests=layers))


def test_sizes_that_no_integer_holds_are_refused():
    most = 2**63 - 1
    assert "add up to more than 2^63-1" in refused(image(layers=[descriptor("huge", size=most)]))
    halves = [descriptor(name, OCI_MANIFEST, size=most // 2) for name in ("a", "b")]
    assert "add up to more than 2^63-1" in refused(index(manifests=halves))


def test_a_body_of_exactly_the_limit_is_read_and_one_byte_more_is_not():
    body = encoded(image())
    padded = body + b" " * (MAX_MANIFEST_BYTES - len(body))
    assert parse_manifest(padded, OCI_MANIFEST).size_bytes > MAX_MANIFEST_BYTES
    with pytest.raises(ManifestTooLargeError, match="at most 4194304 bytes, this one 4194305") as caught:
        parse_manifest(padded + b" ", OCI_MANIFEST)
    assert isinstance(caught.value, TooLarge)


def numbered(count: int) -> list[dict[str, object]]:
    return [{"mediaType": "a/b", "digest": f"sha256:{number:064x}", "size": 1} for number in range(count)]


def test_as_many_descriptors_as_allowed_are_read():
    manifest = read_index(index(manifests=numbered(MAX_DESCRIPTORS)))
    assert len(manifest.manifests) == MAX_DESCRIPTORS
    assert len(read_image(image(layers=numbered(MAX_DESCRIPTORS))).required_blobs) == MAX_DESCRIPTORS + 1


def test_a_bomb_of_descriptors_is_refused():
    said = f"has {MAX_DESCRIPTORS + 1} entries; at most {MAX_DESCRIPTORS} are allowed"
    assert said in refused(index(manifests=numbered(MAX_DESCRIPTORS + 1)))
    assert said in refused(image(layers=numbered(MAX_DESCRIPTORS + 1)))
    assert "entries" in refused(index(manifests=[{}] * 100_000))
    with pytest.raises(ManifestTooLargeError):
        parse_manifest(encoded(index(manifests=numbered(100_000))), OCI_INDEX)
