"""Media types: which are manifests, which layers stay away, what is well-formed."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from moorage.oci import mediatypes
from moorage.oci.mediatypes import is_foreign, is_media_type, of_content_type


def test_four_kinds_of_manifest_are_taken_and_two_of_them_are_indexes():
    assert (
        frozenset(
            {
                "application/vnd.oci.image.manifest.v1+json",
                "application/vnd.oci.image.index.v1+json",
                "application/vnd.docker.distribution.manifest.v2+json",
                "application/vnd.docker.distribution.manifest.list.v2+json",
            }
        )
        == mediatypes.MANIFESTS
    )
    assert mediatypes.MANIFESTS - mediatypes.INDEXES == mediatypes.IMAGES


@pytest.mark.parametrize(
    "media_type",
    [
        "application/vnd.docker.image.rootfs.foreign.diff.tar.gzip",
        "application/vnd.docker.image.rootfs.foreign.diff.tar",
        "application/vnd.oci.image.layer.nondistributable.v1.tar",
        "application/vnd.oci.image.layer.nondistributable.v1.tar+gzip",
        "application/vnd.oci.image.layer.nondistributable.v1.tar+zstd",
        "application/vnd.oci.image.layer.nondistributable.v1.tar+gzip+encrypted",
    ],
)
def test_foreign_layers_are_known(media_type):
    assert is_foreign(media_type)


@pytest.mark.parametrize(
    "media_type",
    [
        "application/vnd.docker.image.rootfs.diff.tar.gzip",
        "application/vnd.oci.image.layer.v1.tar",
        "application/vnd.oci.image.layer.v1.tar+gzip",
        "application/vnd.oci.image.layer.nondistributable.v1.tarball",
        "application/vnd.oci.image.config.v1+json",
        "",
    ],
)
def test_other_layers_are_not_foreign(media_type):
    assert not is_foreign(media_type)


@pytest.mark.parametrize(
    ("text", "well_formed"),
    [
        ("application/vnd.oci.image.layer.v1.tar+gzip", True),
        ("text/plain", True),
        ("text/plain; charset=utf-8", True),
        ("application/vnd.dev.sigstore.bundle+json;version=0.2", True),
        ("a/b", True),
        ("a" * 127 + "/" + "b" * 127, True),
        ("a" * 128 + "/b", False),
        ("a/b;" + "c" * 252, False),
        ("", False),
        ("text", False),
        ("text/", False),
        ("/plain", False),
        ("text/plain/x", False),
        ("text /plain", False),
        (" text/plain", False),
        ("text/pl\0ain", False),
        ("text/plain\n", False),
        ("text/plain;\r\nX-Evil: 1", False),
        ("text/plain;é", False),
        ("té/plain", False),
        (".a/b", False),
    ],
)
def test_the_grammar_of_media_types(text, well_formed):
    assert is_media_type(text) is well_formed


@given(st.text())
def test_no_text_breaks_the_grammar(text):
    if is_media_type(text):
        assert text.isascii()
        assert text.isprintable()


@pytest.mark.parametrize(
    ("header", "media_type"),
    [
        (None, ""),
        ("", ""),
        ("a/b", "a/b"),
        (" A/B ; charset=utf-8", "a/b"),
        (";", ""),
    ],
)
def test_a_content_type_is_read_without_its_parameters(header, media_type):
    assert of_content_type(header) == media_type
