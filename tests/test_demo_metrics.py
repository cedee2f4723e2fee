"""Every metrics address of the contract, read on the shipped demo: valid answers, and no failure of ours."""

import asyncio
import os
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import cycle, product
from pathlib import Path
from typing import Any

import pytest
from rich.progress import Progress

from app.core import migrations
from app.core.backup import back_up
from app.core.database import Database
from app.core.restore import restore
from app.core.settings import Settings
from app.demo import service as demo
from app.main import create_app
from tests.charts.specifications import faults, untold
from tests.conftest import client_for, database_like, on_database, run_sql
from tests.contract import ContractClient, Operation, operations, resolve

LANGUAGES = ("en", "nl")
ADDRESSES = [
    operation
    for operation in operations()
    if operation.method == "get" and operation.node["tags"] == ["metrics"]
]
OVERVIEW = next(operation for operation in ADDRESSES if operation.id == "get_overview")


@dataclass(frozen=True)
class Filled:
    """The demo with a client that may read all of it; `surveys` are the released, with values of `by`."""

    client: ContractClient
    database: Database
    surveys: dict[str, list[str]]
    open_survey: str
    teams: list[str]


@dataclass(frozen=True)
class Reading:
    operation: Operation
    survey: str
    language: str
    by: tuple[str, ...] = ()
    team: str | None = None

    @property
    def names(self) -> set[str]:
        return {parameter["name"] for parameter in self.operation.parameters if parameter["in"] == "query"}

    @property
    def query(self) -> dict[str, Any]:
        wanted = {"survey_id": self.survey, "by": self.by or None, "team": self.team}
        return {name: value for name, value in wanted.items() if value and name in self.names}

    async def answer(self, client: ContractClient) -> Any:
        path = self.operation.url(survey_id=self.survey).partition("?")[0]
        return await client.get(path, params=self.query, headers={"Accept-Language": self.language})


@pytest.fixture(scope="module")
async def filled(server_url: str, settings: Settings, tmp_path_factory: Any) -> AsyncIterator[Filled]:
    """In a database of its own: its jobs and its organisation are nobody else's."""
    name = f"betrokken_read_{os.environ.get('PYTEST_XDIST_WORKER', 'main')}_{os.getpid()}"
    url = on_database(server_url, name)
    folder = Path(tmp_path_factory.mktemp("demo"))
    own = settings.model_copy(update={"data_dir": folder, "mails_are_files": True})
    await run_sql(server_url, f"CREATE DATABASE {name} TEMPLATE template0")
    app = create_app(own, url)
    async with app.router.lifespan_context(app):
        database: Database = app.state.database
        await migrations.migrate(database)
        await demo.fill_once(database, own, datetime.now(UTC), Progress(disable=True))
        client = client_for(app, await demo.working_key(database, own.data_dir / demo.KEY_FILE))
        yield await described(client, database)
    await run_sql(server_url, f"DROP DATABASE {name} WITH (FORCE)")


async def described(client: ContractClient, database: Database) -> Filled:
    surveys = (await client.get("/v1/surveys")).json()["items"]
    teams = (await client.get("/v1/teams", params={"limit": 200})).json()["items"]
    [still_open] = [survey["id"] for survey in surveys if survey["status"] == "open"]
    released = {
        survey["id"]: ["organization", "team", *(f"segment:{name}" for name in survey["report_by"])]
        for survey in surveys
        if survey["status"] == "released"
    }
    return Filled(client, database, released, still_open, [team["external_id"] for team in teams])


def of_everybody(filled: Filled) -> Iterator[Reading]:
    """Each address with each kind of group, of each survey, in each language."""
    for survey, kinds in filled.surveys.items():
        for operation, language in product(ADDRESSES, LANGUAGES):
            for kind in kinds_of(operation, kinds):
                yield Reading(operation, survey, language, by=(kind,))


def kinds_of(operation: Operation, of_survey: list[str]) -> list[str]:
    """What `by` may be: the values that the contract names, else what the survey reports by."""
    by = next((one for one in operation.parameters if one["name"] == "by"), None)
    if by is None:
        return ["organization"]
    named: list[str] = resolve(by["schema"]["items"]).get("enum", of_survey)
    return named


