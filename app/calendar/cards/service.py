import logging
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from functools import partial
from typing import Any
from uuid import UUID, uuid4

from app.calendar import rules, words
from app.calendar.cards import queries, schemas
from app.calendar.cards.press import printed
from app.calendar.cards.rendering import Occasion, Rendered, Wish
from app.calendar.cards.templates import CardKind, Template, TemplateRefused, built_in, shipped
from app.calendar.queries import PageStart, occurrences_after
from app.calendar.schemas import PersonRef
from app.calendar.service import celebrated_on, find_person
from app.core.conditional import Preconditions
from app.core.database import AsyncSession, Row, TenantSession
from app.core.errors import Conflict, NotFound, Unprocessable
from app.core.languages import language_of
from app.core.outbox import announce
from app.core.patches import require_identifier
from app.mail import windows
from app.mail.dispatcher import Draft, Undeliverable
from app.mail.message import Mail
from app.organizations.queries import organization as find_organization
from app.tables import CardTemplate, Organization

log = logging.getLogger("betrokken.calendar")

AHEAD = timedelta(days=14)
"""How long before the day a card is there to be written on."""
SETTLED = timedelta(days=13)
LONGEST_MOVE = timedelta(days=6)
EVERY_VISIBILITY = ("private", "team", "organization")
OPEN = ("planned", "held")
SAME = ("person_id", "kind", "label", "relation", "months", "visibility", "kept_on")
COLUMNS = (*SAME, "occasion", "year", "is_half_year", "send_at", "expires_at", "status")
READ_ONLY = {"is_built_in", "created_at", "updated_at"}
TRIAL_NAMES = ("Noor de Wit", "Wolfeschlegelsteinhausenbergerdorff <&> " + "Ω" * 160)


class TemplateFaulty(Unprocessable):
    code = "template_syntax"
    detail = "The template cannot be used: correct it and send it again."


class TemplateOutdated(Conflict):
    code = "template_outdated"
    detail = "This template can no longer be used, so the shipped one is sent: put a new one."


class TemplateTaken(Conflict):
    code = "template_taken"
    detail = "There is another template for this kind and language: change or delete that one."


class CardClosed(Conflict):
    code = "card_closed"
    detail = (
        "This card is being sent, was sent, was cancelled or could not be sent: it can no longer be changed."
    )

    @classmethod
    def of(cls, card: Row[Any]) -> "CardClosed":
        return cls(f"This card is {card.status}: it can no longer be changed.")


class OwnCard(Unprocessable):
    code = "own_card"
    detail = "People cannot write on their own card: send a wish of somebody else."


class UnknownAuthor(Unprocessable):
    code = "unknown_author"
    detail = "There is no such person: check the identifier, or create the person first."


# ------------------------------------------------------------------ planning and sending


async def plan_cards(session: TenantSession, now: datetime) -> int:
    """Makes the cards of the coming days as they are wanted now; how many there are.

    The organisation is locked, so that none is planned for what no longer goes without approval.
    """
    organization = await find_organization(session, lock=True)
    rows = await celebrated_soon(session, organization, now) if organization.cards_enabled else []
    wanted = [card for row in rows if (card := wanted_card(row, organization, now))]
    columns = {name: [card[name] for card in wanted] for name in COLUMNS}
    await queries.plan(session, columns, now, now + SETTLED)
    return len(wanted)


async def celebrated_soon(
    session: AsyncSession, organization: Organization, now: datetime
) -> Sequence[Row[Any]]:
    first, last = windows.days_somewhere(now)
    days = rules.kept_days(first - LONGEST_MOVE, last + AHEAD + LONGEST_MOVE)
    start = PageStart(first - LONGEST_MOVE)
    return await occurrences_after(
        session, organization, days, None, start, None, visibilities=EVERY_VISIBILITY
    )


def wanted_card(row: Row[Any], organization: Organization, now: datetime) -> dict[str, object] | None:
    """The card of an occurrence; None while its time is too far off, or once it has passed."""
    window = windows.window(sent_on(row, organization), organization.cards_time, row.time_zone)
    if window.expires_at <= now or window.send_at > now + AHEAD:
        return None
    needs_approval = organization.cards_approval and row.visibility != "private"
    return {
        **{name: getattr(row, name) for name in SAME},
        "occasion": row.key,
        "year": row.kept_on.year,
        "is_half_year": is_half_year(row),
        "send_at": window.send_at,
        "expires_at": window.expires_at,
        "status": "held" if needs_approval else "planned",
    }


def is_half_year(row: Row[Any]) -> bool:
    return row.months is not None and row.months % 12 != 0


def sent_on(row: Row[Any], organization: Organization) -> date:
    """The day it is celebrated at work, if the person is employed then; else the day itself."""
    day = celebrated_on(row.kept_on, organization)
    is_employed = (row.starts_on or date.min) <= day <= (row.ends_on or date.max)
    return day if is_employed else row.kept_on


