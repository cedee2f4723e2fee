from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import date, datetime, timedelta
from typing import Any, TypeVar
from uuid import UUID, uuid4

from sqlalchemy import RowMapping

from app.core.audit import person_mark
from app.core.batches import (
    BatchResult,
    DependsOnFailedRow,
    Done,
    Effect,
    batch_result,
    external_id_of,
    parse_items,
    refuse_repeats,
)
from app.core.conditional import Preconditions
from app.core.database import TenantSession
from app.core.errors import AppError, IdentifierMismatch, NotFound, Unprocessable, validated
from app.core.outbox import announce_each
from app.core.secrets import Keyring
from app.organizations.queries import TOMBSTONE_DAYS
from app.people import queries, rules, schemas
from app.people.errors import (
    EffectiveInFuture,
    EndsBeforeStarts,
    OwnManager,
    PersonErased,
    PersonIdTaken,
    PersonInUse,
    TeamCycle,
    TeamInUse,
    TeamTooDeep,
    UnknownParent,
    UnknownTeam,
)
from app.people.queries import Key, PersonRecord, TeamNode, Window
from app.people.rules import Held, Past, Period, Refusal

READ_ONLY = {"external_id", "unresolved", "employments", "created_at", "updated_at"}
Effective = Mapping[str, date]
"""From which day on the change of a person holds, where that was said; else from today."""
Listed = TypeVar("Listed", schemas.Team, schemas.Person)
AnyWrite = schemas.TeamWrite | schemas.TeamPatch | schemas.PersonWrite | schemas.PersonPatch


REFUSALS: dict[Refusal, type[Unprocessable]] = {
    Refusal.UNKNOWN_PARENT: UnknownParent,
    Refusal.FAILED_PARENT: DependsOnFailedRow,
    Refusal.CYCLE: TeamCycle,
    Refusal.TOO_DEEP: TeamTooDeep,
}


def no_team(external_id: str) -> NotFound:
    return NotFound(f"There is no team {external_id}.")


def no_person(external_id: str) -> NotFound:
    return NotFound(f"There is no person {external_id}: check the identifier, or create the person first.")


def require_identifier(sent: AnyWrite, external_id: str) -> None:
    """A body may repeat the identifier of its path, and may not have another."""
    if "external_id" in sent.model_fields_set and sent.external_id != external_id:
        raise IdentifierMismatch.at("#/external_id")


def window(after: str | None, updated_after: datetime | None, now: datetime, limit: int) -> Window:
    oldest = now - timedelta(days=TOMBSTONE_DAYS)
    return Window(after, updated_after, updated_after and max(updated_after, oldest), limit)


def listed(keys: Iterable[Key], found: Mapping[str, Listed]) -> list[Listed | schemas.DeletedRecord]:
    """In the order of the keys; without what was deleted since they were read."""
    items: list[Listed | schemas.DeletedRecord] = []
    for key in keys:
        if key.deleted_at:
            items.append(schemas.DeletedRecord(external_id=key.external_id, deleted_at=key.deleted_at))
        elif key.external_id in found:
            items.append(found[key.external_id])
    return items


# ---------------------------------------------------------------------------------------------- teams


def represent_team(row: RowMapping) -> schemas.Team:
    unresolved = ["lead"] if row["is_lead_unknown"] else []
    return schemas.Team.model_validate({**row, "unresolved": unresolved})


async def read_teams(session: TenantSession, external_ids: Sequence[str]) -> dict[str, schemas.Team]:
    rows = await queries.teams(session, external_ids)
    return {row["external_id"]: represent_team(row) for row in rows}


async def read_team(session: TenantSession, external_id: str) -> schemas.Team:
    found = await read_teams(session, [external_id])
    if external_id not in found:
        raise no_team(external_id)
    return found[external_id]


