from collections.abc import Sequence
from datetime import UTC, date, datetime
from typing import Annotated, Literal

from fastapi import APIRouter, Query, Response

from app.auth.callers import MetricsReader
from app.auth.dependencies import Tenant
from app.core.conditional import REVALIDATE, ReadConditions
from app.core.database import TenantSession
from app.core.parameters import WantedIdentifier
from app.core.requests import Route
from app.metrics.recognition import service
from app.metrics.recognition.blocks import FEWEST_ACTIVE
from app.metrics.schemas import CI_LEVEL, FORMULA_VERSION
from app.metrics.schemas.recognition import RecognitionMetrics
from app.recognition.api import First, Last
from app.recognition.service import months_asked_for

router = APIRouter(route_class=Route, tags=["metrics"])
By = Annotated[list[Literal["organization", "team", "month"]], Query()]


@router.get(
    "/v1/metrics/recognition", operation_id="get_recognition_metrics", response_model=RecognitionMetrics
)
async def get_recognition_metrics(
    who: MetricsReader,
    session: Tenant,
    conditions: ReadConditions,
    first: First = None,
    last: Last = None,
    by: By = ["organization"],  # noqa: B006 FastAPI copies it
    team: WantedIdentifier = None,
) -> Response:
    answer = await recognition(session, first, last, by, team)
    return conditions.answer(answer, headers=REVALIDATE)


async def recognition(
    session: TenantSession, first: date | None, last: date | None, by: Sequence[str], team: str | None
) -> RecognitionMetrics:
    today, first, last = await months_asked_for(session, first, last, datetime.now(UTC))
    window = service.window_of(first, last, today)
    return RecognitionMetrics.model_validate(
        {
            "from": first,
            "to": last,
            "until": window.last,
            "minimum_group_size": FEWEST_ACTIVE,
            "ci_level": CI_LEVEL,
            "formula_version": FORMULA_VERSION,
            "groups": await service.groups(session, window, by, team),
            "months": await service.months(session, window, team) if "month" in by else [],
        }
    )
