"""How far a release is computed is told to whoever reads the survey meanwhile."""

import asyncio
from uuid import UUID

import pytest

from app.metrics.releases import builder, progress
from app.metrics.releases.progress import Steps
from tests.conftest import Tenant
from tests.metrics.test_release import answer, names_of, staff, start
from tests.waiting import PATIENCE


async def closed(acme: Tenant) -> str:
    await staff(acme.client, {"sales": 6})
    survey_id = await start(acme.client)
    await answer(acme.client, survey_id, names_of("sales", 6))
    survey = (await acme.client.post(f"/v1/surveys/{survey_id}/close")).json()
    assert survey["release_progress"] is None
    return survey_id


async def test_readers_see_how_far_a_release_is(acme: Tenant, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(progress, "SECONDS_BETWEEN", 0.01)
    survey_id, loop, seen = await closed(acme), asyncio.get_running_loop(), [-1.0]

    async def read_later_than(before: float) -> float:
        told = None
        while told is None or told <= before:
            told = (await acme.client.get(f"/v1/surveys/{survey_id}")).json()["release_progress"]
        return told

    def tell(share: float) -> None:
        if share < 1:
            reading = asyncio.run_coroutine_threadsafe(read_later_than(seen[-1]), loop)
            seen.append(reading.result(PATIENCE))
        else:
            seen.append(share)

    await builder.release_survey(acme.database, acme.id, UUID(survey_id), acme.database.keyring, tell=tell)
    assert len(seen) > 10
    assert seen == sorted(seen)
    assert seen[-2] < seen[-1] == 1
    after = (await acme.client.get(f"/v1/surveys/{survey_id}")).json()
    assert (after["status"], after["release_progress"]) == ("released", None)


async def test_a_release_that_fails_is_no_longer_under_way(acme: Tenant) -> None:
    survey_id = await closed(acme)

    def fail(_: float) -> None:
        raise ArithmeticError

    with pytest.raises(ArithmeticError):
        await builder.release_survey(
            acme.database, acme.id, UUID(survey_id), acme.database.keyring, tell=fail
        )
    after = (await acme.client.get(f"/v1/surveys/{survey_id}")).json()
    assert (after["status"], after["release_progress"]) == ("closed", None)


def test_a_step_gives_what_was_found() -> None:
    told: list[float] = []
    steps = Steps(3, told.append)
    assert [steps(found) for found in ("a", "b", "c", "d")] == ["a", "b", "c", "d"]
    assert told == [0.33, 0.67, 1, 1]
