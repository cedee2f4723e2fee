"""Celebrations of a quarter: what counts as a message, who may be told of, and that it is told once."""

from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from random import Random
from typing import Any

import asyncpg
import numpy as np
import pytest

from app.metrics.celebrations import blocks
from app.metrics.celebrations.rules import Due, Quarter, most_of_one, newest_settled, patience
from app.metrics.definitions import document
from app.metrics.sample import Groups
from app.metrics.schemas import FORMULA_VERSION
from tests.calendar.cards.office import plan_and_send
from tests.calendar.staff import people_on_file, team_on_file
from tests.clock import today
from tests.conftest import Tenant
from tests.contract import ContractClient
from tests.metrics.leak import leak

METRICS = "/v1/metrics/celebrations"
QUARTER = newest_settled(today())
DAY = QUARTER.first + timedelta(30)
while DAY.isoweekday() != 3:
    DAY += timedelta(1)
"""A Wednesday."""


# ---------------------------------------------------------------------------------------- rules


def test_quarters_follow_one_another() -> None:
    names = [f"{year}-Q{number}" for year in (2027, 2028) for number in (1, 2, 3, 4)]
    quarters = [Quarter.named(name) for name in names]
    assert [quarter.name for quarter in quarters] == names
    for one, following in pairwise(quarters):
        assert one.last + timedelta(1) == following.first
        for day in (one.first, one.last):
            assert Quarter.of(day) == one


def test_a_quarter_has_numbers_when_the_last_week_of_messages_is_over_everywhere() -> None:
    first = Quarter.named("2027-Q1")
    assert not first.is_settled(date(2027, 4, 8))
    assert first.is_settled(date(2027, 4, 9))
    assert newest_settled(date(2027, 4, 8)).name == "2026-Q4"
    assert newest_settled(date(2027, 4, 9)).name == "2027-Q1"


def test_a_message_is_on_time_on_the_day_or_beside_a_day_off() -> None:
    wednesday, sunday = date(2027, 5, 5), date(2027, 5, 9)
    on_a_working_day = patience(wednesday, wednesday, wednesday)
    assert (on_a_working_day.first, on_a_working_day.last) == (date(2027, 5, 4), date(2027, 5, 12))
    assert on_a_working_day.timely == (wednesday, wednesday)
    friday, monday = date(2027, 5, 7), date(2027, 5, 10)
    on_a_sunday = patience(sunday, friday, monday)
    assert (on_a_sunday.first, on_a_sunday.last) == (friday, date(2027, 5, 16))
    assert on_a_sunday.timely == (friday, monday)


def bodies(groups: Groups, due: Due, k: int) -> list[dict[str, Any]]:
    return [body.model_dump() for body in blocks.bodies(groups, due, k)]


def random_world(seed: int) -> tuple[Groups, Due, list[frozenset[int]]]:
    """Groups, celebrations, and of each group who is in it."""
    random = Random(seed)
    parents: list[int | None] = [None]
    for ordinal in range(1, random.randint(2, 8)):
        path, above = [], ordinal - 1
        while above is not None:
            path.append(above)
            above = parents[above]  # type: ignore[assignment]
        parents.append(random.choice(path))
    team_of = [random.randrange(len(parents)) for _ in range(random.randint(5, 30))]
    person = np.array([random.randrange(len(team_of)) for _ in range(2 * len(team_of))])
    covered = np.array([random.random() < 0.7 for _ in person])
    delay = np.array([random.randrange(8) if own else 7 for own in covered])
    due = Due(person, np.array(team_of)[person], covered, covered & (delay == 0), delay)
    inside: list[set[int]] = [set() for _ in parents]
    for one in set(person.tolist()):
        above = team_of[one]
        while above is not None:
            inside[above].add(one)
            above = parents[above]  # type: ignore[assignment]
    groups = Groups(parents, [f"team-{ordinal}" for ordinal in range(len(parents))])
    return groups, due, [frozenset(own) for own in inside]


@pytest.mark.parametrize("seed", range(100))
def test_what_is_shown_gives_nobody_away(seed: int) -> None:
    groups, due, inside = random_world(seed)
    found = bodies(groups, due, 4)
    shown = [own for own, body in zip(inside, found, strict=True) if body["status"] == "ok"]
    assert (inside[0] in shown) == (len(inside[0]) >= 4)
    assert leak(shown, frozenset().union(*inside), 4) is None


def test_showing_every_group_that_is_large_enough_would_give_people_away() -> None:
    """The control."""
    exposed = 0
    for seed in range(100):
        _, _, inside = random_world(seed)
        large = [own for own in inside if len(own) >= 4]
        exposed += leak(large, frozenset().union(*inside), 4) is not None
    assert exposed > 20


