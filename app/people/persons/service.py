from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from datetime import date
from typing import Any
from uuid import UUID

from app.core import audit
from app.core.audit import person_mark
from app.core.batches import (
    BatchResult,
    Done,
    Effect,
    batch_result,
    parse_in_turns,
    refuse_repeats,
)
from app.core.conditional import Preconditions
from app.core.database import RowMapping, TenantSession
from app.core.errors import AppError, validated
from app.core.outbox import announce_each
from app.core.patches import require_identifier
from app.core.secrets import Keyring
from app.organizations.errors import UnknownTeam
from app.people import queries as people_queries
from app.people.addresses import service as addresses
from app.people.history import queries as history_queries
from app.people.history import rules
from app.people.history.rules import Earlier, Held, Period
from app.people.history.service import Change, Move, keep_earlier, keep_pasts, keep_periods
from app.people.persons import queries, schemas
from app.people.persons.errors import (
    EffectiveInFuture,
    EndsBeforeStarts,
    OwnManager,
    PersonErased,
    PersonIdTaken,
    PersonInUse,
    no_person,
)
from app.people.persons.queries import PersonRecord
from app.people.queries import ListKey, ListPart
from app.people.service import patched
from app.people.teams import queries as teams_queries

Effective = Mapping[str, date]
"""From which day on the change of a person holds, where that was said; else from today."""


def represent_person(row: RowMapping, earlier: Sequence[Period]) -> schemas.Person:
    present = Period(row["starts_on"], row["ends_on"])
    derived = {
        "active": row["is_active"],
        "unresolved": ["manager"] * row["is_manager_unknown"] + ["email"] * row["is_address_shared"],
        "employments": [period._asdict() for period in (*earlier, present)],
    }
    return schemas.Person.model_validate({**row, **derived})


async def person_keys(
    session: TenantSession, window: ListPart, team: str | None, as_of: date | None, email: str | None = None
) -> list[ListKey]:
    if team and not await teams_queries.teams(session, [team]):
        raise UnknownTeam.parameter("team", f"There is no team {team}.")
    return await queries.person_keys(session, window, team, as_of, email)


async def read_people(
    session: TenantSession, external_ids: Sequence[str], as_of: date | None = None
) -> dict[str, schemas.Person]:
    """As they are, or with team, manager and segments as they were on a day."""
    rows = await queries.people(session, external_ids)
    earlier = await history_queries.earlier_employments(session, [row["id"] for row in rows])
    found = {row["external_id"]: represent_person(row, earlier[row["id"]]) for row in rows}
    return found if as_of is None else await _as_they_were(session, rows, found, as_of)


async def _as_they_were(
    session: TenantSession,
    rows: Sequence[RowMapping],
    present: Mapping[str, schemas.Person],
    day: date,
) -> dict[str, schemas.Person]:
    pasts = await history_queries.pasts(session, [row["id"] for row in rows], day)
    held = {row["external_id"]: rules.held_on(pasts[row["id"]], held_of(row), day) for row in rows}
    managers = {one.manager for one in held.values() if one.manager is not None}
    known = await queries.people_by_external_ids(session, managers)
    return {
        key: present[key].model_copy(
            update={
                **one._asdict(),
                "unresolved": ["manager"] * (one.manager is not None and one.manager not in known)
                + [member for member in present[key].unresolved if member == "email"],
            }
        )
        for key, one in held.items()
    }


async def read_person(session: TenantSession, external_id: str, as_of: date | None = None) -> schemas.Person:
    found = await read_people(session, [external_id], as_of)
    if external_id not in found:
        raise no_person(external_id)
    return found[external_id]


async def put_person(
    session: TenantSession,
    external_id: str,
    body: schemas.PersonWrite,
    conditions: Preconditions,
    keyring: Keyring,
) -> tuple[schemas.Person, bool]:
    """The person, and whether they are new.

    It creates before it looks: of two senders of a new person exactly one finds nobody there.
    """
    require_identifier(body, "external_id", external_id)
    item = validated(schemas.PersonItem, body.model_dump() | {"external_id": external_id})
    record = await _record(session, item)
    created, erased = await _add_or_hold(session, [record], keyring)
    if erased:
        raise PersonErased
    is_new = bool(created)
    conditions.check(None if is_new else await read_person(session, external_id))
    if not is_new:
        await _change_people(session, [record], _effective([item]), keyring)
    return await read_person(session, external_id), is_new


