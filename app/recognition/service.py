from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import date, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4
from zoneinfo import ZoneInfo

from app.core.batches import Done, Effect
from app.core.conditional import Preconditions
from app.core.database import Row, TenantSession
from app.core.errors import AppError, Conflict, Fault, NotFound, Unprocessable, pointer
from app.core.fairness import in_turns, slices
from app.core.outbox import announce_each
from app.organizations.errors import UnknownTeam
from app.organizations.queries import organization
from app.people.persons.errors import UnknownPerson, no_person
from app.people.teams.queries import team_and_below
from app.recognition import queries, rules
from app.recognition.counts.queries import count_new, numbers_of, recounted
from app.recognition.queries import Filters, NewEvent
from app.recognition.schemas import (
    PersonRecognition,
    Reaction,
    Recognition,
    RecognitionPatch,
    RecognitionWrite,
)
from app.recognition.words import words
from app.tables import Organization

USUAL_MONTHS, MOST_MONTHS = 3, 24
CLOCK_SKEW = timedelta(minutes=5)
"""How far a sender's clock may be ahead of ours."""
READ_ONLY = {"id", "reactions", "created_at", "edited_at"}


class SelfRecognition(Unprocessable):
    code = "self_recognition"
    detail = "People cannot recognise themselves: remove the giver from the receivers."


class OccurredInFuture(Unprocessable):
    code = "occurred_in_future"
    detail = "This has not happened yet: check the sender's clock and time zone."


class UnknownValue(Unprocessable):
    code = "unknown_value"
    detail = "This is not one of the organisation's values: send one of recognition_values, or null."


class UnknownRecognition(Unprocessable):
    code = "unknown_recognition"
    detail = "There is no event with this id to reply to: it may have been deleted."


class DailyLimitReached(Conflict):
    code = "daily_limit_reached"
    detail = "The giver has reached the organisation's daily limit for that day: record it for another day."


class EditWindowClosed(Conflict):
    code = "edit_window_closed"
    detail = "This event can no longer be changed: delete it and record another."


class TooManyMonths(Unprocessable):
    code = "bad_range"
    detail = (
        f"This range cannot be read: ask for at most {MOST_MONTHS} begun months, with from no later than to."
    )


class EventIdTaken(Conflict):
    code = "external_id_conflict"
    detail = (
        "Another event has this external_id, or it was changed since: send another one, or delete the event."
    )


def represent(row: Row[Any]) -> Recognition:
    return Recognition.model_validate(row, from_attributes=True)


def no_event(event_id: UUID) -> NotFound:
    return NotFound(f"There is no recognition event {event_id}.")


async def read_event(session: TenantSession, event_id: UUID) -> Recognition:
    row = await queries.event(session, event_id)
    if row is None:
        raise no_event(event_id)
    return represent(row)


async def find_events(
    session: TenantSession,
    filters: Filters,
    after: tuple[datetime, UUID] | None,
    limit: int,
) -> Sequence[Row[Any]]:
    team_ids = None
    if filters.team is not None:
        team_ids = await team_and_below(session, filters.team)
        if not team_ids:
            raise UnknownTeam.parameter("team")
    return await queries.events_before(session, filters, team_ids, after, limit)


# ------------------------------------------------------------------------------------------ recording


async def record_one(
    session: TenantSession, wanted: RecognitionWrite, now: datetime
) -> tuple[Recognition, Effect]:
    [outcome] = await record(session, [wanted], now)
    if isinstance(outcome, AppError):
        raise outcome
    assert outcome.id is not None
    return await read_event(session, outcome.id), outcome.effect


async def record(
    session: TenantSession, wanted: Sequence[RecognitionWrite | AppError], now: datetime
) -> list[Done | AppError]:
    """Stores what is good, in slices of one transaction; an outcome for each of `wanted`."""
    settings = await organization(session)
    checked = await in_turns(lambda item: _checked(item, settings, now), wanted)
    people = await queries.lock_people(session, _named_in(checked))
    answered = await queries.known_events(session, _answered_by(checked))
    known = await in_turns(lambda item: _with_what_is_there(item, people, answered), checked)
    good = [item for item in known if not isinstance(item, AppError)]
    stored = iter(await _store(session, settings, good, people, now))
    return [item if isinstance(item, AppError) else next(stored) for item in known]


