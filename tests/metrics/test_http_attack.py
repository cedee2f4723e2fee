"""Random organisations driven through HTTP; every number of every metric endpoint, attacked together.

What is told of a group is learned as sums over the persons it stands for, as the database knows them.
"""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from random import Random
from typing import Any
from uuid import UUID

import numpy as np
import pytest
from fastapi import FastAPI

from app.metrics.blocks.dont_know import DONT_KNOW
from app.metrics.disclosure import Plan
from app.metrics.releases import jobs
from app.metrics.releases.previous_wave import released_wave
from app.metrics.releases.response_matrix import load
from app.metrics.sample import SKIPPED, Flags, Rollup, Sample
from app.surveys import queries as surveys
from tests.conftest import Tenant, new_tenant
from tests.contract import ContractClient
from tests.metrics.attacker import Knowledge
from tests.metrics.companies import Company, random_company
from tests.metrics.ledger import PART, is_number, leaves, whose
from tests.metrics.parts import Parts
from tests.metrics.test_counts import three_teams
from tests.metrics.test_release import METRICS, finish, read

Json = dict[str, Any]
Ref = tuple[str, str, str | None]
"""Kind, dimension and identifier of a group."""

SAMPLES = [  # the few tell every kind of number
    pytest.param((0, 1, 5, 10, 11), id="few"),
    pytest.param(range(4, 400), id="hundreds", marks=pytest.mark.nightly),
]
ROLLING = [
    pytest.param(range(2), id="few"),
    pytest.param(range(2, 200), id="hundreds", marks=pytest.mark.nightly),
]
OPERATION = {
    "participation": "get_participation_metrics",
    **dict.fromkeys(("filter", "headline"), "get_satisfaction_engagement"),
}
"""Of what is not named after it."""
OUTCOMES = {"o0": "overall_satisfaction", "o1": "intent_to_stay"}
ASKED_OF_FILTERS = 12


@dataclass(frozen=True)
class Asked:
    """A reader of metrics who reads Dutch, and an administrator who reads English."""

    reader: ContractClient
    administrator: ContractClient

    async def __call__(self, metric: str, **params: Any) -> Json:
        """The same for every role; in another language other words, and the same numbers."""
        said = await read(self.administrator, metric, **params)
        url, dutch = f"/v1/metrics/{metric}", {"Accept-Language": "nl"}
        in_dutch = (await self.reader.get(url, params=params, headers=dutch)).json()
        assert without_words(in_dutch) == without_words(said)
        return said


