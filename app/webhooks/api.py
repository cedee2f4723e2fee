from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query, Response

from app.auth.callers import WebhookManager
from app.auth.dependencies import KeyringOf, Once, SettingsOf, Tenant
from app.core.conditional import ChangeConditions, ReadConditions
from app.core.database import as_of
from app.core.errors import NotFound
from app.core.newest import newest
from app.core.pages import Page
from app.core.requests import Route
from app.tables import Webhook
from app.webhooks import queries, schemas, service

router = APIRouter(route_class=Route, tags=["webhooks"])
Status = Annotated[schemas.DeliveryStatus | None, Query()]
WEBHOOKS = "/v1/webhooks"
WEBHOOK = WEBHOOKS + "/{webhook_id}"
DELIVERIES = WEBHOOK + "/deliveries"


@router.get(WEBHOOKS, operation_id="list_webhooks", response_model=schemas.WebhookPage)
async def list_webhooks(who: WebhookManager, session: Tenant, page: Page) -> schemas.WebhookPage:
    now = await as_of(session)
    after = page.last_moment
    rows = await newest(session, Webhook, after, page.limit + 1)
    rows, cursor = page.cut(rows, lambda row: (row.created_at, row.id))
    return schemas.WebhookPage(items=[service.represent(row) for row in rows], next_cursor=cursor, as_of=now)


@router.post(
    WEBHOOKS, operation_id="create_webhook", status_code=201, response_model=schemas.WebhookWithSecret
)
async def create_webhook(
    body: schemas.WebhookWrite,
    who: WebhookManager,
    session: Tenant,
    once: Once,
    keyring: KeyringOf,
    settings: SettingsOf,
) -> Response:
    created = await service.create_webhook(
        session, who, body, keyring, may_be_private=settings.webhooks_private
    )
    return await once.answer(201, created, is_secret=True)


@router.get(WEBHOOK, operation_id="get_webhook", response_model=schemas.Webhook)
async def get_webhook(
    webhook_id: UUID, who: WebhookManager, session: Tenant, conditions: ReadConditions
) -> Response:
    row = await service.found(session, webhook_id)
    return conditions.answer(service.represent(row))


@router.patch(WEBHOOK, operation_id="update_webhook", response_model=schemas.Webhook)
async def update_webhook(
    webhook_id: UUID,
    body: schemas.WebhookPatch,
    who: WebhookManager,
    session: Tenant,
    conditions: ChangeConditions,
    settings: SettingsOf,
) -> Response:
    updated = await service.update_webhook(
        session, who, webhook_id, body, conditions, may_be_private=settings.webhooks_private
    )
    return conditions.answer(updated)


@router.delete(WEBHOOK, operation_id="delete_webhook", status_code=204)
async def delete_webhook(webhook_id: UUID, who: WebhookManager, session: Tenant) -> None:
    if not await queries.delete_webhook(session, webhook_id):
        raise NotFound


@router.post(
    WEBHOOK + "/secret",
    operation_id="rotate_webhook_secret",
    status_code=201,
    response_model=schemas.WebhookWithSecret,
)
async def rotate_webhook_secret(
    webhook_id: UUID, who: WebhookManager, session: Tenant, once: Once, keyring: KeyringOf
) -> Response:
    rotated = await service.rotate_secret(session, webhook_id, keyring)
    return await once.answer(201, rotated, is_secret=True)


@router.post(
    WEBHOOK + "/test", operation_id="test_webhook", status_code=202, response_model=schemas.WebhookDelivery
)
async def test_webhook(webhook_id: UUID, who: WebhookManager, session: Tenant, once: Once) -> Response:
    return await once.answer(202, await service.send_test(session, webhook_id))


@router.get(DELIVERIES, operation_id="list_webhook_deliveries", response_model=schemas.WebhookDeliveryPage)
async def list_webhook_deliveries(
    webhook_id: UUID, who: WebhookManager, session: Tenant, page: Page, status: Status = None
) -> schemas.WebhookDeliveryPage:
    now = await as_of(session)
    await service.found(session, webhook_id)
    after = page.last_moment
    rows = await queries.deliveries_before(session, webhook_id, status, after, page.limit + 1)
    rows, cursor = page.cut(rows, lambda row: (row.created_at, row.id))
    items = [service.represent_delivery(row) for row in rows]
    return schemas.WebhookDeliveryPage(items=items, next_cursor=cursor, as_of=now)


@router.post(
    DELIVERIES + "/{delivery_id}/redeliver",
    operation_id="redeliver_webhook",
    status_code=202,
    response_model=schemas.WebhookDelivery,
)
async def redeliver_webhook(
    webhook_id: UUID, delivery_id: UUID, who: WebhookManager, session: Tenant, once: Once
) -> Response:
    again = await service.redeliver(session, webhook_id, delivery_id)
    return await once.answer(202, again)