async def put_team(
    session: TenantSession,
    external_id: str,
    body: schemas.TeamWrite,
    conditions: Preconditions,
) -> tuple[schemas.Team, bool]:
    """The team, and whether it is new."""
    require_identifier(body, external_id)
    item = validated(schemas.TeamItem, body.model_dump() | {"external_id": external_id})
    await queries.hold_team_tree(session)
    current = await read_teams(session, [external_id])
    conditions.check(current.get(external_id))
    effect = await _store_team(session, item)
    return await read_team(session, external_id), effect is Effect.CREATED


async def update_team(
    session: TenantSession,
    external_id: str,
    patch: schemas.TeamPatch,
    conditions: Preconditions,
) -> schemas.Team:
    require_identifier(patch, external_id)
    await queries.hold_team_tree(session)
    current = await read_team(session, external_id)
    conditions.check(current)
    await _store_team(session, validated(schemas.TeamItem, _patched(current, patch)))
    return await read_team(session, external_id)


def _patched(current: schemas.Team | schemas.Person, patch: AnyWrite) -> dict[str, Any]:
    sent = patch.model_dump(exclude_unset=True, exclude=READ_ONLY)
    return rules.merge_patch(current.model_dump(), sent)


async def _store_team(session: TenantSession, item: schemas.TeamItem) -> Effect:
    [outcome] = await _store_teams(session, [item], failed=())
    if isinstance(outcome, AppError):
        raise outcome
    return outcome.effect


async def put_teams(session: TenantSession, items: Sequence[Any], limit: int) -> BatchResult:
    parsed = refuse_repeats(parse_items(items, schemas.TeamItem, limit), lambda item: item.external_id)
    pairs = zip(items, parsed, strict=True)
    failed = [external_id_of(sent) for sent, item in pairs if isinstance(item, AppError)]
    await queries.hold_team_tree(session)
    return batch_result(items, await _store_teams(session, parsed, failed))


async def _store_teams(
    session: TenantSession,
    parsed: Sequence[schemas.TeamItem | AppError],
    failed: Collection[str | None],
) -> list[Done | AppError]:
    """For who holds the team tree."""
    tree = await queries.team_tree(session)
    wanted = {item.external_id: item for item in parsed if not isinstance(item, AppError)}
    parents = {key: item.parent for key, item in wanted.items()}
    refused = rules.refused_teams(_parents(tree), parents, failed)
    accepted = [item for key, item in wanted.items() if key not in refused]
    effects = await _write_teams(session, tree, accepted)
    outcomes = {key: REFUSALS[reason].at("#/parent") for key, reason in refused.items()} | {
        key: Done(effect) for key, effect in effects.items()
    }
    return [item if isinstance(item, AppError) else outcomes[item.external_id] for item in parsed]


def _parents(tree: Sequence[TeamNode]) -> dict[str, str | None]:
    names = {team.id: team.external_id for team in tree}
    return {team.external_id: names[team.parent_id] if team.parent_id else None for team in tree}


async def _write_teams(
    session: TenantSession,
    tree: Sequence[TeamNode],
    items: Sequence[schemas.TeamItem],
) -> dict[str, Effect]:
    existing = {team.external_id: team for team in tree}
    ids = {item.external_id: uuid4() for item in items} | {key: team.id for key, team in existing.items()}
    nodes = [_node(item, ids) for item in items]
    effects = {node.external_id: _effect(node, existing) for node in nodes}
    new = [node for node in nodes if effects[node.external_id] is Effect.CREATED]
    changed = [node for node in nodes if effects[node.external_id] is Effect.UPDATED]
    if new:
        await queries.add_teams(session, new)
    if changed:
        await queries.change_teams(session, changed)
    return effects


def _node(item: schemas.TeamItem, ids: Mapping[str, UUID]) -> TeamNode:
    parent_id = ids[item.parent] if item.parent else None
    return TeamNode(ids[item.external_id], item.external_id, item.name, parent_id, item.lead)


def _effect(node: TeamNode, existing: Mapping[str, TeamNode]) -> Effect:
    if node.external_id not in existing:
        return Effect.CREATED
    return Effect.UNCHANGED if existing[node.external_id] == node else Effect.UPDATED


