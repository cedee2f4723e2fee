from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

from sqlalchemy import Row
from sqlalchemy.ext.asyncio import AsyncSession

from app.core.batches import Done, Effect
from app.core.errors import AppError, Conflict, Fault, NotFound, Unprocessable, pointer
from app.recognition import queries
from app.recognition.queries import NewEvent
from app.recognition.schemas import Recognition, RecognitionWrite

CLOCK_SKEW = timedelta(minutes=5)
"""How far a sender's clock may be ahead of ours."""


class SelfRecognition(Unprocessable):
    code = "self_recognition"
    detail = "Nobody recognises himself: leave the giver out of the receivers."


class OccurredInFuture(Unprocessable):
    code = "occurred_in_future"
    detail = "This has not happened yet: check the sender's clock and time zone."


class UnknownPerson(Unprocessable):
    code = "unknown_person"
    detail = "Nobody has this identifier: send the person first."


class ExternalIdConflict(Conflict):
    code = "external_id_conflict"
    detail = "Another event has this external_id: events do not change, so take a new one or delete the old."


def represent(row: Row[Any]) -> Recognition:
    return Recognition.model_validate(row, from_attributes=True)


async def read_event(session: AsyncSession, organization_id: UUID, event_id: UUID) -> Recognition:
    row = await queries.event(session, organization_id, event_id)
    if row is None:
        raise NotFound(f"There is no recognition event {event_id}.")
    return represent(row)


async def record_one(
    session: AsyncSession, organization_id: UUID, wanted: RecognitionWrite, now: datetime
) -> tuple[Recognition, Effect]:
    [outcome] = await record(session, organization_id, [wanted], now)
    if isinstance(outcome, AppError):
        raise outcome
    assert outcome.id is not None
    return await read_event(session, organization_id, outcome.id), outcome.effect


async def record(
    session: AsyncSession, organization_id: UUID, wanted: Sequence[RecognitionWrite | AppError], now: datetime
) -> list[Done | AppError]:
    """Stores what is good, in a constant number of statements; an outcome for each of `wanted`."""
    checked = [_checked(item, now) for item in wanted]
    people = await queries.lock_people(session, organization_id, _named_in(checked))
    known = [_with_known_people(item, people) for item in checked]
    good = [item for item in known if not isinstance(item, AppError)]
    stored = iter(await _store(session, organization_id, good, people, now))
    return [item if isinstance(item, AppError) else next(stored) for item in known]


def _checked(item: RecognitionWrite | AppError, now: datetime) -> RecognitionWrite | AppError:
    if isinstance(item, AppError):
        return item
    if item.giver in item.receivers:
        return SelfRecognition.at(pointer("receivers", item.receivers.index(item.giver)))
    if item.occurred_at is not None and item.occurred_at > now + CLOCK_SKEW:
        return OccurredInFuture.at("#/occurred_at")
    return item


def _named_in(items: Iterable[RecognitionWrite | AppError]) -> set[str]:
    good = [item for item in items if not isinstance(item, AppError)]
    return {name for item in good for name in (item.giver, *item.receivers)}


def _with_known_people(
    item: RecognitionWrite | AppError, people: Mapping[str, UUID]
) -> RecognitionWrite | AppError:
    if isinstance(item, AppError):
        return item
    places = {"#/giver": item.giver} | {
        pointer("receivers", index): name for index, name in enumerate(item.receivers)
    }
    faults = [
        Fault(UnknownPerson.code, UnknownPerson.detail, pointer=place)
        for place, name in places.items()
        if name not in people
    ]
    return UnknownPerson(errors=faults) if faults else item


async def _store(
    session: AsyncSession,
    organization_id: UUID,
    items: Sequence[RecognitionWrite],
    people: Mapping[str, UUID],
    now: datetime,
) -> list[Done | AppError]:
    events = [_new_event(item, people, now) for item in items]
    stored = await queries.insert_events(session, organization_id, events)
    await queries.insert_receivers(session, organization_id, [e for e in events if e.id in stored])
    repeated = {e.external_id for e in events if e.external_id is not None and e.id not in stored}
    earlier = await queries.events_by_external_id(session, organization_id, repeated)
    return [
        Done(Effect.CREATED, event.id)
        if event.id in stored
        else _compared(item, earlier[str(item.external_id)])
        for item, event in zip(items, events, strict=True)
    ]


def _new_event(item: RecognitionWrite, people: Mapping[str, UUID], now: datetime) -> NewEvent:
    return NewEvent(
        id=uuid4(),
        external_id=item.external_id,
        giver_id=people[item.giver],
        receiver_ids=[people[name] for name in item.receivers],
        message=item.message,
        value=item.value,
        visibility=item.visibility,
        occurred_at=item.occurred_at or now,
    )


def _compared(item: RecognitionWrite, earlier: Row[Any]) -> Done | AppError:
    """A repeat of what is stored changes nothing; a sender who leaves the time to us repeats any time."""
    left_to_us = {"id", "created_at"} | ({"occurred_at"} if item.occurred_at is None else set())
    sent = item.model_dump(exclude=left_to_us)
    if sent == {name: getattr(earlier, name) for name in sent}:
        return Done(Effect.UNCHANGED, earlier.id)
    return ExternalIdConflict.at("#/external_id")
