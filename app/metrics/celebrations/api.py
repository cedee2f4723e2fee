from datetime import UTC, datetime
from typing import Annotated, Literal

from fastapi import APIRouter, Query, Response

from app.auth.callers import MetricsReader
from app.auth.dependencies import Tenant
from app.core.conditional import REVALIDATE, ReadConditions
from app.core.parameters import WantedIdentifier
from app.core.requests import Route
from app.core.shapes import Shaped
from app.metrics.celebrations import service
from app.metrics.schemas.celebrations import CelebrationMetrics

router = APIRouter(route_class=Route, tags=["metrics"])
By = Annotated[list[Literal["organization", "team"]], Query()]
Period = Annotated[
    Annotated[str, Shaped(r"^20\d\d-Q[1-4]$", "Write a quarter of a year, as 2026-Q4.")] | None, Query()
]


@router.get(
    "/v1/metrics/celebrations", operation_id="get_celebration_metrics", response_model=CelebrationMetrics
)
async def get_celebration_metrics(
    who: MetricsReader,
    session: Tenant,
    conditions: ReadConditions,
    period: Period = None,
    by: By = ["organization"],  # noqa: B006 FastAPI copies it
    team: WantedIdentifier = None,
) -> Response:
    quarter = await service.quarter_to_show(session, period, datetime.now(UTC))
    report = await service.report(session, quarter)
    answer = CelebrationMetrics.model_validate(
        {
            "period": quarter.name,
            "from": quarter.first,
            "to": quarter.last,
            "minimum_group_size": report.minimum_group_size,
            "formula_version": report.formula_version,
            "groups": service.chosen(report.groups, by, team),
        }
    )
    return conditions.answer(answer, headers=REVALIDATE)