async def update_person(
    session: TenantSession,
    external_id: str,
    patch: schemas.PersonPatch,
    conditions: Preconditions,
    keyring: Keyring,
) -> schemas.Person:
    """An `external_id` that is sent renumbers the person, who stays the same."""
    if await queries.hold_person(session, external_id) is None:
        raise no_person(external_id)
    current = await read_person(session, external_id)
    conditions.check(current)
    item = _patched_item(current, patch)
    record = await _record(session, item)
    await _change_people(session, [record], _effective([item]), keyring)
    number = patch.external_id if "external_id" in patch.model_fields_set else external_id
    if number != external_id:
        await _renumber(session, record, number, keyring)
    return await read_person(session, number)


def _patched_item(current: schemas.Person, patch: schemas.PersonPatch) -> schemas.PersonItem:
    """An address that is not written is not looked at: one from before addresses were may be none."""
    whole = patched(current, patch)
    if "email" in patch.model_fields_set:
        return validated(schemas.PersonItem, whole)
    return validated(schemas.PersonItem, whole | {"email": None}).model_copy(update={"email": current.email})


async def _renumber(session: TenantSession, record: PersonRecord, number: str, keyring: Keyring) -> None:
    if record.manager == number:
        raise OwnManager.at("#/external_id")
    if await queries.people_by_external_ids(session, [number]):
        raise PersonIdTaken.at("#/external_id")
    await queries.renumber_person(session, record.external_id, number)
    if await _erased(session, [number], keyring):
        raise PersonErased
    mark = person_mark(keyring, session.organization_id, number)
    await audit.record_each(session, "renumber_person", people=[mark])
    await people_queries.bury(session, "person", record.external_id)
    await people_queries.exhume(session, "person", [number])


async def put_people(
    session: TenantSession,
    items: Sequence[Any],
    limit: int,
    keyring: Keyring,
    earlier: Mapping[str, Earlier] | None = None,
) -> BatchResult:
    """`earlier` is what is told of anybody's past beside who they are now."""
    read = await parse_in_turns(items, schemas.PersonItem, limit)
    parsed = refuse_repeats(read, lambda item: item.external_id)
    records = await _records(session, parsed)
    good = [record for record in records if not isinstance(record, AppError)]
    created, erased = await _add_or_hold(session, good, keyring)
    held = [record for record in good if record.external_id not in created | erased]
    effective = _effective(item for item in parsed if not isinstance(item, AppError))
    told = {
        key: one
        for key, one in (earlier or {}).items()
        if key in {record.external_id for record in held} | created
    }
    effective = {**await _since_new_contract(session, held, told), **effective}
    changed = await _change_people(session, held, effective, keyring)
    changed |= await _keep_earlier(session, told)
    effects = dict.fromkeys(changed, Effect.UPDATED) | dict.fromkeys(created, Effect.CREATED)
    return batch_result(
        items,
        [
            record
            if isinstance(record, AppError)
            else PersonErased()
            if record.external_id in erased
            else Done(effects.get(record.external_id, Effect.UNCHANGED))
            for record in records
        ],
    )


async def _since_new_contract(
    session: TenantSession, records: Sequence[PersonRecord], told: Mapping[str, Earlier]
) -> dict[str, date]:
    """What is new with a contract holds since its first day."""
    wanted = {record.external_id: record for record in records if record.external_id in told}
    rows = await queries.people(session, list(wanted)) if wanted else ()
    today = await people_queries.today(session) if rows else date.min
    return {
        row["external_id"]: told[row["external_id"]].until
        for row in rows
        if (row["starts_on"] or date.min) < told[row["external_id"]].until <= today
        and held_of(row) != held_of(wanted[row["external_id"]])
    }


async def _keep_earlier(session: TenantSession, told: Mapping[str, Earlier]) -> set[str]:
    """Who of them now has another past."""
    ids = await queries.people_by_external_ids(session, told.keys()) if told else {}
    names = {person_id: external_id for external_id, person_id in ids.items()}
    changed = await keep_earlier(session, {ids[key]: one for key, one in told.items()}) if ids else set()
    return {names[person_id] for person_id in changed}


