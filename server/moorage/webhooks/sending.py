"""One attempt to deliver: the call, and what it came to in words."""

import time
from collections.abc import Mapping
from dataclasses import dataclass
from http import HTTPStatus

from moorage import __version__
from moorage.clock import Clock
from moorage.errors import MoorageError
from moorage.jobs.text import fit
from moorage.outbound.client import Answer, Client
from moorage.outbound.errors import (
    AddressInvalidError,
    AddressRefusedError,
    CallFailedError,
    ResolverBusyError,
)
from moorage.webhooks import signature
from moorage.webhooks.model import Delivery, Occurrence, Policy, Target, TargetKind
from moorage.webhooks.payloads import payload

#: As Harbor has it.
TIMEOUT_SECONDS = 3.0
_ANSWER_BYTES = 4096
_SHOWN = 256


@dataclass(frozen=True, slots=True)
class Outcome:
    """What an attempt came to.

    Attributes:
        again: whether it is worth another attempt, when it failed.
        made: whether it was an attempt at all; without it the server was busy, and nothing is counted.
        line: for the delivery's log.
        cause: for the program's log alone; empty when there is no more to say.
    """

    ok: bool
    again: bool
    status_code: int | None
    message: str
    line: str
    cause: str = ""
    made: bool = True


class Sending:
    """Sends deliveries."""

    def __init__(self, client: Client, clock: Clock) -> None:
        self._client = client
        self._clock = clock

    def attempt(self, policy: Policy, target: Target, occurrence: Occurrence, delivery: Delivery) -> Outcome:
        """Make one attempt; everything that can go wrong is an outcome."""
        content = payload(occurrence, policy.project_id, target)
        head = {
            "Content-Type": content.content_type,
            "User-Agent": f"Moorage/{__version__}",
            **signature.headers(
                secret=policy.secret,
                timestamp=int(self._clock().timestamp()),
                body=content.body,
                delivery_id=delivery.id,
                event_type=occurrence.event_type,
            ),
            **_authorization(target),
        }
        request = f"attempt {delivery.failures + 1}: POST {target.address} ({len(content.body)} bytes)"
        begun = time.monotonic()
        try:
            answer = self._client.call(
                "POST",
                target.address,
                headers=head,
                body=content.body,
                verify=not target.skip_cert_verify,
                seconds=TIMEOUT_SECONDS,
                limit_bytes=_ANSWER_BYTES,
            )
        except (AddressInvalidError, AddressRefusedError) as error:
            return _failed(request, error, again=False)
        except ResolverBusyError as error:
            return Outcome(False, True, None, error.message, error.message, made=False)
        except CallFailedError as error:
            return _failed(request, error, again=True, cause=error.cause)
        return _answered(request, answer, time.monotonic() - begun)


def _authorization(target: Target) -> Mapping[str, str]:
    """Slack knows who it is by the address."""
    if target.kind is TargetKind.SLACK or not target.auth_header:
        return {}
    return {"Authorization": target.auth_header}


def _failed(request: str, error: MoorageError, *, again: bool, cause: str = "") -> Outcome:
    return Outcome(False, again, None, error.message, f"{request}: {error.message}", cause)


def _answered(request: str, answer: Answer, seconds: float) -> Outcome:
    ok = HTTPStatus.OK <= answer.status < HTTPStatus.MULTIPLE_CHOICES
    text = answer.body[:_SHOWN].decode(errors="replace").strip() if answer.showable else ""
    line = f"{request}: answer {answer.status} after {seconds * 1000:.0f} ms" + (
        f", which begins: {fit(text, _SHOWN)}" if text else ""
    )
    message = "" if ok else f"the address answered {answer.status}"
    return Outcome(ok, answer.status != HTTPStatus.GONE, answer.status, message, fit(line))