async def delete_team(session: TenantSession, external_id: str, conditions: Preconditions) -> None:
    await queries.hold_team_tree(session)
    team_id = await queries.hold_team(session, external_id)
    if team_id is None:
        raise no_team(external_id)
    conditions.check(await read_team(session, external_id))
    if await queries.is_team_in_use(session, team_id):
        raise TeamInUse
    await queries.delete_team(session, team_id)
    await queries.bury(session, "team", external_id)


# --------------------------------------------------------------------------------------------- people


def represent_person(row: RowMapping, earlier: Sequence[Period]) -> schemas.Person:
    present = Period(row["starts_on"], row["ends_on"])
    derived = {
        "active": row["is_active"],
        "unresolved": ["manager"] if row["is_manager_unknown"] else [],
        "employments": [period._asdict() for period in (*earlier, present)],
    }
    return schemas.Person.model_validate({**row, **derived})


async def person_keys(
    session: TenantSession, window: Window, team: str | None, as_of: date | None
) -> list[Key]:
    if team and not await queries.teams(session, [team]):
        raise UnknownTeam.parameter("team", f"There is no team {team}.")
    return await queries.person_keys(session, window, team, as_of)


async def read_people(
    session: TenantSession, external_ids: Sequence[str], as_of: date | None = None
) -> dict[str, schemas.Person]:
    """As they are, or with team, manager and segments as they were on a day."""
    rows = await queries.people(session, external_ids)
    earlier = await queries.earlier_employments(session, [row["id"] for row in rows])
    found = {row["external_id"]: represent_person(row, earlier[row["id"]]) for row in rows}
    return found if as_of is None else await _as_they_were(session, rows, found, as_of)


