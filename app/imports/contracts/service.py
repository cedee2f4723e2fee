"""People who have several rows in a file: found before anything is stored, however far apart the rows are."""

import json
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from itertools import pairwise
from typing import Any

from app.core.batches import (
    BatchResult,
    Done,
    DuplicateInBatch,
    Effect,
    batch_result,
    external_id_of,
    parse_items,
)
from app.core.database import TenantSession
from app.core.errors import AppError, Unprocessable
from app.imports import queries
from app.imports.contracts import rules
from app.imports.contracts.rules import DAY, Contract
from app.imports.files.columns.rules import CONTRACT
from app.imports.run.sealed_file import Item, Source, note_people
from app.people.history.rules import Earlier, Held, Past, Period
from app.people.persons.errors import EndsBeforeStarts
from app.people.persons.schemas import PersonItem

Row = dict[str, Any]
ToTeam = Callable[[str], str]


class OtherRowUnclear(Unprocessable):
    code = "depends_on_failed_row"
    detail = "Another row of this person has days that cannot be read: correct it, and send both."


class SameDays(DuplicateInBatch):
    detail = "Another row of this person has the same days and says something else: send only one of them."


class NoSuchDay(Unprocessable):
    code = "invalid_value"
    detail = "The days of the contract cannot be read: write them as 2026-11-23, or map their format."


@dataclass(frozen=True)
class Contracts:
    """What becomes of the rows of people who have several."""

    is_mapped: bool = False
    """Whether rows may have the days of a contract, which are no member of a person."""
    aside: dict[int, Done | AppError] = field(default_factory=dict)
    """By line, of rows that are not who somebody is today."""
    last_days: dict[int, str | None] = field(default_factory=dict)
    """By line, of rows that are."""
    earlier: dict[str, Earlier] = field(default_factory=dict)
    """By person."""

    def stored(self, item: Item) -> Any:
        """A row as it is stored."""
        row: Any = without_contract(item.value) if self.is_mapped else item.value
        return row | {"ends_on": self.last_days[item.line]} if item.line in self.last_days else row

    def told(self, items: Sequence[Item]) -> BatchResult:
        """What became of rows that are not stored."""
        return batch_result([item.value for item in items], [self.aside[item.line] for item in items])


def without_contract(row: Any) -> Any:
    return {name: value for name, value in row.items() if name != CONTRACT} if CONTRACT in row else row


async def contracts_of(
    session: TenantSession, source: Source, limit: int, today: date, to_team: ToTeam
) -> Contracts:
    """Reads the file once, and once more where somebody comes twice; keeps in memory who does."""
    await note_people(session, source, limit)
    repeated = await queries.repeated_people(session)
    found = Contracts(source.layout is not None)
    if repeated:
        for person, rows in (await rows_of(session, source, limit, repeated)).items():
            put_in_order(found, person, {line: with_team(row, to_team) for line, row in rows.items()}, today)
    return found


async def rows_of(
    session: TenantSession, source: Source, limit: int, people: set[str]
) -> Mapping[str, Mapping[int, Row]]:
    """The rows of these people by their lines."""
    found: defaultdict[str, dict[int, Row]] = defaultdict(dict)
    place = source.start
    while place.position < source.size:
        piece = await source.read(session, place, limit)
        for item in piece.items:
            person = external_id_of(item.value)
            if person in people and not isinstance(item.value, AppError):
                found[person][item.line] = item.value
        place = piece.end
    return found


def with_team(row: Row, to_team: ToTeam) -> Row:
    return row | {"team": to_team(row["team"])} if isinstance(row.get("team"), str) else row


def put_in_order(found: Contracts, person: str, rows: Mapping[int, Row], today: date) -> None:
    read = {line: contract_of(line, row) for line, row in rows.items()}
    contracts = [one for one in read.values() if isinstance(one, Contract)]
    if len(contracts) < len(read):
        found.aside.update(
            {line: OtherRowUnclear() if isinstance(one, Contract) else one for line, one in read.items()}
        )
        return
    present = rules.chosen(contracts, today)
    repeated = rules.repeats(contracts, present)
    others = [one for one in contracts if one != present and one.line not in repeated]
    outcomes = {one.line: outcome_of(rows[one.line]) for one in others}
    found.aside.update(outcomes)
    found.aside.update(
        {line: Done(Effect.UNCHANGED) if is_same else SameDays() for line, is_same in repeated.items()}
    )
    last = rules.last_day(contracts, present)
    found.last_days[present.line] = None if last == date.max else last.isoformat()
    past = [
        one for one in others if isinstance(outcomes[one.line], Done) and one.term.first < present.term.first
    ]
    found.earlier[person] = told_by([*sorted(past, key=lambda one: one.term), present], rows)


def contract_of(line: int, row: Row) -> Contract | AppError:
    """Raises nothing: days that cannot be read are what their row is told."""
    sent = row.get(CONTRACT)
    own = sent if isinstance(sent, dict) else {}
    first, last = row.get("starts_on"), row.get("ends_on")
    try:
        employment = rules.term_of(first, last)
        term = rules.term_of(own.get("starts_on") or first, own.get("ends_on") or last)
    except (TypeError, ValueError):
        outcome = outcome_of(row)
        return outcome if isinstance(outcome, AppError) else NoSuchDay.at(f"#/{CONTRACT}")
    content = json.dumps(without_contract(row), sort_keys=True)
    return Contract(line, term, employment, content)


def outcome_of(row: Row) -> Done | AppError:
    """Of a row that is not stored: it is told what is wrong with it all the same."""
    [parsed] = parse_items([without_contract(row)], PersonItem, 1)
    if isinstance(parsed, AppError):
        return parsed
    is_backwards = parsed.starts_on and parsed.ends_on and parsed.ends_on < parsed.starts_on
    return EndsBeforeStarts.at("#/ends_on") if is_backwards else Done(Effect.UNCHANGED)


def told_by(contracts: Sequence[Contract], rows: Mapping[int, Row]) -> Earlier:
    """Of contracts in the order of their days, the present one last."""
    present = contracts[-1]
    held = {one.line: held_by(rows[one.line]) for one in contracts}
    pasts = [
        Past(after.term.first - DAY, held[before.line])
        for before, after in pairwise(contracts)
        if held[before.line] != held[after.line]
    ]
    return Earlier(
        periods=[Period(first_day(one.first), one.last) for one in rules.employments(contracts)],
        pasts=pasts,
        since=contracts[0].term.first,
        until=present.term.first,
    )


def first_day(day: date) -> date | None:
    return None if day == date.min else day


def held_by(row: Row) -> Held:
    return Held(row.get("team"), row.get("manager"), row.get("segments", {}))
