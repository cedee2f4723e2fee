"""Numbers with noise (disclosure.md R12): off by default, drawn once, of all, within a budget."""

from random import Random

import pytest
from pydantic import TypeAdapter

from app.metrics.blocks.benchmark import Budget, spent
from app.metrics.schemas import NoisyScores
from tests.conftest import Tenant
from tests.metrics.test_release import Json, answer, finish, names_of, read, staff, start
from tests.metrics.test_rolling import roll
from tests.metrics.told import benchmark
from tests.metrics.worlds import ONE_DIMENSION, TWO_QUESTIONS, answers_to, world

NOISY: TypeAdapter[NoisyScores] = TypeAdapter(NoisyScores)
BUDGET = Budget(epsilon=1.0, total=10.0, spent=0.0)


def test_noise_stands_on_the_mean_of_all() -> None:
    wave = world(TWO_QUESTIONS, answers_to(TWO_QUESTIONS, 200, 1))
    drawn = [benchmark(wave, BUDGET, Random(seed)) for seed in range(400)]
    assert {(body["status"], body["n"], body["epsilon"]) for body in drawn} == {("ok", 200, 1.0)}
    assert spent(NOISY.validate_python(drawn[0])) == 2
    mean = sum(body["satisfaction"] for body in drawn) / len(drawn)
    assert mean == pytest.approx(wave.both.dimensions["satisfaction"].mean(), abs=0.2)
    assert len({body["satisfaction"] for body in drawn}) > 10


@pytest.mark.parametrize(
    ("persons", "budget", "reason"),
    [
        (200, Budget(None, 10.0, 0.0), "benchmarks_off"),
        (99, BUDGET, "too_few_persons"),
        (200, Budget(1.0, 10.0, 8.5), "budget_spent"),
    ],
)
def test_no_noise_without_need_persons_or_budget(persons: int, budget: Budget, reason: str) -> None:
    wave = world(TWO_QUESTIONS, answers_to(TWO_QUESTIONS, persons, 1))
    body = benchmark(wave, budget, Random(1))
    assert body == {"status": "undefined", "reason": reason}
    assert spent(NOISY.validate_python(body)) == 0


def test_the_last_of_the_budget_is_spent() -> None:
    wave = world(TWO_QUESTIONS, answers_to(TWO_QUESTIONS, 200, 1))
    assert benchmark(wave, Budget(1.0, 10.0, 8.0), Random(1))["status"] == "ok"


def test_one_dimension_has_no_benchmark() -> None:
    wave = world(ONE_DIMENSION, answers_to(ONE_DIMENSION, 200, 1))
    assert benchmark(wave, BUDGET, Random(1))["reason"] == "dimension_missing"


async def wave_of(tenant: Tenant) -> str:
    survey_id = await start(tenant.client)
    await answer(tenant.client, survey_id, names_of("sales", 100))
    return await finish(tenant, survey_id)


async def benchmark_of(tenant: Tenant, survey_id: str) -> Json:
    found = await read(tenant.client, "benchmark", survey_id=survey_id)
    told: Json = found["scores"]
    return told


async def test_drawn_once_a_release_until_the_budget_is_spent(acme: Tenant) -> None:
    await staff(acme.client, {"sales": 100})
    before = await wave_of(acme)
    assert await benchmark_of(acme, before) == {"status": "undefined", "reason": "benchmarks_off"}
    patched = await acme.client.patch("/v1/organization", json={"benchmark": {"epsilon": 0.5, "budget": 2}})
    assert patched.json()["benchmark"] == {"epsilon": 0.5, "budget": 2}
    first, second, third = [await wave_of(acme) for _ in range(3)]
    told = await benchmark_of(acme, first)
    assert (told["status"], told["n"], told["epsilon"]) == ("ok", 100, 0.5)
    assert told == await benchmark_of(acme, first)
    path = f"/v1/metrics/benchmark?survey_id={first}"
    tag = {"If-None-Match": (await acme.client.get(path)).headers["etag"]}
    assert (await acme.client.get(path, headers=tag)).status_code == 304
    assert (await benchmark_of(acme, second))["status"] == "ok"
    assert await benchmark_of(acme, third) == {"status": "undefined", "reason": "budget_spent"}
    assert (await benchmark_of(acme, before))["reason"] == "benchmarks_off"


async def test_what_has_no_benchmark_yet(acme: Tenant) -> None:
    path = "/v1/metrics/benchmark"
    assert (await acme.client.get(path)).json()["code"] == "no_released_survey"
    await staff(acme.client, {"sales": 12})
    survey_id = await start(acme.client, release_policy="rolling")
    said = await acme.client.get(path, params={"survey_id": survey_id})
    assert (said.status_code, said.json()["code"]) == (409, "survey_not_released")
    await answer(acme.client, survey_id, names_of("sales", 12))
    await roll(acme, survey_id)
    assert (await benchmark_of(acme, survey_id))["reason"] == "awaits_final_release"
    await acme.client.post(f"/v1/surveys/{survey_id}/close")
    said = await acme.client.get(path, params={"survey_id": survey_id})
    assert (said.status_code, said.json()["code"]) == (409, "release_pending")
