"""URLs that can be called."""

import pytest

from moorage.outbound.errors import AddressInvalidError
from moorage.outbound.target import Target


def test_a_url_is_taken_apart():
    found = Target.parse("https://Hooks.Example.com/a/b?c=d%20e&f")
    assert found == Target("https", "hooks.example.com", 443, "/a/b?c=d%20e&f")
    assert found.authority == "hooks.example.com"
    assert Target.parse("http://[2001:DB8::1]:8080").url == "http://[2001:db8::1]:8080/"
    assert Target.parse("http://a").joined("//b/c#d").url == "http://b/c"
    assert Target.parse("http://a/x/y").joined("z").url == "http://a/x/z"


@pytest.mark.parametrize(
    "url",
    [
        *("", "hooks", "//a/b", "ftp://a/", "file:///etc/passwd", "gopher://a/", "http://", "http:///a"),
        *("http://user@a/", "http://user:pw@a/", "http://a@b@c/", "http://a#b/", "http://a/#"),
        *(
            "http://a:0/",
            "http://a:65536/",
            "http://a:x/",
            "http://[::1/",
            "http://[fe80::1%25eth0]/",
            "http://[a]/",
        ),
        *(
            "http://a b/",
            "http://a/ b",
            "http://a/\r\nX: y",
            "http://a\t/",
            "http://a\\b/",
            "http://ä.example/",
        ),
        *(
            "http://a..b/",
            "http://.a/",
            "http://-a/",
            f"http://{'a' * 64}.example/",
            "http://a/" + "b" * 2048,
        ),
        *("http://a\u3002b/", "http://a%2eb/", "http://[::ffff:1.2.3.4]x/", "http://a<b>/", 'http://a"b/'),
    ],
)
def test_what_is_none_is_refused(url):
    with pytest.raises(AddressInvalidError):
        Target.parse(url)


@pytest.mark.parametrize("location", ["http://[x", "//[", "http://a]b/"])
def test_a_redirect_to_nowhere_is_refused(location):
    with pytest.raises(AddressInvalidError):
        Target.parse("http://a").joined(location)
