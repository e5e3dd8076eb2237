"""The registry's own keys: those that sign tokens, and the one that seals stored secrets.

Signed text is JWS (RFC 7515); sealing is in `moorage.sealing`.

One algorithm, ES256, and nothing a token says about itself is believed: its header names one of our
own keys and what kind of token it is, and has nothing else in it.

A key is a PEM file, readable by its owner only. The one with the highest number signs; all of them
verify until they are retired. Other processes see new files and missing ones by themselves.
"""

import base64
import hashlib
import itertools
import json
import logging
import os
import re
import secrets
import stat
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_pem_private_key,
)
from jwt import PyJWS
from jwt.exceptions import InvalidTokenError

from moorage import sealing
from moorage.errors import Unauthenticated, Unavailable

ALGORITHM = "ES256"
#: The longest token that is made or looked at; it has to fit into a header of a request.
MAX_TOKEN_LENGTH = 16_384

_HEADER = frozenset({"alg", "typ", "kid"})
_MAX_HEADER_LENGTH = 512
_KEY_FILE = re.compile(r"signing-(\d{6})\.pem").fullmatch
_SEALING_KEY = "sealing.key"
_LOOK_EVERY_SECONDS = 1.0
_OTHERS = stat.S_IRWXG | stat.S_IRWXO
_segments = re.compile(r"[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+").fullmatch
_log = logging.getLogger(__name__)


class KeyringError(Unauthenticated):
    """The text is no token of ours, or not of the kind asked for."""


class KeysUnreadableError(Unavailable):
    """The folder of keys is missing, empty, unreadable, or readable by too many."""


@dataclass(frozen=True, slots=True, repr=False)
class _Key:
    """A key pair; `number` orders the keys, `kid` is a fingerprint of the public half."""

    number: int
    kid: str
    private: ec.EllipticCurvePrivateKey
    public: ec.EllipticCurvePublicKey


@dataclass(frozen=True, slots=True, repr=False)
class _Keys:
    """What the folder held when it was last read; `epoch` grows when a key goes."""

    by_file: Mapping[str, _Key]
    by_kid: Mapping[str, _Key]
    newest: _Key
    epoch: int


