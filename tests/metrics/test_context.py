"""Over HTTP: what a frontend needs beside the numbers, in one call."""

import json
from datetime import UTC, datetime, timedelta
from itertools import combinations
from typing import Any
from zoneinfo import ZoneInfo

import asyncpg
import pytest

from app.core.contract import contract
from app.metrics.definitions import LANGUAGES, document, quadrants
from app.metrics.views.context import days_left
from tests.colours import contrast, luminance
from tests.conftest import Tenant
from tests.contract import ContractClient, Operation, operations, resolve
from tests.metrics.test_managers import PARENTS, SIZES, manager
from tests.metrics.test_release import Json, answer, finish, names_of, read, released, staff, start
from tests.metrics.test_rolling import roll

AMSTERDAM = ZoneInfo("Europe/Amsterdam")
EVERYBODY = [name for team, size in SIZES.items() for name in names_of(team, size)]
PAPERS = {"light": "#fbf9f5", "dark": "#171b1d"}
ALSO = {
    "state": "verdicts",
    "lever": "levers",
    "top": "levers",
    "tie_set": "levers",
    "criterion": "scales",
    "measure": "scales",
    "status": "statuses",
    "instrument_status": "instrument_statuses",
}
"""Families that are neither named as the member whose codes they have nor so with an s."""
SAID_ELSEWHERE = {"about", "name", "formats"}
"""Members whose codes are not shown: what a note is about, charts (each has its title), and their formats."""


async def told_by(api: ContractClient, metric: str, **params: Any) -> list[Any]:
    got = await api.get(f"/v1/metrics/{metric}", params={"by": ["organization", "team"], **params})
    found: list[Any] = got.json()["groups"]
    return found


async def context(api: ContractClient, language: str = "en", **params: Any) -> Json:
    got = await api.get("/v1/metrics/context", params=params, headers={"Accept-Language": language})
    assert got.status_code == 200, got.text
    found: Json = got.json()
    return found


def listed(found: Json, kind: str = "waves") -> list[str]:
    return [one["survey"]["id"] if kind == "waves" else one["id"] for one in found[kind]]


def team_ids(found: Json) -> list[str]:
    return [team["id"] for team in found["teams"]]


async def test_before_anything_is_released_it_says_what_is_open(acme: Tenant) -> None:
    assert (await context(acme.client))["survey_id"] is None
    await staff(acme.client, {"sales": 6})
    without_end = await start(acme.client)
    closes_at = datetime.now(UTC) + timedelta(days=9)
    survey_id = await start(acme.client, closes_at=closes_at.isoformat())
    found = await context(acme.client)
    assert (found["survey_id"], found["waves"], found["teams"], found["segments"]) == (None, [], [], [])
    assert listed(found, "open") == [survey_id, without_end]
    assert [one["days_left"] for one in found["open"]] == [9, None]
    assert found["organization"]["name"] == "Acme"
    refused = await acme.client.get("/v1/metrics/context", params={"survey_id": survey_id})
    assert (refused.status_code, refused.json()["code"]) == (409, "survey_not_released")
    missing = await acme.client.get("/v1/metrics/context", params={"series": "pulse"})
    assert (missing.status_code, missing.json()["code"]) == (404, "no_released_survey")


async def test_waves_of_all_series_are_listed_newest_first_and_not_once_archived(
    acme: Tenant, owner: asyncpg.Connection
) -> None:
    await staff(acme.client, {"sales": 6})
    first = await released(acme, names_of("sales", 6), series="pulse")
    second = await released(acme, names_of("sales", 6), series="pulse")
    other = await released(acme, names_of("sales", 6))
    rolling = await start(acme.client, release_policy="rolling")
    await answer(acme.client, rolling, names_of("sales", 6))
    await roll(acme, rolling)
    found = await context(acme.client)
    assert listed(found) == [rolling, other, second, first]
    assert listed(found, "open") == [rolling]
    assert found["survey_id"] == other == (await read(acme.client))["survey"]["id"]
    assert (await context(acme.client, series="pulse"))["survey_id"] == second
    await acme.client.patch(f"/v1/surveys/{second}", json={"archived": True})
    assert listed(await context(acme.client)) == [rolling, other, first]


