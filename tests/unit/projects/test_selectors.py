"""Selectors: a table of what each pattern means, a slow matcher to agree with, and no pattern that hangs."""

import random
import time

import pytest

from moorage.projects import patterns
from moorage.projects.errors import ProjectInvalidError
from moorage.projects.patterns import MAX_PATTERN_LENGTH, check_pattern, matches
from moorage.projects.selectors import Selector, check_repository_selector, check_tag_selector

#: Pattern, what it matches, what it does not match.
GOLDEN = [
    ("", ["", "a", "a/b"], []),
    ("abc", ["abc"], ["", "ab", "abcd", "ABC", "a/abc"]),
    ("*", ["", "a", "v1.2", "latest"], ["a/b", "/"]),
    ("*c", ["c", "abc"], ["abcd", "a/c"]),
    ("a*", ["a", "abc"], ["ab/c", "ba"]),
    ("a*/b", ["abc/b", "a/b"], ["a/c/b"]),
    ("a*b*c*d*e*/f", ["axbxcxdxe/f", "axbxcxdxexxx/f"], ["axbxcxdxe/xxx/f", "axbxcxdxexxx/fff"]),
    ("a*b?c*x", ["abxbbxdbxebxczzx"], ["abxbbxdbxebxczzy"]),
    ("v1.*", ["v1.", "v1.2", "v1.2.3-rc.1"], ["v12", "v1"]),
    ("release-????", ["release-2026"], ["release-202", "release-20261", "release-20/6"]),
    ("?", ["a", "é"], ["", "/", "ab"]),
    ("ab[c]", ["abc"], ["ab", "abd"]),
    ("ab[b-d]", ["abb", "abc", "abd"], ["aba", "abe"]),
    ("ab[^b-d]", ["aba", "abe"], ["abc", "ab", "ab/"]),
    ("ab[!b-d]", ["aba", "abe"], ["abc", "ab/"]),
    ("[a-cx-z]1", ["a1", "y1"], ["d1", "1"]),
    ("[0-9]*", ["1", "2.0"], ["v1", ""]),
    ("[0-9][0-9].[0-9]", ["12.3"], ["1.2", "12.34"]),
    (r"[\]a]", ["]", "a"], ["\\"]),
    (r"[x\-]", ["x", "-"], ["z", "\\"]),
    (r"[\!a]", ["!", "a"], ["b"]),
    (r"[a^]", ["a", "^"], ["b"]),
    (r"a\*b", ["a*b"], ["ab", "axb"]),
    (r"\{a,b\}", ["{a,b}"], ["a", "b"]),
    (r"{a\,b,c}", ["a,b", "c"], ["a", "b"]),
    ("a,b", ["a,b"], ["a", "b"]),
    ("a]-^!", ["a]-^!"], ["a"]),
    # Alternatives are as if the pattern were written several times.
    ("{latest,4.*}", ["latest", "4.0", "4."], ["4", "latest4."]),
    ("{redis}", ["redis"], ["redi", "{redis}"]),
    ("ab{c,d,*}", ["abc", "abd", "abcde", "ab"], ["a", "ab/c"]),
    ("{a,b{c,d}}", ["a", "bc", "bd"], ["b", "ac", "abc"]),
    ("{,x}y{,z}", ["y", "xy", "yz", "xyz"], ["", "x", "xz"]),
    ("{a,b}{c,d}", ["ac", "ad", "bc", "bd"], ["ab", "a"]),
    ("{app,lib/**}", ["app", "lib/a", "lib/a/b"], ["lib", "app/x"]),
    ("{a/b,c}/d", ["a/b/d", "c/d"], ["a/d", "b/d"]),
    ("{}", [""], ["a"]),
    # Two stars between slashes are any number of components; anywhere else they are one star.
    ("**", ["", "a", "a/b", "a/b/c"], []),
    ("a/**", ["a/b", "a/b/c", "a/"], ["a", "ab", "b/a"]),
    ("**/c", ["c", "b/c", "a/b/c"], ["a/b", "abc", "a/bc", "c/d"]),
    ("a/**/b", ["a/b", "a/x/b", "a/x/y/b"], ["ab", "a/xb", "a/b/c", "b"]),
    ("**/b/**", ["b/c", "a/b/c", "b/b"], ["b", "a/b", "c"]),
    ("**/**", ["a", "a/b", "a/b/c"], []),
    ("a/**/**/b", ["a/b", "a/x/b", "a/x/y/b"], ["a", "b"]),
    ("**/*.d/**", ["x.d/a", "a/x.d/b/c"], ["x.d", "a/b"]),
    ("a**", ["a", "ab"], ["ab/c", "a/b"]),
    ("**a", ["a", "ba"], ["c/a"]),
    ("a/b**/c", ["a/b/c", "a/bx/c"], ["a/b/x/c"]),
    ("***", ["", "a"], ["a/b"]),
    ("a/***", ["a/b"], ["a/b/c"]),
    (r"a/\**", ["a/*", "a/*b"], ["a/b", "a/b/c"]),
    ("{**}", ["a", "a/b"], []),
    ("{x,**}/b", ["x/b", "b", "a/b", "a/c/b"], ["xb", "b/c"]),
    ("**{/b,x}", ["b", "a/b", "a/c/b", "x", "ax"], ["a/x", "ab/"]),
    ("{a/,}**", ["a/b", "b", "b/c"], []),
]
MALFORMED = [
    *(
        "[",
        "[a",
        "[]",
        "[^]",
        "[!",
        "a[",
        "[]a]",
        "[-]",
        "[x-]",
        "[-x]",
        "[a-b-c]",
        "[z-a]",
        "[a-",
        r"[\ "[:2],
    ),
    *("{", "{a", "{a,{b}", "}", "a}", "a,b}", "{a}}", "\\", "a\\", "{a\\}"),
    "a" * (MAX_PATTERN_LENGTH + 1),
]


