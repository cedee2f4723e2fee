import base64
from collections.abc import Awaitable, Callable
from functools import partial
from typing import Annotated, Any, Literal
from uuid import UUID

from fastapi import APIRouter, Query, Response

from app.auth.callers import CalendarReader, CalendarWriter
from app.auth.dependencies import Later, Once, Tenant
from app.calendar.cards import queries, schemas, service
from app.calendar.cards.outcome import CARD_PICTURE
from app.calendar.cards.press import PRESS
from app.calendar.cards.rendering import Rendered
from app.core.conditional import NO_STORE, ChangeConditions, Conditions, ReadConditions
from app.core.database import as_of
from app.core.elsewhere import MadeElsewhere
from app.core.errors import NotFound
from app.core.pages import Page
from app.core.parameters import Key
from app.core.requests import Route

router = APIRouter(route_class=Route, tags=["calendar"])
Format = Annotated[Literal["html", "png"], Query()]
CARDS = "/v1/cards"
TEMPLATES = "/v1/card-templates"
SANDBOX = {"Content-Security-Policy": "sandbox; default-src 'none'; img-src data:; style-src 'unsafe-inline'"}
PREVIEWS: dict[int | str, dict[str, Any]] = {
    200: {
        "content": {
            "text/html": {"schema": {"type": "string"}},
            "image/png": {"schema": {"type": "string", "contentMediaType": "image/png"}},
        }
    }
}


def shown(card: Rendered, wanted: str) -> Response:
    """The mail as a page that can do nothing, or its picture."""
    if wanted == "png":
        if card.picture is None:
            raise NotFound("This template has no picture: add one to the template.")
        return Response(card.picture, media_type="image/png", headers=NO_STORE)
    picture = base64.b64encode(card.picture or b"").decode()
    page = card.html.replace(CARD_PICTURE, f"data:image/png;base64,{picture}")
    return Response(page, media_type="text/html", headers=NO_STORE | SANDBOX)


def made_later(make: Callable[[], Awaitable[Rendered]], wanted: str, whose: UUID) -> Response:
    async def made() -> Response:
        PRESS.refuse_crowd(whose)
        return shown(await make(), wanted)

    return MadeElsewhere(made)


@router.get(CARDS, operation_id="list_cards", response_model=schemas.CardPage)
async def list_cards(
    who: CalendarReader,
    session: Tenant,
    page: Page,
    response: Response,
    status: Annotated[schemas.Status | None, Query()] = None,
) -> schemas.CardPage:
    response.headers.update(NO_STORE)
    now = await as_of(session)
    after = page.last_moment
    rows = await queries.cards_after(session, status, after, page.limit + 1)
    rows, cursor = page.cut(rows, lambda row: (row.send_at, row.id))
    items = await service.represent_cards(session, rows)
    return schemas.CardPage(items=items, next_cursor=cursor, as_of=now)


@router.get(CARDS + "/{card_id}", operation_id="get_card", response_model=schemas.Card)
async def get_card(
    card_id: UUID, who: CalendarReader, session: Tenant, conditions: ReadConditions
) -> Response:
    return conditions.answer(await service.read_card(session, card_id))


@router.patch(CARDS + "/{card_id}", operation_id="update_card", response_model=schemas.Card)
async def update_card(
    card_id: UUID,
    body: schemas.CardPatch,
    who: CalendarWriter,
    session: Tenant,
    conditions: ChangeConditions,
) -> Response:
    card = await service.change_card(session, card_id, body, conditions)
    return conditions.answer(card)


@router.get(
    CARDS + "/{card_id}/preview",
    operation_id="get_card_preview",
    response_class=Response,
    responses=PREVIEWS,
)
async def get_card_preview(
    card_id: UUID, who: CalendarReader, session: Tenant, format: Format = "html"
) -> Response:
    order = await service.order_preview(session, card_id)
    return made_later(partial(service.printed_card, order), format, session.organization_id)


@router.post(
    CARDS + "/{card_id}/wishes",
    operation_id="create_card_wish",
    status_code=201,
    response_model=schemas.CardWish,
)
async def create_card_wish(
    card_id: UUID, body: schemas.CardWishWrite, who: CalendarWriter, session: Tenant, once: Once
) -> Response:
    return await once.answer(201, await service.add_wish(session, card_id, body))


@router.delete(CARDS + "/{card_id}/wishes/{wish_id}", operation_id="delete_card_wish", status_code=204)
async def delete_card_wish(card_id: UUID, wish_id: UUID, who: CalendarWriter, session: Tenant) -> None:
    await service.delete_wish(session, card_id, wish_id)


@router.get(TEMPLATES, operation_id="list_card_templates", response_model=schemas.CardTemplatePage)
async def list_card_templates(who: CalendarReader, session: Tenant, page: Page) -> schemas.CardTemplatePage:
    now = await as_of(session)
    after = page.last_name or ""
    rows = await queries.templates_after(session, after, page.limit + 1)
    rows, cursor = page.cut(rows, lambda row: (row.key,))
    items = [service.represent_template(row) for row in rows]
    return schemas.CardTemplatePage(items=items, next_cursor=cursor, as_of=now)


@router.get(TEMPLATES + "/{key}", operation_id="get_card_template", response_model=schemas.CardTemplate)
async def get_card_template(
    key: Key, who: CalendarReader, session: Tenant, conditions: ReadConditions
) -> Response:
    return conditions.answer(await service.find_template(session, key))


@router.put(
    TEMPLATES + "/{key}",
    operation_id="put_card_template",
    response_model=schemas.CardTemplate,
    responses={201: {"model": schemas.CardTemplate}},
)
async def put_card_template(
    key: Key,
    body: schemas.CardTemplateWrite,
    who: CalendarWriter,
    session: Tenant,
    conditions: Conditions,
    later: Later,
) -> Response:
    """Tried out when the first transaction has ended, and stored in another."""
    await service.refuse_misplaced(session, key, body, conditions)
    whose, transaction = session.organization_id, later()

    async def stored() -> Response:
        PRESS.refuse_crowd(whose)
        await service.refuse_faulty(body, whose)
        async with transaction as another:
            template, is_new = await service.put_template(another, key, body, conditions)
        return conditions.answer_put(template, is_new, f"{TEMPLATES}/{key}")

    return MadeElsewhere(stored)


@router.delete(TEMPLATES + "/{key}", operation_id="delete_card_template", status_code=204)
async def delete_card_template(
    key: Key, who: CalendarWriter, session: Tenant, conditions: ChangeConditions
) -> None:
    await service.delete_template(session, key, conditions)


@router.get(
    TEMPLATES + "/{key}/preview",
    operation_id="get_card_template_preview",
    response_class=Response,
    responses=PREVIEWS,
)
async def get_card_template_preview(
    key: Key, who: CalendarReader, session: Tenant, format: Format = "html"
) -> Response:
    found = await service.find_template(session, key)
    whose = session.organization_id
    return made_later(partial(service.preview_template, found, whose), format, whose)
