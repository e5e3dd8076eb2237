"""The signing keys, and what is refused as a token."""

import base64
import hashlib
import hmac
import json
import os
import threading
import time
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_pem_private_key,
)

from moorage.keyring import MAX_TOKEN_LENGTH, Keyring, KeyringError, KeysUnreadableError
from moorage.sealing import SealBrokenError

CLAIMS = {"sub": "user:7", "name": "alice"}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "keys"


@pytest.fixture
def keyring(folder: Path) -> Keyring:
    made = Keyring(folder)
    made.ensure()
    return made


def encoded(value: object) -> str:
    data = value if isinstance(value, bytes) else json.dumps(value).encode()
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def header_of(token: str) -> dict[str, Any]:
    header: dict[str, Any] = jwt.get_unverified_header(token)
    return header


def key_file(folder: Path) -> Path:
    return max(folder.glob("*.pem"))


def private_key(folder: Path) -> ec.EllipticCurvePrivateKey:
    key = load_pem_private_key(key_file(folder).read_bytes(), None)
    assert isinstance(key, ec.EllipticCurvePrivateKey)
    return key


def signed(folder: Path, header: dict[str, object], payload: object = CLAIMS) -> str:
    """A token with any header at all, whose signature by our own key is right."""
    body = payload if isinstance(payload, bytes) else json.dumps(payload).encode()
    text = f"{encoded(header)}.{encoded(body)}"
    algorithm = jwt.get_algorithm_by_name("ES256")
    return f"{text}.{encoded(algorithm.sign(text.encode(), private_key(folder)))}"


def age(path: Path, days: float) -> None:
    moment = time.time() - days * 86_400
    os.utime(path, (moment, moment))


def test_what_was_signed_is_read_back(keyring: Keyring):
    token = keyring.sign({"name": "álice", "n": 1}, "registry")
    assert keyring.verify(token, "registry") == {"name": "álice", "n": 1}


def test_another_implementation_reads_the_token(keyring: Keyring, folder: Path):
    token = keyring.sign(CLAIMS, "registry")
    assert jwt.decode(token, private_key(folder).public_key(), algorithms=["ES256"]) == CLAIMS


def test_the_header_says_algorithm_kind_and_key_and_nothing_else(keyring: Keyring):
    header = header_of(keyring.sign(CLAIMS, "registry"))
    assert set(header) == {"alg", "typ", "kid"}
    assert (header["alg"], header["typ"]) == ("ES256", "registry+jwt")


def test_only_the_owner_can_read_the_keys(keyring: Keyring, folder: Path):
    assert folder.stat().st_mode & 0o777 == 0o700
    assert [path.stat().st_mode & 0o777 for path in folder.iterdir()] == [0o600, 0o600]


def test_a_key_that_others_can_read_is_refused_by_name(keyring: Keyring, folder: Path):
    key_file(folder).chmod(0o640)
    with pytest.raises(KeysUnreadableError, match=r"signing-000001\.pem can be read by others"):
        Keyring(folder).ensure()


def test_two_installations_have_different_keys(tmp_path: Path):
    one, other = Keyring(tmp_path / "one"), Keyring(tmp_path / "other")
    one.ensure()
    other.ensure()
    with pytest.raises(KeyringError):
        other.verify(one.sign(CLAIMS, "registry"), "registry")


def test_a_second_start_keeps_the_key(keyring: Keyring, folder: Path):
    token = keyring.sign(CLAIMS, "registry")
    again = Keyring(folder)
    again.ensure()
    assert again.verify(token, "registry") == CLAIMS
    assert len(list(folder.iterdir())) == 2