def of_teams(filled: Filled) -> Iterator[Reading]:
    """Each address of each team and those below it, of each survey, in each language."""
    for survey, operation, language, team in product(filled.surveys, ADDRESSES, LANGUAGES, filled.teams):
        yield Reading(operation, survey, language, by=("organization", "team"), team=team)


def some_of_teams(filled: Filled) -> Iterator[Reading]:
    """The overview of each team in each survey; the others take turns, so that each is read of several."""
    for survey, team in product(filled.surveys, filled.teams):
        yield Reading(OVERVIEW, survey, "en", by=("team",), team=team)
    surveys, languages, teams = cycle(filled.surveys), cycle(LANGUAGES), cycle(filled.teams)
    for operation in ADDRESSES * 4:
        yield Reading(operation, next(surveys), next(languages), by=("team",), team=next(teams))


async def failures(filled: Filled, readings: Iterator[Reading]) -> list[str]:
    """Those without an answer as the contract has it: the client itself looks at the body."""
    found = []
    for reading in readings:
        answer = await reading.answer(filled.client)
        if answer.status_code != 200:
            found.append(
                f"{reading.operation.path} {reading.query}: {answer.status_code} {answer.text[:200]}"
            )
    return found


async def test_every_address_answers_for_the_organisation_its_teams_and_segments(filled: Filled) -> None:
    assert len(filled.surveys) >= 2
    assert len(ADDRESSES) >= 18
    assert await failures(filled, of_everybody(filled)) == []


@pytest.mark.nightly
async def test_an_address_answers_for_any_team(filled: Filled) -> None:
    assert len(filled.teams) > 30
    assert await failures(filled, some_of_teams(filled)) == []


@pytest.mark.nightly
async def test_every_address_answers_for_every_team(filled: Filled) -> None:
    assert await failures(filled, of_teams(filled)) == []


@pytest.mark.nightly
async def test_a_restored_demo_says_the_same_at_every_address(
    filled: Filled, server_url: str, settings: Settings, tmp_path: Path
) -> None:
    async with database_like(server_url, "restored") as url:
        await back_up(filled.database, tmp_path / "backup")
        app = create_app(settings, url)
        async with app.router.lifespan_context(app):
            await restore(app.state.database, tmp_path / "backup")
            client = client_for(app, filled.client.headers["Authorization"].removeprefix("Bearer "))
            readings = [*of_everybody(filled), *some_of_teams(filled)]
            assert len(readings) > 200
            for reading in readings:
                here, there = await reading.answer(filled.client), await reading.answer(client)
                assert (here.status_code, here.content) == (200, there.content), reading


async def test_an_open_survey_has_no_numbers_yet(filled: Filled) -> None:
    readings = [
        Reading(operation, filled.open_survey, language)
        for operation, language in product(ADDRESSES, LANGUAGES)
        if any(parameter["name"] == "survey_id" for parameter in operation.parameters)
    ]
    answers = await asyncio.gather(*(reading.answer(filled.client) for reading in readings))
    assert {(answer.status_code, answer.json()["code"]) for answer in answers} == {
        (409, "survey_not_released")
    }


# ------------------------------------------------------------------ charts


@pytest.mark.nightly
async def test_every_chart_is_drawn_of_what_its_metric_tells(filled: Filled) -> None:
    """In both languages, of the organisation and of some teams: valid, and without another number."""
    listed = (await filled.client.get("/v1/charts")).json()["items"]
    assert len(listed) == 11
    for chart, team in product(listed, [None, *filled.teams[::9]]):
        of_survey = {"by": ["organization", "team"]} if "by" in chart["parameters"] else {}
        where = {"team": team} if team else {}
        told = [
            (await filled.client.get(address, params=where | by)).json() for address, by in told_by(chart)
        ]
        for language in LANGUAGES:
            answer = await filled.client.get(
                f"/v1/charts/{chart['name']}", params=where | of_survey, headers={"Accept-Language": language}
            )
            assert answer.status_code == 200, f"{chart['name']} {team}: {answer.text[:200]}"
            assert faults(answer.json()) is None, chart["name"]
            if chart["name"] != "calendar":
                assert untold(answer.json(), *told) == set(), f"{chart['name']} {team}"


