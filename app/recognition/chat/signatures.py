"""How Slack and Microsoft Teams sign what they send, as they publish it. Pure."""

import base64
import binascii
import hmac
from datetime import datetime

FRESH_SECONDS = 300


def slack_signature(secret: str, timestamp: str, body: bytes) -> str:
    """The X-Slack-Signature of a body sent at X-Slack-Request-Timestamp."""
    signed = b"v0:" + timestamp.encode() + b":" + body
    return "v0=" + hmac.digest(secret.encode(), signed, "sha256").hex()


def is_from_slack(secret: str, timestamp: str, signature: str, body: bytes, now: datetime) -> bool:
    """Signed with the secret, within five minutes of now: an older one may be somebody's recording."""
    is_fresh = timestamp.isascii() and timestamp.isdigit() and len(timestamp) < 12
    is_fresh = is_fresh and abs(now.timestamp() - int(timestamp)) <= FRESH_SECONDS
    return is_fresh and _is_same(slack_signature(secret, timestamp, body), signature)


def teams_signature(secret: str, body: bytes) -> str:
    """The Authorization of a body; the secret is the security token Teams shows, in base64."""
    return "HMAC " + base64.b64encode(hmac.digest(base64.b64decode(secret), body, "sha256")).decode()


def is_from_teams(secret: str, authorization: str, body: bytes) -> bool:
    return _is_same(teams_signature(secret, body), authorization)


def is_teams_secret(secret: str) -> bool:
    try:
        return len(base64.b64decode(secret, validate=True)) > 0
    except (ValueError, binascii.Error):
        return False


def _is_same(expected: str, given: str) -> bool:
    return hmac.compare_digest(expected.encode(), given.encode())