async def end_employment(session: TenantSession, external_ids: Sequence[str], on: date) -> int:
    """Makes `on` the last day employed, or the first where that is later; how many it changed."""
    await queries.hold_people(session, external_ids)
    held = await queries.people(session, external_ids)
    records = [queries.record_of(row)._replace(ends_on=max(on, row["starts_on"] or on)) for row in held]
    return len(await _change_people(session, records, {}))


async def _erased(session: TenantSession, external_ids: Collection[str], keyring: Keyring) -> set[str]:
    """Who of them was erased. Asked after writing: an erasure under way was waited for, and is seen now."""
    marks = {
        person_mark(keyring, session.organization_id, external_id): external_id
        for external_id in external_ids
    }
    found = await queries.erased_marks(session, marks.keys()) if marks else set()
    return {marks[mark] for mark in found}


async def join_team(session: TenantSession, external_ids: Collection[str], team: str) -> None:
    """Moves people, from wherever they are."""
    await queries.hold_people(session, external_ids)
    teams = await teams_queries.hold_teams(session, [team])
    held = await queries.people(session, list(external_ids))
    moved = [queries.record_of(row)._replace(team_id=teams[team]) for row in held]
    await _change_people(session, moved, {})


async def leave_team(session: TenantSession, external_ids: Collection[str], team: str) -> None:
    """Leaves alone whoever is elsewhere by now."""
    await queries.hold_people(session, external_ids)
    held = await queries.people(session, list(external_ids))
    moved = [queries.record_of(row)._replace(team_id=None) for row in held if row["team"] == team]
    await _change_people(session, moved, {})


async def _record(session: TenantSession, item: schemas.PersonItem) -> PersonRecord:
    [record] = await _records(session, [item])
    if isinstance(record, AppError):
        raise record
    return record


async def _records(
    session: TenantSession, parsed: Sequence[schemas.PersonItem | AppError]
) -> list[PersonRecord | AppError]:
    """Each person as they would be stored, or why they cannot be; the teams named are held."""
    named = {item.team for item in parsed if not isinstance(item, AppError) and item.team}
    teams = await teams_queries.hold_teams(session, named)
    is_dated = any(not isinstance(item, AppError) and item.effective_on for item in parsed)
    today = await people_queries.today(session) if is_dated else None
    return [
        item if isinstance(item, AppError) else _flaw(item, teams, today) or _as_stored(item, teams)
        for item in parsed
    ]


def _flaw(item: schemas.PersonItem, teams: Collection[str], today: date | None) -> AppError | None:
    if item.effective_on and today and item.effective_on > today:
        return EffectiveInFuture.at("#/effective_on")
    if item.team and item.team not in teams:
        return UnknownTeam.at("#/team", f"There is no team {item.team}.")
    if item.manager == item.external_id:
        return OwnManager.at("#/manager")
    if item.starts_on and item.ends_on and item.ends_on < item.starts_on:
        return EndsBeforeStarts.at("#/ends_on")
    return None


def _as_stored(item: schemas.PersonItem, teams: Mapping[str, UUID]) -> PersonRecord:
    own = item.model_dump(include=set(PersonRecord._fields))
    return PersonRecord(**own, team_id=teams[item.team] if item.team else None, is_active=item.active)


def _effective(items: Iterable[schemas.PersonItem]) -> Effective:
    return {item.external_id: item.effective_on for item in items if item.effective_on is not None}


def held_of(person: RowMapping | PersonRecord) -> Held:
    record = person if isinstance(person, PersonRecord) else queries.record_of(person)
    return Held(record.team, record.manager, record.segments)


async def _add_or_hold(
    session: TenantSession, records: Sequence[PersonRecord], keyring: Keyring
) -> tuple[set[str], set[str]]:
    """Adds who is not there and holds who is; says whom it added, and whom not because they were erased."""
    added = set(await queries.add_or_hold_people(session, records))
    erased = await _erased(session, added, keyring)
    if erased:
        await queries.take_back(session, erased)
    created = added - erased
    told = [{"external_id": record.external_id} for record in records if record.external_id in created]
    await announce_each(session, "person.created", told)
    return created, erased


