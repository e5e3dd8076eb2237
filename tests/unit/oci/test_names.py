"""Names and tags: the grammar of the distribution specification, and a project in front."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from moorage.oci.digest import Digest, DigestInvalidError
from moorage.oci.names import (
    NameInvalidError,
    RepositoryName,
    Tag,
    TagInvalidError,
    is_component,
    parse_reference,
)

#: As the specification prints them.
SPEC_NAME = re.compile(r"[a-z0-9]+((\.|_|__|-+)[a-z0-9]+)*(\/[a-z0-9]+((\.|_|__|-+)[a-z0-9]+)*)*")
SPEC_TAG = re.compile(r"[a-zA-Z0-9_][a-zA-Z0-9._-]{0,127}")

LONGEST = "p/" + "a" * 253


@pytest.mark.parametrize(
    ("text", "project", "path"),
    [
        ("library/nginx", "library", "nginx"),
        ("a/b", "a", "b"),
        ("0/1", "0", "1"),
        ("team/app/web/front-end", "team", "app/web/front-end"),
        ("te.am/a_b", "te.am", "a_b"),
        ("te__am/a__b", "te__am", "a__b"),
        ("te-am/a---b", "te-am", "a---b"),
        ("p/a.b_c__d-e---f", "p", "a.b_c__d-e---f"),
        ("p/manifests/blobs/uploads/tags/list", "p", "manifests/blobs/uploads/tags/list"),
        ("/".join("a" * 128), "a", "/".join("a" * 127)),
        (LONGEST, "p", "a" * 253),
    ],
)
def test_a_name_has_a_project_and_a_path(text, project, path):
    name = RepositoryName.parse(text)
    assert isinstance(name, RepositoryName)
    assert (name, name.project, name.path) == (text, project, path)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "empty"),
        ("nginx", "needs a project in front: <project>/nginx"),
        (LONGEST + "a", "at most 255 characters, this one 256"),
        ("a" * 300, "at most 255"),
        ("Library/nginx", "upper-case"),
        ("library/Nginx", "upper-case"),
        ("library/ÀB", "upper-case"),
        ("/nginx", "grammar"),
        ("library/", "grammar"),
        ("library//nginx", "grammar"),
        ("/library/nginx", "grammar"),
        ("library/nginx/", "grammar"),
        ("library/../etc", "grammar"),
        ("../library/nginx", "grammar"),
        ("library/.", "grammar"),
        ("library/.nginx", "grammar"),
        ("library/nginx.", "grammar"),
        ("library/a..b", "grammar"),
        ("library/a___b", "grammar"),
        ("library/a._b", "grammar"),
        ("library/a-.b", "grammar"),
        ("library/-a", "grammar"),
        ("library/a-", "grammar"),
        ("_library/a", "grammar"),
        ("library/a_", "grammar"),
        ("library/_catalog", "grammar"),
        ("library%2fnginx", "grammar"),
        ("library/a%2fb", "grammar"),
        ("library/a\\b", "grammar"),
        ("library/a b", "grammar"),
        ("library/a:b", "grammar"),
        ("library/a@b", "grammar"),
        ("library/nginx\n", "grammar"),
        ("library/nginx\0", "grammar"),
        ("library/é", "grammar"),
        ("library/\u0663", "grammar"),
        ("library/\uff41", "grammar"),
        ("library/\ud800", "grammar"),
        ("-" * 255, "grammar"),
        ("a-" * 127, "grammar"),
        ("a/" * 127, "grammar"),
    ],
)
def test_a_name_that_breaks_the_grammar_is_refused_with_the_reason(text, said):
    with pytest.raises(NameInvalidError, match=re.escape(said)) as caught:
        RepositoryName.parse(text)
    assert caught.value.code == "NAME_INVALID"
    caught.value.message.encode()


@given(st.text() | st.text(alphabet="a0._-/A%"))
def test_no_text_breaks_the_parser_of_names(text):
    expected = SPEC_NAME.fullmatch(text) is not None and "/" in text and len(text) <= 255
    try:
        name = RepositoryName.parse(text)
    except NameInvalidError:
        assert not expected
    else:
        assert expected
        assert f"{name.project}/{name.path}" == text


@given(st.from_regex(SPEC_NAME, fullmatch=True))
def test_a_component_is_a_name_without_slashes(text):
    assert is_component(text) == ("/" not in text and len(text) <= 255)


@pytest.mark.parametrize(
    "text", ["latest", "1.27", "_", "A", "v1.0.0-rc.1_x", "sha256-" + "a" * 64, "a" * 128, "0", "a.", "a-"]
)
def test_a_tag_reads_as_itself(text):
    tag = parse_reference(text)
    assert isinstance(tag, Tag)
    assert tag == text


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "empty"),
        ("a" * 129, "at most 128 characters, this one 129"),
        (".hidden", "grammar"),
        ("-dash", "grammar"),
        ("a/b", "grammar"),
        ("..", "grammar"),
        ("a b", "grammar"),
        ("a+b", "grammar"),
        ("a%20", "grammar"),
        ("a@b", "grammar"),
        ("latest\n", "grammar"),
        ("l\0", "grammar"),
        ("ünicode", "grammar"),
        ("\u0663", "grammar"),
    ],
)
def test_a_tag_that_breaks_the_grammar_is_refused_with_the_reason(text, said):
    for parse in (Tag.parse, parse_reference):
        with pytest.raises(TagInvalidError, match=said) as caught:
            parse(text)
        assert caught.value.code == "TAG_INVALID"


def test_a_reference_with_a_colon_is_a_digest():
    text = "sha256:" + "a" * 64
    assert parse_reference(text) == Digest("sha256", "a" * 64)
    for broken in ("sha256:short", "latest:1", ":"):
        with pytest.raises(DigestInvalidError):
            parse_reference(broken)


@given(st.text() | st.text(alphabet="aZ0._-:/"))
def test_no_text_breaks_the_parser_of_references(text):
    try:
        reference = parse_reference(text)
    except (TagInvalidError, DigestInvalidError):
        assert SPEC_TAG.fullmatch(text) is None
    else:
        assert str(reference) == text
