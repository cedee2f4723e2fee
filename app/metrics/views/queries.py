"""What is read for outcomes: KPI values, and what earlier waves showed."""

from collections.abc import Collection, Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import Row, text

from app.core.database import TenantSession

RESULTS_OF_WAVES = text("""
SELECT r.survey_id, g.ordinal, g.kind, g.external_id, g.name, g.parent, CAST(r.body AS text) AS body,
  r.body_version
FROM releases l JOIN release_results r ON r.organization_id = l.organization_id
  AND r.survey_id = l.survey_id AND r.number = l.number AND r.metric = :metric
JOIN survey_groups g ON g.organization_id = r.organization_id
  AND g.survey_id = r.survey_id AND g.ordinal = r.group_ordinal
WHERE l.organization_id = :organization_id AND l.survey_id = ANY(CAST(:survey_ids AS uuid[]))
  AND l.is_final ORDER BY r.survey_id, g.ordinal
""")
KPIS = text("""
SELECT k.key, k.title, k.unit, k.better,
ARRAY(SELECT DISTINCT v.period FROM kpi_values v
WHERE v.organization_id = :organization_id AND v.kpi = k.key AND v.team_id IS NOT NULL) AS periods
FROM kpis k WHERE k.organization_id = :organization_id ORDER BY k.key COLLATE "C"
""")
KPI_VALUES = text("""
SELECT v.kpi, v.period, t.external_id AS team, v.value
FROM unnest(CAST(:kpis AS text[]), CAST(:periods AS text[])) AS w (kpi, period)
JOIN kpi_values v ON v.organization_id = :organization_id AND v.kpi = w.kpi AND v.period = w.period
JOIN teams t ON t.organization_id = v.organization_id AND t.id = v.team_id
""")


async def results_of_waves(
    session: TenantSession, survey_ids: Sequence[UUID], metric: str
) -> Sequence[Row[Any]]:
    """Each group of each survey's final release as frozen with its result, in tree order."""
    parameters = {"survey_ids": list(survey_ids), "metric": metric}
    return (await session.execute(RESULTS_OF_WAVES, parameters)).all()


async def kpis(session: TenantSession) -> Sequence[Row[Any]]:
    """Every KPI with the periods in which teams have values."""
    return (await session.execute(KPIS)).all()


async def kpi_values(session: TenantSession, wanted: Collection[tuple[str, str]]) -> Sequence[Row[Any]]:
    """Those of teams, for pairs of KPI and period."""
    pairs = sorted(wanted)
    parameters = {
        "kpis": [kpi for kpi, _ in pairs],
        "periods": [period for _, period in pairs],
    }
    return (await session.execute(KPI_VALUES, parameters)).all()
