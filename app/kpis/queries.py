import json
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy import Row, text
from sqlmodel import col, select

from app.core.database import TenantSession
from app.tables import Kpi

ADD_OR_HOLD_KPI = text("""
INSERT INTO kpis (organization_id, key, title, unit, better)
VALUES (:organization_id, :key, CAST(:title AS jsonb), :unit, :better)
ON CONFLICT (organization_id, key) DO UPDATE SET better = excluded.better WHERE false
RETURNING key
""")
"""WHERE false changes nothing but locks the row in the way, so that it is still there to be compared."""
CHANGE_KPI = text("""
UPDATE kpis SET title = CAST(:title AS jsonb), unit = :unit, better = :better, updated_at = now()
WHERE organization_id = :organization_id AND key = :key
    AND (title, unit, better) IS DISTINCT FROM (CAST(:title AS jsonb), CAST(:unit AS text), :better)
""")
HOLD_KPIS = text("""
SELECT key FROM kpis
WHERE organization_id = :organization_id AND key = ANY(CAST(:keys AS text[]))
ORDER BY key FOR KEY SHARE
""")
PUT_VALUES = text("""
INSERT INTO kpi_values AS v (organization_id, id, kpi, team_id, period, value)
SELECT :organization_id, n.*
FROM unnest(CAST(:ids AS uuid[]), CAST(:kpis AS text[]), CAST(:team_ids AS uuid[]), CAST(:periods AS text[]),
            CAST(:values AS float8[]))
    AS n (id, kpi, team_id, period, value)
ORDER BY n.kpi, n.period, n.team_id
ON CONFLICT (organization_id, kpi, period, team_id) DO UPDATE
    SET value = excluded.value, updated_at = excluded.updated_at
    WHERE v.value IS DISTINCT FROM excluded.value
RETURNING id, kpi, team_id, period
""")
VALUES_AFTER = text("""
SELECT v.kpi, t.external_id AS team, v.period, v.value, v.created_at, v.updated_at
FROM kpi_values v
LEFT JOIN teams t ON t.organization_id = v.organization_id AND t.id = v.team_id
WHERE v.organization_id = :organization_id AND v.kpi = :kpi
    AND (v.period COLLATE "C", coalesce(t.external_id, '') COLLATE "C")
        > (CAST(:after_period AS text), CAST(:after_team AS text))
ORDER BY v.period COLLATE "C", coalesce(t.external_id, '') COLLATE "C"
LIMIT :limit
""")


@dataclass(frozen=True)
class NewValue:
    id: UUID
    kpi: str
    team_id: UUID | None
    period: str
    value: float

    @property
    def place(self) -> tuple[str, UUID | None, str]:
        return self.kpi, self.team_id, self.period


async def kpi(session: TenantSession, key: str) -> Kpi | None:
    return await session.get(Kpi, (session.organization_id, key), populate_existing=True)


async def kpis_after(session: TenantSession, after: str, limit: int) -> Sequence[Kpi]:
    key = col(Kpi.key).collate("C")
    query = select(Kpi).where(col(Kpi.organization_id) == session.organization_id, key > after)
    return (await session.scalars(query.order_by(key).limit(limit))).all()


async def add_or_hold_kpi(session: TenantSession, values: Mapping[str, object]) -> bool:
    """Whether it is new. One that is there stays as it is, and locked."""
    return (
        await session.execute(ADD_OR_HOLD_KPI, _parameters(session.organization_id, values))
    ).first() is not None


async def change_kpi(session: TenantSession, values: Mapping[str, object]) -> None:
    """What is the same stays as it is, updated_at too."""
    await session.execute(CHANGE_KPI, _parameters(session.organization_id, values))


def _parameters(organization_id: UUID, values: Mapping[str, object]) -> dict[str, object]:
    return {**values, "organization_id": organization_id, "title": json.dumps(values["title"])}


async def hold_kpi(session: TenantSession, key: str) -> None:
    """Until this transaction ends nobody changes it, nor adds a value."""
    query = select(col(Kpi.key)).where(
        col(Kpi.organization_id) == session.organization_id, col(Kpi.key) == key
    )
    await session.execute(query.with_for_update())


DELETE_KPI = text("""DELETE FROM kpis WHERE organization_id = :organization_id AND key = :key""")


async def delete_kpi(session: TenantSession, key: str) -> None:
    """With its values."""
    await session.execute(DELETE_KPI, {"key": key})


async def hold_kpis(session: TenantSession, keys: Collection[str]) -> set[str]:
    """Those of the keys that are there, which until this transaction ends nobody can delete."""
    return set(await session.scalars(HOLD_KPIS, {"keys": list(keys)}))


async def put_values(
    session: TenantSession, values: Sequence[NewValue]
) -> dict[tuple[str, UUID | None, str], UUID]:
    """The ids of those stored or changed, by their places; a value that was there keeps its own id."""
    rows = await session.execute(
        PUT_VALUES,
        {
            "ids": [value.id for value in values],
            "kpis": [value.kpi for value in values],
            "team_ids": [value.team_id for value in values],
            "periods": [value.period for value in values],
            "values": [value.value for value in values],
        },
    )
    return {(row.kpi, row.team_id, row.period): row.id for row in rows}


async def values_after(
    session: TenantSession, key: str, after: tuple[str, str], limit: int
) -> Sequence[Row[Any]]:
    """By period and team, from the value after the one of this period and team on; '' is no team."""
    period, team = after
    parameters = {
        "kpi": key,
        "after_period": period,
        "after_team": team,
        "limit": limit,
    }
    return (await session.execute(VALUES_AFTER, parameters)).all()