@pytest.mark.nightly
async def test_a_short_label_is_the_month_and_the_day_where_that_is_not_enough(
    acme: Tenant, owner: asyncpg.Connection
) -> None:
    await staff(acme.client, {"sales": 6})
    days = [
        ("pulse", datetime(2026, 3, 1, 12, tzinfo=UTC)),
        ("pulse", datetime(2026, 3, 1, 13, tzinfo=UTC)),
        ("pulse", datetime(2026, 3, 31, 21, 59, tzinfo=UTC)),
        ("pulse", datetime(2026, 3, 31, 22, 1, tzinfo=UTC)),
        (None, datetime(2026, 3, 31, 21, 59, tzinfo=UTC)),
    ]
    for series, opened_at in days:
        survey_id = await released(acme, names_of("sales", 6), series=series)
        moved = "UPDATE surveys SET opened_at = $2 WHERE id = $1"
        await owner.execute(moved, survey_id, opened_at)
    said = {
        language: sorted(one["label"] for one in (await context(acme.client, language))["waves"])
        for language in LANGUAGES
    }
    assert said["en"] == ["1 March 2026 (1)", "1 March 2026 (2)", "31 March 2026", "April 2026", "March 2026"]
    assert said["nl"] == ["1 maart 2026 (1)", "1 maart 2026 (2)", "31 maart 2026", "april 2026", "maart 2026"]


@pytest.mark.parametrize(
    ("closes_at", "left"),
    [
        (None, None),
        (datetime(2026, 12, 1, 23, 30, tzinfo=UTC), 2),
        (datetime(2026, 12, 1, 22, 30, tzinfo=UTC), 1),
        (datetime(2026, 11, 30, 22, 59, tzinfo=UTC), 0),
        (datetime(2026, 11, 29, 9, 0, tzinfo=UTC), 0),
    ],
)
def test_days_are_counted_by_the_clock_of_the_organisation(
    closes_at: datetime | None, left: int | None
) -> None:
    assert days_left(closes_at, datetime(2026, 11, 30, 22, 30, tzinfo=UTC), AMSTERDAM) == left


async def test_teams_are_a_tree_of_as_many_levels_as_are_asked_for(acme: Tenant) -> None:
    await staff(acme.client, SIZES, PARENTS)
    survey_id = await released(acme, EVERYBODY, report_by=["location"])
    found = await context(acme.client)
    assert team_ids(found) == ["it", "sales", "be", "nl"]
    assert [team["parts"] for team in found["teams"]] == [0, 2, 0, 0]
    assert found["teams"][2] == {"id": "be", "name": "Be", "parent": "sales", "depth": 1, "parts": 0}
    assert team_ids(await context(acme.client, depth=1)) == ["it", "sales"]
    for metric in ("satisfaction-engagement", "participation", "facets", "overview"):
        whole = await told_by(acme.client, metric)
        flat = await told_by(acme.client, metric, depth=1)
        assert [one["group"]["depth"] for one in flat] == [0, 0, 0], metric
        assert flat == [one for one in whole if one["group"]["depth"] < 1]
        below = await told_by(acme.client, metric, team="sales", depth=1)
        assert [one["group"]["id"] for one in below] == ["sales"]
    chart = await acme.client.get("/v1/charts/participation", params={"depth": 2})
    assert {"Sales", "Be"} <= set(json.dumps(chart.json()["datasets"]).replace('"', " ").split())
    assert team_ids(await context(acme.client, team="sales")) == ["sales", "be", "nl"]
    assert team_ids(await context(acme.client, team="sales", depth=1)) == ["sales"]
    assert found["segments"] == [{"segment": "location", "by": "segment:location"}]
    for one in found["segments"]:
        await read(acme.client, by=one["by"], survey_id=survey_id)
    unknown = await acme.client.get("/v1/metrics/context", params={"team": "nowhere"})
    assert (unknown.status_code, unknown.json()["code"]) == (422, "unknown_team")


@pytest.mark.nightly
async def test_who_leads_teams_is_told_of_these_and_of_the_waves_in_which_they_are(acme: Tenant) -> None:
    await staff(acme.client, SIZES, PARENTS)
    both = await released(acme, EVERYBODY, report_by=["location"])
    without = await released(acme, names_of("it", 12), audience={"teams": ["it"]})
    running = [await start(acme.client, audience={"teams": [team]}) for team in ("nl", "it")]
    client = await manager(acme, teams=["sales"])
    found = await context(client, survey_id=both)
    assert (team_ids(found), found["segments"]) == (["sales", "be", "nl"], [])
    assert listed(found) == [both]
    assert listed(found, "open") == [running[0]]
    assert listed(await context(await manager(acme, teams=["be"])), "open") == []
    assert listed(await context(acme.client)) == [without, both]
    assert team_ids(await context(client, survey_id=both, depth=1)) == ["sales"]
    refused = await client.get("/v1/metrics/context", params={"survey_id": both, "team": "it"})
    assert (refused.status_code, refused.json()["code"]) == (422, "unknown_team")