def test_many_first_starts_at_once_agree_on_one_key(folder: Path):
    barrier = threading.Barrier(8)
    kids = []

    def start() -> None:
        made = Keyring(folder)
        barrier.wait()
        made.ensure()
        kids.append(header_of(made.sign(CLAIMS, "registry"))["kid"])

    threads = [threading.Thread(target=start) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(kids) == 8
    assert len(set(kids)) == 1
    assert sorted(path.name for path in folder.iterdir()) == ["sealing.key", "signing-000001.pem"]


def test_many_rotations_at_once_all_make_a_key(keyring: Keyring, folder: Path):
    barrier = threading.Barrier(6)
    kids = []

    def rotate() -> None:
        barrier.wait()
        kids.append(Keyring(folder).rotate())

    threads = [threading.Thread(target=rotate) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(kids) == 6
    assert len(list(folder.glob("*.pem"))) == 7
    assert not list(folder.glob(".*"))


def test_without_a_key_nothing_can_be_signed(folder: Path):
    with pytest.raises(KeysUnreadableError):
        Keyring(folder).sign(CLAIMS, "registry")


def test_a_folder_that_cannot_be_made_is_told(tmp_path: Path):
    (tmp_path / "file").write_text("")
    with pytest.raises(KeysUnreadableError, match="keys cannot be made"):
        Keyring(tmp_path / "file" / "keys").ensure()


@pytest.mark.parametrize(
    "content", [b"", b"junk", b"-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n"]
)
def test_a_spoiled_key_is_told_by_name(keyring: Keyring, folder: Path, content: bytes):
    key_file(folder).write_bytes(content)
    with pytest.raises(KeysUnreadableError, match=r"signing-000001\.pem holds no private key"):
        Keyring(folder).ensure()


@pytest.mark.parametrize(
    "key",
    [ec.generate_private_key(ec.SECP384R1()), rsa.generate_private_key(65537, 2048)],
    ids=["P-384", "RSA"],
)
def test_a_key_of_another_sort_is_refused(
    keyring: Keyring, folder: Path, key: ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey
):
    key_file(folder).write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    with pytest.raises(KeysUnreadableError, match="not for ES256"):
        Keyring(folder).ensure()


def test_after_a_rotation_the_new_key_signs_and_the_old_one_still_verifies(keyring: Keyring):
    old = keyring.sign(CLAIMS, "registry")
    kid = keyring.rotate()
    new = keyring.sign(CLAIMS, "registry")
    assert header_of(new)["kid"] == kid != header_of(old)["kid"]
    assert keyring.verify(old, "registry") == keyring.verify(new, "registry") == CLAIMS


def test_a_running_process_accepts_the_first_token_of_a_key_that_another_one_made(
    keyring: Keyring, folder: Path
):
    running = Keyring(folder)
    running.sign(CLAIMS, "registry")
    keyring.rotate()
    assert running.verify(keyring.sign(CLAIMS, "registry"), "registry") == CLAIMS


def test_a_running_process_begins_to_sign_with_a_key_that_another_one_made(
    keyring: Keyring, folder: Path, monkeypatch: pytest.MonkeyPatch
):
    running = Keyring(folder)
    running.sign(CLAIMS, "registry")
    kid = keyring.rotate()
    later = time.monotonic() + 2
    monkeypatch.setattr(time, "monotonic", lambda: later)
    assert header_of(running.sign(CLAIMS, "registry"))["kid"] == kid


def test_unknown_keys_make_nobody_read_key_files_again(
    keyring: Keyring, folder: Path, monkeypatch: pytest.MonkeyPatch
):
    stranger = Keyring(folder.with_name("other"))
    stranger.ensure()
    token = stranger.sign(CLAIMS, "registry")
    keyring.verify(keyring.sign(CLAIMS, "registry"), "registry")
    reads: list[Path] = []

    def note(path: Path) -> bytes:
        reads.append(path)
        return b""

    monkeypatch.setattr(Path, "read_bytes", note)
    for _ in range(50):
        with pytest.raises(KeyringError):
            keyring.verify(token, "registry")
    assert reads == []


def test_a_running_process_keeps_its_keys_while_the_folder_cannot_be_read(
    keyring: Keyring, folder: Path, monkeypatch: pytest.MonkeyPatch
):
    token = keyring.sign(CLAIMS, "registry")
    (folder / "signing-000002.pem").write_text("half a key")
    (folder / "signing-000002.pem").chmod(0o600)
    later = time.monotonic() + 2
    monkeypatch.setattr(time, "monotonic", lambda: later)
    assert keyring.verify(token, "registry") == CLAIMS
    assert keyring.verify(keyring.sign(CLAIMS, "registry"), "registry") == CLAIMS


def test_retiring_deletes_only_what_was_replaced_long_enough_ago(keyring: Keyring, folder: Path):
    tokens = [keyring.sign(CLAIMS, "registry")]
    for _ in range(2):
        keyring.rotate()
        tokens.append(keyring.sign(CLAIMS, "registry"))
    first, second, third = sorted(folder.glob("*.pem"))
    age(first, 400)
    age(second, 40)
    age(third, 1)
    gone = keyring.retire(timedelta(days=31))
    assert gone == [header_of(tokens[0])["kid"]]
    with pytest.raises(KeyringError):
        keyring.verify(tokens[0], "registry")
    assert keyring.verify(tokens[1], "registry") == keyring.verify(tokens[2], "registry") == CLAIMS


def test_retiring_never_deletes_the_newest_key(keyring: Keyring, folder: Path):
    age(key_file(folder), 4000)
    assert keyring.retire(timedelta(0)) == []
    assert keyring.verify(keyring.sign(CLAIMS, "registry"), "registry") == CLAIMS


def test_a_number_is_not_given_to_a_second_key_after_retiring(keyring: Keyring, folder: Path):
    keyring.rotate()
    keyring.retire(timedelta(0))
    keyring.rotate()
    assert sorted(path.name for path in folder.glob("*.pem")) == ["signing-000002.pem", "signing-000003.pem"]


def test_the_epoch_changes_when_a_key_goes_and_not_when_one_comes(
    keyring: Keyring, folder: Path, monkeypatch: pytest.MonkeyPatch
):
    running = Keyring(folder)
    before = running.epoch()
    keyring.rotate()
    later = time.monotonic() + 2
    monkeypatch.setattr(time, "monotonic", lambda: later)
    assert running.epoch() == before
    keyring.retire(timedelta(0))
    monkeypatch.setattr(time, "monotonic", lambda: later + 2)
    assert running.epoch() != before


def test_a_token_of_one_kind_is_no_token_of_another(keyring: Keyring):
    token = keyring.sign(CLAIMS, "refresh")
    with pytest.raises(KeyringError):
        keyring.verify(token, "registry")


def test_a_changed_token_is_refused_wherever_it_was_changed(keyring: Keyring):
    token = keyring.sign(CLAIMS, "registry")
    for place in range(0, len(token) - 2, 3):
        changed = token[:place] + ("A" if token[place] != "A" else "B") + token[place + 1 :]
        with pytest.raises(KeyringError):
            keyring.verify(changed, "registry")


Forge = Callable[[Path, dict[str, Any]], str]


def _unsigned(name: str) -> Forge:
    return lambda folder, header: f"{encoded({**header, 'alg': name})}.{encoded(CLAIMS)}.{encoded(b'x')}"


def _hmac_with_the_public_key(folder: Path, header: dict[str, Any]) -> str:
    pem = private_key(folder).public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    text = f"{encoded({**header, 'alg': 'HS256'})}.{encoded(CLAIMS)}"
    return f"{text}.{encoded(hmac.digest(pem, text.encode(), hashlib.sha256))}"


def _key_in_the_header(folder: Path, header: dict[str, Any]) -> str:
    key = ec.generate_private_key(ec.SECP256R1())
    algorithm = jwt.get_algorithm_by_name("ES256")
    text = f"{encoded({**header, 'jwk': json.loads(algorithm.to_jwk(key.public_key()))})}.{encoded(CLAIMS)}"
    return f"{text}.{encoded(algorithm.sign(text.encode(), key))}"


def _with(**more: object) -> Forge:
    return lambda folder, header: signed(folder, {**header, **more})


def _without(name: str) -> Forge:
    return lambda folder, header: signed(folder, {key: value for key, value in header.items() if key != name})


@pytest.mark.parametrize(
    "forge",
    [
        pytest.param(_unsigned("none"), id="alg none"),
        pytest.param(_unsigned("nOnE"), id="alg nOnE"),
        pytest.param(_unsigned("ES256"), id="a signature of one byte"),
        pytest.param(_hmac_with_the_public_key, id="HS256 with the public key"),
        pytest.param(_key_in_the_header, id="own key as jwk"),
        pytest.param(_with(alg="ES384"), id="ES384"),
        pytest.param(_with(alg=["ES256"]), id="a list as alg"),
        pytest.param(_with(crit=["exp"]), id="crit"),
        pytest.param(_with(crit=[]), id="empty crit"),
        pytest.param(_with(jku="https://attacker.example/keys"), id="jku"),
        pytest.param(_with(x5u="https://attacker.example/cert"), id="x5u"),
        pytest.param(_with(x5c=["AAAA"]), id="x5c"),
        pytest.param(_with(b64=False), id="b64"),
        pytest.param(_with(zip="DEF"), id="zip"),
        pytest.param(_with(kid="../../../../dev/null"), id="kid is a path"),
        pytest.param(_with(kid="signing-000001.pem"), id="kid is a file's name"),
        pytest.param(_with(kid="x' OR '1'='1"), id="kid is SQL"),
        pytest.param(_with(kid=""), id="empty kid"),
        pytest.param(_with(kid=None), id="kid is null"),
        pytest.param(_with(kid={"a": 1}), id="kid is an object"),
        pytest.param(_with(typ="JWT"), id="typ JWT"),
        pytest.param(_with(typ="REGISTRY+JWT"), id="typ in capitals"),
        pytest.param(_without("kid"), id="no kid"),
        pytest.param(_without("typ"), id="no typ"),
        pytest.param(_without("alg"), id="no alg"),
        pytest.param(lambda folder, header: signed(folder, header, []), id="claims are a list"),
        pytest.param(lambda folder, header: signed(folder, header, b"\xff"), id="claims are not UTF-8"),
        pytest.param(lambda folder, header: signed(folder, header, b"[" * 9000), id="deep claims"),
    ],
)
def test_a_forged_token_is_refused(keyring: Keyring, folder: Path, forge: Forge):
    header = header_of(keyring.sign(CLAIMS, "registry"))
    with pytest.raises(KeyringError):
        keyring.verify(forge(folder, header), "registry")


def test_the_forger_of_these_tests_makes_good_tokens_when_it_changes_nothing(keyring: Keyring, folder: Path):
    header = header_of(keyring.sign(CLAIMS, "registry"))
    assert keyring.verify(signed(folder, header), "registry") == CLAIMS


@pytest.mark.parametrize(
    "token",
    [
        "",
        ".",
        "..",
        "a.b.c",
        "a.b",
        "a.b.c.d",
        "." * 100_000,
        "a" * 1_000_000,
        f"{encoded(b'[' * 300)}.e30.e30",
        f"{encoded(b'[1]')}.e30.e30",
        f"{encoded(b'{')}.e30.e30",
        f"{encoded(bytes([255, 254]))}.e30.e30",
        f"{encoded(b'9' * 380)}.e30.e30",
        "é.é.é",
        "e30=.e30=.e30=",
        "e30.e30.e30\n",
        "\ud800.e30.e30",
    ],
    ids=lambda token: ascii(token[:12]),
)
def test_what_is_no_token_is_refused_whatever_it_is(keyring: Keyring, token: str):
    with pytest.raises(KeyringError):
        keyring.verify(token, "registry")


def test_a_megabyte_costs_next_to_nothing(keyring: Keyring):
    begin = time.perf_counter()
    for _ in range(1000):
        with pytest.raises(KeyringError):
            keyring.verify("e30." * 250_000, "registry")
    assert time.perf_counter() - begin < 2


def test_a_token_that_would_be_refused_for_its_length_is_not_made(keyring: Keyring):
    with pytest.raises(KeyringError):
        keyring.sign({"name": "x" * MAX_TOKEN_LENGTH}, "registry")


def test_a_token_longer_than_any_is_refused_however_right_it_is(keyring: Keyring, folder: Path):
    header = header_of(keyring.sign(CLAIMS, "registry"))
    with pytest.raises(KeyringError):
        keyring.verify(signed(folder, header, {"name": "x" * MAX_TOKEN_LENGTH}), "registry")


def test_no_key_shows_in_a_representation(keyring: Keyring):
    keyring.sign(CLAIMS, "registry")
    assert "PRIVATE" not in repr(vars(keyring)) + repr(keyring)


def test_a_sealed_secret_opens_with_its_key_for_its_purpose_alone(keyring: Keyring, tmp_path: Path):
    sealed = keyring.seal("sécret pass", "directory")
    assert "pass" not in sealed
    assert keyring.unseal(sealed, "directory") == "sécret pass"
    assert keyring.seal("sécret pass", "directory") != sealed
    other = Keyring(tmp_path / "other")
    other.ensure()
    with pytest.raises(SealBrokenError):
        other.unseal(sealed, "directory")
    with pytest.raises(SealBrokenError):
        keyring.unseal(sealed, "another purpose")


def test_a_sealed_secret_that_was_changed_does_not_open(keyring: Keyring):
    sealed = keyring.seal("secret", "directory")
    body = bytearray(base64.urlsafe_b64decode(sealed.removeprefix("v1.")))
    for at in (0, 12, len(body) - 1):
        body[at] ^= 1
        with pytest.raises(SealBrokenError):
            keyring.unseal("v1." + base64.urlsafe_b64encode(bytes(body)).decode(), "directory")
        body[at] ^= 1
    for broken in ("", "v1.", "v2." + sealed[3:], sealed[:-8], "v1.???", sealed + "=é"):
        with pytest.raises(SealBrokenError):
            keyring.unseal(broken, "directory")


def test_a_second_start_keeps_the_key_that_seals(keyring: Keyring, folder: Path):
    sealed = keyring.seal("secret", "directory")
    keyring.rotate()
    again = Keyring(folder)
    again.ensure()
    assert again.unseal(sealed, "directory") == "secret"


def test_a_sealing_key_that_others_can_read_is_refused(keyring: Keyring, folder: Path):
    (folder / "sealing.key").chmod(0o644)
    with pytest.raises(KeysUnreadableError, match="can be read by others"):
        keyring.seal("secret", "directory")
