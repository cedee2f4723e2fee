"""A mail room of the tests: people with birthdays, a sink, and rounds at times of our choosing."""

from datetime import datetime
from typing import Any

from pydantic import SecretStr
from sqlalchemy import text

from app.calendar.cards.service import plan_cards
from app.calendar.jobs import send_due
from app.core.database import Database
from tests.calendar.staff import people_on_file
from tests.clock import at
from tests.conftest import Tenant
from tests.sink import Sink

SENDER = "Acme <cards@example.com>"


def with_server(database: Database, url: str) -> Database:
    """The same database, for a worker that has a mail server."""
    other = object.__new__(Database)
    other.__dict__ |= database.__dict__
    other.settings = database.settings.model_copy(update={"smtp_url": SecretStr(url), "mail_from": SENDER})
    return other


async def celebrating(acme: Tenant, external_id: str, month: int, day: int, **columns: Any) -> None:
    """A person with an address and a consented birthday."""
    await people_on_file(acme, external_id, **{"email": f"{external_id}@example.com", **columns})
    sent = {"kind": "birthday", "month": month, "day": day, "consent": True}
    answer = await acme.client.put(f"/v1/people/{external_id}/occasions/birthday", json=sent)
    assert answer.status_code == 201


async def plan(acme: Tenant, now: datetime) -> int:
    async with acme.database.tenant_session(acme.id) as session:
        return await plan_cards(session, now)


async def send(acme: Tenant, now: datetime, sink: Sink | None = None) -> None:
    database = with_server(acme.database, sink.url) if sink else acme.database
    await send_due(database, acme.id, at(now))


async def plan_and_send(acme: Tenant, now: datetime, sink: Sink | None = None) -> None:
    await plan(acme, now)
    await send(acme, now, sink)


async def statuses(acme: Tenant) -> dict[str, str]:
    """By person."""
    query = (
        "SELECT p.external_id, c.status FROM cards c"
        " JOIN people p ON p.organization_id = c.organization_id AND p.id = c.person_id"
    )
    async with acme.database.tenant_session(acme.id) as session:
        return {row.external_id: row.status for row in await session.execute(text(query))}


def message_ids(sink: Sink) -> list[str]:
    return [str(message["Message-ID"]) for _, message in sink.mails]
