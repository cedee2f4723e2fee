from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Depends, Path, Request, Response
from starlette.responses import HTMLResponse

from app.auth.dependencies import Once, Tenant, database_of, requires
from app.auth.principal import Principal, Scope
from app.calendar.api import CalendarReader
from app.calendar.schemas import AddressToken
from app.core.conditional import NO_STORE
from app.core.database import as_of, transaction_time
from app.core.errors import NotFound
from app.core.pages import Page
from app.core.requests import Route
from app.newsletter import queries, schemas, service

router = APIRouter(route_class=Route, tags=["newsletter"])
CalendarWriter = Annotated[Principal, Depends(requires(Scope.CALENDAR_WRITE))]
Inviter = Annotated[Principal, Depends(requires(Scope.CALENDAR_WRITE, Scope.METRICS_READ))]
"""Whoever invites shows numbers, so they must be allowed to see them."""
Token = Annotated[AddressToken, Path()]
SUBSCRIPTIONS = "/v1/newsletter/subscriptions"
CONFIRM, UNSUBSCRIBE = "/v1/newsletter/confirm/{token}", "/v1/newsletter/unsubscribe/{token}"
HEADERS = NO_STORE | {"Content-Security-Policy": "default-src 'none'; form-action 'self'"}
HEAD = '<!doctype html><html lang="nl"><meta charset="utf-8"><title>Betrokken</title>'
ASK = f"""{HEAD}
<form method="post"><p>{{nl}} <span lang="en">{{en}}</span></p><button>{{button}}</button></form></html>"""
ASK_TO_CONFIRM = ASK.format(
    nl="Elke maand de nieuwsbrief ontvangen?",
    en="Receive the newsletter every month?",
    button="Ja, graag / Yes, please",
)
ASK_TO_UNSUBSCRIBE = ASK.format(
    nl="Geen nieuwsbrief meer?", en="No more newsletters?", button="Uitschrijven / Unsubscribe"
)
CONFIRMED = f"""{HEAD}
<p>Je krijgt voortaan de nieuwsbrief. <span lang="en">You will receive the newsletter.</span></p></html>"""
UNSUBSCRIBED = f"""{HEAD}
<p>Je krijgt geen nieuwsbrief meer. <span lang="en">You receive no more newsletters.</span></p></html>"""
PAGE: dict[int | str, dict[str, Any]] = {200: {"content": {"text/html": {"schema": {"type": "string"}}}}}


@router.get(
    SUBSCRIPTIONS,
    operation_id="list_newsletter_subscriptions",
    response_model=schemas.NewsletterSubscriptionPage,
)
async def list_newsletter_subscriptions(
    who: CalendarReader, session: Tenant, page: Page, response: Response
) -> schemas.NewsletterSubscriptionPage:
    response.headers.update(NO_STORE)
    now = await as_of(session)
    after = (datetime.fromisoformat(page.after[0]), UUID(page.after[1])) if page.after else None
    rows = await queries.subscriptions_before(session, after, page.limit + 1)
    rows, cursor = page.cut(list(rows), lambda row: [row.created_at.isoformat(), str(row.id)])
    items = [service.represent(row) for row in rows]
    return schemas.NewsletterSubscriptionPage(items=items, next_cursor=cursor, as_of=now)


@router.post(
    SUBSCRIPTIONS,
    operation_id="create_newsletter_subscription",
    status_code=201,
    response_model=schemas.NewsletterSubscription,
)
async def create_newsletter_subscription(
    body: schemas.NewsletterSubscriptionWrite, who: Inviter, session: Tenant, once: Once
) -> Response:
    return await once.answer(201, await service.subscribe(session, body))


@router.delete(
    SUBSCRIPTIONS + "/{subscription_id}", operation_id="delete_newsletter_subscription", status_code=204
)
async def delete_newsletter_subscription(subscription_id: UUID, who: CalendarWriter, session: Tenant) -> None:
    if not await queries.delete(session, subscription_id):
        raise NotFound


@router.get(CONFIRM, operation_id="get_newsletter_confirmation", response_class=HTMLResponse, responses=PAGE)
async def get_newsletter_confirmation(token: Token, request: Request) -> HTMLResponse:
    """Asks first: programs that scan mails follow every link in them."""
    await service.whose(database_of(request), service.CONFIRM, token)
    return HTMLResponse(ASK_TO_CONFIRM, headers=HEADERS)


@router.post(
    CONFIRM, operation_id="create_newsletter_confirmation", response_class=HTMLResponse, responses=PAGE
)
async def create_newsletter_confirmation(token: Token, request: Request) -> HTMLResponse:
    organization_id, subscription_id = await service.whose(database_of(request), service.CONFIRM, token)
    async with database_of(request).tenant_session(organization_id) as session:
        await service.confirm(session, subscription_id, await transaction_time(session))
    return HTMLResponse(CONFIRMED, headers=HEADERS)


@router.get(
    UNSUBSCRIBE, operation_id="get_newsletter_unsubscription", response_class=HTMLResponse, responses=PAGE
)
async def get_newsletter_unsubscription(token: Token, request: Request) -> HTMLResponse:
    await service.whose(database_of(request), service.UNSUBSCRIBE, token)
    return HTMLResponse(ASK_TO_UNSUBSCRIBE, headers=HEADERS)


@router.post(
    UNSUBSCRIBE,
    operation_id="create_newsletter_unsubscription",
    response_class=HTMLResponse,
    responses=PAGE,
)
async def create_newsletter_unsubscription(token: Token, request: Request) -> HTMLResponse:
    """The one click of RFC 8058; whatever the body says."""
    organization_id, subscription_id = await service.whose(database_of(request), service.UNSUBSCRIBE, token)
    async with database_of(request).tenant_session(organization_id) as session:
        await queries.unsubscribe(session, subscription_id)
    return HTMLResponse(UNSUBSCRIBED, headers=HEADERS)