async def compose(session: TenantSession, card: Row[Any]) -> Draft:
    """The mail of a card, as things are now: consent may have been withdrawn since it was planned."""
    organization = await find_organization(session)
    occurrence = await current_occurrence(session, organization, card)
    if occurrence is None or not organization.cards_enabled:
        raise Undeliverable("cancelled", "no_longer_celebrated")
    if occurrence.email is None:
        raise Undeliverable("no_address", "no_address")
    language = language_of(occurrence.locale, organization.locale)
    order = await order_of(session, organization, card, occurrence.name, language)
    return partial(printed_mail, order, str(card.id), occurrence.email, organization.card_sender)


async def printed_mail(order: "Order", key: str, to: str, sender: str | None) -> Mail:
    parts = await printed_card(order)
    return Mail(
        key=key,
        to=to,
        subject=parts.subject,
        text=parts.text,
        language=order.language,
        html=parts.html,
        picture=parts.picture,
        sender=sender,
    )


async def tell_of_sent(session: TenantSession, card: Row[Any]) -> None:
    if card.visibility != "private":
        await announce(session, "card.sent", {"card_id": card.id})


async def current_occurrence(
    session: AsyncSession, organization: Organization, card: Row[Any]
) -> Row[Any] | None:
    found = await occurrences_after(
        session,
        organization,
        rules.kept_days(card.kept_on, card.kept_on),
        None,
        PageStart(card.kept_on),
        None,
        visibilities=EVERY_VISIBILITY,
        person_ids=[card.person_id],
    )
    same = (row for row in found if row.key == card.occasion and is_half_year(row) == card.is_half_year)
    return next(same, None)


@dataclass(frozen=True)
class Order:
    """A card as it is to be printed: all that is read of it, so that no transaction is open meanwhile."""

    whose: UUID
    occasion: Occasion
    language: str
    own: CardTemplate | None
    """The organisation's own template."""


async def order_of(
    session: TenantSession, organization: Organization, card: Row[Any], name: str, language: str
) -> Order:
    written = await queries.wishes(session, [card.id])
    occasion = Occasion(
        kind=card.kind,
        name=name,
        organization=organization.name,
        label=card.label,
        relation=card.relation,
        years=words.in_years(language, card.months) if card.months else None,
        is_milestone=card.months in organization.milestone_months,
        wishes=[Wish(wish.name, wish.text) for wish in written],
    )
    return Order(
        session.organization_id, occasion, language, await queries.template_for(session, card.kind, language)
    )


async def printed_card(order: Order) -> Rendered:
    """By the organisation's own template; where that fails with this card's words, by the shipped one."""
    if order.own is not None:
        try:
            return await printed(content_of(order.own), order.occasion, order.whose)
        except TemplateRefused as error:
            log.warning("card_template_failed", extra={"template": order.own.key, "code": error.code})
    return await printed(built_in(order.occasion.kind, order.language), order.occasion, order.whose)


def content_of(row: CardTemplate) -> Template:
    return Template(row.subject, row.html, row.text, row.picture)


# ------------------------------------------------------------------ cards


def represent(card: Row[Any], wishes: Iterable[Row[Any]]) -> schemas.Card:
    return schemas.Card(
        id=card.id,
        person=PersonRef(external_id=card.external_id, name=card.name),
        kind=card.kind,
        key=card.occasion,
        label=card.label,
        relation=card.relation,
        date=card.kept_on,
        years=None if card.months is None else card.months / 12,
        status=card.status,
        send_at=card.send_at,
        sent_at=card.sent_at,
        failure=card.failure,
        wishes=[represent_wish(wish) for wish in wishes],
    )


def represent_wish(wish: Row[Any]) -> schemas.CardWish:
    author = PersonRef(external_id=wish.external_id, name=wish.name)
    return schemas.CardWish(id=wish.id, author=author, text=wish.text, created_at=wish.created_at)


async def represent_cards(session: TenantSession, cards: Sequence[Row[Any]]) -> list[schemas.Card]:
    written = await queries.wishes(session, [card.id for card in cards])
    by_card: dict[UUID, list[Row[Any]]] = {}
    for wish in written:
        by_card.setdefault(wish.card_id, []).append(wish)
    return [represent(card, by_card.get(card.id, [])) for card in cards]


async def find_card(session: TenantSession, card_id: UUID, *, lock: bool = False) -> Row[Any]:
    found = await queries.card(session, card_id, lock=lock)
    if found is None:
        raise NotFound
    return found


async def find_open_card(session: TenantSession, card_id: UUID) -> Row[Any]:
    """Locked, so that it is not sent meanwhile."""
    card = await find_card(session, card_id, lock=True)
    if card.status not in OPEN:
        raise CardClosed.of(card)
    return card


async def read_card(session: TenantSession, card_id: UUID) -> schemas.Card:
    [card] = await represent_cards(session, [await find_card(session, card_id)])
    return card