@pytest.mark.parametrize(
    ("pattern", "text", "expected"),
    [(pattern, text, True) for pattern, good, _ in GOLDEN for text in good]
    + [(pattern, text, False) for pattern, _, bad in GOLDEN for text in bad],
)
def test_what_a_pattern_matches(pattern: str, text: str, expected: bool):
    assert matches(pattern, text) is expected


@pytest.mark.parametrize("pattern", [pattern for pattern, _, _ in GOLDEN if pattern])
def test_every_pattern_of_the_table_can_be_set(pattern: str):
    check_pattern(pattern)


@pytest.mark.parametrize("pattern", ["", "a\0", "v1\n", "\ud800", *MALFORMED])
def test_what_is_no_pattern_is_refused_before_it_is_kept(pattern: str):
    with pytest.raises(ProjectInvalidError):
        check_pattern(pattern)


def test_an_error_says_what_is_wrong():
    with pytest.raises(ProjectInvalidError, match=r"'v\[1' is no pattern: a '\[' is never closed"):
        check_pattern("v[1")


def test_thousands_of_open_braces_are_no_trouble():
    deep = "{" * 500 + "a" + "}" * 500
    assert matches(deep, "a")
    assert not matches(deep, "b")


def test_a_selector_chooses_what_matches_or_all_the_rest():
    assert Selector("v*").accepts("v1")
    assert not Selector("v*").accepts("latest")
    assert not Selector("v*", "excludes").accepts("v1")
    assert Selector("v*", "excludes").accepts("latest")
    assert Selector("{app,lib/**}", "repoMatches").accepts("lib/deep/er")
    assert not Selector("{app,lib/**}", "repoExcludes").accepts("lib/deep/er")
    assert Selector("{app,lib/**}", "repoExcludes").accepts("other")


def test_a_selector_of_repositories_cannot_choose_tags_nor_the_other_way_round():
    check_tag_selector(Selector("**", "excludes"))
    check_repository_selector(Selector("**", "repoExcludes"))
    with pytest.raises(ProjectInvalidError, match="'matches' or 'excludes'"):
        check_tag_selector(Selector("**", "repoMatches"))
    with pytest.raises(ProjectInvalidError, match="'repoMatches' or 'repoExcludes'"):
        check_repository_selector(Selector("**", "matches"))
    with pytest.raises(ProjectInvalidError, match="doublestar"):
        check_tag_selector(Selector("**", kind="regexp"))
    with pytest.raises(ProjectInvalidError, match="never closed"):
        check_repository_selector(Selector("[", "repoMatches"))


# The slow matcher works on the parts a pattern was made of: it writes all alternatives out, cuts what it
# has at slashes and tries every way. A part is text that stands for itself, a set, a star, or a list of
# alternatives, each of them a list of parts.
STAR, DOUBLE, ANY, SLASH = "*", "**", "?", "/"
Part = str | tuple[str, bool] | list


def written(parts: list[Part]) -> str:
    text = ""
    for part in parts:
        if isinstance(part, list):
            text += "{" + ",".join(written(each) for each in part) + "}"
        elif isinstance(part, tuple):
            text += f"[{'^' if part[1] else ''}{part[0]}]"
        else:
            text += part
    return text


def spread(parts: list[Part]) -> list[list[Part]]:
    ways: list[list[Part]] = [[]]
    for part in parts:
        heads = [way for each in part for way in spread(each)] if isinstance(part, list) else [[part]]
        ways = [way + head for way in ways for head in heads]
    return ways


def cut(parts: list[Part]) -> list[list[Part]]:
    components: list[list[Part]] = [[]]
    for part in parts:
        if part == SLASH:
            components.append([])
        else:
            components[-1].append(part)
    return components


def path_matches(components: list[list[Part]], names: list[str]) -> bool:
    if not components or not names:
        return not components and not names
    head, *rest = components
    if head == [DOUBLE]:
        return not rest or any(path_matches(rest, names[skip:]) for skip in range(len(names)))
    return name_matches(head, names[0]) and path_matches(rest, names[1:])


