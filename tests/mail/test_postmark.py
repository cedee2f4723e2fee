"""Mails by Postmark's API, as its documentation has it; another provider is one more file like it."""

import base64
import json
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import httpx
import pytest
from pydantic import SecretStr, ValidationError

from app.core.settings import WAYS_OF_MAIL, Settings
from app.mail.failures import Bounced, MailFailure, Refused, TryAgain, Unavailable
from app.mail.message import Mail, sender_of
from app.mail.postmark import Postmark
from app.mail.transport import WAYS, can_send, open_transport

NOW = datetime(2026, 11, 23, 9, tzinfo=UTC)
SENDER = "Acme <survey@example.com>"
TOKEN = "3f0c-token"
PICTURE = b"\x89PNG and the rest"
Answer = Callable[[httpx.Request], httpx.Response]


def mail(**changes: Any) -> Mail:
    words = {"key": "k", "to": "noor@example.com", "subject": "S", "text": "T\n", "language": "nl"}
    return Mail(**{**words, **changes})


async def send(answer: Answer, one: Mail) -> None:
    async with httpx.AsyncClient(transport=httpx.MockTransport(answer)) as client:
        await Postmark(client, TOKEN, sender_of(SENDER)).send(one, NOW)


async def request_for(one: Mail) -> httpx.Request:
    requests: list[httpx.Request] = []

    def accept(request: httpx.Request) -> httpx.Response:
        requests.append(request)
        return httpx.Response(200, json={"ErrorCode": 0, "Message": "OK", "MessageID": "0a129aee"})

    await send(accept, one)
    (request,) = requests
    return request


async def test_a_mail_of_text() -> None:
    request = await request_for(mail(subject="Enquête – herfst", text="Zoë\n"))
    assert (request.method, str(request.url)) == ("POST", "https://api.postmarkapp.com/email")
    assert request.headers["X-Postmark-Server-Token"] == TOKEN
    assert json.loads(request.content) == {
        "From": SENDER,
        "To": "noor@example.com",
        "Subject": "Enquête – herfst",
        "TextBody": "Zoë\n",
        "MessageStream": "outbound",
        "Headers": [
            {"Name": "Message-ID", "Value": "<k@example.com>"},
            {"Name": "Auto-Submitted", "Value": "auto-generated"},
            {"Name": "Content-Language", "Value": "nl"},
            {"Name": "X-PM-KeepID", "Value": "true"},
        ],
    }


async def test_a_card_has_its_picture_and_one_click_to_unsubscribe() -> None:
    one = mail(html='<img src="cid:card">', picture=PICTURE, unsubscribe="https://example.com/u", sender="HR")
    sent = json.loads((await request_for(one)).content)
    assert sent["From"] == "HR <survey@example.com>"
    assert (sent["TextBody"], sent["HtmlBody"]) == ("T\n", '<img src="cid:card">\n')
    picture = {"Name": "card.png", "ContentType": "image/png", "ContentID": "cid:card"}
    assert sent["Attachments"] == [{**picture, "Content": base64.b64encode(PICTURE).decode()}]
    headers = {one["Name"]: one["Value"] for one in sent["Headers"]}
    assert headers["List-Unsubscribe"] == "<https://example.com/u>"
    assert headers["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"


@pytest.mark.parametrize(
    ("status", "code", "failure"),
    [
        (422, 300, Refused),  # an invalid mail
        (422, 406, Bounced),  # a recipient that bounced or complained
        (413, 0, Refused),
        (422, 400, Unavailable),  # a sender that is not confirmed
        (422, 405, Unavailable),  # no credits left
        (401, 10, Unavailable),
        (403, 0, Unavailable),
        (429, 0, Unavailable),
        (302, 0, Unavailable),
        (500, 0, TryAgain),
        (503, 100, TryAgain),
    ],
)
async def test_what_postmark_answers(status: int, code: int, failure: type[MailFailure]) -> None:
    def answer(_: httpx.Request) -> httpx.Response:
        return httpx.Response(status, json={"ErrorCode": code, "Message": "noor@example.com is inactive"})

    with pytest.raises(failure) as raised:
        await send(answer, mail())
    assert type(raised.value) is failure
    assert "noor" not in repr(raised.value)


@pytest.mark.parametrize("body", [b"", b"[]", b"{}", b"<html>"])
async def test_an_answer_that_is_none_of_postmark_s_refuses_no_mail(body: bytes) -> None:
    with pytest.raises(Unavailable):
        await send(lambda _: httpx.Response(422, content=body), mail())


@pytest.mark.parametrize("error", [httpx.ConnectError, httpx.ReadTimeout, httpx.RemoteProtocolError])
async def test_a_way_that_breaks_off(error: type[httpx.RequestError]) -> None:
    def fail(request: httpx.Request) -> httpx.Response:
        raise error("broken", request=request)

    with pytest.raises(Unavailable):
        await send(fail, mail())


@pytest.mark.parametrize("changes", [{"subject": "S\r\nBcc: all@example.com"}, {"to": "a@x.com, b@x.com"}])
async def test_what_no_mail_can_be_is_not_asked_for(changes: dict[str, str]) -> None:
    def never(_: httpx.Request) -> httpx.Response:
        raise AssertionError("asked")

    with pytest.raises(Refused):
        await send(never, mail(**changes))


async def test_the_token_is_what_chooses_it() -> None:
    settings = Settings(postmark_token=SecretStr(TOKEN), mail_from=SENDER)
    assert can_send(settings)
    async with open_transport(settings) as transport:
        assert isinstance(transport, Postmark)
        assert transport.token == TOKEN
        assert not transport.client.trust_env
    assert not can_send(Settings())


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({}, "BETROKKEN_MAIL_FROM"),
        ({"mail_from": SENDER, "smtp_url": SecretStr("smtp://localhost")}, "not both"),
        ({"mail_from": SENDER, "postmark_token": SecretStr("se cret\r\n")}, "letters, digits"),
    ],
)
def test_a_token_that_cannot_be_is_refused_without_being_told(given: dict[str, Any], said: str) -> None:
    with pytest.raises(ValidationError, match=said) as refused:
        Settings(**{"postmark_token": SecretStr("se-cret"), **given})
    assert "cret" not in str(refused.value)


def test_each_setting_that_says_where_mails_go_has_what_sends_them() -> None:
    assert tuple(WAYS) == WAYS_OF_MAIL
