"""Tokens: what is issued is verified, and everything else is refused in one way."""

import contextlib
import math
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import jwt
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from moorage.config import TokenSettings
from moorage.identity.model import ANONYMOUS, Principal, PrincipalKind
from moorage.keyring import Keyring
from moorage.token import tokens as module
from moorage.token.errors import ScopeInvalidError, TokenExpiredError, TokenInvalidError
from moorage.token.model import Grant
from moorage.token.tokens import LEEWAY, Tokens
from tests.support.clock import SetClock

ALICE = Principal(PrincipalKind.USER, 7, "alice", 3)
GRANTS = [Grant("repository", "dock/app", 5, frozenset({"pull", "push"}))]
CATALOG = Grant("registry", "catalog", None, frozenset({"*"}))


@pytest.fixture(scope="module")
def keyring(tmp_path_factory: pytest.TempPathFactory) -> Keyring:
    made = Keyring(tmp_path_factory.mktemp("keys"))
    made.ensure()
    return made


@pytest.fixture
def clock() -> SetClock:
    return SetClock()


@pytest.fixture
def tokens(keyring: Keyring, clock: SetClock) -> Tokens:
    return Tokens(keyring, clock, TokenSettings())


@pytest.fixture
def forge(keyring: Keyring, tokens: Tokens) -> Callable[..., str]:
    """A token of our own key whose claims are right but for the ones given."""

    def make(**changed: object) -> str:
        claims = read(tokens.issue(ALICE, GRANTS).token)
        merged = {name: value for name, value in {**claims, **changed}.items() if value is not ...}
        payload = jwt.api_jws.json.dumps(merged).encode()
        key = keyring._current().newest
        return jwt.PyJWS().encode(payload, key.private, "ES256", {"typ": "registry+jwt", "kid": key.kid})

    return make


def read(token: str) -> dict[str, Any]:
    claims: dict[str, Any] = jwt.decode(token, options={"verify_signature": False})
    return claims


@pytest.mark.parametrize(
    "principal",
    [ALICE, ANONYMOUS, Principal(PrincipalKind.ROBOT, 9, "robot$dock+ci", 1)],
    ids=lambda each: each.key,
)
def test_a_token_says_who_and_what(tokens: Tokens, clock: SetClock, principal: Principal):
    issued = tokens.issue(principal, [*GRANTS, CATALOG])
    claims = tokens.verify(issued.token)
    assert claims.principal == principal
    assert claims.grants == (*GRANTS, CATALOG)
    assert claims.allows("repository", "dock/app", "push")
    assert claims.project_id("dock/app") == 5
    assert issued.issued_at == claims.issued_at == clock.moment
    assert issued.expires_in == 900
    assert claims.expires_at - claims.issued_at == timedelta(seconds=900)


def test_the_claims_are_those_of_the_token_protocol(tokens: Tokens, clock: SetClock):
    claims = read(tokens.issue(ALICE, [*GRANTS, CATALOG]).token)
    jti = claims.pop("jti")
    assert len(jti) == 32
    now = int(clock.moment.timestamp())
    assert claims == {
        "iss": "moorage",
        "aud": "moorage",
        "sub": "user:7",
        "name": "alice",
        "gen": 3,
        "iat": now,
        "nbf": now,
        "exp": now + 900,
        "access": [
            {"type": "repository", "name": "dock/app", "actions": ["pull", "push"], "pid": 5},
            {"type": "registry", "name": "catalog", "actions": ["*"]},
        ],
    }


def test_no_two_tokens_are_alike(tokens: Tokens):
    assert len({tokens.issue(ALICE, GRANTS).token for _ in range(50)}) == 50


def test_the_settings_decide_life_service_and_issuer(keyring: Keyring, clock: SetClock):
    settings = TokenSettings(lifetime_seconds=60, service="quay", issuer="harbour")
    issued = Tokens(keyring, clock, settings).issue(ALICE, [])
    claims = read(issued.token)
    assert (issued.expires_in, claims["aud"], claims["iss"]) == (60, "quay", "harbour")


def test_a_token_for_another_service_is_refused(tokens: Tokens, keyring: Keyring, clock: SetClock):
    for other in (TokenSettings(service="notary"), TokenSettings(issuer="notary")):
        with pytest.raises(TokenInvalidError):
            tokens.verify(Tokens(keyring, clock, other).issue(ALICE, []).token)


