"""The demo company's own numbers, month by month and team by team. Pure; always the same values."""

from collections.abc import Iterator, Mapping
from datetime import date
from random import Random
from typing import Any

from app.demo.company import SEED, Company, Team, script
from app.recognition.rules import months_before

MONTHS = 12
FEWEST = 5
"""A team of fewer has no value: it would tell of persons."""


def kpis() -> Iterator[tuple[str, dict[str, Any]]]:
    """Bodies of PUT /v1/kpis/{key}, by key."""
    for kpi in script()["kpis"]:
        yield kpi["key"], {name: kpi[name] for name in ("title", "unit", "better")}


def kpi_values(company: Company, today: date) -> list[dict[str, Any]]:
    """Items of /v1/kpis/values/batch: each month that has ended, of each team and of all."""
    return [
        value
        for kpi in script()["kpis"]
        for ago in range(MONTHS, 0, -1)
        for value in _month(kpi, company, ago, f"{months_before(today.replace(day=1), ago):%Y-%m}")
    ]


def _month(kpi: Mapping[str, Any], company: Company, ago: int, period: str) -> Iterator[dict[str, Any]]:
    teams = [team for team in company.teams if team.size >= FEWEST]
    values = {team.id: _value(kpi, team, ago) for team in teams}
    staff = sum(team.size for team in teams)
    whole = sum(values[team.id] * team.size for team in teams) / staff
    for team, value in [*values.items(), (None, round(whole, 1))]:
        yield {"kpi": kpi["key"], "team": team, "period": period, "value": value}


def _value(kpi: Mapping[str, Any], team: Team, ago: int) -> float:
    base, by_satisfaction, by_engagement = kpi["value"]
    low, high = map(float, kpi["bounds"])
    satisfaction, engagement = team.means
    expected: float = (
        base + by_satisfaction * (satisfaction - 50) / 10 + by_engagement * (engagement - 50) / 10
    )
    own, monthly = (
        Random(f"{SEED} {kpi['key']} {team.id} {part}").gauss(0, kpi["spread"])  # noqa: S311 make-believe
        for part in ("own", ago)
    )
    return round(min(max(expected + own + monthly / 2, low), high), 1)