async def test_a_survey_that_is_being_released_is_waited_for(acme: Tenant) -> None:
    await staff(acme.client, {"sales": 6})
    survey_id = await start(acme.client)
    await answer(acme.client, survey_id, names_of("sales", 6))
    await acme.client.post(f"/v1/surveys/{survey_id}/close")
    pending = await acme.client.get("/v1/metrics/context", params={"survey_id": survey_id})
    assert (pending.status_code, pending.json()["code"]) == (409, "release_pending")
    assert listed(await context(acme.client)) == []
    await finish(acme, survey_id)
    assert listed(await context(acme.client)) == [survey_id]


async def test_an_unchanged_context_is_not_sent_again(acme: Tenant) -> None:
    first = await acme.client.get("/v1/metrics/context")
    again = await acme.client.get("/v1/metrics/context", headers={"If-None-Match": first.headers["etag"]})
    assert again.status_code == 304


# ------------------------------------------------------------------ words and colours


def codes(schema: Any, member: str = "", within: frozenset[str] = frozenset()) -> set[tuple[str, str]]:
    """Each code that an answer of this schema may hold, with the member that holds it."""
    if "$ref" in schema:
        if schema["$ref"] in within:
            return set()
        within |= {schema["$ref"]}
        schema = resolve(schema)
    found = {(member, code) for code in schema.get("enum", []) if code is not None}
    inner = [(name, one) for name, one in schema.get("properties", {}).items()]
    inner += [(member, one) for kind in ("oneOf", "anyOf", "allOf") for one in schema.get(kind, [])]
    inner += [(member, schema["items"])] if "items" in schema else []
    return found.union(*(codes(one, name, within) for name, one in inner))


def reads_metrics(operation: Operation) -> bool:
    return operation.method == "get" and "metrics:read" in operation.scopes


def codes_of_metrics() -> set[tuple[str, str]]:
    read = [one.node["responses"]["200"] for one in operations() if reads_metrics(one)]
    contents = [content for answer in read for content in resolve(answer)["content"].values()]
    return set().union(*(codes(content["schema"]) for content in contents if "schema" in content))


def words_for(member: str, code: str) -> dict[str, str] | None:
    labels = document()["labels"]
    family = ALSO.get(member) or (member if member in labels else f"{member}s")
    found: dict[str, str] | None = labels.get(family, {}).get(code)
    return found


def test_every_code_that_a_reader_of_metrics_meets_has_words() -> None:
    met = {(member, code) for member, code in codes_of_metrics() if member not in SAID_ELSEWHERE}
    survey = contract()["components"]["schemas"]["Survey"]
    met |= {(member, code) for member, code in codes(survey) if member == "status"}
    assert len(met) > 100
    assert {(member, code) for member, code in met if not words_for(member, code)} == set()


def test_the_contract_names_every_family_of_words() -> None:
    described = contract()["components"]["schemas"]["Labels"]
    assert set(described["required"]) == described["properties"].keys() == document()["labels"].keys()


def test_the_quadrants_of_the_example_are_ours() -> None:
    (operation,) = (one for one in operations() if one.id == "get_context")
    told = operation.node["responses"]["200"]["content"]["application/json"]["example"]["quadrants"]
    ours = {one.quadrant: one.model_dump() for one in quadrants()}
    assert told == [ours[one["quadrant"]] for one in told]


def lightness(colour: str) -> float:
    return float(116 * luminance(colour) ** (1 / 3) - 16)


@pytest.mark.parametrize("theme", PAPERS)
def test_quadrants_are_told_apart_on_the_paper_and_in_grey(theme: str) -> None:
    colours = [getattr(one.colours, theme) for one in quadrants()]
    for colour in colours:
        assert contrast(PAPERS[theme], colour) >= 3, colour
    for one, other in combinations(colours, 2):
        assert abs(lightness(one) - lightness(other)) >= 4, (one, other)
