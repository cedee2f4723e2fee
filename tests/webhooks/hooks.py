"""Webhooks that lead to a receiver of the tests."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import Any
from uuid import UUID

from app.core.outbox import announce
from app.core.settings import Settings
from app.main import create_app
from app.webhooks.jobs import deliver_webhook
from tests.clock import later
from tests.conftest import Tenant, new_tenant
from tests.webhooks.receiver import Receiver, receiving

Json = dict[str, Any]
EVENT, DATA = "person.created", {"external_id": "E-1"}


@asynccontextmanager
async def with_receiver(settings: Settings, database_url: str) -> AsyncIterator[tuple[Tenant, Receiver]]:
    """An organisation on a service that may send to private addresses, and somewhere to send to."""
    app = create_app(settings.model_copy(update={"webhooks_private": True}), database_url)
    async with app.router.lifespan_context(app), receiving() as receiver:
        yield await new_tenant(app, "Acme"), receiver


async def subscribed(tenant: Tenant, url: str, *events: str) -> Json:
    """A new webhook, with its secret."""
    answer = await tenant.client.post("/v1/webhooks", json={"url": url, "events": events or (EVENT,)})
    assert answer.status_code == 201, answer.text
    created: Json = answer.json()
    return created


async def happens(tenant: Tenant, event: str = EVENT, **data: Any) -> None:
    async with tenant.database.tenant_session(tenant.id) as session:
        await announce(session, event, data or DATA)


async def deliver(tenant: Tenant, hook: Json, after: timedelta = timedelta(0)) -> None:
    """What is due to the webhook after so long."""
    await deliver_webhook(tenant.database, tenant.id, UUID(hook["id"]), clock=later(after))


async def log_of(tenant: Tenant, hook: Json, **params: str) -> list[Json]:
    answer = await tenant.client.get(f"/v1/webhooks/{hook['id']}/deliveries", params=params)
    items: list[Json] = answer.json()["items"]
    return items


async def read(tenant: Tenant, hook: Json) -> Json:
    found: Json = (await tenant.client.get(f"/v1/webhooks/{hook['id']}")).json()
    return found
