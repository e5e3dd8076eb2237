"""How a receiver can tell that a delivery is ours, and that it is not an old one sent again. Pure."""

import hashlib
import hmac
from collections.abc import Mapping

DELIVERY = "X-Moorage-Delivery"
EVENT = "X-Moorage-Event"
TIMESTAMP = "X-Moorage-Timestamp"
SIGNATURE = "X-Moorage-Signature"


def signed(secret: str, timestamp: int, body: bytes) -> str:
    """The signature: HMAC-SHA256 (RFC 2104) over the time, a dot, and the body.

    Args:
        timestamp: seconds since 1970.
    """
    text = str(timestamp).encode() + b"." + body
    return "sha256=" + hmac.new(secret.encode(), text, hashlib.sha256).hexdigest()


def headers(
    *, secret: str, timestamp: int, body: bytes, delivery_id: int, event_type: str
) -> Mapping[str, str]:
    """What every delivery has in its head; the number stays the same when it is tried again."""
    return {
        DELIVERY: str(delivery_id),
        EVENT: event_type,
        TIMESTAMP: str(timestamp),
        SIGNATURE: signed(secret, timestamp, body),
    }
