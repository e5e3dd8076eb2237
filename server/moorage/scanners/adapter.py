"""`Adapter`: the API that pluggable scanners speak, as much of it as says who they are.

Pluggable scanner spec 1.2, ``GET /api/v1/metadata``. What comes back is a stranger's: it is read strictly,
bounded in size and time, and nothing is followed.
"""

import base64
import logging
from collections.abc import Mapping
from http import HTTPStatus

from moorage import __version__
from moorage.identity.text import is_storable
from moorage.oci import strictjson
from moorage.oci.strictjson import JsonInvalidError
from moorage.outbound.client import Answer, Client
from moorage.outbound.errors import CallFailedError
from moorage.scanners.errors import ScannerAwayError
from moorage.scanners.model import Auth, Capability, Metadata

TIMEOUT_SECONDS = 5.0
_ANSWER_BYTES = 64 * 1024
_DEPTH = 8
_MAX_TEXT = 1024
_MAX_LIST = 64
_PATH = "/api/v1/metadata"
_TYPE = "application/vnd.scanner.adapter.metadata+json"
_ACCEPT = f"{_TYPE}; version=1.1, {_TYPE}; version=1.0, application/json; q=0.5"
_VULNERABILITY = "vulnerability"
_IMAGES = frozenset(
    {
        "application/vnd.oci.image.manifest.v1+json",
        "application/vnd.docker.distribution.manifest.v2+json",
    }
)
_log = logging.getLogger(__name__)


class Adapter:
    """Calls scanners."""

    def __init__(self, client: Client) -> None:
        self._client = client

    def metadata(self, url: str, auth: Auth, credential: str, *, verify: bool) -> Metadata:
        """What the scanner at `url` says of itself.

        Args:
            credential: is sent nowhere else; empty for none.
            verify: check the certificate.

        Raises:
            AddressInvalidError: the address cannot be called.
            AddressRefusedError: this server does not call it.
            ScannerAwayError: nobody answers in time, or what answers is no scanner that could look at images.
        """
        try:
            answer = self._client.call(
                "GET",
                url + _PATH,
                headers={
                    "Accept": _ACCEPT,
                    "User-Agent": f"Moorage/{__version__}",
                    **_authorization(auth, credential),
                },
                verify=verify,
                seconds=TIMEOUT_SECONDS,
                limit_bytes=_ANSWER_BYTES,
                redirects=0,
            )
        except CallFailedError as error:
            _log.warning("a scanner was not reached: %s", error.cause)
            raise ScannerAwayError(f"the scanner could not be asked: {error.message}") from error
        return _metadata(answer)


def _authorization(auth: Auth, credential: str) -> Mapping[str, str]:
    if not credential:
        return {}
    if auth is Auth.BASIC:
        return {"Authorization": f"Basic {base64.b64encode(credential.encode()).decode()}"}
    if auth is Auth.BEARER:
        return {"Authorization": f"Bearer {credential}"}
    return {Auth.API_KEY.value: credential} if auth is Auth.API_KEY else {}


def _metadata(answer: Answer) -> Metadata:
    if answer.status in (HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN):
        raise ScannerAwayError(f"the scanner does not take the credential: it answered {answer.status}")
    if answer.status != HTTPStatus.OK:
        raise ScannerAwayError(f"the scanner answered {answer.status} when it was asked who it is")
    if not answer.complete:
        raise ScannerAwayError(f"what the scanner says of itself has more than {_ANSWER_BYTES} bytes")
    try:
        document = strictjson.parse(answer.body, _DEPTH)
    except JsonInvalidError as error:
        raise ScannerAwayError("what the scanner says of itself is no JSON object") from error
    scanner = document.get("scanner")
    if not isinstance(scanner, dict):
        raise _malformed("scanner")
    found = Metadata(
        name=_text(scanner.get("name"), "scanner.name"),
        vendor=_text(scanner.get("vendor"), "scanner.vendor"),
        version=_text(scanner.get("version"), "scanner.version"),
        capabilities=_capabilities(document.get("capabilities")),
        properties=_properties(document.get("properties")),
    )
    if not any(_IMAGES.intersection(each.consumes) and each.produces for each in found.capabilities):
        raise ScannerAwayError("the scanner does not say that it can look at images")
    return found


def _capabilities(value: object) -> list[Capability]:
    if not isinstance(value, list) or not 0 < len(value) <= _MAX_LIST:
        raise _malformed("capabilities")
    found = []
    for each in value:
        if not isinstance(each, dict):
            raise _malformed("capabilities")
        found.append(
            Capability(
                # Scanners of before version 1.2 of the spec know one kind, and do not name it.
                _text(each.get("type") or _VULNERABILITY, "capabilities.type"),
                _texts(each.get("consumes_mime_types"), "capabilities.consumes_mime_types"),
                _texts(each.get("produces_mime_types"), "capabilities.produces_mime_types"),
            )
        )
    return found


def _properties(value: object) -> dict[str, str]:
    if value is None:
        return {}
    if not isinstance(value, dict) or len(value) > _MAX_LIST:
        raise _malformed("properties")
    return {_text(name, "properties"): _text(each, "properties", least=0) for name, each in value.items()}


def _texts(value: object, at: str) -> list[str]:
    if not isinstance(value, list) or len(value) > _MAX_LIST:
        raise _malformed(at)
    return [_text(each, at) for each in value]


def _text(value: object, at: str, least: int = 1) -> str:
    if not isinstance(value, str) or not least <= len(value) <= _MAX_TEXT or not is_storable(value):
        raise _malformed(at)
    return value


def _malformed(at: str) -> ScannerAwayError:
    return ScannerAwayError(f"what the scanner says of itself is malformed at {at!r}")