@pytest.mark.parametrize("seen_before", [True, False])
def test_a_token_ends_on_the_second(tokens: Tokens, clock: SetClock, seen_before: bool):
    token = tokens.issue(ALICE, GRANTS).token
    if seen_before:
        tokens.verify(token)
    clock.forward(seconds=899)
    tokens.verify(token)
    clock.forward(seconds=1)
    with pytest.raises(TokenExpiredError):
        tokens.verify(token)


def test_nothing_issued_outlives_the_credential_behind_it(tokens: Tokens, clock: SetClock):
    principal = replace(ALICE, expires_at=clock.moment + timedelta(seconds=100))
    issued = tokens.issue(principal, GRANTS)
    assert issued.expires_in == 100
    refresh = tokens.issue_refresh(principal)
    clock.forward(seconds=99)
    assert tokens.issue(tokens.verify_refresh(refresh), []).expires_in == 1
    clock.forward(seconds=1)
    for check in (lambda: tokens.verify(issued.token), lambda: tokens.verify_refresh(refresh)):
        with pytest.raises(TokenExpiredError):
            check()


def test_a_refresh_token_says_who_and_lives_for_days(tokens: Tokens, clock: SetClock):
    token = tokens.issue_refresh(ALICE)
    clock.forward(days=29, hours=23)
    found = tokens.verify_refresh(token)
    assert (found.key, found.name, found.generation) == ("user:7", "alice", 3)
    clock.forward(hours=1)
    with pytest.raises(TokenExpiredError):
        tokens.verify_refresh(token)


def test_a_refresh_token_is_no_access_token_and_the_other_way_round(tokens: Tokens):
    with pytest.raises(TokenInvalidError):
        tokens.verify(tokens.issue_refresh(ALICE))
    with pytest.raises(TokenInvalidError):
        tokens.verify_refresh(tokens.issue(ALICE, GRANTS).token)


def test_a_machine_whose_clock_is_a_little_ahead_is_believed(tokens: Tokens, clock: SetClock):
    token = tokens.issue(ALICE, GRANTS).token
    clock.moment -= LEEWAY
    tokens.verify(token)
    clock.moment -= timedelta(seconds=1)
    with pytest.raises(TokenInvalidError):
        Tokens.verify(Tokens(tokens._keyring, clock, TokenSettings()), token)


def test_the_forger_makes_good_tokens_when_it_changes_nothing(tokens: Tokens, forge: Callable[..., str]):
    assert tokens.verify(forge()).principal == ALICE


BAD_NUMBERS = [
    ...,
    None,
    "",
    "1767323045",
    1767323045.0,
    -1,
    -1.5,
    True,
    math.nan,
    math.inf,
    [],
    {},
    10**18,
    10**400,
]


@pytest.mark.parametrize("claim", ["iat", "nbf", "exp", "gen"])
@pytest.mark.parametrize("value", BAD_NUMBERS, ids=lambda value: repr(value)[:12])
def test_a_number_that_is_none_is_refused_as_any_bad_token(
    tokens: Tokens, forge: Callable[..., str], claim: str, value: object
):
    if claim == "gen" and value in (10**18, 10**400):
        return  # a generation may be any number; no account has that one
    with pytest.raises(TokenInvalidError):
        tokens.verify(forge(**{claim: value}))


