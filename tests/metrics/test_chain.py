"""Over HTTP: one chain of waves; changes stand on what was released (R9b, R11). Each test is an attack."""

from datetime import timedelta
from typing import Any
from uuid import UUID

import asyncpg
import pytest

from app.metrics.releases import jobs
from tests.conftest import Tenant
from tests.metrics.test_release import CONTENT, Json, finish, names_of, read, staff
from tests.metrics.test_series import change_of, group_of
from tests.surveys.test_surveys import opened

BY = ["organization", "team"]
ENPS: Json = {
    "key": "enps",
    "text": {"en": "enps"},
    "dimension": "outcome",
    "facet": "enps",
    "scale": {"low": 0, "high": 10},
}
TOO: list[Json] = [
    one | {"key": f"{one['key']}_too", "facet": f"{one['key']}_too"} for one in CONTENT["questions"]
]
"""A second facet a dimension, so that all of the gap is told."""
WITH_ENPS = CONTENT | {
    "facets": [*CONTENT["facets"], *({"key": one["key"], "title": {"en": one["key"]}} for one in TOO)],
    "questions": [*CONTENT["questions"], *TOO, ENPS],
}
SALES, CARE = names_of("sales", 30), names_of("care", 30)
EVERYBODY = [*SALES, *CARE]


async def asked(tenant: Tenant, **members: Any) -> str:
    await tenant.client.put("/v1/questionnaires/three", json=WITH_ENPS)
    return await opened(tenant.client, questionnaire="three", **members)


async def answered(tenant: Tenant, survey_id: str, answers: dict[str, Json]) -> None:
    items = [{"respondent": name, "answers": own} for name, own in answers.items()]
    sent = await tenant.client.post(f"/v1/surveys/{survey_id}/responses/batch", json={"items": items})
    assert sent.json()["summary"]["created"] == len(items)