async def change_card(
    session: TenantSession,
    card_id: UUID,
    patch: schemas.CardPatch,
    conditions: Preconditions,
) -> schemas.Card:
    """Approves a card that is held, or cancels one; a repeat changes nothing."""
    card = await find_card(session, card_id, lock=True)
    conditions.check(await read_card(session, card_id))
    if card.status != patch.status:
        if card.status not in OPEN:
            raise CardClosed.of(card)
        await queries.change_status(session, card_id, patch.status)
    return await read_card(session, card_id)


async def add_wish(session: TenantSession, card_id: UUID, wanted: schemas.CardWishWrite) -> schemas.CardWish:
    card = await find_open_card(session, card_id)
    try:
        author_id = await find_person(session, wanted.author)
    except NotFound:
        raise UnknownAuthor.at("#/author") from None
    if author_id == card.person_id:
        raise OwnCard.at("#/author")
    wish_id = uuid4()
    identity = {"id": wish_id, "card_id": card_id}
    await queries.add_wish(session, identity | {"author_id": author_id, "text": wanted.text})
    written = await queries.wishes(session, [card_id])
    return represent_wish(next(wish for wish in written if wish.id == wish_id))


async def delete_wish(session: TenantSession, card_id: UUID, wish_id: UUID) -> None:
    await find_open_card(session, card_id)
    if not await queries.delete_wish(session, card_id, wish_id):
        raise NotFound


async def order_preview(session: TenantSession, card_id: UUID) -> Order:
    """As it would be sent now."""
    card = await find_card(session, card_id)
    organization = await find_organization(session)
    occurrence = await current_occurrence(session, organization, card)
    language = language_of(occurrence.locale if occurrence else None, organization.locale)
    return await order_of(session, organization, card, card.name, language)


# ------------------------------------------------------------------ templates


def represent_template(row: CardTemplate) -> schemas.CardTemplate:
    return schemas.CardTemplate.model_validate({**row.model_dump(), "is_built_in": False})


def represent_built_in(key: str) -> schemas.CardTemplate:
    kind, language = shipped()[key]
    content = vars(built_in(kind, language))
    return schemas.CardTemplate(
        key=key, kind=kind, language=language, is_built_in=True, created_at=None, updated_at=None, **content
    )


async def find_template(session: TenantSession, key: str) -> schemas.CardTemplate:
    """The organisation's own, or else the shipped one of that key."""
    row = await queries.template(session, key)
    if row is not None:
        return represent_template(row)
    if key not in shipped():
        raise NotFound(f"There is no card template {key}: check the key, or create it first.")
    return represent_built_in(key)


async def put_template(
    session: TenantSession,
    key: str,
    wanted: schemas.CardTemplateWrite,
    conditions: Preconditions,
) -> tuple[schemas.CardTemplate, bool]:
    """The template, and whether it is new; `refuse_faulty` has tried it."""
    is_new = await refuse_misplaced(session, key, wanted, conditions)
    identity = {"key": key}
    await queries.put_template(session, identity | wanted.model_dump(exclude=READ_ONLY | {"key"}))
    row = await queries.template(session, key)
    assert row is not None
    return represent_template(row), is_new


async def refuse_misplaced(
    session: TenantSession,
    key: str,
    wanted: schemas.CardTemplateWrite,
    conditions: Preconditions,
) -> bool:
    """Whatever the template is like; whether it would be a new one."""
    require_identifier(wanted, "key", key)
    earlier = await queries.template(session, key)
    conditions.check(represent_template(earlier) if earlier else None)
    rival = await queries.template_for(session, wanted.kind, wanted.language)
    if rival is not None and rival.key != key:
        raise TemplateTaken(
            f"There is another template for this kind and language: change or delete {rival.key}."
        )
    return earlier is None


async def refuse_faulty(wanted: schemas.CardTemplateWrite, whose: UUID) -> None:
    """Fills it in with few words and with many."""
    template = Template(wanted.subject, wanted.html, wanted.text, wanted.picture)
    try:
        for occasion in trials(wanted.kind):
            await printed(template, occasion, whose)
    except TemplateRefused as error:
        raise TemplateFaulty(f"The template cannot be used: {error}.", code=error.code) from None


def trials(kind: CardKind) -> Iterable[Occasion]:
    wishes = [Wish("Bob", "<b>Proost</b> & tot straks")] * 3
    for name in TRIAL_NAMES:
        yield Occasion(kind, name, "Acme", "Sanne & Tim", "dochter", "12,5", True, wishes)
        yield Occasion(kind, name, "Acme", None, None, None, False, [])


async def preview_template(found: schemas.CardTemplate, whose: UUID) -> Rendered:
    template = Template(found.subject, found.html, found.text, found.picture)
    try:
        return await printed(template, next(iter(trials(found.kind))), whose)
    except TemplateRefused as error:
        raise TemplateOutdated(f"This template can no longer be used: {error}. Put a new one.") from None


async def delete_template(session: TenantSession, key: str, conditions: Preconditions) -> None:
    row = await queries.template(session, key)
    if row is None:
        raise NotFound
    conditions.check(represent_template(row))
    await queries.delete_template(session, key)
