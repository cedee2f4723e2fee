"""An event is kept with the change it tells of, for those who subscribed and for nobody else."""

from typing import Any
from uuid import UUID, uuid4

import pytest
from sqlalchemy import text

from app.core.outbox import DELIVER_JOB, announce, announce_each
from app.tables import Webhook
from tests.conftest import Tenant


async def subscribe(tenant: Tenant, *events: str, **values: Any) -> UUID:
    webhook_id = uuid4()
    row = Webhook(
        organization_id=tenant.id,
        id=webhook_id,
        url="http://127.0.0.1/",
        events=list(events),
        sealed_secret=b"",
        **values,
    )
    async with tenant.database.tenant_session(tenant.id) as session:
        session.add(row)
    return webhook_id


async def kept(tenant: Tenant) -> list[tuple[UUID, str, Any]]:
    async with tenant.database.tenant_session(tenant.id) as session:
        rows = await session.execute(
            text("SELECT webhook_id, event, data FROM webhook_deliveries ORDER BY data ->> 'external_id'")
        )
        return [(row.webhook_id, row.event, row.data) for row in rows]


async def jobs_for(tenant: Tenant, webhook_id: UUID) -> int:
    query = text("SELECT count(*) FROM pgqueuer WHERE entrypoint = :job AND payload LIKE :id")
    async with tenant.database.system_session(reason="test") as session:
        found = await session.scalar(query, {"job": DELIVER_JOB, "id": f"%{webhook_id}%".encode()})
        return int(found)


async def test_only_who_subscribed_to_an_event_is_told(acme: Tenant, other: Tenant) -> None:
    told = await subscribe(acme, "person.created", "person.left")
    await subscribe(acme, "person.updated")
    await subscribe(other, "person.created")
    async with acme.database.tenant_session(acme.id) as session:
        await announce(session, "person.created", {"external_id": "E-1"})
    assert await kept(acme) == [(told, "person.created", {"external_id": "E-1"})]
    assert await kept(other) == []
    assert await jobs_for(acme, told) == 1


async def test_what_is_rolled_back_is_told_to_nobody(acme: Tenant) -> None:
    told = await subscribe(acme, "person.created")

    async def change_and_fail() -> None:
        async with acme.database.tenant_session(acme.id) as session:
            await announce(session, "person.created", {"external_id": "E-1"})
            raise RuntimeError("after the event")

    with pytest.raises(RuntimeError, match="after"):
        await change_and_fail()
    assert await kept(acme) == []
    assert await jobs_for(acme, told) == 0


async def test_without_a_subscriber_events_cost_one_statement(acme: Tenant, queries: list[str]) -> None:
    async with acme.database.tenant_session(acme.id) as session:
        queries.clear()
        await announce_each(session, "person.created", [{"external_id": f"E-{i}"} for i in range(9)])
        assert len(queries) == 1
        await announce_each(session, "person.created", [])
        assert len(queries) == 1


async def test_many_events_cost_no_more_statements_than_one(acme: Tenant, queries: list[str]) -> None:
    told = await subscribe(acme, "person.created")
    for count in (1, 50):
        async with acme.database.tenant_session(acme.id) as session:
            queries.clear()
            items = [{"external_id": f"{count}-{i}"} for i in range(count)]
            await announce_each(session, "person.created", items)
            assert len(queries) == 2
    assert len(await kept(acme)) == 51
    assert await jobs_for(acme, told) == 2
