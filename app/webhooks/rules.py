"""Standard Webhooks: what is sent, how it is signed, and when it is tried again."""

import base64
import json
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import Any
from uuid import UUID

from standardwebhooks import Webhook

PAUSES = [timedelta(minutes=minutes) for minutes in (1, 5, 15, 30, 60, 120, 240, 480, 480)]
"""Between the attempts; about a day together."""
JITTER = 0.2
LONGEST_PAUSE = timedelta(days=1)
PATIENCE = timedelta(days=5)
OVERLAP = timedelta(hours=24)
KEPT_DAYS = 30
FORGOTTEN_EVENT = "person.erased"
"""Names somebody who is to be named nowhere: it leaves the log when it was delivered."""
GONE = 410


def new_secret(key: bytes) -> str:
    return "whsec_" + base64.b64encode(key).decode()


def message(event: str, happened_at: datetime, data: Mapping[str, Any]) -> str:
    """The same text at each attempt."""
    timestamp = happened_at.astimezone(UTC).isoformat().replace("+00:00", "Z")
    return json.dumps({"type": event, "timestamp": timestamp, "data": data}, separators=(",", ":"))


def signed_headers(
    secrets: Iterable[str], webhook_id: UUID, sent_at: datetime, text: str
) -> Mapping[str, str]:
    """A signature by each secret: a receiver takes the message if it knows one of them."""
    return {
        "Content-Type": "application/json",
        "webhook-id": str(webhook_id),
        "webhook-timestamp": str(int(sent_at.timestamp())),
        "webhook-signature": " ".join(
            Webhook(secret).sign(str(webhook_id), sent_at, text) for secret in secrets
        ),
    }


def pause_after(attempts: int, chance: float) -> timedelta | None:
    """How long to wait after so many attempts, varied by `chance` in [0, 1); None: no more."""
    if attempts > len(PAUSES):
        return None
    return PAUSES[attempts - 1] * (1 - JITTER + 2 * JITTER * chance)


def asked_pause(retry_after: str | None, now: datetime) -> timedelta:
    """What a receiver asks for with Retry-After (RFC 9110, section 10.2.3), at most a day."""
    if retry_after is None:
        return timedelta()
    text = retry_after.strip()
    if text.isascii() and text.isdigit():
        return min(timedelta(seconds=int(text[:9])), LONGEST_PAUSE)
    try:
        until = parsedate_to_datetime(text)
    except ValueError:
        return timedelta()
    return min(max(until.replace(tzinfo=until.tzinfo or UTC) - now, timedelta()), LONGEST_PAUSE)


def error_of(status: int) -> str | None:
    if 200 <= status < 300:
        return None
    return "redirected" if 300 <= status < 400 else "refused_by_receiver"


def reason_to_disable(
    statuses: Iterable[int | None], failing_since: datetime | None, now: datetime
) -> str | None:
    if GONE in statuses:
        return "gone"
    if failing_since is not None and now - failing_since >= PATIENCE:
        return "failing"
    return None
