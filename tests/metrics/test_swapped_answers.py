"""Persons of whom everything else is alike swap their answers, and nothing that is told anywhere may change.

This needs no formula: a number that stands on a whole set does not care who of it gave which answer, and one
that stands on a single person does, wherever it stands and whatever was done to it.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from random import Random
from typing import Any
from uuid import UUID

import asyncpg
import numpy as np
import pytest
from fastapi import FastAPI
from prometheus_client import REGISTRY

from app.metrics.releases import builder
from app.metrics.releases.response_matrix import load
from app.metrics.sample import Rollup, Sample
from app.surveys import queries as surveys
from app.surveys.responses.service import pseudonym
from tests.conftest import Tenant, new_tenant
from tests.contract import Operation
from tests.metrics.ledger import LEDGER, ON_ANSWERS, REST, STRATA, Unknown, is_number, leaves, places, whose
from tests.metrics.test_ledger import TOLD
from tests.metrics.test_outcomes_http import closed
from tests.newsletter.test_newsletter import issue, subscribed
from tests.sink import Sink, listening
from tests.surveys.test_surveys import opened

Json = Any
Answers = dict[str, int | str]
PLACES = ("home", "site")
WHERE = {
    "key": "where",
    "text": {"en": "Where?"},
    "kind": "choice",
    "options": [{"key": place, "text": {"en": place}} for place in PLACES],
}
DIVISIONS, TEAMS_EACH, SIZE = 2, 6, 11
LEAVERS, THANKED = 2, 6
"""Of each team: the first leave after the first wave, those up to here are thanked."""
AT = (datetime(2026, 3, 1, 12, tzinfo=UTC), datetime(2026, 9, 1, 12, tzinfo=UTC))
BY = ["organization", "team", "segment:location"]
SKIPPED = {2: ("S01",), 3: ("S01",), 4: ("E09", "O1"), 5: ("E09", "O1")}
"""What somebody of each team left out, by their place in it; so did somebody who swaps with them."""
OF_THE_READING = ("audit", "newsletters", "exported_at")
VOLATILE = r"(.*\.)?(released_at|opened_at|closed_at|as_of|request_id|timestamp)"


def team_of(number: int) -> str:
    return f"t{number:02}"


def everybody() -> Iterator[tuple[str, int, int]]:
    """External identifier, team, place in the team."""
    for team in range(DIVISIONS * TEAMS_EACH):
        for place in range(SIZE):
            yield f"{team_of(team)}-{place}", team, place


async def founded(tenant: Tenant) -> None:
    api = tenant.client
    await api.patch("/v1/organization", json={"benchmark": {"epsilon": 0.5, "budget": 9}})
    teams = [{"external_id": f"d{own}", "name": f"D{own}"} for own in range(DIVISIONS)] + [
        {"external_id": team_of(own), "name": team_of(own), "parent": f"d{own % DIVISIONS}"}
        for own in range(DIVISIONS * TEAMS_EACH)
    ]
    people = [
        {
            "external_id": name,
            "name": name,
            "team": team_of(team),
            "email": f"{name}@example.com",
            "segments": {"location": ("Utrecht", "Zwolle", "Breda")[team % 3]},
        }
        for name, team, _ in everybody()
    ]
    for path, items in (("teams", teams), ("people", people)):
        sent = await api.post(f"/v1/{path}/batch", json={"items": items})
        assert sent.json()["summary"]["failed"] == 0, sent.text
    await api.patch("/v1/teams/d0", json={"lead": "t00-10"})


async def measured(tenant: Tenant, owner: asyncpg.Connection) -> list[str]:
    """Two waves; between them some are thanked and some leave."""
    body = (await tenant.client.get("/v1/questionnaires/betrokken-33")).json()
    questions = body["questions"]
    asked = {**body, "key": None, "questions": [*questions, WHERE]}
    assert (await tenant.client.put("/v1/questionnaires/everything", json=asked)).status_code == 201
    found = []
    for number, at in enumerate(AT):
        survey_id = await opened(
            tenant.client,
            name=f"Wave {number}",
            questionnaire="everything",
            mode="confidential",
            series="yearly",
            report_by=["location"],
        )
        items = [
            {"respondent": name, "answers": answers_of(name, place, number, questions)}
            for name, _, place in everybody()
            if not number or place >= LEAVERS
        ]
        sent = await tenant.client.post(f"/v1/surveys/{survey_id}/responses/batch", json={"items": items})
        assert sent.json()["summary"]["created"] == len(items), sent.text
        await closed(tenant, owner, survey_id, at)
        await tenant.work()
        found.append(survey_id)
        if not number:
            await between(tenant)
    return found


def answers_of(name: str, place: int, wave: int, questions: list[Json]) -> Answers:
    own, random = Random(name).gauss(0, 1), Random(f"{name} {wave}")
    return {
        question["key"]: drawn(question["scale"], own + random.gauss(0, 1))
        for question in questions
        if question["key"] not in SKIPPED.get(place, ())
    } | {"where": Random(f"{name} {wave} where").choice(PLACES)}


def drawn(scale: Json, value: float) -> int:
    low, high = scale["low"], scale["high"]
    return int(max(low, min(high, round((low + high) / 2 + value * (high - low) / 5))))


async def between(tenant: Tenant) -> None:
    for name, team, place in everybody():
        if place < LEAVERS:
            await tenant.client.patch(f"/v1/people/{name}", json={"ends_on": str(date(2026, 4, 1 + team))})
    thanks = [
        {
            "external_id": f"for-{name}",
            "giver": f"{team_of(team)}-10",
            "receivers": [name],
            "message": "Thanks",
            "occurred_at": (AT[0] + timedelta(days=9)).isoformat(),
        }
        for name, team, place in everybody()
        if LEAVERS <= place < THANKED
    ]
    sent = await tenant.client.post("/v1/recognitions/batch", json={"items": thanks})
    assert sent.json()["summary"]["failed"] == 0, sent.text
    await tenant.client.put("/v1/kpis/csat", json={"title": {"en": "Satisfied"}, "better": "higher"})
    values = [
        {"kpi": "csat", "team": team_of(team), "period": "2026-10", "value": 50 + team * team % 17}
        for team in range(DIVISIONS * TEAMS_EACH)
    ]
    await tenant.client.post("/v1/kpis/values/batch", json={"items": values})


# ---------------------------------------------------------------------------------- swapped


def alike(place: int) -> int:
    """Of those of one number in a team everything is alike but their answers."""
    return 0 if place < LEAVERS else 1 + place // 2 if place < THANKED else 9


async def swap(tenant: Tenant, owner: asyncpg.Connection, survey_ids: list[str]) -> None:
    """Each gets the answers, to all waves, of the next of those alike; and all is released again."""
    rows = await owner.fetch("SELECT id, external_id FROM people WHERE organization_id = $1", tenant.id)
    keys = {row["external_id"]: pseudonym(tenant.database.keyring, tenant.id, row["id"]) for row in rows}
    after = dict(next_alike())
    for survey_id in survey_ids:
        rows = await owner.fetch(
            "SELECT respondent_key, answers FROM responses WHERE organization_id = $1 AND survey_id = $2",
            tenant.id,
            UUID(survey_id),
        )
        answers = {row["respondent_key"]: row["answers"] for row in rows}
        moved = [(answers[keys[other]], keys[name]) for name, other in after.items() if keys[name] in answers]
        await owner.executemany(
            "UPDATE responses SET answers = $1 WHERE organization_id = $3 AND survey_id = $4"
            " AND respondent_key = $2",
            [(*one, tenant.id, UUID(survey_id)) for one in moved],
        )
    for survey_id in survey_ids:
        await owner.execute(
            "DELETE FROM releases WHERE organization_id = $1 AND survey_id = $2", tenant.id, UUID(survey_id)
        )
        await owner.execute(
            "UPDATE surveys SET status = 'closed', released_at = NULL WHERE organization_id = $1 AND id = $2",
            tenant.id,
            UUID(survey_id),
        )
    for survey_id in survey_ids:
        await builder.release_survey(tenant.database, tenant.id, UUID(survey_id), tenant.database.keyring)
    await tenant.work()


def next_alike() -> Iterator[tuple[str, str]]:
    of_kind: dict[tuple[int, int], list[str]] = {}
    for name, team, place in everybody():
        of_kind.setdefault((team, alike(place)), []).append(name)
    for names in of_kind.values():
        yield from zip(names, names[1:] + names[:1], strict=True)


# ---------------------------------------------------------------------------------- all that is told


async def told(tenant: Tenant, owner: asyncpg.Connection, survey_ids: list[str]) -> dict[str, Json]:
    """By operation and survey, and whatever else leaves the house."""
    said: dict[str, Json] = {}
    for operation in TOLD:
        for wave, survey_id in enumerate(survey_ids):
            said[f"{operation.id} {wave}"] = await answer_to(tenant, operation, survey_id)
    export = (await tenant.client.get("/v1/people/t00-10/export")).json()
    said["export_person"] = {name: own for name, own in export.items() if name not in OF_THE_READING}
    said["newsletter"] = await letter(tenant, owner)
    events = await owner.fetch(
        "SELECT event, data FROM webhook_deliveries WHERE organization_id = $1", tenant.id
    )
    said["events"] = sorted({f"{row['event']} {row['data']}" for row in events})
    return said


async def answer_to(tenant: Tenant, operation: Operation, survey_id: str) -> Json:
    names = {parameter["name"] for parameter in operation.parameters}
    is_elsewhere = operation.id in ("get_recognition_metrics", "get_celebration_metrics")
    wanted: Json = {"survey_id": survey_id, "by": BY[:2] if is_elsewhere else BY}
    params = {
        name: value for name, value in wanted.items() if name in names and "{" + name not in operation.path
    }
    answer = await tenant.client.get(operation.path.format(survey_id=survey_id), params=params)
    assert answer.status_code == 200, answer.text
    return answer.json()


async def letter(tenant: Tenant, owner: asyncpg.Connection) -> str:
    await owner.execute("DELETE FROM newsletters WHERE organization_id = $1", tenant.id)
    async with listening(Sink()) as sink:
        return re.sub(r"http\S+", "", await issue(tenant, sink, "t00-10@example.com"))


def differences(said: Json, again: Json) -> set[str]:
    """The places at which two answers differ by more than rounding."""
    before, after = dict(places(said)), dict(places(again))
    differing = {place for place in before.keys() & after.keys() if not is_same(before[place], after[place])}
    return {place for place in differing | before.keys() ^ after.keys() if not re.fullmatch(VOLATILE, place)}


def is_same(one: object, other: object) -> bool:
    if isinstance(one, int | float) and isinstance(other, int | float):
        return abs(one - other) < 1e-6
    return one == other


@dataclass(frozen=True)
class Twice:
    """What was told, and what is told after the swap; the newest wave as the database has it, both times."""

    said: Mapping[str, Json]
    again: Mapping[str, Json]
    samples: tuple[Sample, Sample]


@pytest.fixture(scope="module")
async def twice(app: FastAPI, database_url: str) -> Twice:
    tenant = await new_tenant(app, "Swapped")
    owner = await asyncpg.connect(database_url)
    await owner.execute("SELECT set_config('app.organization_id', $1, false)", str(tenant.id))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(builder, "SystemRandom", lambda: Random(1))
        await founded(tenant)
        events = {"url": "https://example.com/hook", "events": ["survey.released", "survey.participation"]}
        await tenant.client.post("/v1/webhooks", json=events)
        survey_ids = await measured(tenant, owner)
        await subscribed(tenant, "t00-10")
        said, before = await told(tenant, owner, survey_ids), await sample_of(tenant, survey_ids[-1])
        await swap(tenant, owner, survey_ids)
        again, after = await told(tenant, owner, survey_ids), await sample_of(tenant, survey_ids[-1])
    await owner.close()
    return Twice(said, again, (before, after))


async def sample_of(tenant: Tenant, survey_id: str) -> Sample:
    async with tenant.database.tenant_session(tenant.id) as session:
        survey = await surveys.survey(session, UUID(survey_id))
        assert survey is not None
        return (await load(session, survey)).sample()


@pytest.mark.nightly
async def test_nothing_that_is_told_rests_on_who_of_those_alike_gave_which_answer(twice: Twice) -> None:
    assert twice.said.keys() == twice.again.keys()
    found = {name: differences(said, twice.again[name]) for name, said in twice.said.items()}
    assert not {name: where for name, where in found.items() if where}


@pytest.mark.nightly
async def test_every_number_told_is_one_whose_persons_are_known(twice: Twice) -> None:
    for name, said in twice.said.items():
        if name.partition(" ")[0] in LEDGER:
            assert all(
                whose(name.partition(" ")[0], path) for path, value in leaves(said) if is_number(value)
            )


@pytest.mark.nightly
async def test_the_world_that_is_attacked_says_something_everywhere(twice: Twice) -> None:
    """What is only ever withheld here is attacked by nobody."""
    met = {
        (name.partition(" ")[0], whose(name.partition(" ")[0], path))
        for name, said in twice.said.items()
        if name.partition(" ")[0] in LEDGER
        for path, value in leaves(said)
        if is_number(value)
    }
    wanted = {
        (operation, own) for operation, rules in LEDGER.items() for own in rules.values() if own in ON_ANSWERS
    }
    nowhere = {("get_participation_metrics", STRATA), ("get_overview", REST)}
    assert wanted - met == nowhere, "no team of this world is told exactly; the whole is drawn towards nobody"
    assert re.search(r"satisfaction \d+", twice.said["newsletter"])
    assert len(twice.said["events"]) == len(AT)


def first_of(group: Json, sample: Sample) -> int:
    """The first respondent of a group, in the order of the database."""
    persons = Rollup(sample.groups, sample.places).persons(place_of(group, sample))
    return int(np.flatnonzero(persons & sample.both)[0])


def place_of(group: Json, sample: Sample) -> int:
    if group["kind"] == "organization":
        return 0
    if group["kind"] == "team":
        return list(sample.groups.keys).index(group["id"])
    return len(sample.groups.parents) + [own for _, own in sample.groups.categories].index(group["id"])


def raw_of(group: Json, sample: Sample) -> float:
    return float(sample.scores.dimensions["engagement"][first_of(group, sample)])


def shown(name: str, said: Json) -> list[Json]:
    """The groups of an answer that tell a number, or the answer itself."""
    groups = said.get("groups", []) if name.startswith("get_") else []
    return [group for group in groups if group.get("status") == "ok" or "points" in group]


@pytest.mark.nightly
@pytest.mark.parametrize("operation", [one.id for one in TOLD if one.id not in ("get_definitions",)])
def test_a_raw_number_of_the_first_respondent_is_caught_at_every_place_of_every_group(
    operation: str, twice: Twice
) -> None:
    """Put in place of each number, of each group: what is told of who answered first."""
    for wave in range(len(AT)):
        name = f"{operation} {wave}"
        for before, after in zip(shown(name, twice.said[name]), shown(name, twice.again[name]), strict=True):
            raw = [raw_of(before["group"], sample) for sample in twice.samples]
            planted = [planted_in(one, own) for one, own in zip((before, after), raw, strict=True)]
            everywhere = {place for place, value in places(before) if is_number(value)}
            assert differences(*planted) == {*everywhere, ".own"}
            with pytest.raises(Unknown):
                whose(operation, "groups[].own")


def planted_in(group: Json, raw: float) -> Json:
    """In place of every number, and as one more."""

    def planted(value: Json) -> Json:
        if isinstance(value, Mapping):
            return {name: planted(member) for name, member in value.items()}
        if isinstance(value, list):
            return [planted(member) for member in value]
        return raw if is_number(value) else value

    return {**planted(group), "own": raw}


@pytest.mark.nightly
def test_a_raw_number_is_caught_in_words_and_events(twice: Twice) -> None:
    raw = [raw_of({"kind": "organization", "id": None}, sample) for sample in twice.samples]
    letters = [
        said["newsletter"] + f"{own:.1f}" for said, own in zip((twice.said, twice.again), raw, strict=True)
    ]
    assert differences(*letters)
    events = [[*said["events"], str(own)] for said, own in zip((twice.said, twice.again), raw, strict=True)]
    assert differences(*events)


OPERATORS_SEE = {
    "betrokken_survey_responses_accepted": "how many, of all organisations",
    "betrokken_survey_responses_refused": "how many, of all organisations",
    "betrokken_survey_mails": "how many, of all organisations, whether needed or not",
    "betrokken_releases_pending": "how many, of all organisations",
    "betrokken_release_duration_seconds": "time",
    "betrokken_release_suppressed_groups": "how many groups, of all organisations",
}
"""What /metrics tells of surveys."""


def test_operators_see_no_number_that_stands_on_answers() -> None:
    told = {family.name for family in REGISTRY.collect() if re.search("survey|release|score", family.name)}
    assert told == OPERATORS_SEE.keys()
