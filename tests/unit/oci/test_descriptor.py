"""Descriptors: every field has its type, and embedded data is what digest and size promise."""

import base64

import pytest

from moorage.oci.descriptor import Descriptor, Platform, parse_descriptor
from moorage.oci.digest import Digest, digest_of
from moorage.oci.errors import ManifestInvalidError
from tests.unit.oci.bodies import OCI_LAYER, SBOM, descriptor, digest


def test_a_plain_descriptor_has_empty_extras():
    parsed = parse_descriptor(descriptor("abc"), "config")
    assert parsed == Descriptor(OCI_LAYER, digest_of(b"abc"), 3)
    assert (parsed.artifact_type, parsed.annotations, parsed.platform, parsed.urls) == ("", {}, None, ())


def test_a_full_descriptor_keeps_everything():
    value = descriptor(
        "abc",
        artifactType=SBOM,
        annotations={"org.example": "text", "": ""},
        urls=["https://example.com/layer"],
        platform={
            "architecture": "arm64",
            "os": "windows",
            "os.version": "10.0.20348",
            "os.features": ["win32k"],
            "variant": "v8",
            "features": ["sse4"],
        },
    )
    assert parse_descriptor(value, "manifests[0]") == Descriptor(
        OCI_LAYER,
        digest_of(b"abc"),
        3,
        SBOM,
        {"org.example": "text", "": ""},
        Platform("arm64", "windows", "10.0.20348", ("win32k",), "v8"),
        ("https://example.com/layer",),
    )


def test_descriptors_are_hashable_with_annotations():
    parsed = parse_descriptor(descriptor(annotations={"a": "b"}), "config")
    assert parsed in {parsed}


def test_optional_fields_of_null_are_absent():
    names = ("urls", "annotations", "data", "artifactType", "platform")
    assert parse_descriptor(descriptor(**dict.fromkeys(names)), "config") == parse_descriptor(
        descriptor(), "config"
    )


def test_a_platform_may_leave_fields_out():
    parsed = parse_descriptor(descriptor(platform={"os": "linux", "variant": None}), "manifests[0]")
    assert parsed.platform == Platform("", "linux")


@pytest.mark.parametrize("size", [0, 1, 2**31, 2**63 - 1])
def test_sizes_from_nothing_to_the_largest_integer_are_kept(size):
    assert parse_descriptor(descriptor(size=size), "config").size == size


def test_the_longer_hash_is_taken_too():
    assert parse_descriptor(descriptor(digest="sha512:" + "b" * 128), "c").digest == Digest(
        "sha512", "b" * 128
    )


def test_fields_that_nobody_knows_are_allowed():
    assert parse_descriptor(descriptor(newBottle={"deep": [1]}, **{"x-y": 1}), "config").size == len(
        "content"
    )


@pytest.mark.parametrize(
    ("field", "value", "said"),
    [
        ("mediaType", None, "mediaType is missing"),
        ("mediaType", "", "mediaType is missing"),
        ("mediaType", 5, "mediaType is not a string"),
        ("mediaType", ["a/b"], "mediaType is not a string"),
        ("mediaType", "layer", "mediaType is not a media type"),
        ("mediaType", "a/b\nc", "mediaType is not a media type"),
        ("mediaType", "a/b" * 200, "mediaType is not a media type"),
        ("digest", None, "digest is missing"),
        ("digest", 5, "digest is missing"),
        ("digest", {}, "digest is missing"),
        ("digest", "", "empty"),
        ("digest", "sha256:" + "A" * 64, "lower case"),
        ("digest", "sha256:" + "a" * 63, "this one 63"),
        ("digest", "a" * 64, "no algorithm"),
        ("digest", "md5:" + "a" * 32, "not supported"),
        ("size", None, "size is missing"),
        ("size", -1, "size is missing or not an integer"),
        ("size", 1.0, "size is missing or not an integer"),
        ("size", True, "size is missing or not an integer"),
        ("size", False, "size is missing or not an integer"),
        ("size", "7", "size is missing or not an integer"),
        ("size", [], "size is missing or not an integer"),
        ("size", 2**63, "size is missing or not an integer"),
        ("size", 10**30, "size is missing or not an integer"),
        ("annotations", [], "annotations is not an object"),
        ("annotations", "text", "annotations is not an object"),
        ("annotations", {"a": 1}, "annotations['a'] is not a string"),
        ("annotations", {"a": None}, "annotations['a'] is not a string"),
        ("annotations", {"a": {"b": "c"}}, "annotations['a'] is not a string"),
        ("platform", "linux/amd64", "platform is not an object"),
        ("platform", [], "platform is not an object"),
        ("platform", {"architecture": 64, "os": "linux"}, "platform.architecture is not a string"),
        ("platform", {"os": ["linux"]}, "platform.os is not a string"),
        ("platform", {"os.version": 10.0}, "platform.os.version is not a string"),
        ("platform", {"os.features": "win32k"}, "platform.os.features is not an array"),
        ("platform", {"os.features": [1]}, "platform.os.features is not an array"),
        ("platform", {"variant": 8}, "platform.variant is not a string"),
        ("platform", {"OS": "linux"}, "platform spells a known field 'OS'"),
        ("urls", "https://example.com", "urls is not an array"),
        ("urls", {"a": "b"}, "urls is not an array"),
        ("urls", [None], "urls is not an array"),
        ("artifactType", 1, "artifactType is not a string"),
        ("artifactType", "sbom", "artifactType is not a media type"),
        ("Digest", digest("other"), "spells a known field 'Digest'"),
        ("MEDIATYPE", "a/b", "spells a known field 'MEDIATYPE'"),
        ("\u017fize", 1, "spells a known field"),
    ],
)
def test_a_field_of_a_wrong_type_or_value_is_refused_by_its_place(field, value, said):
    with pytest.raises(ManifestInvalidError) as caught:
        parse_descriptor(descriptor(**{field: value}), "layers[3]")
    assert said in caught.value.message
    assert "layers[3]" in caught.value.message
    assert caught.value.code == "MANIFEST_INVALID"


@pytest.mark.parametrize("value", [None, [], "sha256:" + "a" * 64, 1, True, [descriptor()]])
def test_what_is_no_object_is_no_descriptor(value):
    with pytest.raises(ManifestInvalidError, match="config is not an object"):
        parse_descriptor(value, "config")


@pytest.mark.parametrize("content", ["", "{}", "text", "\0\xff"])
def test_embedded_data_that_matches_is_taken(content):
    data = base64.b64encode(content.encode()).decode()
    value = descriptor(content, size=len(content.encode()), data=data)
    assert parse_descriptor(value, "config").digest == digest_of(content.encode())


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"data": 5}, "data is not a string"),
        ({"data": ["e30="]}, "data is not a string"),
        ({"data": "e30"}, "data is not base64"),
        ({"data": "e3 0="}, "data is not base64"),
        ({"data": "e30=\n"}, "data is not base64"),
        ({"data": "e30é"}, "data is not base64"),
        ({"data": "_-__"}, "data is not base64"),
        ({"data": ""}, "data has 0 bytes, its size says 2"),
        ({"data": "e30gIA=="}, "data has 4 bytes, its size says 2"),
        ({"data": "e30=", "size": 3}, "data has 2 bytes, its size says 3"),
        ({"data": "W10="}, "data does not have the digest"),
        ({"data": "e30=", "digest": "sha512:" + "0" * 128}, "data does not have the digest"),
    ],
)
def test_embedded_data_that_is_something_else_is_refused(fields, said):
    with pytest.raises(ManifestInvalidError, match=said):
        parse_descriptor(descriptor("{}", **fields), "config")