@pytest.mark.parametrize(
    "changed",
    [
        {"iss": ...},
        {"iss": "moorage2"},
        {"iss": ["moorage"]},
        {"aud": ...},
        {"aud": "notary"},
        {"aud": ["moorage"]},
        {"sub": ...},
        {"sub": 7},
        {"sub": "7"},
        {"sub": "admin:7"},
        {"sub": "user:"},
        {"sub": "user:07"},
        {"sub": "user:-7"},
        {"sub": "user:7 "},
        {"sub": "user:\u0667"},
        {"sub": "system:0"},
        {"sub": "user:" + "9" * 30},
        {"name": ...},
        {"name": None},
        {"jti": ...},
        {"jti": 5},
        {"access": None},
        {"access": {}},
        {"access": "repository"},
        {"access": [None]},
        {"access": [["repository"]]},
        {"access": [{}]},
        {"access": [{"type": "repository", "name": "a/b", "actions": "pull"}]},
        {"access": [{"type": "repository", "name": "a/b", "actions": [1]}]},
        {"access": [{"type": "repository", "name": "a/b", "actions": [["pull"]]}]},
        {"access": [{"type": "repository", "name": 5, "actions": ["pull"]}]},
        {"access": [{"type": "repository", "name": "a/b", "actions": ["pull"], "pid": "5"}]},
        {"access": [{"type": "repository", "name": "a/b", "actions": ["pull"], "pid": True}]},
        {"access": [{"type": "repository", "name": "a/b", "actions": ["pull"], "pid": -5}]},
        {"access": [{"type": "repository", "name": "a/b", "actions": ["pull"], "pid": 5.0}]},
    ],
    ids=repr,
)
def test_claims_of_another_shape_are_refused(
    tokens: Tokens, forge: Callable[..., str], changed: dict[str, object]
):
    with pytest.raises(TokenInvalidError):
        tokens.verify(forge(**changed))


def test_a_token_that_ends_before_it_begins_is_refused(
    tokens: Tokens, forge: Callable[..., str], clock: SetClock
):
    now = int(clock.moment.timestamp())
    with pytest.raises(TokenInvalidError):
        tokens.verify(forge(iat=now + 30, exp=now + 20))


@pytest.mark.parametrize(
    "token", ["", "x", "a.b.c", "x" * 1_000_000, "." * 100_000, "\ud800", "é" * 50, "\0"]
)
def test_what_is_no_token_is_refused(tokens: Tokens, token: str):
    for check in (tokens.verify, tokens.verify_refresh):
        with pytest.raises(TokenInvalidError):
            check(token)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=6,
)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(
    st.dictionaries(
        st.sampled_from(["iss", "aud", "sub", "name", "gen", "iat", "nbf", "exp", "jti", "access"]), JSON
    )
)
def test_whatever_the_claims_are_only_two_errors_come_out(
    tokens: Tokens, forge: Callable[..., str], changed: dict[str, object]
):
    with contextlib.suppress(TokenInvalidError, TokenExpiredError):
        tokens.verify(forge(**changed))


def test_more_grants_than_a_token_can_hold_are_refused_when_it_is_issued(tokens: Tokens):
    grants = [replace(GRANTS[0], name=f"dock/{number}{'x' * 240}") for number in range(100)]
    with pytest.raises(ScopeInvalidError):
        tokens.issue(ALICE, grants)


def test_a_hundred_common_grants_fit_into_a_token(tokens: Tokens):
    grants = [replace(GRANTS[0], name=f"dock/service-{number}") for number in range(100)]
    assert len(tokens.verify(tokens.issue(ALICE, grants).token).grants) == 100


def test_a_token_seen_before_is_not_verified_again(
    tokens: Tokens, keyring: Keyring, monkeypatch: pytest.MonkeyPatch
):
    token = tokens.issue(ALICE, GRANTS).token
    first = tokens.verify(token)
    monkeypatch.setattr(keyring, "verify", None)
    assert tokens.verify(token) is first


def test_a_bad_token_stays_bad(tokens: Tokens, forge: Callable[..., str]):
    token = forge(gen=-1)
    for _ in range(2):
        with pytest.raises(TokenInvalidError):
            tokens.verify(token)


def test_old_tokens_make_room_in_the_memory(
    keyring: Keyring, clock: SetClock, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(module, "REMEMBERED", 4)
    tokens = Tokens(keyring, clock, TokenSettings())
    seen = [tokens.issue(ALICE, []).token for _ in range(20)]
    for token in seen + seen:
        assert tokens.verify(token).principal == ALICE


def test_tokens_survive_a_rotation_and_end_when_their_key_is_retired(tmp_path: Path, clock: SetClock):
    keyring = Keyring(tmp_path)
    keyring.ensure()
    tokens = Tokens(keyring, clock, TokenSettings())
    token = tokens.issue(ALICE, GRANTS).token
    tokens.verify(token)
    keyring.rotate()
    tokens.verify(token)
    keyring.retire(timedelta(0))
    with pytest.raises(TokenInvalidError):
        tokens.verify(token)
    tokens.verify(tokens.issue(ALICE, GRANTS).token)
