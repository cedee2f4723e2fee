from uuid import UUID

from fastapi import APIRouter, Request, Response
from starlette.responses import HTMLResponse

from app.auth.callers import CalendarReader, CalendarWriter, Inviter
from app.auth.dependencies import Once, Tenant, database_of
from app.calendar.api import LinkToken
from app.core.conditional import NO_STORE
from app.core.database import as_of, transaction_time
from app.core.errors import NotFound
from app.core.frame import PAGE, LinkRoute, framed
from app.core.pages import Page
from app.core.requests import Route
from app.newsletter import queries, schemas, service
from app.organizations.queries import name_of

router = APIRouter(route_class=Route, tags=["newsletter"])
linked = APIRouter(route_class=LinkRoute, tags=["newsletter"])
SUBSCRIPTIONS = "/v1/newsletter/subscriptions"
CONFIRM, UNSUBSCRIBE = "/v1/newsletter/confirm/{token}", "/v1/newsletter/unsubscribe/{token}"
ASK_TO_CONFIRM = {
    "nl": "Wil je elke maand de nieuwsbrief ontvangen?",
    "en": "Do you want to receive the newsletter every month?",
}
YES = {"nl": "Ja, graag", "en": "Yes, please"}
ASK_TO_UNSUBSCRIBE = {"nl": "Wil je geen nieuwsbrief meer?", "en": "Do you want no more newsletters?"}
BUTTON = {"nl": "Uitschrijven", "en": "Unsubscribe"}
CONFIRMED = {"nl": "Je krijgt voortaan de nieuwsbrief.", "en": "You will receive the newsletter."}
UNSUBSCRIBED = {"nl": "Je krijgt geen nieuwsbrief meer.", "en": "You receive no more newsletters."}


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
    after = page.last_moment
    rows = await queries.subscriptions_before(session, after, page.limit + 1)
    rows, cursor = page.cut(rows, lambda row: (row.created_at, row.id))
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


@linked.get(CONFIRM, operation_id="get_newsletter_confirmation", response_class=HTMLResponse, responses=PAGE)
async def get_newsletter_confirmation(token: LinkToken, request: Request) -> HTMLResponse:
    """Asks first: programs that scan mails follow every link in them."""
    organization_id, _ = await service.whose(database_of(request), service.CONFIRM, token)
    async with database_of(request).tenant_session(organization_id) as session:
        return framed(request, await name_of(session), ASK_TO_CONFIRM, YES)


@linked.post(
    CONFIRM, operation_id="create_newsletter_confirmation", response_class=HTMLResponse, responses=PAGE
)
async def create_newsletter_confirmation(token: LinkToken, request: Request) -> HTMLResponse:
    organization_id, subscription_id = await service.whose(database_of(request), service.CONFIRM, token)
    async with database_of(request).tenant_session(organization_id) as session:
        await service.confirm(session, subscription_id, await transaction_time(session))
        return framed(request, await name_of(session), CONFIRMED)


@linked.get(
    UNSUBSCRIBE, operation_id="get_newsletter_unsubscription", response_class=HTMLResponse, responses=PAGE
)
async def get_newsletter_unsubscription(token: LinkToken, request: Request) -> HTMLResponse:
    organization_id, _ = await service.whose(database_of(request), service.UNSUBSCRIBE, token)
    async with database_of(request).tenant_session(organization_id) as session:
        return framed(request, await name_of(session), ASK_TO_UNSUBSCRIBE, BUTTON)


@linked.post(
    UNSUBSCRIBE,
    operation_id="create_newsletter_unsubscription",
    response_class=HTMLResponse,
    responses=PAGE,
)
async def create_newsletter_unsubscription(token: LinkToken, request: Request) -> HTMLResponse:
    """The one click of RFC 8058; whatever the body says."""
    organization_id, subscription_id = await service.whose(database_of(request), service.UNSUBSCRIBE, token)
    async with database_of(request).tenant_session(organization_id) as session:
        await queries.unsubscribe(session, subscription_id)
        return framed(request, await name_of(session), UNSUBSCRIBED)
