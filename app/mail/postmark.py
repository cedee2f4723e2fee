"""Mails to Postmark, over HTTPS: https://postmarkapp.com/developer/api/email-api."""

import asyncio
import base64
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime
from email.headerregistry import Address
from email.message import EmailMessage
from typing import Any

import httpx

from app.core import outbound
from app.mail.failures import Bounced, MailFailure, Refused, TryAgain, Unavailable
from app.mail.message import Mail, message_of

URL = "https://api.postmarkapp.com/email"
TOTAL_SECONDS = 30
INVALID_MAIL, INACTIVE_RECIPIENT = 300, 406
"""Error codes that are of one mail; all others are of the account."""
OWN_MEMBERS = {"from", "to", "subject", "date", "content-type", "content-transfer-encoding", "mime-version"}
"""Headers that are members of their own, or that Postmark writes."""


@dataclass(frozen=True)
class Postmark:
    client: httpx.AsyncClient
    token: str
    sender: Address

    async def send(self, mail: Mail, now: datetime) -> None:
        body = body_of(message_of(mail, self.sender, now))
        headers = {"Accept": "application/json", "X-Postmark-Server-Token": self.token}
        try:
            async with asyncio.timeout(TOTAL_SECONDS):
                answer = await self.client.post(URL, json=body, headers=headers)
        except (TimeoutError, httpx.HTTPError) as error:
            raise Unavailable from error
        if not answer.is_success:
            raise failure_of(answer)


@asynccontextmanager
async def connected(token: str, sender: Address) -> AsyncIterator[Postmark]:
    async with outbound.client() as client:
        yield Postmark(client, token, sender)


def body_of(message: EmailMessage) -> dict[str, Any]:
    own = [(name, str(value)) for name, value in message.items() if name.lower() not in OWN_MEMBERS]
    headers = [*own, ("X-PM-KeepID", "true")]
    body = {
        "From": str(message["From"]),
        "To": str(message["To"]),
        "Subject": str(message["Subject"]),
        "MessageStream": "outbound",
        "Headers": [{"Name": name, "Value": value} for name, value in headers],
    }
    for member, kind in (("TextBody", "plain"), ("HtmlBody", "html")):
        if (part := message.get_body((kind,))) is not None:
            body[member] = part.get_content()
    pictures = [part for part in message.walk() if part.get_content_maintype() == "image"]
    return {**body, "Attachments": [attached(part) for part in pictures]} if pictures else body


def attached(part: EmailMessage) -> dict[str, str]:
    return {
        "Name": str(part.get_filename()),
        "Content": base64.b64encode(part.get_content()).decode(),
        "ContentType": part.get_content_type(),
        "ContentID": "cid:" + str(part["Content-ID"]).strip("<>"),
    }


def failure_of(answer: httpx.Response) -> MailFailure:
    if answer.status_code == httpx.codes.UNPROCESSABLE_ENTITY:
        of_the_mail = {INVALID_MAIL: Refused(), INACTIVE_RECIPIENT: Bounced()}
        code = error_code(answer)
        return of_the_mail.get(code, Unavailable()) if isinstance(code, int) else Unavailable()
    if answer.status_code == httpx.codes.REQUEST_ENTITY_TOO_LARGE:
        return Refused()
    return TryAgain() if answer.is_server_error else Unavailable()


def error_code(answer: httpx.Response) -> object:
    try:
        return answer.json()["ErrorCode"]
    except (ValueError, LookupError, TypeError):
        return None