def _checked(
    item: RecognitionWrite | AppError, settings: Organization, now: datetime
) -> RecognitionWrite | AppError:
    if isinstance(item, AppError):
        return item
    if item.giver in item.receivers:
        return SelfRecognition.at(pointer("receivers", item.receivers.index(item.giver)))
    if item.occurred_at is not None and item.occurred_at > now + CLOCK_SKEW:
        return OccurredInFuture.at("#/occurred_at")
    if not _is_value(item.value, settings):
        return UnknownValue.at("#/value")
    return item


def _is_value(value: str | None, settings: Organization) -> bool:
    return value is None or settings.recognition_values is None or value in settings.recognition_values


def _named_in(items: Iterable[RecognitionWrite | AppError]) -> set[str]:
    good = [item for item in items if not isinstance(item, AppError)]
    return {name for item in good for name in (item.giver, *item.receivers)}


def _answered_by(items: Iterable[RecognitionWrite | AppError]) -> set[UUID]:
    return {item.reply_to for item in items if not isinstance(item, AppError) and item.reply_to is not None}


def _with_what_is_there(
    item: RecognitionWrite | AppError, people: Mapping[str, UUID], events: Collection[UUID]
) -> RecognitionWrite | AppError:
    if isinstance(item, AppError):
        return item
    places = {"#/giver": item.giver} | {
        pointer("receivers", index): name for index, name in enumerate(item.receivers) if name not in people
    }
    faults = [
        Fault(UnknownPerson.code, UnknownPerson.detail, pointer=place)
        for place, name in places.items()
        if name not in people
    ]
    if faults:
        return UnknownPerson(errors=faults)
    if item.reply_to is not None and item.reply_to not in events:
        return UnknownRecognition.at("#/reply_to")
    return item


async def _store(
    session: TenantSession,
    settings: Organization,
    items: Sequence[RecognitionWrite],
    people: Mapping[str, UUID],
    now: datetime,
) -> list[Done | AppError]:
    events = await in_turns(lambda item: _new_event(item, settings, people, now), items)
    if settings.recognition_daily_limit is not None:
        await queries.hold_givers(session, {event.giver_id for event in events})
    stored: set[UUID] = set()
    excess: set[UUID] = set()
    for some in slices(events):
        stored |= await queries.insert_events(session, some)
        excess |= await _take_back_beyond_limit(session, settings, [e for e in some if e.id in stored])
        await queries.insert_receivers(session, [e for e in some if e.id in stored - excess])
    kept = [event for event in events if event.id in stored - excess]
    await count_new(session, [event.id for event in kept])
    told = [{"recognition_id": event.id, "visibility": event.visibility} for event in kept]
    await announce_each(session, "recognition.created", told)
    repeated = {e.external_id for e in events if e.external_id is not None and e.id not in stored}
    earlier = await queries.events_by_external_id(session, repeated)
    return [
        DailyLimitReached.at("#/giver")
        if event.id in excess
        else Done(Effect.CREATED, event.id)
        if event.id in stored
        else _compared(item, earlier[str(item.external_id)])
        for item, event in zip(items, events, strict=True)
    ]


def _new_event(
    item: RecognitionWrite, settings: Organization, people: Mapping[str, UUID], now: datetime
) -> NewEvent:
    occurred_at = item.occurred_at or now
    return NewEvent(
        id=uuid4(),
        external_id=item.external_id,
        giver_id=people[item.giver],
        receiver_ids=[people[name] for name in item.receivers],
        message=item.message,
        value=item.value,
        visibility=item.visibility,
        source=item.source,
        reply_to_id=item.reply_to,
        occurred_at=occurred_at,
        occurred_on=occurred_at.astimezone(ZoneInfo(settings.time_zone)).date(),
        specificity=_specificity(item.message, item.value, settings),
    )


def _specificity(message: str, value: str | None, settings: Organization) -> int:
    return rules.specificity(message, value, settings.recognition_values or (), words())


async def _take_back_beyond_limit(
    session: TenantSession, settings: Organization, new: Sequence[NewEvent]
) -> set[UUID]:
    """Deletes the last of the new events of a giver's day that are too many, and says which.

    Only what is new is counted against them: an event sent again is none, and that shows when it is stored.
    """
    if settings.recognition_daily_limit is None or not new:
        return set()
    given = await queries.given_on(session, {(e.giver_id, e.occurred_on) for e in new})
    left = Counter({key: count - settings.recognition_daily_limit for key, count in given.items()})
    excess = set()
    for event in reversed(new):
        key = (event.giver_id, event.occurred_on)
        if left[key] > 0:
            left[key] -= 1
            excess.add(event.id)
    await queries.delete_events(session, excess)
    return excess


