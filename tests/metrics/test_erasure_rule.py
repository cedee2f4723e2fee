"""Over HTTP: erasing answers changes nothing released, and no trend tells what few of them were (R11)."""

from typing import Any

import asyncpg
import pytest

from tests.conftest import Tenant
from tests.metrics.test_outcomes_http import CLOSED, NEXT_CLOSED, leave, one_wave, organisation
from tests.metrics.test_release import METRICS, answer, finish, names_of, read, staff, start
from tests.metrics.test_series import change_of, group_of

__all__ = ["organisation"]
BY = ["organization", "team"]


async def erase_answers(owner: asyncpg.Connection, tenant: Tenant, survey_id: str, names: list[str]) -> None:
    """As an erasure does, of a survey with attributed answers that everybody answered."""
    await owner.execute(
        "WITH gone AS (DELETE FROM responses r USING people p WHERE p.organization_id = r.organization_id"
        "  AND p.id = r.respondent_key AND r.organization_id = $1 AND r.survey_id::text = $2"
        "  AND p.external_id = ANY($3) RETURNING r.cell_ordinal)"
        " UPDATE survey_cells c SET erased = erased + g.n"
        " FROM (SELECT cell_ordinal, count(*) AS n FROM gone GROUP BY 1) g"
        " WHERE c.organization_id = $1 AND c.survey_id::text = $2 AND c.ordinal = g.cell_ordinal",
        tenant.id,
        survey_id,
        names,
    )


async def wave(tenant: Tenant, pay: int, every: int) -> str:
    """Every so many-th person gives one more."""
    survey_id = await start(tenant.client, series="q", mode="attributed")
    for more in (0, 1):
        names = [name for team in ("sales", "care") for name in names_of(team, 30)]
        own = [name for place, name in enumerate(names) if (place % every == 0) == more]
        await answer(tenant.client, survey_id, own, pay=pay + more)
    return await finish(tenant, survey_id)


async def verdicts(tenant: Tenant) -> dict[str | None, Any]:
    found = await read(tenant.client, "trends", by=BY)
    told = {team: change_of(group_of(found, team), "satisfaction") for team in (None, "sales", "care")}
    return {team: change.get("reason") or change["status"] for team, change in told.items()}


@pytest.mark.nightly
@pytest.mark.parametrize(
    ("gone", "told"),
    [
        (0, {None: "ok", "sales": "ok", "care": "ok"}),
        (2, {None: "erased", "sales": "ok", "care": "erased"}),
        (6, {None: "ok", "sales": "ok", "care": "ok"}),
        (28, {None: "ok", "sales": "ok", "care": "ok"}),
    ],
)
async def test_after_an_erasure_the_release_stays_and_trends_are_withheld_where_few_were_erased(
    acme: Tenant, owner: asyncpg.Connection, gone: int, told: dict[str | None, str]
) -> None:
    await staff(acme.client, {"sales": 30, "care": 30})
    first = await wave(acme, pay=2, every=2)
    before = [await read(acme.client, metric, survey_id=first, by=BY) for metric in METRICS]
    await erase_answers(owner, acme, first, names_of("care", gone))
    assert [await read(acme.client, metric, survey_id=first, by=BY) for metric in METRICS] == before
    await wave(acme, pay=4, every=3)
    assert await verdicts(acme) == told
    assert [await read(acme.client, metric, survey_id=first, by=BY) for metric in METRICS] == before


@pytest.mark.nightly
@pytest.mark.usefixtures("organisation")
@pytest.mark.parametrize(("gone", "status"), [(0, "ok"), (2, "suppressed")])
async def test_what_goes_with_leaving_is_not_told_where_few_were_erased(
    acme: Tenant, owner: asyncpg.Connection, gone: int, status: str
) -> None:
    first = await one_wave(acme, owner, CLOSED, mode="attributed")
    await erase_answers(owner, acme, first, [f"sales-{number}" for number in range(30, 30 + gone)])
    await leave(acme)
    await one_wave(acme, owner, NEXT_CLOSED, mode="attributed")
    association = (await read(acme.client, "outcomes", survey_id=first))["turnover"]["association"]
    assert (association["status"], association.get("reason")) == (status, "erased" if gone else None)
