"""Over HTTP: turnover is frozen with the next wave, KPIs are read beside what is shown."""

from datetime import UTC, date, datetime, timedelta
from typing import Any

import asyncpg
import numpy as np
import pytest
from scipy import stats

from app.core.contract import contract
from app.metrics.formulas import hazard_ratios
from app.metrics.releases import jobs
from tests.conftest import Tenant
from tests.contract import ContractClient
from tests.metrics.test_release import (
    answer,
    definitions,
    finish,
    names_of,
    numbers,
    read,
    released,
    staff,
    start,
)

Json = dict[str, Any]
URL = "/v1/metrics/outcomes"
CLOSED, NEXT_CLOSED = datetime(2026, 3, 1, 12, tzinfo=UTC), datetime(2026, 9, 1, 12, tzinfo=UTC)
PEOPLE = names_of("sales", 40) + names_of("care", 25)
SCORES = {name: (1 + place % 5, 1 + place // 2 % 5) for place, name in enumerate(PEOPLE)}
LEAVERS = {name: date(2026, 3, 10) + timedelta(days=5 * place) for place, name in enumerate(PEOPLE[3:63:5])}
TEAMS = [f"t{number:02}" for number in range(12)]
CSAT = {"title": {"en": "Customer satisfaction"}, "better": "higher"}


async def scored(tenant: Tenant, survey_id: str, scores: dict[str, tuple[int, int]] = SCORES) -> None:
    """Everybody still employed answers."""
    items = [{"respondent": name, "answers": {"pay": s, "bond": e}} for name, (s, e) in scores.items()]
    sent = await tenant.client.post(f"/v1/surveys/{survey_id}/responses/batch", json={"items": items})
    refused = {result["problem"]["code"] for result in sent.json()["results"] if "problem" in result}
    assert refused <= {"not_invited"}


async def closed(tenant: Tenant, owner: asyncpg.Connection, survey_id: str, at: datetime) -> None:
    """Closed, as if at that instant, with its release still to come."""
    await tenant.client.post(f"/v1/surveys/{survey_id}/close")
    await owner.execute(
        "UPDATE surveys SET opened_at = $1, closed_at = $2 WHERE organization_id = $3 AND id = $4",
        at - timedelta(days=7),
        at,
        tenant.id,
        survey_id,
    )


async def one_wave(tenant: Tenant, owner: asyncpg.Connection, at: datetime, **members: Any) -> str:
    survey_id = await start(tenant.client, **{"series": "quarterly", **members})
    await scored(tenant, survey_id)
    await closed(tenant, owner, survey_id, at)
    await tenant.work()
    return survey_id


async def leave(tenant: Tenant, leavers: dict[str, date] = LEAVERS) -> None:
    for name, day in leavers.items():
        left = await tenant.client.patch(f"/v1/people/{name}", json={"ends_on": day.isoformat()})
        assert left.status_code == 200


async def outcomes(api: ContractClient, **params: Any) -> Json:
    return await read(api, "outcomes", **params)


@pytest.fixture
async def organisation(acme: Tenant) -> None:
    await staff(acme.client, {"sales": 40, "care": 25})


@pytest.mark.usefixtures("organisation")
@pytest.mark.parametrize("mode", ["confidential", "attributed"])
async def test_turnover_is_frozen_when_the_next_wave_is_released(
    acme: Tenant, owner: asyncpg.Connection, mode: str
) -> None:
    api = acme.client
    first = await one_wave(acme, owner, CLOSED, mode=mode)
    await leave(acme)
    pending = {"status": "undefined", "reason": "next_wave_pending"}
    assert (await outcomes(api, survey_id=first))["turnover"] == pending
    second = await one_wave(acme, owner, NEXT_CLOSED, mode=mode)
    assert (await outcomes(api))["survey"]["id"] == second
    assert (await outcomes(api))["turnover"] == pending
    turnover = (await outcomes(api, survey_id=first, by=["organization", "team"]))["turnover"]
    assert (turnover["starts_on"], turnover["ends_on"]) == ("2026-03-01", "2026-09-01")
    association = turnover["association"]
    assert (association["status"], association["n"], association["leavers"]) == ("ok", 65, 12)
    days = [(LEAVERS[name] - date(2026, 2, 28)).days if name in LEAVERS else 184 for name in PEOPLE]
    bonds = np.array([25 * (SCORES[name][1] - 1) for name in PEOPLE])
    (expected,) = hazard_ratios(days, [name in LEAVERS for name in PEOPLE], bonds / 10).ratios
    assert association["engagement"]["hazard_ratio"]["ratio"] == pytest.approx(expected.ratio, abs=0.0005)
    whole, care, sales = turnover["groups"]
    assert [group["group"]["id"] for group in turnover["groups"]] == [None, "care", "sales"]
    assert (whole["leavers"], care["leavers"] + sales["leavers"]) == (12, 12)
    assert whole["headcount"] == pytest.approx(sum(days) / 184)
    assert whole["rate"] == pytest.approx(12 / (sum(days) / 365.25))


@pytest.mark.usefixtures("organisation")
async def test_what_is_frozen_stays_whoever_leaves_or_is_corrected(
    acme: Tenant, owner: asyncpg.Connection
) -> None:
    first = await one_wave(acme, owner, CLOSED)
    await leave(acme)
    second = await one_wave(acme, owner, NEXT_CLOSED)
    before = await acme.client.get(URL, params={"survey_id": first, "by": "team"})
    await leave(acme, {"sales-0": date(2026, 6, 1), "sales-3": date(2026, 6, 1)})
    await jobs.freeze_turnover(acme.database, acme.id, (await outcomes(acme.client))["survey"]["id"])
    await one_wave(acme, owner, NEXT_CLOSED + timedelta(days=90))
    after = await acme.client.get(URL, params={"survey_id": first, "by": "team"})
    assert after.content == before.content
    tag = {"If-None-Match": before.headers["etag"]}
    assert (
        await acme.client.get(URL, params={"survey_id": first, "by": "team"}, headers=tag)
    ).status_code == 304
    later = (await outcomes(acme.client, survey_id=second))["turnover"]
    assert (later["association"]["leavers"], later["groups"][0]["leavers"]) == (0, 0)


@pytest.mark.nightly
@pytest.mark.usefixtures("organisation")
async def test_releases_that_come_in_another_order_freeze_it_too(
    acme: Tenant, owner: asyncpg.Connection
) -> None:
    waves = []
    for at in (CLOSED, NEXT_CLOSED):
        survey_id = await start(acme.client, series="quarterly")
        await scored(acme, survey_id)
        await closed(acme, owner, survey_id, at)
        waves.append((await acme.client.get(f"/v1/surveys/{survey_id}")).json()["id"])
    await leave(acme)
    await owner.execute("DELETE FROM pgqueuer")
    for survey_id in reversed(waves):
        await jobs.release_survey(acme.database, acme.id, survey_id)
        await acme.work()
    assert (await outcomes(acme.client, survey_id=waves[0]))["turnover"]["association"]["leavers"] == 12


@pytest.mark.nightly
@pytest.mark.usefixtures("organisation")
async def test_who_came_back_had_left(acme: Tenant, owner: asyncpg.Connection) -> None:
    first = await one_wave(acme, owner, CLOSED)
    await leave(acme)
    rehired = {"starts_on": "2026-08-20", "ends_on": None}
    assert (await acme.client.patch("/v1/people/sales-3", json=rehired)).status_code == 200
    await leave(acme, {"care-24": date(2026, 2, 20), "care-23": date(2027, 1, 1)})
    await one_wave(acme, owner, NEXT_CLOSED)
    turnover = (await outcomes(acme.client, survey_id=first))["turnover"]
    assert (turnover["association"]["leavers"], turnover["groups"][0]["leavers"]) == (12, 12)


@pytest.mark.nightly
@pytest.mark.usefixtures("organisation")
async def test_a_wave_of_no_series_and_one_without_a_frame_have_no_turnover(acme: Tenant) -> None:
    alone = await released(acme, PEOPLE)
    assert (await outcomes(acme.client, survey_id=alone))["turnover"]["reason"] == "no_series"
    framed = {"mode": "anonymous", "access": "open", "series": "open"}
    for _ in range(2):
        survey_id = await start(acme.client, **framed)
        items = [{"team": "sales", "answers": {"pay": 4, "bond": 3}}] * 12
        await acme.client.post(f"/v1/surveys/{survey_id}/responses/batch", json={"items": items})
        await finish(acme, survey_id)
        assert (await outcomes(acme.client, survey_id=survey_id))["turnover"]["reason"] == "no_frame"


async def test_without_a_release_the_answers_are_those_of_every_metric(acme: Tenant, other: Tenant) -> None:
    async def code(api: ContractClient, **params: str) -> tuple[int, str]:
        got = await api.get(URL, params=params)
        return got.status_code, got.json()["code"]

    await staff(acme.client, {"sales": 6})
    assert await code(acme.client) == (404, "no_released_survey")
    survey_id = await start(acme.client, series="yearly")
    assert await code(acme.client, survey_id=survey_id) == (409, "survey_not_released")
    await answer(acme.client, survey_id, names_of("sales", 6))
    await acme.client.post(f"/v1/surveys/{survey_id}/close")
    assert await code(acme.client, survey_id=survey_id) == (409, "release_pending")
    await acme.work()
    assert await code(acme.client, by="segment:location") == (422, "unknown_segment")
    both = {"by": "segment:location", "team": "sales"}
    assert await code(acme.client, **both) == (422, "not_within_team")
    assert await code(acme.client, team="nowhere") == (422, "unknown_team")
    assert await code(acme.client, period="2027-Q5") == (422, "invalid_value")
    assert await code(other.client, survey_id=survey_id) == (404, "not_found")
    assert (await outcomes(acme.client))["kpis"] == []


# ---------------------------------------------------------------------------------------------- kpis


async def teams_wave(
    tenant: Tenant, owner: asyncpg.Connection, at: datetime, shift: int = 0, **members: Any
) -> str:
    """Twelve teams of six, each of one mind; the last four below the first."""
    survey_id = await start(tenant.client, **members)
    scores = {
        name: (1 + (number + shift) % 5, 1 + number * (3 - shift) % 5)
        for number, team in enumerate(TEAMS)
        for name in names_of(team, 6)
    }
    await scored(tenant, survey_id, scores)
    await closed(tenant, owner, survey_id, at)
    await tenant.work()
    return survey_id


async def values(tenant: Tenant, period: str, per_team: dict[str, float], kpi: str = "csat") -> None:
    items = [{"kpi": kpi, "team": team, "period": period, "value": value} for team, value in per_team.items()]
    sent = await tenant.client.post("/v1/kpis/values/batch", json={"items": items})
    assert sent.json()["summary"]["failed"] == 0, sent.text


@pytest.fixture
async def tree(acme: Tenant) -> None:
    await staff(acme.client, dict.fromkeys(TEAMS, 6))
    await acme.client.put("/v1/kpis/csat", json=CSAT)


@pytest.mark.usefixtures("tree")
async def test_kpis_are_held_against_the_scores_shown_in_the_first_period_after_the_wave(
    acme: Tenant, owner: asyncpg.Connection
) -> None:
    await teams_wave(acme, owner, CLOSED)
    [nothing] = (await outcomes(acme.client))["kpis"]
    assert nothing["wave"] == {"status": "undefined", "reason": "no_values", "period": None}
    for factor, period in enumerate(("2026-01", "2026-Q1", "2026-Q3", "2026-Q2", "2026")):
        await values(acme, period, {team: factor * number**2 % 7 for number, team in enumerate(TEAMS)})
    [found] = (await outcomes(acme.client))["kpis"]
    assert found["kpi"] == {"key": "csat", "title": CSAT["title"], "unit": None, "better": "higher"}
    assert (found["wave"]["status"], found["wave"]["period"], found["wave"]["n"]) == ("ok", "2026-Q2", 12)
    shown = {
        group["group"]["id"]: group
        for group in (await read(acme.client, by="team"))["groups"]
        if group["status"] == "ok"
    }
    for point in found["wave"]["points"]:
        group = shown[point["team"]]
        assert point["name"] == group["group"]["name"]
        assert point["satisfaction"] == group["satisfaction"]["score"]
        assert point["engagement"] == group["engagement"]["score"]
        assert point["value"] == 3 * int(point["team"][1:]) ** 2 % 7
    for name in ("satisfaction", "engagement"):
        columns = [[point[key] for point in found["wave"]["points"]] for key in (name, "value")]
        assert found["wave"][name]["r"] == pytest.approx(stats.spearmanr(*columns).statistic)
    [other] = (await outcomes(acme.client, period="2026-01"))["kpis"]
    assert (other["wave"]["period"], other["across_waves"]) == ("2026-01", found["across_waves"])
    [none] = (await outcomes(acme.client, period="2031"))["kpis"]
    assert none["wave"] == {"status": "undefined", "reason": "no_values", "period": "2031"}


@pytest.mark.usefixtures("tree")
async def test_only_teams_that_are_shown_and_share_nobody_are_points(
    acme: Tenant, owner: asyncpg.Connection
) -> None:
    await staff(acme.client, {"tiny": 3, **dict.fromkeys(TEAMS[8:], 6)}, dict.fromkeys(TEAMS[8:], TEAMS[0]))
    await teams_wave(acme, owner, CLOSED)
    await values(acme, "2027", dict.fromkeys([*TEAMS, "tiny"], 1))
    await values(acme, "2027", {"t01": 5}, kpi="csat")
    [found] = (await outcomes(acme.client))["kpis"]
    named = [point["team"] for point in found["wave"]["points"]]
    shown = {
        group["group"]["id"]
        for group in (await read(acme.client, by="team"))["groups"]
        if group["status"] == "ok"
    }
    assert TEAMS[0] in shown
    assert TEAMS[0] not in named
    assert set(named) == shown - {TEAMS[0]}
    assert found["wave"]["n"] == len(named)


@pytest.mark.nightly
@pytest.mark.usefixtures("tree")
async def test_waves_of_a_series_are_pooled_each_with_its_own_period(
    acme: Tenant, owner: asyncpg.Connection
) -> None:
    for shift, at in enumerate((CLOSED, CLOSED + timedelta(days=10), NEXT_CLOSED)):
        await teams_wave(acme, owner, at, shift, series="quarterly")
    newest = (await outcomes(acme.client))["survey"]["id"]
    await values(acme, "2026-Q2", {team: number % 4 for number, team in enumerate(TEAMS)})
    await values(acme, "2026-Q4", {team: number % 3 for number, team in enumerate(TEAMS)})
    [found] = (await outcomes(acme.client, survey_id=newest))["kpis"]
    assert (found["wave"]["period"], found["wave"]["status"]) == ("2026-Q4", "ok")
    assert (found["across_waves"]["status"], found["across_waves"]["waves"]) == ("ok", 2)
    tests = [
        found[part][name] for part in ("wave", "across_waves") for name in ("satisfaction", "engagement")
    ]
    assert max(one["q"] for one in tests) >= max(one["p"] for one in tests)
    assert all(one["q"] >= one["p"] for one in tests)
    pooled = found["across_waves"]["engagement"]
    assert (
        pooled["prediction_low"]
        <= pooled["ci_low"]
        < pooled["r"]
        < pooled["ci_high"]
        <= pooled["prediction_high"]
    )


@pytest.mark.nightly
@pytest.mark.usefixtures("tree")
async def test_the_cost_does_not_grow_with_kpis_teams_and_waves(
    acme: Tenant, owner: asyncpg.Connection, queries: list[str]
) -> None:
    async def cost() -> int:
        queries.clear()
        await outcomes(acme.client)
        return len(queries)

    await teams_wave(acme, owner, CLOSED, series="quarterly")
    await values(acme, "2026-Q2", {"t01": 1})
    before = await cost()
    for number in range(5):
        await acme.client.put(f"/v1/kpis/k{number}", json=CSAT)
        await values(acme, "2026-Q2", dict.fromkeys(TEAMS, number), f"k{number}")
    await teams_wave(acme, owner, NEXT_CLOSED, series="quarterly")
    assert await cost() == before


# --------------------------------------------------------------------------------------------- words


@pytest.mark.usefixtures("organisation")
async def test_notes_are_in_the_language_asked_for(acme: Tenant) -> None:
    await released(acme, PEOPLE)
    texts = {}
    for language in ("en", "nl"):
        got = await acme.client.get(URL, headers={"Accept-Language": language})
        notes = {note["about"]: note["text"] for note in got.json()["notes"]}
        assert notes.keys() == {"turnover", "kpis", "across_waves"}
        texts[language] = notes["kpis"]
    assert "not people" in texts["en"]
    assert "geen mensen" in texts["nl"]
    await acme.client.patch("/v1/organization", json={"locale": "nl"})
    assert (await outcomes(acme.client))["notes"][1]["text"] == texts["nl"]


DEFINED = {
    "hazard_ratio": "turnover.hazard_ratio",
    "rate_ratio": "turnover.rate_ratio",
    "leavers": "turnover.leavers",
    "headcount": "turnover.headcount",
    "rate": "turnover.rate",
    "n": "n",
}
KPI_DEFINED = {
    "wave": "kpis.wave.r",
    "prediction_low": "kpis.across_waves.prediction",
    "prediction_high": "kpis.across_waves.prediction",
    "tau2": "kpis.across_waves.tau2",
    "across_waves": "kpis.across_waves.r",
}


async def assert_defined(api: ContractClient, block: Json, names: dict[str, str]) -> None:
    known = {metric["name"] for metric in (await definitions(api, "en"))["metrics"]}
    for path in numbers(block):
        found = next((names[step] for step in reversed(path) if step in names), None)
        assert found in known, path


@pytest.mark.nightly
@pytest.mark.usefixtures("organisation")
async def test_every_number_has_a_definition(acme: Tenant, owner: asyncpg.Connection) -> None:
    first = await one_wave(acme, owner, CLOSED)
    await leave(acme)
    await one_wave(acme, owner, NEXT_CLOSED)
    turnover = (await outcomes(acme.client, survey_id=first))["turnover"]
    await assert_defined(acme.client, turnover["association"], DEFINED)
    (group,) = turnover["groups"]
    del group["group"]
    await assert_defined(acme.client, group, DEFINED)


@pytest.mark.nightly
@pytest.mark.usefixtures("tree")
async def test_every_number_about_kpis_has_a_definition(acme: Tenant, owner: asyncpg.Connection) -> None:
    for shift, (at, period) in enumerate(((CLOSED, "2026-Q2"), (NEXT_CLOSED, "2026-Q4"))):
        await teams_wave(acme, owner, at, shift, series="quarterly")
        await values(acme, period, {team: number % 4 for number, team in enumerate(TEAMS)})
    [found] = (await outcomes(acme.client))["kpis"]
    assert found["across_waves"]["status"] == "ok"
    await assert_defined(acme.client, {name: found[name] for name in ("wave", "across_waves")}, KPI_DEFINED)


OUTCOME_SCHEMAS = ["TurnoverUndefined", "TurnoverGroupUndefined", "LeavingInsufficient", "LeavingUndefined"]
OUTCOME_SCHEMAS += ["KpiWaveInsufficient", "KpiWaveUndefined", "KpiWavesInsufficient"]


@pytest.mark.parametrize("kind", OUTCOME_SCHEMAS)
async def test_every_reason_has_a_label_in_both_languages(kind: str, api: ContractClient) -> None:
    labels = (await definitions(api, "en"))["labels"]["reasons"]
    schema = contract()["components"]["schemas"][kind]["properties"]["reason"]
    for reason in [
        *schema["enum"],
        "below_minimum",
        "few_silent",
        "not_estimable",
        "zero_variance",
        "perfect",
    ]:
        assert labels[reason].keys() == {"en", "nl"}