def _compared(item: RecognitionWrite, earlier: Row[Any]) -> Done | AppError:
    """A repeat of what is stored changes nothing; a sender who leaves the time to us repeats any time."""
    left_to_us = READ_ONLY | ({"occurred_at"} if item.occurred_at is None else set())
    sent = item.model_dump(exclude=left_to_us)
    if sent == {name: getattr(earlier, name) for name in sent}:
        return Done(Effect.UNCHANGED, earlier.id)
    return EventIdTaken.at("#/external_id")


# ------------------------------------------------------------------------------ changing and deleting


async def edit_event(
    session: TenantSession,
    event_id: UUID,
    patch: RecognitionPatch,
    conditions: Preconditions,
    now: datetime,
) -> Recognition:
    """The event with another message or value, as long as the organisation lets it be changed."""
    held = await queries.hold_event(session, event_id)
    current = await read_event(session, event_id)
    conditions.check(current)
    wanted = {"message": current.message, "value": current.value} | patch.model_dump(exclude_unset=True)
    if wanted == {"message": current.message, "value": current.value}:
        return current
    settings = await organization(session)
    if held is None or not rules.may_be_edited(held.created_at, now, settings.recognition_edit_minutes):
        raise EditWindowClosed
    if wanted["value"] != current.value and not _is_value(wanted["value"], settings):
        raise UnknownValue.at("#/value")
    wanted |= {"specificity": _specificity(**wanted, settings=settings), "edited_at": now}
    async with recounted(session, [event_id]):
        await queries.change_event(session, event_id, wanted)
    return await read_event(session, event_id)


async def delete_event(session: TenantSession, event_id: UUID, conditions: Preconditions) -> None:
    await queries.hold_event(session, event_id)
    conditions.check(await read_event(session, event_id))
    async with recounted(session, [event_id]):
        await queries.delete_events(session, [event_id])


async def erase_person(session: TenantSession, person_id: UUID) -> None:
    """Deletes what the person gave and takes them out of what they received; events left empty go too."""
    concerned = await queries.hold_events_of(session, person_id)
    given = [row.id for row in concerned if row.giver_id == person_id]
    async with recounted(session, [row.id for row in concerned]):
        await queries.delete_events(session, given)
        alone = await queries.remove_receiver(session, person_id)
        await queries.delete_events(session, alone)


# -------------------------------------------------------------------------------------------- numbers


async def months_asked_for(
    session: TenantSession, first: date | None, last: date | None, now: datetime
) -> tuple[date, date, date]:
    """Today, and the whole months from `first` to `last`; where these are left out, the last three."""
    zone = ZoneInfo((await organization(session)).time_zone)
    today = now.astimezone(zone).date()
    last = last or today
    first = first or rules.months_before(last, USUAL_MONTHS - 1)
    begin, end = rules.whole_months(first, last)
    if first > last or begin > today or rules.months_from(begin, end) > MOST_MONTHS:
        raise TooManyMonths.parameter("to")
    return today, begin, end


async def own_numbers(session: TenantSession, person: str, first: date, last: date) -> PersonRecognition:
    people = await queries.lock_people(session, [person])
    if person not in people:
        raise no_person(person)
    row = await numbers_of(session, people[person], first, last)
    return PersonRecognition.model_validate({"person": person, "from": first, "to": last, **row._mapping})


# ------------------------------------------------------------------------------------------ reactions


async def react(session: TenantSession, event_id: UUID, person: str, kind: str) -> tuple[Reaction, bool]:
    """The reaction, and whether it is new."""
    key = await _reaction_key(session, event_id, person, kind)
    is_new = await queries.add_reaction(session, key)
    created_at = await queries.reacted_at(session, key)
    return Reaction(person=person, kind=kind, created_at=created_at), is_new


async def take_reaction_back(session: TenantSession, event_id: UUID, person: str, kind: str) -> None:
    key = await _reaction_key(session, event_id, person, kind)
    if not await queries.delete_reaction(session, key):
        raise NotFound(f"{person} has no reaction {kind} to this event.")


async def _reaction_key(session: TenantSession, event_id: UUID, person: str, kind: str) -> dict[str, object]:
    """What it is stored under; event and person cannot be deleted before this transaction ends."""
    people = await queries.lock_people(session, [person])
    if person not in people:
        raise no_person(person)
    if not await queries.known_events(session, [event_id]):
        raise no_event(event_id)
    return {
        "recognition_id": event_id,
        "person_id": people[person],
        "kind": kind,
    }
