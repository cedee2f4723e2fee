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
from app.imports.files.columns.rules import BESIDE, CONTRACT, LOOKUP
from app.imports.run.sealed_file import Item, Source, note_people
from app.people.history.rules import Earlier, Held, Past, Period
from app.people.persons.errors import EndsBeforeStarts
from app.people.persons.schemas import PersonItem

SheetRow = dict[str, Any]
KINDS = {"id", "email", "name"}
ToTeam = Callable[[str], str]


class OtherRowUnclear(Unprocessable):
    code = "depends_on_failed_row"
    detail = "Another row of this person has days that cannot be read: correct it, and send both."


class SameDays(DuplicateInBatch):
    detail = "Another row of this person has the same days and says something else: send only one of them."


class UnreadableDays(Unprocessable):
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
    names: dict[tuple[str, str], str | None] = field(default_factory=dict)
    """Whom the file means by a number, address or name of somebody; None where it may be several."""
    kinds: set[str] = field(default_factory=set)
    """Of these names."""

    def see(self, person: str, row: SheetRow) -> None:
        for kind in KINDS & called(row).keys():
            self.kinds.add(kind)
            key = (kind, folded(called(row)[kind]))
            self.names[key] = person if self.names.get(key, person) == person else None

    def manager(self, row: SheetRow) -> str | None:
        """By another number only where the file has these numbers, and then by nothing else."""
        for kind in ("id", "email", "name"):
            named = called(row).get(f"manager_{kind}")
            found = None if named is None else self.names.get((kind, folded(named)))
            if found or (kind == "id" and named and kind in self.kinds):
                return found
        return row.get("manager")

    def lacks_manager(self, item: Item) -> bool:
        """Whether the row names a manager who is nobody in the file, or may be several."""
        row: Any = item.value
        return any(name not in KINDS for name in called(row)) and self.manager(row) is None

    def stored(self, item: Item) -> Any:
        """A row as it is stored."""
        row: Any = self.member_row(item.value) if self.is_mapped else item.value
        return row | {"ends_on": self.last_days[item.line]} if item.line in self.last_days else row

    def member_row(self, row: Any) -> Any:
        """With the manager by their identifier, and without what is no member."""
        if not BESIDE & row.keys():
            return row
        members = {name: value for name, value in row.items() if name not in BESIDE}
        return members | {"manager": self.manager(row)} if LOOKUP in row else members

    def told(self, items: Sequence[Item]) -> BatchResult:
        """What became of rows that are not stored."""
        return batch_result([item.value for item in items], [self.aside[item.line] for item in items])


def called(row: Any) -> dict[str, str]:
    """By what the file calls the person of a row, and by which of that the manager."""
    found = row.get(LOOKUP) if isinstance(row, dict) else None
    return found if isinstance(found, dict) else {}


def folded(name: str) -> str:
    """As it is compared: `Bos, Jo` is Jo Bos."""
    last, _, first = name.casefold().partition(",")
    return " ".join(f"{first} {last}".split())


async def contracts_of(
    session: TenantSession, source: Source, limit: int, today: date, to_team: ToTeam
) -> Contracts:
    """Reads the file once, and once more where somebody comes twice; keeps in memory who does."""
    found = Contracts(source.layout is not None)
    await note_people(session, source, limit, found.see if found.is_mapped else lambda *_: None)
    repeated = await queries.repeated_people(session)
    if repeated:
        for person, rows in (await rows_of(session, source, limit, repeated)).items():
            terms = {line: row.get(CONTRACT) for line, row in rows.items()} if found.is_mapped else {}
            members = {line: found.member_row(row) if found.is_mapped else row for line, row in rows.items()}
            put_in_order(
                found, person, {line: with_team(row, to_team) for line, row in members.items()}, terms, today
            )
    return found


async def rows_of(
    session: TenantSession, source: Source, limit: int, people: set[str]
) -> Mapping[str, Mapping[int, SheetRow]]:
    """The rows of these people by their lines."""
    found: defaultdict[str, dict[int, SheetRow]] = defaultdict(dict)
    place = source.start
    while place.position < source.size:
        piece = await source.read(session, place, limit)
        for item in piece.items:
            person = external_id_of(item.value)
            if person in people and not isinstance(item.value, AppError):
                found[person][item.line] = item.value
        place = piece.end
    return found


def with_team(row: SheetRow, to_team: ToTeam) -> SheetRow:
    return row | {"team": to_team(row["team"])} if isinstance(row.get("team"), str) else row


def put_in_order(
    found: Contracts,
    person: str,
    rows: Mapping[int, SheetRow],
    terms: Mapping[int, SheetRow | None],
    today: date,
) -> None:
    read = {line: contract_of(line, row, terms.get(line) or {}) for line, row in rows.items()}
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


def contract_of(line: int, row: SheetRow, own: SheetRow) -> Contract | AppError:
    """Raises nothing: days that cannot be read are what their row is told."""
    first, last = row.get("starts_on"), row.get("ends_on")
    try:
        employment = rules.term_of(first, last)
        term = rules.term_of(own.get("starts_on") or first, own.get("ends_on") or last)
    except (TypeError, ValueError):
        outcome = outcome_of(row)
        return outcome if isinstance(outcome, AppError) else UnreadableDays.at(f"#/{CONTRACT}")
    content = json.dumps(row, sort_keys=True)
    return Contract(line, term, employment, content)


def outcome_of(row: SheetRow) -> Done | AppError:
    """Of a row that is not stored: it is told what is wrong with it all the same."""
    [parsed] = parse_items([row], PersonItem, 1)
    if isinstance(parsed, AppError):
        return parsed
    is_backwards = parsed.starts_on and parsed.ends_on and parsed.ends_on < parsed.starts_on
    return EndsBeforeStarts.at("#/ends_on") if is_backwards else Done(Effect.UNCHANGED)


def told_by(contracts: Sequence[Contract], rows: Mapping[int, SheetRow]) -> Earlier:
    """Of contracts in the order of their days, the present one last."""
    present = contracts[-1]
    held = {one.line: held_by(rows[one.line]) for one in contracts}
    pasts = [
        Past(after.term.first - DAY, held[before.line])
        for before, after in pairwise(rules.of_own_days(contracts))
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


def held_by(row: SheetRow) -> Held:
    return Held(row.get("team"), row.get("manager"), row.get("segments", {}))
