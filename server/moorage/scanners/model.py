"""Registrations of scanners, and what a scanner says of itself."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum


class Auth(StrEnum):
    """How a scanner wants to know that it is us; the words are Harbor's."""

    NONE = ""
    BASIC = "Basic"
    BEARER = "Bearer"
    API_KEY = "X-ScannerAdapter-API-Key"


@dataclass(frozen=True, slots=True)
class Draft:
    """A registration as somebody wants it.

    Attributes:
        url: of the adapter's API, without ``/api/v1``, normalised.
        credential: ``name:password``, a token or a key, as `auth` says; None to leave it as it is.
        use_internal_addr: whether the scanner pulls from the registry's address inside.
    """

    name: str
    url: str
    description: str = ""
    auth: Auth = Auth.NONE
    credential: str | None = field(default=None, repr=False)
    skip_cert_verify: bool = False
    use_internal_addr: bool = False
    disabled: bool = False


@dataclass(frozen=True, slots=True)
class Registration:
    """A scanner that is known here.

    Attributes:
        uuid: how clients name it.
        sealed: its credential as it lies in the database; empty for none.
        is_default: of every project that has not chosen another.
    """

    uuid: str
    name: str
    description: str
    url: str
    auth: Auth
    sealed: str = field(repr=False)
    skip_cert_verify: bool
    use_internal_addr: bool
    disabled: bool
    is_default: bool
    created_at: datetime
    updated_at: datetime

    @property
    def purpose(self) -> str:
        """What the credential is sealed for: this registration, so that no other row can show it."""
        return f"scanner {self.uuid}"


@dataclass(frozen=True, slots=True)
class Capability:
    """What a scanner can do: kinds of artifacts in, kinds of reports out."""

    type: str
    consumes: Sequence[str]
    produces: Sequence[str]


@dataclass(frozen=True, slots=True)
class Metadata:
    """What a scanner says of itself."""

    name: str
    vendor: str
    version: str
    capabilities: Sequence[Capability]
    properties: Mapping[str, str]
