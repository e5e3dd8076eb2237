"""Registrations as the JSON documents that Harbor's clients send."""

import re
from collections.abc import Callable, Mapping

from moorage.identity.text import is_storable
from moorage.outbound.target import Target
from moorage.scanners.errors import ScannerInvalidError
from moorage.scanners.model import Auth, Draft

#: The fields that a client may set, and what it sends back because it got it.
FIELDS = frozenset(
    {
        *("name", "url", "description", "auth", "access_credential"),
        *("skip_certVerify", "use_internal_addr", "disabled"),
    }
)
ECHOED = frozenset(
    {
        *("uuid", "is_default", "create_time", "update_time"),
        *("adapter", "vendor", "version", "health", "capabilities"),
    }
)
MAX_NAME = 128
MAX_DESCRIPTION = 1024
MAX_URL = 512
MAX_CREDENTIAL = 4096
#: What clients call it besides the words of `Auth`.
AUTHS: Mapping[str, Auth] = {
    **{each.value: each for each in Auth},
    "None": Auth.NONE,
    "APIKey": Auth.API_KEY,
}
# What a header can hold on every receiver, and what cannot split one.
_header = re.compile(r"[!-~](?:[ -~]*[!-~])?").fullmatch


def draft_of(values: Mapping[str, object], check: Callable[[str], Target]) -> Draft:
    """Read a whole registration.

    Args:
        check: reads an address; raises when it must not be called.

    Raises:
        ScannerInvalidError: it breaks the rules; the message names the field.
        AddressInvalidError, AddressRefusedError: from `check`.
    """
    name = _text(values.get("name"), "name", MAX_NAME)
    if not name.strip():
        raise ScannerInvalidError("name is empty")
    auth = AUTHS.get(_text(values.get("auth", ""), "auth", MAX_NAME))
    if auth is None:
        known = ", ".join(repr(each.value) for each in Auth)
        raise ScannerInvalidError(f"auth is one of {known}")
    return Draft(
        name=name,
        description=_text(values.get("description", ""), "description", MAX_DESCRIPTION),
        url=_url(values.get("url"), check),
        auth=auth,
        credential=_credential(values.get("access_credential"), auth),
        skip_cert_verify=_flag(values, "skip_certVerify"),
        use_internal_addr=_flag(values, "use_internal_addr"),
        disabled=_flag(values, "disabled"),
    )


def _url(value: object, check: Callable[[str], Target]) -> str:
    """One text for every way to write the same address, without a slash at its end."""
    target = check(_text(value, "url", MAX_URL))
    if "?" in target.path:
        raise ScannerInvalidError("url has a query; it is the address that /api/v1/metadata is added to")
    return target.url.rstrip("/")


def _credential(value: object, auth: Auth) -> str | None:
    """The credential; what is empty is not given."""
    credential = _text("" if value is None else value, "access_credential", MAX_CREDENTIAL)
    if not credential:
        return None
    if auth is Auth.NONE:
        raise ScannerInvalidError("access_credential is given, and auth does not say how to use it")
    if auth is Auth.BASIC:
        if ":" not in credential or not credential.isprintable():
            raise ScannerInvalidError("access_credential is name:password for auth 'Basic'")
    elif _header(credential) is None:
        raise ScannerInvalidError("access_credential is one line of printable ASCII characters")
    return credential


def _text(value: object, at: str, most: int) -> str:
    if not isinstance(value, str) or len(value) > most or not is_storable(value):
        raise ScannerInvalidError(f"{at} is a text of at most {most} characters")
    return value


def _flag(values: Mapping[str, object], at: str) -> bool:
    value = values.get(at, False)
    if not isinstance(value, bool):
        raise ScannerInvalidError(f"{at} is true or false")
    return value