def scores(names: list[str], turn: int) -> dict[str, Json]:
    return {
        name: {
            **dict.fromkeys(("pay", "pay_too"), 1 + (place + turn) % 5),
            **dict.fromkeys(("bond", "bond_too"), 1 + place // 2 % 5),
            "enps": (3 * place + turn) % 11,
        }
        for place, name in enumerate(names)
    }


async def compared_with(tenant: Tenant, survey_id: str) -> set[str]:
    """The waves that this one's changes, and those who answered both, lead from."""
    (group,) = (await read(tenant.client, "trends", survey_id=survey_id))["groups"]
    told = [*group["changes"], *group["repeaters"]]
    return {one["from_survey"] for one in told if one["to_survey"] == survey_id}


@pytest.fixture
async def organisation(acme: Tenant) -> None:
    await staff(acme.client, {"sales": 30, "care": 30})


@pytest.mark.nightly
@pytest.mark.usefixtures("organisation")
@pytest.mark.parametrize("series", [None, "quarterly"])
async def test_two_waves_closed_together_are_not_both_compared_with_the_one_before(
    acme: Tenant, owner: asyncpg.Connection, series: str | None
) -> None:
    """The difference of their repeaters would be the scores of whom the one asked and the other did not."""
    first = await asked(acme, mode="attributed", series=series)
    await answered(acme, first, scores(EVERYBODY, 0))
    await finish(acme, first)
    second, third = [await asked(acme, mode="attributed", series=series) for _ in range(2)]
    await answered(acme, second, scores(EVERYBODY[:-6], 1))
    await answered(acme, third, scores(EVERYBODY[:-7], 1))
    for survey_id in (second, third):
        await acme.client.post(f"/v1/surveys/{survey_id}/close")
    await owner.execute("DELETE FROM pgqueuer")
    await jobs.release_survey(acme.database, acme.id, UUID(third))
    assert (await acme.client.get(f"/v1/surveys/{third}")).json()["status"] == "closed"
    await jobs.release_survey(acme.database, acme.id, UUID(second))
    await acme.work()
    assert await compared_with(acme, second) == {first}
    assert await compared_with(acme, third) == {second}


@pytest.mark.usefixtures("organisation")
async def test_another_series_waits_for_nobody(acme: Tenant, owner: asyncpg.Connection) -> None:
    waiting, other = [await asked(acme, series=series) for series in ("quarterly", "yearly")]
    for survey_id in (waiting, other):
        await acme.client.post(f"/v1/surveys/{survey_id}/close")
    await owner.execute("DELETE FROM pgqueuer")
    await jobs.release_survey(acme.database, acme.id, UUID(other))
    assert (await acme.client.get(f"/v1/surveys/{other}")).json()["status"] == "released"


@pytest.mark.nightly
@pytest.mark.usefixtures("organisation")
async def test_a_closing_that_is_seen_late_makes_no_second_successor(
    acme: Tenant, owner: asyncpg.Connection
) -> None:
    """A transaction that began before another one's may end after it: the wave between comes too late."""
    first = await asked(acme, mode="attributed")
    await answered(acme, first, scores(EVERYBODY, 0))
    await finish(acme, first)
    late, third = [await asked(acme, mode="attributed") for _ in range(2)]
    for survey_id in (late, third):
        await answered(acme, survey_id, scores(EVERYBODY, 1))
    await finish(acme, third)
    assert await compared_with(acme, third) == {first}
    await acme.client.post(f"/v1/surveys/{late}/close")
    query = "UPDATE surveys SET closed_at = s.closed_at - $3::interval FROM surveys s"
    where = "WHERE surveys.organization_id = $1 AND surveys.id = $2 AND s.id = $4"
    await owner.execute(f"{query} {where}", acme.id, late, timedelta(milliseconds=1), third)
    await acme.work()
    assert (await acme.client.get(f"/v1/surveys/{late}")).json()["status"] == "released"
    assert await compared_with(acme, late) == set()


async def erase(tenant: Tenant, names: list[str]) -> None:
    for name in names:
        done = await tenant.client.post(f"/v1/people/{name}/erasure")
        assert done.status_code == 200


async def two_waves(tenant: Tenant, first: dict[str, Json], gone: list[str]) -> tuple[Json, Json]:
    """What the first wave told of eNPS and the headline, and the changes after some were erased."""
    earlier = await asked(tenant, mode="attributed")
    await answered(tenant, earlier, first)
    await finish(tenant, earlier)
    before = await read(tenant.client, "trends", survey_id=earlier, by=BY)
    await erase(tenant, gone)
    later = await asked(tenant, mode="attributed")
    await answered(tenant, later, scores([name for name in EVERYBODY if name not in gone], 2))
    await finish(tenant, later)
    return before, await read(tenant.client, "trends", survey_id=later, by=BY)


def score_of(point: Json, measure: str) -> float:
    found: float = point[measure]["score"]
    return found


@pytest.mark.nightly
@pytest.mark.usefixtures("organisation")
async def test_a_change_stands_on_the_persons_released_of_each_measure(acme: Tenant) -> None:
    """Five are erased, one of whom had answered eNPS: a change without them would give that one's class."""
    first = scores(EVERYBODY, 0)
    for name in [*SALES[1:5], *CARE[:1]]:
        del first[name]["enps"]
    before, after = await two_waves(acme, first, SALES[:5])
    told = 0
    for team in (None, "sales", "care"):
        (then,), now = (group_of(before, team)["points"], group_of(after, team)["points"][-1])
        for measure in ("satisfaction", "engagement", "gap", "enps"):
            change = change_of(group_of(after, team), measure)
            if change["status"] != "ok":
                continue
            told += 1
            if measure != "enps":
                assert change["n_before"] == then["n"]
            known = score_of(now, measure) - score_of(then, measure)
            assert change["difference"] == pytest.approx(
                known, abs=1 if now["precision"] != "exact" else 1e-9
            )
    assert told >= 6
    whole = group_of(after, None)
    assert change_of(whole, "enps")["n_before"] == 50, "as released: by lot ten are not in it"
    (pair,) = whole["repeaters"]
    assert (pair["status"], pair["reason"]) == ("suppressed", "erased")


@pytest.mark.nightly
@pytest.mark.usefixtures("organisation")
@pytest.mark.parametrize("gone", [1, 5])
async def test_what_is_withheld_does_not_say_whether_the_erased_had_answered(
    acme: Tenant, other: Tenant, gone: int
) -> None:
    await staff(other.client, {"sales": 30, "care": 30})
    statuses = []
    for tenant, silent in ((acme, set(SALES[:gone])), (other, set(SALES[-gone:]))):
        first = {name: own for name, own in scores(EVERYBODY, 0).items() if name not in silent}
        _, after = await two_waves(tenant, first, SALES[:gone])
        groups = [group_of(after, team) for team in (None, "sales", "care")]
        changes = [(one["measure"], one["status"], one.get("reason")) for g in groups for one in g["changes"]]
        statuses.append((changes, [(one["status"], one.get("reason")) for one in groups[0]["repeaters"]]))
    assert statuses[0] == statuses[1]


async def told_of(tenant: Tenant, survey_id: str) -> dict[tuple[str | None, str], int]:
    """How many persons the wave itself says that each number of a group stands on."""
    found: dict[tuple[str | None, str], int] = {}
    headline = await read(tenant.client, "satisfaction-engagement", survey_id=survey_id, by=BY)
    for group in headline["groups"]:
        if group["status"] == "ok":
            both = ("satisfaction", "engagement", "gap")
            found |= {(group["group"]["id"], measure): group["n"] for measure in both}
    enps = await read(tenant.client, "enps", survey_id=survey_id, by=BY)
    found |= {(one["group"]["id"], "enps"): one["n"] for one in enps["groups"] if one["status"] == "ok"}
    return found


@pytest.mark.nightly
@pytest.mark.usefixtures("organisation")
@pytest.mark.parametrize("skipping", [0, 1, 4, 5])
async def test_the_counts_of_a_change_tell_no_more_than_its_waves_do(skipping: int, acme: Tenant) -> None:
    """Subtracted from one another, or from what the waves tell, they would count those who skipped."""
    first = scores(EVERYBODY[:-1], 0)
    for name in SALES[:skipping]:
        del first[name]["enps"]
    _, after = await two_waves(acme, first, [])
    (whole,) = [group for group in after["groups"] if group["group"]["id"] is None]
    then, now = [await told_of(acme, point["survey"]) for point in whole["points"][-2:]]
    counts: dict[str, dict[str | None, tuple[int, int]]] = {}
    for group in after["groups"]:
        for change in group["changes"]:
            if change["status"] == "ok":
                place = group["group"]["id"], change["measure"]
                assert (change["n_before"], change["n_after"]) == (then[place], now[place])
                counts.setdefault(change["measure"], {})[place[0]] = change["n_before"], change["n_after"]
    assert counts.keys() == {"satisfaction", "engagement", "gap", "enps"}
    for own in counts.values():
        for all_of, sales, care in zip(
            *(own.get(team, ()) for team in (None, "sales", "care")), strict=False
        ):
            assert all_of - sales - care == 0 or all_of - sales - care >= 5