async def _change_people(
    session: TenantSession,
    records: Sequence[PersonRecord],
    effective: Effective,
    keyring: Keyring | None = None,
) -> set[str]:
    """Makes people who are held as they are wanted; says whom that changed. Addresses need the keyring."""
    wanted = {record.external_id: record for record in records}
    held = await queries.people(session, list(wanted))
    rewritten = await keep_pasts(session, {row["id"]: _change(row, wanted, effective) for row in held})
    changed = [
        row for row in held if queries.record_of(row) != wanted[row["external_id"]] or row["id"] in rewritten
    ]
    if changed:
        await keep_periods(session, {row["id"]: _move(row, wanted) for row in changed})
        await queries.change_people(session, [wanted[row["external_id"]] for row in changed])
        await _note_doors(session, changed, wanted, keyring)
        await _tell_of_changes(session, changed, wanted)
    return {row["external_id"] for row in changed}


def _change(row: RowMapping, wanted: Mapping[str, PersonRecord], effective: Effective) -> Change:
    key = row["external_id"]
    return Change(held_of(row), held_of(wanted[key]), effective.get(key))


def _move(row: RowMapping, wanted: Mapping[str, PersonRecord]) -> Move:
    record = wanted[row["external_id"]]
    return Move(Period(row["starts_on"], row["ends_on"]), Period(record.starts_on, record.ends_on))


async def _note_doors(
    session: TenantSession,
    before: Sequence[RowMapping],
    wanted: Mapping[str, PersonRecord],
    keyring: Keyring | None,
) -> None:
    """What opens a door is in the audit log if it changes; an address of before is told besides."""
    for action, is_opened in DOORS.items():
        changed = [row["external_id"] for row in before if is_opened(row, wanted[row["external_id"]])]
        if changed:
            assert keyring is not None, "who writes them has the keyring for the log"
            marks = [person_mark(keyring, session.organization_id, one) for one in changed]
            await audit.record_each(session, action, people=marks)
    old = {row["id"]: row["email"] for row in before if row["email"] is not None}
    new = {row["id"]: wanted[row["external_id"]].email or "" for row in before}
    await addresses.tell(session, {key: one for key, one in old.items() if one.lower() != new[key].lower()})


def _is_back(before: RowMapping, after: PersonRecord) -> bool:
    """Whether somebody who has left, or will, is employed again or for longer: keys in their name open."""
    is_longer = after.ends_on is None or after.ends_on > (before["ends_on"] or after.ends_on)
    return after.is_active and (not before["is_active"] or (before["ends_on"] is not None and is_longer))


DOORS: Mapping[str, Callable[[RowMapping, PersonRecord], bool]] = {
    "change_address": lambda before, after: before["email"] != after.email,
    "change_manager": lambda before, after: before["manager"] != after.manager,
    "reinstate_person": _is_back,
}
"""By its name in the audit log, each change that lets somebody see what they did not, or as somebody else."""


async def _tell_of_changes(
    session: TenantSession,
    before: Sequence[RowMapping],
    wanted: Mapping[str, PersonRecord],
) -> None:
    after = [wanted[row["external_id"]] for row in before]
    updated = [{"external_id": record.external_id} for record in after]
    left = [
        {"external_id": record.external_id, "ends_on": record.ends_on}
        for row, record in zip(before, after, strict=True)
        if _leaves(row, record)
    ]
    await announce_each(session, "person.updated", updated)
    await announce_each(session, "person.left", left)


def _leaves(before: RowMapping, after: PersonRecord) -> bool:
    has_new_last_day = after.ends_on is not None and after.ends_on != before["ends_on"]
    return has_new_last_day or (before["is_active"] and not after.is_active)


async def delete_person(session: TenantSession, external_id: str, conditions: Preconditions) -> None:
    person_id = await queries.hold_person(session, external_id)
    if person_id is None:
        raise no_person(external_id)
    conditions.check(await read_person(session, external_id))
    if await queries.is_person_in_use(session, person_id):
        raise PersonInUse
    await queries.delete_person(session, person_id)
    await people_queries.bury(session, "person", external_id)