@pytest.mark.parametrize("seed", range(20))
def test_the_numbers_are_those_of_counting_one_by_one(seed: int) -> None:
    groups, due, inside = random_world(seed)
    for body, own in zip(bodies(groups, due, 4), inside, strict=True):
        if body["status"] != "ok":
            continue
        places = [place for place, person in enumerate(due.person.tolist()) if person in own]
        covered = sum(bool(due.is_covered[place]) for place in places)
        assert (body["n"], body["due"]) == (len(own), len(places))
        half = 0.5 if body["precision"] == "exact" else 0.005 if body["precision"] == "integer" else 0.0251
        assert body["coverage"] == pytest.approx(min(max(covered / len(places), 0.05), 0.95), abs=half)
        waits = sorted(due.delay[place] if due.is_covered[place] else 99 for place in places)
        middle = waits[(len(waits) - 1) // 2]
        assert body["median_delay_days"] == (None if middle == 99 else middle)
        assert set(body["reasons"].values()) <= document()["labels"]["reasons"].keys()


def test_answers_decide_nothing() -> None:
    """What is shown, and how precisely, follows from who had a day alone."""
    groups, due, _ = random_world(7)
    nobody = Due(due.person, due.team, due.is_covered & False, due.is_on_time & False, due.delay * 0 + 7)
    decided = [
        [{name: body.get(name) for name in ("status", "reason", "precision", "n", "due")} for body in found]
        for found in (bodies(groups, due, 4), bodies(groups, nobody, 4))
    ]
    assert decided[0] == decided[1]
    assert all(body["median_delay_days"] is None for body in bodies(groups, nobody, 4) if "n" in body)


# ---------------------------------------------------------------------------------------- over HTTP


async def celebrated(acme: Tenant, *people: str, on: date = DAY, **more: Any) -> None:
    sent = {"kind": "birthday", "month": on.month, "day": on.day, "consent": True, **more}
    for person in people:
        answer = await acme.client.put(f"/v1/people/{person}/occasions/day", json=sent)
        assert answer.status_code == 201, answer.text


async def thank(api: ContractClient, receiver: str, on: date, **more: Any) -> None:
    event = {"giver": "boss", "receivers": [receiver], "message": "Hooray!", **more}
    answer = await api.post("/v1/recognitions", json={**event, "occurred_at": f"{on}T12:00:00Z"})
    assert answer.status_code == 201, answer.text


async def staff(acme: Tenant, **sizes: int) -> None:
    top = await team_on_file(acme, "all")
    await people_on_file(acme, "boss")
    for team, size in sizes.items():
        team_id = await team_on_file(acme, team, parent_id=top)
        names = [f"{team}-{number}" for number in range(size)]
        await people_on_file(acme, *names, team_id=team_id)
        await celebrated(acme, *names)


async def read(api: ContractClient, **params: Any) -> dict[str | None, dict[str, Any]]:
    """The groups by team."""
    answer = await api.get(METRICS, params={"period": QUARTER.name, **params})
    assert answer.status_code == 200, answer.text
    return {group["group"]["id"]: group for group in answer.json()["groups"]}


@pytest.mark.nightly
async def test_a_quarter_of_celebrations(acme: Tenant, api: ContractClient) -> None:
    await staff(acme, sales=24)
    await celebrated(acme, "boss", visibility="private")
    for number, delay in enumerate([-2, -1, *[0] * 10, 1, 7, 8]):
        await thank(api, f"sales-{number}", DAY + timedelta(delay))
    await thank(api, "sales-20", DAY, source="automatic")
    await thank(api, "sales-2", DAY + timedelta(3))
    whole = (await read(api))[None]
    assert (whole["n"], whole["due"], whole["precision"]) == (24, 24, "exact")
    assert whole["coverage"] == pytest.approx(13 / 24)
    assert whole["on_time"] == pytest.approx(10 / 24)
    assert whole["median_delay_days"] == 1
    organization = {"kind": "organization", "id": None, "name": "Acme", "parent": None, "depth": 0}
    assert whole["group"].items() >= organization.items()


async def test_one_person_with_many_days_counts_for_two(acme: Tenant, api: ContractClient) -> None:
    """Attack: many days are written for one person, and the share tells how they were treated (R13)."""
    await staff(acme, sales=12)
    for number in range(10):
        sent = {
            "kind": "custom",
            "month": DAY.month,
            "day": DAY.day,
            "consent": True,
            "label": f"Day {number}",
        }
        answer = await api.put(f"/v1/people/sales-0/occasions/more-{number}", json=sent)
        assert answer.status_code == 201, answer.text
    whole = (await read(api))[None]
    assert (whole["n"], whole["due"]) == (12, 13)


@pytest.mark.parametrize(("k", "minimum"), [(10, 3), (10, 5), (10, 6), (10, 10), (20, 20), (100, 100)])
def test_what_counts_of_one_person_is_no_more_than_one_part_in_the_minimum(k: int, minimum: int) -> None:
    most = most_of_one(k, minimum)
    assert most / (most + k - 1) <= 1 / minimum


@pytest.mark.nightly
async def test_a_card_is_a_message_too(acme: Tenant, api: ContractClient) -> None:
    await staff(acme)
    await people_on_file(acme, *(f"p-{n}" for n in range(10)), email="p@example.com")
    await celebrated(acme, *(f"p-{n}" for n in range(10)))
    await plan_and_send(acme, datetime(DAY.year, DAY.month, DAY.day, 9, tzinfo=UTC))
    whole = (await read(api))[None]
    assert (whole["precision"], whole["coverage"], whole["on_time"]) == ("banded", 0.95, 0.95)
    assert whole["median_delay_days"] == 0


async def test_only_birthdays_anniversaries_starts_and_custom_days_count(
    acme: Tenant, api: ContractClient
) -> None:
    await staff(acme, sales=12)
    for person, kind in (("sales-0", "wedding"), ("sales-1", "family_birthday")):
        sent = {"kind": kind, "month": DAY.month, "day": DAY.day, "consent": True}
        await api.put(f"/v1/people/{person}/occasions/more", json=sent)
    await people_on_file(acme, "new", starts_on=DAY)
    await people_on_file(acme, "old", starts_on=DAY.replace(year=DAY.year - 3))
    await people_on_file(acme, "left", ends_on=DAY - timedelta(1))
    await celebrated(acme, "left")
    whole = (await read(api))[None]
    assert (whole["n"], whole["due"]) == (14, 14)


async def test_small_groups_and_what_would_give_them_away(acme: Tenant, api: ContractClient) -> None:
    await staff(acme, sales=12, care=9, desk=25)
    found = await read(api, by=["organization", "team"])
    statuses = {team: group.get("reason", group["status"]) for team, group in found.items()}
    assert statuses == {
        None: "ok",
        "all": "ok",
        "care": "below_minimum",
        "desk": "ok",
        "sales": "complementary",
    }
    assert found["sales"].keys() == {"group", "status", "reason"}
    assert list(await read(api, by=["organization", "team"], team="desk")) == ["desk"]
    assert list(await read(api, team="all")) == ["all"]
    assert list(await read(api, team="all", by=["team"])) == ["all", "care", "desk", "sales"]


async def test_the_organisation_s_own_minimum_counts_where_it_is_higher(
    acme: Tenant, api: ContractClient
) -> None:
    await api.patch("/v1/organization", json={"minimum_group_size": 15})
    await staff(acme, sales=12)
    whole = (await read(api))[None]
    assert (whole["status"], whole["reason"]) == ("suppressed", "below_minimum")


async def test_what_was_told_is_told_again_whatever_happens_since(acme: Tenant, api: ContractClient) -> None:
    """Else two answers, subtracted, would tell of the one whose consent was withdrawn between them."""
    await staff(acme, sales=24)
    first = await api.get(METRICS)
    await thank(api, "sales-0", DAY)
    await api.delete("/v1/people/sales-1/occasions/day")
    again = await api.get(METRICS, headers={"If-None-Match": first.headers["etag"]})
    assert again.status_code == 304


async def test_a_quarter_says_by_which_formulas_it_was_counted(
    acme: Tenant, api: ContractClient, owner: asyncpg.Connection
) -> None:
    assert (await api.get(METRICS)).json()["formula_version"] == FORMULA_VERSION
    counted = "UPDATE celebration_reports SET body = jsonb_set(body, '{formula_version}', '\"0\"')"
    await owner.execute(f"{counted} WHERE organization_id = $1", acme.id)
    assert (await api.get(METRICS)).json()["formula_version"] == "0"


@pytest.mark.nightly
async def test_another_organization_s_days_are_not_counted(
    acme: Tenant, other: Tenant, api: ContractClient
) -> None:
    await staff(acme, sales=12)
    await staff(other, sales=30)
    assert (await read(api))[None]["n"] == 12
    assert (await read(other.client))[None]["n"] == 30


@pytest.mark.parametrize(
    ("params", "status", "code"),
    [
        ({"period": Quarter.of(today()).name}, 409, "period_not_over"),
        ({"period": "2099-Q4"}, 409, "period_not_over"),
        ({"period": "2026-Q5"}, 422, "invalid_value"),
        ({"period": "2026-11"}, 422, "invalid_value"),
        ({"by": "month"}, 422, "invalid_value"),
        ({"team": "nobody-s"}, 422, "unknown_team"),
    ],
)
async def test_bad_questions_are_refused(
    api: ContractClient, params: dict[str, str], status: int, code: str
) -> None:
    answer = await api.get(METRICS, params=params)
    assert (answer.status_code, answer.json()["code"]) == (status, code)


async def test_every_number_is_defined(acme: Tenant, api: ContractClient) -> None:
    await staff(acme, sales=12)
    whole = (await read(api))[None]
    known = {metric["name"] for metric in (await api.get("/v1/metrics/definitions")).json()["metrics"]}
    numbers = whole.keys() - {"group", "status", "n", "precision", "reasons"}
    assert {f"celebrations.{name}" for name in numbers} <= known
    assert whole["reasons"] == {"median_delay_days": "half_without_message"}
