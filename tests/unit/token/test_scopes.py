"""The scope grammar of Docker's token protocol."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from moorage.token.errors import ScopeInvalidError
from moorage.token.model import MAX_SCOPE_LENGTH, MAX_SCOPES, Scope, parse_scopes


def scope(kind: str, name: str, *actions: str) -> Scope:
    return Scope(kind, name, frozenset(actions))


@pytest.mark.parametrize(
    ("texts", "scopes"),
    [
        ([], []),
        ([""], []),
        (["  "], []),
        (["repository:library/nginx:pull"], [scope("repository", "library/nginx", "pull")]),
        (["repository:a/b:pull,push"], [scope("repository", "a/b", "pull", "push")]),
        (["repository:a/b:*"], [scope("repository", "a/b", "*")]),
        (["repository:a/b:"], [scope("repository", "a/b")]),
        (["registry:catalog:*"], [scope("registry", "catalog", "*")]),
        (["repository:localhost:5000/a/b:pull"], [scope("repository", "localhost:5000/a/b", "pull")]),
        (
            ["repository:a/b:pull repository:c/d:push"],
            [scope("repository", "a/b", "pull"), scope("repository", "c/d", "push")],
        ),
        (
            ["repository:a/b:pull", "repository:c/d:push", "repository:a/b:push"],
            [scope("repository", "a/b", "pull", "push"), scope("repository", "c/d", "push")],
        ),
        (["plugin:a/b:pull"], [scope("plugin", "a/b", "pull")]),
        (["repository:Upper/Case:pull"], [scope("repository", "Upper/Case", "pull")]),
    ],
)
def test_scopes_are_read(texts: list[str], scopes: list[Scope]):
    assert parse_scopes(texts) == scopes


@pytest.mark.parametrize(
    "text",
    [
        "repository",
        "repository:",
        "repository:pull",
        "repository::pull",
        ":a/b:pull",
        "Repository:a/b:pull",
        "repository:a/b:PULL",
        "repository:a/b:pull;push",
        "repository:a/b:pull-push",
        "repository:a\0b:pull",
        "repository:a\tb:pull",
        "repository:a\nb:pull",
        "repository(plugin:a/b:pull",
        "repository:a/b:pull\n",
        "repository:" + "a" * MAX_SCOPE_LENGTH + ":pull",
        "é:a/b:pull",
    ],
)
def test_what_is_no_scope_is_refused(text: str):
    with pytest.raises(ScopeInvalidError):
        parse_scopes([text])


@pytest.mark.parametrize("text", ["repository(plugin):a/b:pull", "repository():a/b:pull"])
def test_a_class_of_repositories_is_refused_with_the_reason(text: str):
    with pytest.raises(ScopeInvalidError, match="class"):
        parse_scopes([text])


@pytest.mark.parametrize("separate", [True, False])
def test_one_request_has_a_limited_number_of_scopes(separate: bool):
    texts = [f"repository:a/{number}:pull" for number in range(MAX_SCOPES)]
    assert len(parse_scopes(texts if separate else [" ".join(texts)])) == MAX_SCOPES
    texts.append("repository:a/more:pull")
    with pytest.raises(ScopeInvalidError):
        parse_scopes(texts if separate else [" ".join(texts)])


def test_the_same_scope_many_times_counts_each_time():
    with pytest.raises(ScopeInvalidError):
        parse_scopes(["repository:a/b:pull"] * (MAX_SCOPES + 1))


def test_a_huge_parameter_is_refused():
    with pytest.raises(ScopeInvalidError):
        parse_scopes(["repository:a/b:pull " * 100_000])


@given(st.lists(st.text(), max_size=3))
def test_any_text_is_read_or_refused(texts: list[str]):
    try:
        scopes = parse_scopes(texts)
    except ScopeInvalidError as error:
        error.message.encode()
    else:
        assert all(each.kind and each.name for each in scopes)


@given(st.from_regex(r"(repository|registry):[a-z:/.]{1,12}:([a-z*]{0,3},?){0,3}", fullmatch=True))
def test_what_was_read_says_what_was_written(text: str):
    try:
        (scope,) = parse_scopes([text])
    except ScopeInvalidError:
        return
    kind, rest = text.split(":", 1)
    name, actions = rest.rsplit(":", 1)
    assert (scope.kind, scope.name) == (kind, name)
    assert scope.actions == set(actions.split(",")) - {""}