def name_matches(parts: list[Part], name: str) -> bool:
    if not parts:
        return not name
    head, *rest = parts
    if head in (STAR, DOUBLE):
        return any(name_matches(rest, name[skip:]) for skip in range(len(name) + 1))
    if not name:
        return False
    good = head == ANY or ((name[0] in head[0]) != head[1] if isinstance(head, tuple) else head == name[0])
    return good and name_matches(rest, name[1:])


def some_parts(chance: random.Random, depth: int) -> list[Part]:
    parts: list[Part] = []
    for _ in range(chance.randint(0, 5 if depth == 2 else 3)):
        kind = chance.random()
        if kind < 0.15 and depth:
            parts.append([some_parts(chance, depth - 1) for _ in range(chance.randint(1, 3))])
        elif kind < 0.25:
            parts.append(("".join(chance.sample("abc", chance.randint(1, 2))), chance.random() < 0.5))
        elif kind < 0.5 and not (parts and parts[-1] in (STAR, DOUBLE)):
            parts.append(chance.choice((STAR, DOUBLE)))
        else:
            parts.append(chance.choice((SLASH, SLASH, ANY, "a", "b", "c")))
    return parts


def some_text(chance: random.Random) -> str:
    names = ("".join(chance.choice("abc") for _ in range(chance.randint(0, 3))) for _ in range(4))
    return "/".join(list(names)[: chance.randint(1, 4)])


@pytest.mark.parametrize("seed", range(10))
def test_the_slow_matcher_agrees(seed: int):
    chance = random.Random(seed)
    outcomes = set()
    for _ in range(400):
        parts = some_parts(chance, 2)
        pattern, ways = written(parts), [cut(way) for way in spread(parts)]
        for _ in range(10):
            text = some_text(chance)
            expected = not pattern or any(path_matches(way, text.split("/")) for way in ways)
            assert matches(pattern, text) is expected, (pattern, text)
            outcomes.add(expected)
    assert outcomes == {True, False}


@pytest.mark.parametrize(
    "pattern",
    [
        "*a" * 99 + "*b",
        "**/" * 66 + "b",
        "{a,a}" * 40,
        "{*a,*aa}" * 25,
        "{a,{a," * 25 + "}}" * 25,
        "{*,**,**/,*/}" * 15,
        "[!b]*" * 40,
        "{" * 99 + "*" + "}" * 99,
        "*" * 199 + "b",
    ],
    ids=lambda pattern: pattern[:12],
)
def test_no_pattern_takes_long(pattern: str):
    assert 190 <= len(pattern) <= 200
    began = time.monotonic()
    for text in ("a" * 128, "a/" * 100 + "a", "a" * 127 + "b", "ab" * 60):
        matches(pattern, text)
    assert time.monotonic() - began < 2  # a matcher that goes back and tries again would need years


def test_what_is_remembered_of_a_pattern_stays_small_and_right():
    chance = random.Random(1)
    pattern = "*a" + "?" * 12
    for _ in range(4000):
        text = "".join(chance.choice("ab") for _ in range(40))
        assert matches(pattern, text) is (text[-13] == "a")
    assert patterns._machine(pattern)._size <= patterns._REMEMBERED


@pytest.mark.parametrize(
    "pattern",
    [
        "*a" + "?" * 1000,
        "{*a,*b}" * 140,
        "*a" + "?" * 60 + "*b" + "?" * 60 + "*",
        "{" + "," * 900 + "}*a" + "?" * 100,
        "{a,??}" * 150,
    ],
    ids=lambda pattern: pattern[:12],
)
def test_what_takes_long_with_some_names_is_refused_at_once(pattern: str):
    began = time.monotonic()
    with pytest.raises(ProjectInvalidError, match="too many ways"):
        check_pattern(pattern)
    assert time.monotonic() - began < 5


@pytest.mark.parametrize(
    "pattern",
    [
        "[0-9a-f]" * 40,
        "*-????????",
        "sha-" + "?" * 40,
        "*" + "[0-9]" * 8,
        "v[0-9]*.[0-9]*.[0-9]*-{alpha,beta,rc}*",
        "{" + ",".join(f"v1.{number}.0" for number in range(100)) + "}",
        "{"
        + ",".join(f"*-{word}" for word in ("dev", "test", "qa", "stage", "prod", "pr", "ci", "rc"))
        + "}",
        "**/" * 5 + "app-*",
        "*a" * 40 + "b",
    ],
    ids=lambda pattern: pattern[:12],
)
def test_what_people_write_is_not_refused(pattern: str):
    check_pattern(pattern)


@pytest.mark.parametrize("pattern", ["*-????????", "*" + "[0-9]" * 8, "{*-dev,*-test}*", "*a" * 40 + "b"])
def test_what_may_be_set_is_quick_with_every_name(pattern: str):
    chance = random.Random(2)
    names = ["".join(chance.choice("a-0d") for _ in range(128)) for _ in range(2000)]
    check_pattern(pattern)
    began = time.monotonic()
    for name in names:
        matches(pattern, name)
    assert time.monotonic() - began < 2  # thirty times as long as it needs