class Keyring:
    """The signing keys in a folder."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._jws = PyJWS(algorithms=[ALGORITHM])
        self._keys: _Keys | None = None
        self._look_at = 0.0
        self._lock = threading.Lock()

    def ensure(self) -> None:
        """Make the folder and the first keys if they are not there; any number of processes may.

        Raises:
            KeysUnreadableError: the folder or a key in it cannot be used.
        """
        try:
            self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            if not self._files():
                self._add(1)
            if not (self._folder / _SEALING_KEY).exists():
                self._write(self._folder / _SEALING_KEY, secrets.token_bytes(sealing.KEY_BYTES))
        except OSError as error:
            raise KeysUnreadableError(f"keys cannot be made in {self._folder}: {error.strerror}") from error
        self._reload()

    def rotate(self) -> str:
        """Sign with a new key from now on; what older keys signed stays good.

        Returns:
            The new key's name (``kid``).

        Raises:
            KeysUnreadableError: the folder cannot be used.
        """
        self.ensure()
        try:
            number = max(_number(name) for name in self._files()) + 1
            while not self._add(number):  # another process was faster
                number += 1
        except OSError as error:
            raise KeysUnreadableError(f"no key can be made in {self._folder}: {error.strerror}") from error
        return self._reload().newest.kid

    def retire(self, older_than: timedelta) -> list[str]:
        """Delete the keys that were replaced longer ago than `older_than`; never the newest.

        Whatever they signed is void at once. Give it at least the life of the longest-living token
        to break nobody's session, or nothing at all to break everybody's.

        Returns:
            The names (``kid``) of the keys that are gone.

        Raises:
            KeysUnreadableError: the folder cannot be used.
        """
        keys = self._reload()
        names = sorted(keys.by_file, key=_number)
        gone = []
        try:
            for name, successor in itertools.pairwise(names):
                replaced_seconds = time.time() - (self._folder / successor).stat().st_mtime
                if replaced_seconds >= older_than.total_seconds():
                    (self._folder / name).unlink(missing_ok=True)
                    gone.append(keys.by_file[name].kid)
            _sync(self._folder)
        except OSError as error:
            raise KeysUnreadableError(f"no key can be deleted in {self._folder}: {error.strerror}") from error
        self._reload()
        return gone

    def epoch(self) -> int:
        """A number that changes when a key goes: what was verified before must be verified again."""
        return self._current().epoch

    def sign(self, claims: Mapping[str, object], kind: str) -> str:
        """A compact JWS over the claims as JSON.

        Args:
            claims: plain JSON values.
            kind: what the token is for; `verify` must be given the same.

        Raises:
            KeyringError: it would be longer than `MAX_TOKEN_LENGTH`.
            KeysUnreadableError: there is no key.
        """
        key = self._current().newest
        payload = json.dumps(claims, separators=(",", ":"), ensure_ascii=False, allow_nan=False).encode()
        token = self._jws.encode(payload, key.private, ALGORITHM, {"typ": _typ(kind), "kid": key.kid})
        if len(token) > MAX_TOKEN_LENGTH:
            raise KeyringError("the token would be too long")
        return token

    def verify(self, token: str, kind: str) -> dict[str, object]:
        """The claims of a token that one of our keys signed as a token of this kind.

        What the claims say, and until when, is for the caller to judge.

        Raises:
            KeyringError: anything at all is wrong with it.
            KeysUnreadableError: there is no key.
        """
        if len(token) > MAX_TOKEN_LENGTH or _segments(token) is None:
            raise KeyringError("the token is malformed")
        key = self._find(_kid(token, kind))
        try:
            payload: bytes = self._jws.decode(token, key.public, algorithms=[ALGORITHM])
        except InvalidTokenError as error:
            raise KeyringError("the token's signature is wrong") from error
        return _object(payload)

    def seal(self, text: str, purpose: str) -> str:
        """A secret as it may lie in the database; `unseal` must be given the same purpose.

        Raises:
            KeysUnreadableError: the key that seals cannot be used.
        """
        return sealing.seal(self._sealing_key(), text, purpose)

    def unseal(self, sealed: str, purpose: str) -> str:
        """The secret that `seal` was given.

        Raises:
            SealBrokenError: it was sealed with another key or for another purpose, or was changed.
            KeysUnreadableError: the key that seals cannot be used.
        """
        return sealing.unseal(self._sealing_key(), sealed, purpose)

    def _sealing_key(self) -> bytes:
        path = self._folder / _SEALING_KEY
        key = _private_bytes(path)
        if len(key) != sealing.KEY_BYTES:
            raise KeysUnreadableError(f"{path} holds no key for sealing")
        return key

    def _find(self, kid: str) -> _Key:
        key = self._current().by_kid.get(kid)
        if key is None:
            # Another process may have made it this moment. Listing a folder of a few files costs
            # less than refusing; files that were read before are not read again.
            key = self._refreshed().by_kid.get(kid)
        if key is None:
            raise KeyringError("the token was signed with a key that is not ours any more")
        return key

    def _current(self) -> _Keys:
        keys = self._keys
        if keys is not None and time.monotonic() < self._look_at:
            return keys
        return self._refreshed()

    def _refreshed(self) -> _Keys:
        """The keys as the folder has them; the last good ones if it cannot be read just now."""
        try:
            return self._reload()
        except KeysUnreadableError as error:
            if self._keys is None:
                raise
            _log.error("the signing keys cannot be read again: %s", error.message)
            self._look_at = time.monotonic() + _LOOK_EVERY_SECONDS
            return self._keys

    def _reload(self) -> _Keys:
        with self._lock:
            try:
                names = self._files()
            except OSError as error:
                raise KeysUnreadableError(f"{self._folder} cannot be read: {error.strerror}") from error
            if not names:
                raise KeysUnreadableError(f"there are no signing keys in {self._folder}")
            known = self._keys.by_file if self._keys else {}
            if self._keys is None or names != known.keys():
                self._keys = self._read(names, known)
            self._look_at = time.monotonic() + _LOOK_EVERY_SECONDS
            return self._keys

    def _read(self, names: set[str], known: Mapping[str, _Key]) -> _Keys:
        by_file = {name: known.get(name) or _load(self._folder / name) for name in names}
        epoch = self._keys.epoch if self._keys else 0
        return _Keys(
            by_file=by_file,
            by_kid={key.kid: key for key in by_file.values()},
            newest=max(by_file.values(), key=lambda key: key.number),
            epoch=epoch if known.keys() <= names else epoch + 1,
        )

    def _files(self) -> set[str]:
        return {name for name in os.listdir(self._folder) if _KEY_FILE(name)}

    def _add(self, number: int) -> bool:
        """Make the key of that number, whole or not at all; False when it is there already."""
        pem = ec.generate_private_key(ec.SECP256R1()).private_bytes(
            Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()
        )
        return self._write(self._folder / f"signing-{number:06}.pem", pem)

    def _write(self, target: Path, content: bytes) -> bool:
        """Write a key, whole or not at all; False when it is there already."""
        partial = self._folder / f".{secrets.token_hex(8)}.partial"
        descriptor = os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
        try:
            with os.fdopen(descriptor, "wb") as file:
                file.write(content)
                file.flush()
                os.fsync(file.fileno())
            os.link(partial, target)
        except FileExistsError:
            return False
        finally:
            partial.unlink()
            _sync(self._folder)
        return True


def _private_bytes(path: Path) -> bytes:
    try:
        if path.stat().st_mode & _OTHERS:
            raise KeysUnreadableError(f"{path} can be read by others than its owner; make it mode 0600")
        return path.read_bytes()
    except OSError as error:
        raise KeysUnreadableError(f"{path} cannot be read: {error.strerror}") from error


def _load(path: Path) -> _Key:
    content = _private_bytes(path)
    try:
        private = load_pem_private_key(content, password=None)
    except (ValueError, TypeError) as error:
        raise KeysUnreadableError(f"{path} holds no private key") from error
    if not isinstance(private, ec.EllipticCurvePrivateKey) or not isinstance(private.curve, ec.SECP256R1):
        raise KeysUnreadableError(f"{path} holds a key that is not for {ALGORITHM}")
    public = private.public_key()
    return _Key(_number(path.name), _fingerprint(public), private, public)


def _fingerprint(public: ec.EllipticCurvePublicKey) -> str:
    der = public.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    return base64.urlsafe_b64encode(hashlib.sha256(der).digest()).rstrip(b"=").decode()


def _number(name: str) -> int:
    return int(name[len("signing-") : -len(".pem")])


def _typ(kind: str) -> str:
    return f"{kind}+jwt"


def _kid(token: str, kind: str) -> str:
    """The key that the header names, if it says what ours say and nothing more."""
    text = token[: token.index(".")]
    if len(text) > _MAX_HEADER_LENGTH:
        raise KeyringError("the token's header is too long")
    try:
        header = json.loads(base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)))
    except (ValueError, RecursionError) as error:
        raise KeyringError("the token's header is malformed") from error
    if not isinstance(header, dict) or header.keys() != _HEADER:
        raise KeyringError("the token's header is not one of ours")
    kid = header["kid"]
    if header["alg"] != ALGORITHM or header["typ"] != _typ(kind) or not isinstance(kid, str):
        raise KeyringError("the token is of another kind")
    return kid


def _object(payload: bytes) -> dict[str, object]:
    try:
        claims = json.loads(payload)
    except (ValueError, RecursionError) as error:
        raise KeyringError("the token's claims are malformed") from error
    if not isinstance(claims, dict):
        raise KeyringError("the token's claims are malformed")
    return claims


def _sync(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