def without_words(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {
            name: without_words(own)
            for name, own in value.items()
            if name not in ("title", "text", "notes") and not (name == "headline" and isinstance(own, str))
        }
    return [without_words(own) for own in value] if isinstance(value, list) else value


async def founded(app: FastAPI, company: Company) -> Tenant:
    tenant, sample = await new_tenant(app, "Random"), company.sample
    api, groups = tenant.client, sample.groups
    await api.patch("/v1/organization", json={"minimum_group_size": company.k})
    teams = [
        {"external_id": key, "name": key, "parent": groups.keys[parent] if parent else None}
        for key, parent in zip(groups.keys, groups.parents, strict=True)
        if parent is not None
    ]
    people = [
        {
            "external_id": f"p{person}",
            "name": "Somebody",
            "team": groups.keys[team] if team else None,
            "segments": {
                name: groups.categories[own[person] - len(groups.parents)][1]
                for name, own in sample.places.category.items()
            },
        }
        for person, team in enumerate(sample.places.team)
    ]
    silent = [person | {"external_id": f"silent-{person['external_id']}"} for person in people[::9]]
    for path, items in (("teams", teams), ("people", people + silent)):
        sent = await api.post(f"/v1/{path}/batch", json={"items": items})
        assert sent.json()["summary"]["failed"] == 0
    assert (await api.put("/v1/questionnaires/random", json=questionnaire(sample))).is_success
    return tenant


def questionnaire(sample: Sample) -> Json:
    of = sample.instrument
    facets = [OUTCOMES.get(facet, facet) for facet in of.facet]
    options = [
        {
            "key": choice.key,
            "text": {"en": choice.key},
            "kind": choice.kind,
            "options": [{"key": option, "text": {"en": option}} for option in choice.options],
        }
        for choice in sample.choices
    ]
    return {
        "title": {"en": "Random"},
        "facets": [{"key": key, "title": {"en": key}} for key in dict.fromkeys(facets)],
        "questions": [
            {
                "key": key,
                "text": {"en": key},
                "dimension": of.dimension[column],
                "facet": facets[column],
                "lever": of.lever[column],
                "scale": {"low": 1, "high": 5},
            }
            for column, key in enumerate(of.key)
        ]
        + options,
    }


async def opened(tenant: Tenant, company: Company, **members: str) -> str:
    draft = {"name": "Random", "questionnaire": "random", "minimum_group_size": company.k}
    of = {"report_by": list(company.sample.groups.dimensions()), **draft, **members}
    survey_id: str = (await tenant.client.post("/v1/surveys", json=of)).json()["id"]
    assert (await tenant.client.post(f"/v1/surveys/{survey_id}/open")).json()["status"] == "open"
    return survey_id


async def answer(tenant: Tenant, company: Company, survey_id: str, persons: Flags) -> None:
    sample = company.sample
    items = [
        {
            "respondent": f"p{person}",
            "answers": {
                key: int(given) if given > 0 else None
                for key, given in zip(sample.instrument.key, sample.answers[person], strict=True)
                if given != SKIPPED
            }
            | {
                choice.key: choice.options[choice.values[person]] if choice.values[person] >= 0 else None
                for choice in sample.choices
                if choice.values[person] != SKIPPED
            },
        }
        for person in np.flatnonzero(persons).tolist()
    ]
    items = [one for one in items if one["answers"]]
    sent = await tenant.client.post(f"/v1/surveys/{survey_id}/responses/batch", json={"items": items})
    assert sent.json()["summary"]["created"] == len(items)


# ---------------------------------------------------------------------------------- what is learned


@dataclass
class Attack:
    """All that was told of one survey, over the persons it was told of."""

    sample: Sample
    places: dict[Ref, int]
    knowledge: Knowledge
    plan: Plan
    k: int
    told: Counter[str]

    @classmethod
    async def on(cls, tenant: Tenant, survey_id: str) -> "Attack":
        async with tenant.database.tenant_session(tenant.id) as session:
            survey = await surveys.survey(session, UUID(survey_id))
            assert survey is not None
            loaded = await load(session, survey)
        places = {
            (
                group.kind,
                group.segment or "",
                None if group.kind == "organization" else group.external_id,
            ): group.ordinal
            for group in loaded.groups
        }
        sample = loaded.sample()
        return cls(sample, places, Knowledge(sample), released_wave(loaded).plan, loaded.k, Counter())

    def released(self, number: int, is_rolling: bool) -> Flags:
        included = self.sample.included
        return (included > 0) & (included <= number) if is_rolling else np.ones(len(included), dtype=np.bool_)

    def persons(self, group: Json) -> Flags:
        return Rollup(self.sample.groups, self.sample.places).persons(self.ordinal(group))

    def ordinal(self, group: Json) -> int:
        return self.places[(group["kind"], group.get("segment", ""), group["id"])]

    def wanted(self, group: Json) -> Flags:
        """Of a filter."""
        top = ("organization", "", None) if group["parent"] is None else ("team", "", group["parent"])
        found = Rollup(self.sample.groups, self.sample.places).persons(self.places[top])
        values: dict[str, list[int]] = {}
        for part in group["id"].split(","):
            name, _, value = part.partition(":")
            values.setdefault(name, []).append(self.places.get(("segment", name, value), -1))
        for name, own in values.items():
            found = found & np.isin(self.sample.places.category[name], own)
        return found

    def learn(self, metric: str, said: Json, released: Flags) -> None:
        """A number whose persons are not known is not passed over: it ends the test."""
        operation = OPERATION.get(metric, f"get_{metric.replace('-', '_')}")
        for path in {path for path, value in leaves(said) if is_number(value)}:
            whose(operation, path)
        for group in said["groups"]:
            numbers = [path for path, value in leaves({"groups": [group]}) if is_number(value)]
            parts = [path for path in numbers if whose(operation, path) == PART]
            is_filter = group["group"]["kind"] == "filter"
            learned = 0 if is_filter else self.learn_parts(metric, group, released)
            assert len(parts) == learned, (metric, parts)
            persons = (self.wanted if is_filter else self.persons)(group["group"]) & released
            if group.get("status") == "ok" and "satisfaction" in group:
                n = group["n"]
                assert n == np.count_nonzero(persons & self.sample.both), (metric, group["group"])
                self.knowledge.learn_headline(persons)
                self.told["filter" if is_filter else group["group"]["kind"]] += 1
            for measure, of in measures_in(metric, group):
                assert of == "group"
                self.learn_measure(measure, group["group"], released)

    def learn_parts(self, metric: str, group: Json, released: Flags) -> int:
        """How many numbers of some of the group there were, after it is known whom each of them counts."""
        learned, persons = 0, self.persons(group["group"]) & released & self.sample.both
        parts = Parts(self.sample, self.plan, released, self.k)
        for part in parts.of(metric, group, self.ordinal(group["group"])):
            kind = np.ones_like(persons) if part.kind is None else part.kind
            assert part.number == np.count_nonzero(persons & kind), (metric, part.of)
            assert part.number >= self.k, (metric, part.of)
            if part.kind is not None:
                self.knowledge.learn_count(part.of, persons, kind)
            self.told["dont_know" if part.are_unknowing else "part"] += 1
            learned += 1
        return learned

    def learn_measure(
        self, measure: str, group: Json, released: Flags, *, and_the_rest: bool = False
    ) -> None:
        """What is told in steps is attacked in `test_coarse.py`."""
        ordinal = self.ordinal(group)
        if self.plan.is_coarse(measure, ordinal):
            return
        counts = np.zeros(len(released), dtype=np.bool_)
        counts[self.sample.both & released] = self.plan.counted[measure]
        persons = self.persons(group)
        self.knowledge.learn_measure(measure, persons, counts)
        self.told[measure.partition(":")[0]] += 1
        if and_the_rest and not self.plan.is_coarse(measure, 0):
            self.knowledge.learn_measure(measure, ~persons, counts)
            self.told["heatmap"] += 1


def measures_in(metric: str, group: Json) -> Iterator[tuple[str, str]]:
    """What is told of some questions, of the group or of everybody else."""
    shown = [entry for entry in group.get("facets", []) if entry["status"] == "ok"]
    for entry in shown:
        yield f"{'outcome' if entry['dimension'] == 'outcome' else 'facet'}:{entry['key']}", "group"
    for entry in group.get("questions", []) if metric == "facets" else ():
        if entry["status"] == "ok":
            yield f"question:{entry['key']}", "group"
    if metric == "levers":
        for entry in group.get("levers", []):
            if entry["status"] == "ok":
                yield f"lever:{entry['lever']}", "group"


def heatmap_measures(said: Json) -> Iterator[tuple[Json, str]]:
    columns = [column["key"] for column in said["columns"]]
    for group in said["groups"]:
        for key, cell in zip(columns, group.get("cells", []), strict=False):
            if cell["status"] == "ok" and key.startswith("facet:"):
                yield group["group"], key


async def learn_everything(
    attack: Attack, asked: Asked, company: Company, released: Flags, **of: Any
) -> None:
    by = ["organization", "team", *(f"segment:{name}" for name in attack.sample.groups.dimensions())]
    for metric in METRICS:
        said = await asked(metric, by=by, **of)
        attack.learn(metric, said, released)
        if metric == "heatmap":
            for group, measure in heatmap_measures(said):
                attack.learn_measure(measure, group, released, and_the_rest=True)
    random = Random(len(released))
    for _ in range(ASKED_OF_FILTERS if attack.sample.groups.categories else 0):
        params = of | some_filter(attack, random)
        attack.learn("filter", await asked("satisfaction-engagement", **params), released)


def some_filter(attack: Attack, random: Random) -> Json:
    """Some categories of some dimensions, at times within a team."""
    dimensions = attack.sample.groups.dimensions()
    names = random.sample(list(dimensions), random.randint(1, len(dimensions)))
    keys = attack.sample.groups
    parts = [
        f"{name}:{keys.categories[own - len(keys.parents)][1]}"
        for name in names
        for own in random.sample(list(dimensions[name]), random.randint(1, len(dimensions[name])))
    ]
    team = random.choice([None, *(key for kind, _, key in attack.places if kind == "team")])
    return {"filter": ",".join(parts)} | ({"team": team} if team else {})


async def readers_of(tenant: Tenant) -> Asked:
    administrator = await tenant.client_with("metrics:read", "privacy:manage")
    return Asked(await tenant.client_with("metrics:read"), administrator)


@pytest.mark.nightly
@pytest.mark.parametrize("seeds", SAMPLES)
async def test_nothing_told_over_http_leaks_anybody(seeds: Sequence[int], app: FastAPI) -> None:
    told = Counter[str]()
    for seed in seeds:
        company = random_company(seed, (12, 60))
        tenant = await founded(app, company)
        survey_id = await opened(tenant, company, mode=("confidential", "attributed")[seed % 2])
        await answer(tenant, company, survey_id, np.ones(len(company.sample.places), dtype=np.bool_))
        await finish(tenant, survey_id)
        attack = await Attack.on(tenant, survey_id)
        everybody = attack.released(1, is_rolling=False)
        await learn_everything(attack, await readers_of(tenant), company, everybody, survey_id=survey_id)
        assert not (attack.knowledge.sums and attack.knowledge.exposed(company.k)), seed
        told += attack.told
    for kind in (
        "organization",
        "team",
        "segment",
        "filter",
        "facet",
        "question",
        "outcome",
        "lever",
        "heatmap",
        "part",
    ):
        assert told[kind], kind


@pytest.mark.nightly
@pytest.mark.parametrize("seeds", ROLLING)
async def test_nothing_told_in_releases_over_time_leaks_anybody(seeds: Sequence[int], app: FastAPI) -> None:
    several = 0
    for seed in seeds:
        company, random = random_company(seed, (20, 60)), Random(seed)
        tenant = await founded(app, company)
        survey_id = await opened(tenant, company, mode="confidential", release_policy="rolling")
        step = np.array([random.randrange(3) for _ in company.sample.places.team])
        said: list[tuple[int, str, Json]] = []
        asked = await readers_of(tenant)
        for number in range(3):
            if np.any(step == number):
                await answer(tenant, company, survey_id, step == number)
            if number < 2:
                await jobs.release_survey(tenant.database, tenant.id, UUID(survey_id))
                said += await interim(tenant, asked, survey_id)
        await finish(tenant, survey_id)
        attack = await Attack.on(tenant, survey_id)
        for release, metric, answered in said:
            attack.learn(metric, answered, attack.released(release, is_rolling=True))
        last = (await read(tenant.client, survey_id=survey_id))["release"]["number"]
        final = attack.released(last, is_rolling=True)
        await learn_everything(attack, asked, company, final, survey_id=survey_id)
        assert not (attack.knowledge.sums and attack.knowledge.exposed(company.k)), seed
        several += last > 1
    assert several > len(seeds) / 4


async def interim(tenant: Tenant, asked: Asked, survey_id: str) -> list[tuple[int, str, Json]]:
    """What a release while open says; nothing where there is none yet."""
    found = await tenant.client.get("/v1/metrics/satisfaction-engagement", params={"survey_id": survey_id})
    if found.status_code != 200:
        return []
    by = ["organization", "team"]
    said = {metric: await asked(metric, survey_id=survey_id, by=by) for metric in METRICS}
    return [(one["release"]["number"], metric, one) for metric, one in said.items() if "release" in one]


@pytest.mark.nightly
async def test_the_attacker_catches_a_filter_more_than_there_should_be(app: FastAPI) -> None:
    """A control of this harness: one filter answered for the persons asked for, whatever the cells."""
    caught = 0
    for seed in range(12):
        company = random_company(seed, (20, 60))
        if not company.sample.groups.categories:
            continue
        tenant = await founded(app, company)
        survey_id = await opened(tenant, company, mode="confidential")
        await answer(tenant, company, survey_id, np.ones(len(company.sample.places), dtype=np.bool_))
        await finish(tenant, survey_id)
        attack, random = await Attack.on(tenant, survey_id), Random(seed)
        everybody = attack.released(1, is_rolling=False)
        by = ["organization", "team"]
        attack.learn("headline", await read(tenant.client, survey_id=survey_id, by=by), everybody)
        for _ in range(30):
            asked = some_filter(attack, random)
            persons = attack.wanted({"id": asked["filter"], "parent": asked.get("team")})
            if np.count_nonzero(persons & attack.sample.both) >= company.k:
                attack.knowledge.learn_headline(persons)
        caught += attack.knowledge.exposed(company.k)
        if caught > 3:
            break
    assert caught > 3


async def three_teams_asked(app: FastAPI) -> tuple[Attack, dict[str, Json]]:
    """Of 26 each: six, nobody and one who did not know; and what is told of how many did not."""
    sample = three_teams().sample
    company = Company(sample, Rollup(sample.groups, sample.places).counts(), 5)
    tenant = await founded(app, company)
    survey_id = await opened(tenant, company, mode="confidential")
    await answer(tenant, company, survey_id, np.ones(len(sample.places), dtype=np.bool_))
    await finish(tenant, survey_id)
    attack, asked = await Attack.on(tenant, survey_id), await readers_of(tenant)
    everybody = attack.released(1, is_rolling=False)
    said = {}
    for metric in METRICS:
        said[metric] = await asked(metric, survey_id=survey_id, by=["organization", "team"])
        attack.learn(metric, said[metric], everybody)
    return attack, said


@pytest.mark.nightly
async def test_nobody_who_did_not_know_is_left_between_teams(app: FastAPI) -> None:
    attack, _ = await three_teams_asked(app)
    assert attack.told["dont_know"]
    assert not attack.knowledge.exposed(attack.k)


@pytest.mark.nightly
@pytest.mark.parametrize("metric", ["facets", "choices"])
async def test_the_attacker_catches_who_did_not_know_told_of_each_group_alone(
    app: FastAPI, metric: str
) -> None:
    """Planted: as it was told once, where there were enough of them in the group."""
    attack, said = await three_teams_asked(app)
    everybody = attack.released(1, is_rolling=False)
    unknowing = {
        "facets": attack.sample.answers[:, 1] == DONT_KNOW,
        "choices": attack.sample.choices[0].values == DONT_KNOW,
    }[metric]
    for group in said[metric]["groups"]:
        number = int(np.count_nonzero(attack.persons(group["group"]) & unknowing))
        entry = group["questions"][1 if metric == "facets" else 0]
        entry["dont_know"] = number if number >= attack.k else None
    attack.learn(metric, said[metric], everybody)
    assert attack.knowledge.counted_few(attack.k) == ["question:q1" if metric == "facets" else "where"]
    said[metric]["groups"][1]["questions"][1 if metric == "facets" else 0]["dont_know"] = 0
    with pytest.raises(AssertionError):
        attack.learn(metric, said[metric], everybody)
