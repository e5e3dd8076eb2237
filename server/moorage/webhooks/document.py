"""Policies as the JSON documents that Harbor's clients send."""

import re
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from typing import TypeVar

from moorage.identity.text import is_storable
from moorage.webhooks.errors import WebhookInvalidError
from moorage.webhooks.model import FORMATS, EventType, Format, Policy, Target, TargetKind

#: The fields of a policy that a client may set, and what it sends back because it got it.
FIELDS = frozenset({"name", "description", "targets", "event_types", "enabled", "moorage"})
ECHOED = frozenset({"id", "project_id", "creator", "creation_time", "update_time"})
MAX_TARGETS = 10
MAX_NAME = 255
MAX_DESCRIPTION = 1024
_MAX_HEADER = 4096
_SECRET_LETTERS = (16, 256)
_TARGET = frozenset({"type", "address", "auth_header", "skip_cert_verify", "payload_format"})
_SHOWN = 80
E_ = TypeVar("E_", TargetKind, Format)
# What a header can hold on every receiver, and what cannot split one.
_header = re.compile(r"[!-~](?:[ -~]*[!-~])?").fullmatch
_printable = re.compile(r"[!-~]+").fullmatch


@dataclass(frozen=True, slots=True)
class DraftTarget:
    """A target as somebody wants it; without an `auth_header` the one it has stays."""

    kind: TargetKind
    address: str
    auth_header: str | None = field(default=None, repr=False)
    skip_cert_verify: bool = False
    payload_format: Format = Format.DEFAULT


@dataclass(frozen=True, slots=True)
class Draft:
    """A policy as somebody wants it.

    Attributes:
        secret: to sign with; None keeps the one it has, or makes one.
    """

    name: str
    event_types: tuple[EventType, ...]
    targets: tuple[DraftTarget, ...]
    description: str = ""
    enabled: bool = True
    secret: str | None = field(default=None, repr=False)


def draft_of(values: Mapping[str, object], check: Callable[[str], object]) -> Draft:
    """Read a whole policy.

    Args:
        check: raises when an address must not be called.

    Raises:
        WebhookInvalidError: it breaks the rules; the message names the field.
        AddressInvalidError, AddressRefusedError: from `check`.
    """
    name = _text(values.get("name"), "name", MAX_NAME)
    if not name.strip():
        raise WebhookInvalidError("name is empty")
    return Draft(
        name=name,
        description=_text(values.get("description", ""), "description", MAX_DESCRIPTION),
        enabled=_flag(values.get("enabled", True), "enabled"),
        event_types=_event_types(values.get("event_types")),
        targets=_targets(values.get("targets"), check),
        secret=_secret(values.get("moorage")),
    )


def merged(draft: Draft, policy: Policy | None) -> tuple[Target, ...]:
    """The targets of a draft, with the secrets of those that stay where they are.

    A target with another address gets none of the old one's: whoever may change the address
    must not have the secret sent to one of theirs.
    """
    found = []
    for each in draft.targets:
        known = None if policy is None else policy.target((each.kind.value, each.address))
        kept = "" if known is None else known.auth_header
        auth = kept if each.auth_header is None else each.auth_header
        found.append(Target(each.kind, each.address, auth, each.skip_cert_verify, each.payload_format))
    return tuple(found)


def _event_types(value: object) -> tuple[EventType, ...]:
    if not isinstance(value, list) or not value:
        raise WebhookInvalidError("event_types is a list of at least one event type")
    found = []
    for each in value:
        try:
            found.append(EventType(each))
        except ValueError:
            known = ", ".join(EventType)
            raise WebhookInvalidError(f"event_types: {_shown(each)} is none of {known}") from None
    return tuple(dict.fromkeys(found))


def _targets(value: object, check: Callable[[str], object]) -> tuple[DraftTarget, ...]:
    if not isinstance(value, list) or not 1 <= len(value) <= MAX_TARGETS:
        raise WebhookInvalidError(f"targets is a list of 1 to {MAX_TARGETS} targets")
    found = tuple(_target(each, f"targets[{number}]", check) for number, each in enumerate(value))
    if len({(each.kind, each.address) for each in found}) < len(found):
        raise WebhookInvalidError("targets: the same address stands there twice")
    return found


def _target(value: object, at: str, check: Callable[[str], object]) -> DraftTarget:
    fields = _object(value, at, _TARGET)
    kind = _word(fields.get("type"), f"{at}.type", list(TargetKind))
    address = _text(fields.get("address"), f"{at}.address", 2048)
    check(address)
    wanted = fields.get("payload_format", "")
    if wanted == "":  # clients that were made from the API's description send it for what they do not set
        wanted = Format.DEFAULT.value
    auth = fields.get("auth_header")
    if auth is not None and (not isinstance(auth, str) or len(auth) > _MAX_HEADER or not _is_header(auth)):
        raise WebhookInvalidError(f"{at}.auth_header is one line of at most {_MAX_HEADER} ASCII characters")
    return DraftTarget(
        kind=kind,
        address=address,
        auth_header=auth,
        skip_cert_verify=_flag(fields.get("skip_cert_verify", False), f"{at}.skip_cert_verify"),
        payload_format=_word(wanted, f"{at}.payload_format", FORMATS[kind]),
    )


def _secret(value: object) -> str | None:
    if value is None:
        return None
    secret = _object(value, "moorage", {"secret"}).get("secret")
    least, most = _SECRET_LETTERS
    if secret is not None and (
        not isinstance(secret, str) or not least <= len(secret) <= most or not _printable(secret)
    ):
        raise WebhookInvalidError(f"moorage.secret has {least} to {most} printable ASCII characters")
    return secret


def _is_header(text: str) -> bool:
    return not text or _header(text) is not None


def _object(value: object, at: str, known: Collection[str]) -> Mapping[str, object]:
    """The object without its nulls, which are the same as leaving a field out."""
    if not isinstance(value, dict):
        raise WebhookInvalidError(f"{at} is an object")
    strangers = sorted(set(value) - set(known))
    if strangers:
        raise WebhookInvalidError(
            f"{at}: there is no field {strangers[0][:_SHOWN]!r}; it has {', '.join(sorted(known))}"
        )
    return {name: each for name, each in value.items() if each is not None}


def _word(value: object, at: str, known: Collection[E_]) -> E_:
    for each in known:
        if each.value == value:
            return each
    raise WebhookInvalidError(f"{at} is one of {', '.join(each.value for each in known)}")


def _text(value: object, at: str, most: int) -> str:
    if not isinstance(value, str) or len(value) > most or not is_storable(value):
        raise WebhookInvalidError(f"{at} is a text of at most {most} characters")
    return value


def _flag(value: object, at: str) -> bool:
    if not isinstance(value, bool):
        raise WebhookInvalidError(f"{at} is true or false")
    return value


def _shown(value: object) -> str:
    return repr(value[:_SHOWN]) if isinstance(value, str) else "it"
