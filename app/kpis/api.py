from fastapi import APIRouter, Response

from app.auth.callers import KpiWriter, MetricsReader
from app.auth.dependencies import Once, SettingsOf, Tenant
from app.core.batches import BatchResult, batch_result, parse_in_turns, refuse_repeats
from app.core.conditional import ChangeConditions, Conditions, ReadConditions
from app.core.database import as_of
from app.core.pages import Page
from app.core.parameters import Key
from app.core.requests import Route
from app.kpis import queries, schemas, service

router = APIRouter(route_class=Route, tags=["kpis"])


@router.get("/v1/kpis", operation_id="list_kpis", response_model=schemas.KpiPage)
async def list_kpis(who: MetricsReader, session: Tenant, page: Page) -> schemas.KpiPage:
    now, after = await as_of(session), page.last_name or ""
    rows = await queries.kpis_after(session, after, page.limit + 1)
    rows, cursor = page.cut(rows, lambda row: (row.key,))
    return schemas.KpiPage(items=[service.represent(row) for row in rows], next_cursor=cursor, as_of=now)


@router.post("/v1/kpis/values/batch", operation_id="put_kpi_values_batch", response_model=BatchResult)
async def put_kpi_values_batch(
    body: schemas.KpiValueBatch, who: KpiWriter, session: Tenant, once: Once, settings: SettingsOf
) -> Response:
    parsed = await parse_in_turns(body.items, schemas.KpiValueWrite, settings.events_batch_limit)
    wanted = refuse_repeats(parsed, lambda item: (item.kpi, item.team, item.period))
    outcomes = await service.put_values(session, wanted)
    return await once.answer(200, batch_result(body.items, outcomes))


@router.get("/v1/kpis/{key}", operation_id="get_kpi", response_model=schemas.Kpi)
async def get_kpi(key: Key, who: MetricsReader, session: Tenant, conditions: ReadConditions) -> Response:
    return conditions.answer(await service.find_kpi(session, key))


@router.put(
    "/v1/kpis/{key}",
    operation_id="put_kpi",
    response_model=schemas.Kpi,
    responses={201: {"model": schemas.Kpi}},
)
async def put_kpi(
    key: Key, body: schemas.KpiWrite, who: KpiWriter, session: Tenant, conditions: Conditions
) -> Response:
    kpi, is_new = await service.put_kpi(session, key, body, conditions)
    return conditions.answer_put(kpi, is_new, f"/v1/kpis/{key}")


@router.delete("/v1/kpis/{key}", operation_id="delete_kpi", status_code=204)
async def delete_kpi(key: Key, who: KpiWriter, session: Tenant, conditions: ChangeConditions) -> None:
    await service.delete_kpi(session, key, conditions)


@router.get("/v1/kpis/{key}/values", operation_id="list_kpi_values", response_model=schemas.KpiValuePage)
async def list_kpi_values(key: Key, who: MetricsReader, session: Tenant, page: Page) -> schemas.KpiValuePage:
    now = await as_of(session)
    await service.find_kpi(session, key)
    period, team = page.after or ("", "")
    rows = await queries.values_after(session, key, (period, team), page.limit + 1)
    rows, cursor = page.cut(rows, lambda row: (row.period, row.team or ""))
    items = [schemas.KpiValue.model_validate(row, from_attributes=True) for row in rows]
    return schemas.KpiValuePage(items=items, next_cursor=cursor, as_of=now)
