"""How resources are found: by what a filter demands of them, each demand by an index."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from functools import lru_cache
from typing import NamedTuple
from uuid import UUID

from sqlalchemy import TextClause, text

from app.core.database import TenantSession
from app.scim.filters import Demand, Equal


class ListPlace(NamedTuple):
    """Behind so many in the order of arrival, of whom this is the last."""

    rank: int
    created_at: datetime
    id: UUID


START = ListPlace(0, datetime.min.replace(tzinfo=UTC), UUID(int=0))


class Order(NamedTuple):
    """How many came after a place, with the last before an instant; and so many of them, after so many."""

    size: TextClause
    page: TextClause


def arrivals(table: str, wanted: str) -> Order:
    """Of the rows that are wanted of a table, which stands there with its letter: `people p`."""
    own = table[-1]
    return Order(
        size=text(f"""
WITH last AS (
    SELECT {own}.id, {own}.created_at FROM {table} WHERE {wanted} AND {own}.created_at < :until
    ORDER BY {own}.created_at DESC, {own}.id DESC LIMIT 1
)
SELECT last.id, last.created_at, (
    SELECT count(*) FROM {table} WHERE {wanted} AND ({own}.created_at, {own}.id) > (:created_at, :id)
) AS since, (
    SELECT count(*) FROM {table} WHERE {wanted} AND {own}.created_at >= :until
) AS beyond
FROM (VALUES (1)) AS one LEFT JOIN last ON true
"""),  # noqa: S608 the text is ours
        page=text(f"""
SELECT {own}.id, {own}.created_at FROM {table}
WHERE {wanted} AND ({own}.created_at, {own}.id) > (:created_at, :id)
ORDER BY {own}.created_at, {own}.id LIMIT :limit OFFSET :skipped
"""),  # noqa: S608 the text is ours
    )


async def size_of(
    session: TenantSession, order: Order, known: ListPlace, until: datetime
) -> tuple[int, ListPlace | None]:
    """How many there are, counted from a place that is known, and the last one before `until`."""
    asked = {"created_at": known.created_at, "id": known.id, "until": until}
    last = (await session.execute(order.size, asked)).one()
    size = known.rank + last.since
    return size, None if last.id is None else ListPlace(size - last.beyond, last.created_at, last.id)


async def page_after(
    session: TenantSession, order: Order, place: ListPlace, skipped: int, limit: int
) -> list[ListPlace]:
    """Of the so many after as many as are to be skipped in all."""
    own = {"created_at": place.created_at, "id": place.id}
    rows = await session.execute(order.page, {**own, "skipped": skipped - place.rank, "limit": limit})
    return [ListPlace(skipped + at, row.created_at, row.id) for at, row in enumerate(rows, start=1)]


class Sorting(NamedTuple):
    """Pages in the order of an attribute, by the name of its field; nobody is looked at one by one."""

    page: str
    keys: Mapping[str, str]


async def sorted_ids(
    session: TenantSession, sorting: Sorting, field: str, *, is_descending: bool, skipped: int, limit: int
) -> Sequence[UUID]:
    """Who has no value comes last, and first where the order is turned around (RFC 7644, 3.4.2.3)."""
    direction = "DESC NULLS FIRST" if is_descending else "ASC NULLS LAST"
    page = statement(sorting.page, f"{sorting.keys[field]} {direction}")
    return (await session.scalars(page, {"skipped": skipped, "limit": limit})).all()


async def found_ids(
    session: TenantSession, ordered: str, ways: Mapping[str, str], demand: Demand | None, limit: int
) -> Sequence[UUID] | None:
    """`ordered`, of those who meet the demand and perhaps more; None where no way leads there."""
    values: dict[str, object] = {}
    ids = selection(ways, demand, values) if demand else None
    if ids is None:
        return None
    return (await session.scalars(statement(ordered, ids), {**values, "limit": limit})).all()


@lru_cache(maxsize=256)  # a client decides on how many shapes there are
def statement(ordered: str, part: str) -> TextClause:
    return text(ordered.format(part))


def selection(ways: Mapping[str, str], demand: Demand, values: dict[str, object]) -> str | None:
    """A query of ids; the values that are to be bound are put into `values`."""
    if isinstance(demand, Equal):
        return by_equality(ways, demand, values)
    parts = [selection(ways, part, values) for part in demand.parts]
    known = [f"({part})" for part in parts if part is not None]
    is_enough = known if demand.word == "INTERSECT" else len(known) == len(parts)
    return f" {demand.word} ".join(known) if is_enough else None


def by_equality(ways: Mapping[str, str], demand: Equal, values: dict[str, object]) -> str | None:
    if demand.column not in ways:
        return None
    name = f"value_{len(values)}"
    values[name] = demand.value
    return ways[demand.column].replace(":value", f":{name}")