ENDS = {"satisfaction": ("score", "ci_low", "ci_high"), "engagement": ("score", "ci_low", "ci_high")}


async def test_a_chart_draws_all_that_is_told_of_every_group_and_says_why_the_rest_is_not(
    filled: Filled,
) -> None:
    """Of all teams: shown, banded and hidden; its table has the same by itself."""
    by = {"by": ["organization", "team"]}
    labels = (await filled.client.get("/v1/metrics/context")).json()["labels"]
    answer = (await filled.client.get("/v1/metrics/satisfaction-engagement", params=by)).json()
    shown = [one for one in answer["groups"] if one["status"] == "ok"]
    hidden = [one for one in answer["groups"] if one["status"] != "ok"]
    assert hidden
    assert any(one["position"] is None for one in shown)
    for name in ("quadrants", "gap"):
        data = await datasets(filled, name, by)
        drawn = {row["name"]: row for row in data["groups"]}
        assert len(drawn) == len(shown)
        for one in shown:
            row = drawn[name_of(one)]
            assert [row[f"{score}{end}"] for score in ENDS for end in ("", "_low", "_high")] == [
                one[score][end] for score, ends in ENDS.items() for end in ends
            ]
            if name == "quadrants":
                position = one["position"]
                place = ("quadrants", position["quadrant"]) if position else ("reasons", why_no_place(one))
                assert row["quadrant"] == labels[place[0]][place[1]]["en"]
                assert ("semi_major" in row) == bool(position)
            else:
                assert (row["gap"], row["gap_low"]) == (one["gap"]["mean"], one["gap"]["ci_low"])
        assert data["hidden"] == [
            {"name": name_of(one), "reason": labels["reasons"][one["reason"]]["en"]} for one in hidden
        ]


@pytest.mark.nightly
async def test_the_topics_of_every_team_are_drawn_with_all_that_is_told_of_them(filled: Filled) -> None:
    for team in filled.teams:
        asked = {"team": team, "by": ["team"]}
        answer = await filled.client.get(
            "/v1/metrics/facets", params=asked, headers={"Accept-Language": "en"}
        )
        group = answer.json()["groups"][0]
        rows = (await datasets(filled, "facets", {"team": team}))["rows"]
        told = {one["title"]: one for one in group.get("facets", [])}
        drawn = {row["name"]: row for row in rows if "is_heading" not in row}
        assert drawn.keys() == told.keys()
        for title, one in told.items():
            assert drawn[title].get("score") == one.get("score")
            assert drawn[title].get("favourable") == one.get("favourable")
            assert ("reason" in drawn[title]) == (one.get("favourable") is None)


async def datasets(filled: Filled, name: str, params: dict[str, Any]) -> dict[str, Any]:
    answer = await filled.client.get(f"/v1/charts/{name}", params=params, headers={"Accept-Language": "en"})
    found: dict[str, Any] = answer.json()["datasets"]
    return found


def why_no_place(group: dict[str, Any]) -> str:
    return str(group["reasons"]["position"])


def name_of(group: dict[str, Any]) -> str:
    found = group["group"]
    return "Whole organisation" if found["kind"] == "organization" else str(found["name"])


def told_by(chart: dict[str, Any]) -> list[tuple[str, dict[str, Any]]]:
    """The requests whose answers a chart is made of."""
    by = ["organization", "team"]
    if chart["name"] == "levers":
        return [(chart["metric"], {"by": by}), ("/v1/metrics/drivers", {"by": by})]
    if chart["metric"] == "/v1/metrics/recognition":
        return [(chart["metric"], {"by": [*by, "month"]})]
    return [] if chart["name"] == "calendar" else [(chart["metric"], {"by": by})]
