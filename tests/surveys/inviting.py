"""Steps of the tests on invitations."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from email.message import EmailMessage
from typing import Any

import httpx
from pydantic import SecretStr

from app.core.settings import Settings
from app.main import create_app
from tests.conftest import Tenant, client_for, new_tenant
from tests.contract import ContractClient
from tests.sink import Sink, listening
from tests.surveys.test_surveys import ANSWERS

PAGE = "https://answer.example.com/survey"
HOME = "https://hr.example.com"
MODES: dict[str, dict[str, Any]] = {
    "anonymous": {"mode": "anonymous", "access": "invited"},
    "confidential": {"mode": "confidential"},
    "attributed": {"mode": "attributed"},
}


async def employ(api: ContractClient, *names: str, **members: Any) -> None:
    people = [{"external_id": name, "name": name, **members} for name in names]
    answer = await api.post("/v1/people/batch", json={"items": people})
    assert answer.json()["summary"]["failed"] == 0, answer.text


async def ask(api: ContractClient, survey_id: str, key: str | None = None, **members: Any) -> httpx.Response:
    headers = {"Idempotency-Key": key} if key else {}
    return await api.post(f"/v1/surveys/{survey_id}/invitations", json=members, headers=headers)


async def invited(api: ContractClient, survey_id: str, *people: str, **members: Any) -> list[dict[str, Any]]:
    answer = await ask(api, survey_id, people=list(people) or None, **members)
    assert answer.status_code == 201, answer.text
    found: list[dict[str, Any]] = answer.json()["invitations"]
    return found


async def tokens(api: ContractClient, survey_id: str, *people: str) -> list[str]:
    return [one["token"] for one in await invited(api, survey_id, *people, send=False)]


async def seen(api: ContractClient, survey_id: str) -> dict[str, Any]:
    """What GET tells of the mails."""
    told = await api.get(f"/v1/surveys/{survey_id}/invitations")
    assert told.status_code == 200, told.text
    found: dict[str, Any] = told.json()
    return found


async def counted(api: ContractClient, survey_id: str) -> dict[str, int]:
    counts: dict[str, int] = (await seen(api, survey_id))["counts"]
    return counts


def at_the_door(tenant: Tenant, token: str) -> ContractClient:
    return client_for(tenant.app, token)


async def answer(tenant: Tenant, token: str, **members: Any) -> httpx.Response:
    return await at_the_door(tenant, token).post("/v1/respond", json={"answers": ANSWERS, **members})


def said(message: EmailMessage, kind: str = "plain") -> str:
    """What a mail says, as text or as html."""
    part = message.get_body((kind,))
    assert part is not None
    return str(part.get_content())


@asynccontextmanager
async def with_mail(settings: Settings, database_url: str, sink: Sink) -> AsyncIterator[Tenant]:
    """An organisation on a service that mails through the sink."""
    async with listening(sink):
        own = {"smtp_url": SecretStr(sink.url), "mail_from": "survey@example.com", "respond_url": PAGE}
        own |= {"public_url": HOME}
        app = create_app(settings.model_copy(update=own), database_url)
        async with app.router.lifespan_context(app):
            yield await new_tenant(app, "Acme")
