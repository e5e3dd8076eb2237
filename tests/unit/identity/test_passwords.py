"""Passwords: what is accepted, and what is compared."""

import subprocess
import sys
import time

import pytest
from passlib.hash import argon2

from moorage.identity.errors import AccountInvalidError
from moorage.identity.passwords import (
    check_strength,
    hash_password,
    needs_rehash,
    verify_password,
    waste_time,
)
from moorage.identity.secrets import ACCESS_TOKEN_PREFIX


@pytest.mark.parametrize(
    "password",
    [
        "Harbour1",
        "Aa1" + "x" * 253,
        "Größe-123",
        "\u043f\u0410\u0420\u041e\u041b\u042c12",
        "with blank A1",
        "Aa1\U0001f6a2\U0001f6a2xxx",
    ],
)
def test_a_good_password_is_accepted_and_proves_itself(password: str):
    check_strength(password)
    hashed = hash_password(password)
    assert verify_password(hashed, password)
    assert not verify_password(hashed, password + "x")


@pytest.mark.parametrize(
    ("password", "complaint"),
    [
        ("Short1x", "8 to 256"),
        ("Aa1" + "x" * 254, "8 to 256"),
        ("", "8 to 256"),
        ("lowercase1", "an upper-case letter"),
        ("UPPERCASE1", "a lower-case letter"),
        ("NoDigitsHere", "a digit"),
        ("--------", "a lower-case letter and an upper-case letter and a digit"),
        ("Nul\0inside1", "cannot be typed"),
        ("Half\ud800pair1", "cannot be typed"),
        (ACCESS_TOKEN_PREFIX + "Aa1", "cannot begin with"),
    ],
)
def test_a_weak_password_is_refused_with_what_it_lacks(password: str, complaint: str):
    with pytest.raises(AccountInvalidError, match=complaint) as caught:
        check_strength(password)
    assert not password or password not in caught.value.message


def test_every_character_of_a_long_password_counts():
    password = "Aa1" + "x" * 250
    hashed = hash_password(password + "y")
    assert verify_password(hashed, password + "y")
    assert not verify_password(hashed, password + "z")
    assert not verify_password(hashed, password)


def test_a_password_longer_than_any_is_wrong_and_costs_no_more():
    hashed = hash_password("Harbour1")
    begin = time.perf_counter()
    assert not verify_password(hashed, "Aa1" * 1_000_000)
    assert time.perf_counter() - begin < 1
    assert not verify_password(hash_password("x" * 257), "x" * 257)


def test_the_same_letters_typed_on_another_system_are_the_same_password():
    assert verify_password(hash_password("Ankerplätz1"), "Ankerpla\u0308tz1")


def test_one_password_has_a_new_hash_each_time():
    assert hash_password("Harbour1") != hash_password("Harbour1")


@pytest.mark.parametrize("password", ["", "\0", "\ud800", "Harbour1\0", "x" * 100_000])
def test_a_wrong_password_of_any_bytes_is_just_wrong(password: str):
    assert not verify_password(hash_password("Harbour1"), password)
    waste_time(password)


@pytest.mark.parametrize(
    "hashed", ["", "junk", "$argon2id$v=19$m=8,t=1,p=1$zz", "*", "5f4dcc3b5aa765d61d8327deb882cf99"]
)
def test_a_spoiled_hash_lets_nobody_in(hashed: str):
    assert not verify_password(hashed, hashed)


def test_only_a_hash_with_other_costs_is_made_anew():
    assert not needs_rehash(hash_password("Harbour1"))
    weak = argon2.using(memory_cost=1024, rounds=1, parallelism=1).hash("Harbour1")
    assert needs_rehash(weak)
    assert verify_password(weak, "Harbour1")


def test_an_unknown_account_costs_as_much_as_a_wrong_password():
    hashed = hash_password("Harbour1")

    def fastest(work: object) -> float:
        times = []
        for _ in range(7):
            begin = time.process_time()
            work() if callable(work) else None
            times.append(time.process_time() - begin)
        return min(times)

    wrong = fastest(lambda: verify_password(hashed, "Harbour2"))
    unknown = fastest(lambda: waste_time("Harbour2"))
    spoiled = fastest(lambda: verify_password("junk", "Harbour2"))
    assert 0.5 < unknown / wrong < 2
    assert 0.5 < spoiled / wrong < 2


def test_the_first_login_finds_the_library_loaded():
    # Two threads that log in first, and at once, would see it half loaded: one of them failed.
    program = (
        "import moorage.identity.passwords\n"
        "from passlib.hash import argon2\n"
        "print(*(each.__name__ for each in argon2.__mro__))"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert "argon2" in done.stdout
    assert "NoBackend" not in done.stdout