async def _as_they_were(
    session: TenantSession,
    rows: Sequence[RowMapping],
    present: Mapping[str, schemas.Person],
    day: date,
) -> dict[str, schemas.Person]:
    pasts = await queries.pasts(session, [row["id"] for row in rows], day)
    held = {row["external_id"]: rules.held_on(pasts[row["id"]], held_of(row), day) for row in rows}
    managers = {one.manager for one in held.values() if one.manager is not None}
    known = await queries.people_by_external_ids(session, managers)
    return {
        key: present[key].model_copy(
            update={
                **one._asdict(),
                "unresolved": ["manager"] if one.manager is not None and one.manager not in known else [],
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
    """The person, and whether he is new.

    It creates before it looks: of two senders of a new person exactly one finds nobody there.
    """
    require_identifier(body, external_id)
    item = validated(schemas.PersonItem, body.model_dump() | {"external_id": external_id})
    record = await _record(session, item)
    created, erased = await _add_or_hold(session, [record], keyring)
    if erased:
        raise PersonErased
    is_new = bool(created)
    conditions.check(None if is_new else await read_person(session, external_id))
    if not is_new:
        await _change_people(session, [record], _effective([item]))
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
    item = validated(schemas.PersonItem, _patched(current, patch))
    record = await _record(session, item)
    await _change_people(session, [record], _effective([item]))
    number = patch.external_id if "external_id" in patch.model_fields_set else external_id
    if number != external_id:
        await _renumber(session, record, number, keyring)
    return await read_person(session, number)


async def _renumber(session: TenantSession, record: PersonRecord, number: str, keyring: Keyring) -> None:
    if record.manager == number:
        raise OwnManager.at("#/external_id")
    if await queries.people_by_external_ids(session, [number]):
        raise PersonIdTaken.at("#/external_id")
    await queries.renumber_person(session, record.external_id, number)
    if await _erased(session, [number], keyring):
        raise PersonErased
    await queries.bury(session, "person", record.external_id)
    await queries.exhume(session, "person", [number])


async def put_people(
    session: TenantSession, items: Sequence[Any], limit: int, keyring: Keyring
) -> BatchResult:
    parsed = refuse_repeats(parse_items(items, schemas.PersonItem, limit), lambda item: item.external_id)
    records = await _records(session, parsed)
    good = [record for record in records if not isinstance(record, AppError)]
    created, erased = await _add_or_hold(session, good, keyring)
    held = [record for record in good if record.external_id not in created | erased]
    effective = _effective(item for item in parsed if not isinstance(item, AppError))
    changed = await _change_people(session, held, effective)
    effects = dict.fromkeys(created, Effect.CREATED) | dict.fromkeys(changed, Effect.UPDATED)
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
    teams = await queries.hold_teams(session, [team])
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
    """Each person as he would be stored, or why he cannot be; the teams named are held."""
    named = {item.team for item in parsed if not isinstance(item, AppError) and item.team}
    teams = await queries.hold_teams(session, named)
    is_dated = any(not isinstance(item, AppError) and item.effective_on for item in parsed)
    today = await queries.today(session) if is_dated else None
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
    known = person._asdict() if isinstance(person, PersonRecord) else person
    return Held(known["team"], known["manager"], known["segments"])


async def _add_or_hold(
    session: TenantSession, records: Sequence[PersonRecord], keyring: Keyring
) -> tuple[set[str], set[str]]:
    """Adds who is not there and holds who is; says whom it added, and whom not because he was erased."""
    added = set(await queries.add_or_hold_people(session, records))
    erased = await _erased(session, added, keyring)
    if erased:
        await queries.take_back(session, erased)
    created = added - erased
    told = [{"external_id": record.external_id} for record in records if record.external_id in created]
    await announce_each(session, "person.created", told)
    return created, erased


async def _change_people(
    session: TenantSession, records: Sequence[PersonRecord], effective: Effective
) -> set[str]:
    """Makes people who are held as they are wanted; says whom that changed."""
    wanted = {record.external_id: record for record in records}
    held = await queries.people(session, list(wanted))
    pasts = await _changed_pasts(session, held, wanted, effective)
    changed = [
        row for row in held if queries.record_of(row) != wanted[row["external_id"]] or row["id"] in pasts
    ]
    if pasts:
        await queries.replace_pasts(session, pasts)
    if changed:
        await _move_periods(session, changed, wanted)
        await queries.change_people(session, [wanted[row["external_id"]] for row in changed])
        await _tell_of_changes(session, changed, wanted)
    return {row["external_id"] for row in changed}


async def _changed_pasts(
    session: TenantSession,
    people: Sequence[RowMapping],
    wanted: Mapping[str, PersonRecord],
    effective: Effective,
) -> dict[UUID, list[Past]]:
    """What each person's past becomes, where that is another."""
    concerned = [
        row
        for row in people
        if row["external_id"] in effective or held_of(row) != held_of(wanted[row["external_id"]])
    ]
    if not concerned:
        return {}
    today = await queries.today(session)
    pasts = await queries.pasts(session, [row["id"] for row in concerned])
    changed: dict[UUID, list[Past]] = {}
    for row in concerned:
        key, past = row["external_id"], pasts[row["id"]]
        becomes = rules.changed_past(past, held_of(row), held_of(wanted[key]), effective.get(key, today))
        if becomes != past:
            changed[row["id"]] = becomes
    return changed


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


async def _move_periods(
    session: TenantSession,
    changed: Sequence[RowMapping],
    wanted: Mapping[str, PersonRecord],
) -> None:
    earlier = await queries.earlier_employments(session, [row["id"] for row in changed])
    moved: dict[UUID, list[Period]] = {}
    for row in changed:
        present, record = Period(row["starts_on"], row["ends_on"]), wanted[row["external_id"]]
        periods = rules.earlier_periods(earlier[row["id"]], present, Period(record.starts_on, record.ends_on))
        if periods != earlier[row["id"]]:
            moved[row["id"]] = periods
    if moved:
        await queries.replace_employments(session, moved)


async def delete_person(session: TenantSession, external_id: str, conditions: Preconditions) -> None:
    person_id = await queries.hold_person(session, external_id)
    if person_id is None:
        raise no_person(external_id)
    conditions.check(await read_person(session, external_id))
    if await queries.is_person_in_use(session, person_id):
        raise PersonInUse
    await queries.delete_person(session, person_id)
    await queries.bury(session, "person", external_id)
