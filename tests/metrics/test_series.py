"""Over HTTP: the waves of a series side by side, and one call a screen."""

from copy import deepcopy
from typing import Any

import pytest

from app.metrics import names as app_names
from app.metrics import schemas
from app.metrics.definitions import document
from app.metrics.views.sentences import of_overview
from tests.conftest import Tenant
from tests.contract import ContractClient
from tests.metrics.test_release import (
    CHANGE,
    CONTENT,
    Json,
    answer,
    definition,
    definitions,
    finish,
    names_of,
    numbers,
    read,
    released,
    staff,
    start,
)

POSITION = {
    "quadrant": "content",
    "probability": 0.93,
    "probabilities": {"thriving": 0.04, "content": 0.93, "stretched": 0.02, "detached": 0.01},
    "ellipse": {"semi_major": 5.0, "semi_minor": 4.0, "angle": 0.0},
}


async def wave(tenant: Tenant, sales: int, care: int, *, swapped: bool = False, **members: Any) -> str:
    """Everybody in sales answered so, and of care one half so and the other half one less."""
    halves = names_of("care", 30)[15:], names_of("care", 15)
    same, less = halves if swapped else halves[::-1]
    survey_id = await start(tenant.client, **members)
    await answer(tenant.client, survey_id, names_of("sales", 30), pay=sales)
    await answer(tenant.client, survey_id, same, pay=care)
    await answer(tenant.client, survey_id, less, pay=care - 1)
    return await finish(tenant, survey_id)


def group_of(found: Json, team: str | None) -> Json:
    group: Json = next(group for group in found["groups"] if group["group"]["id"] == team)
    return group


def change_of(group: Json, measure: str) -> Json:
    change: Json = next(one for one in group["changes"] if one["measure"] == measure)
    return change


async def test_points_are_as_each_wave_froze_them_and_changes_lead_from_one_to_the_next(acme: Tenant) -> None:
    await staff(acme.client, {"sales": 30, "care": 30})
    first = await wave(acme, sales=3, care=3, series="quarterly")
    await wave(acme, sales=2, care=2, series="another")
    second = await wave(acme, sales=5, care=3, swapped=True, series="quarterly")
    found = await read(acme.client, "trends", series="quarterly", by=["organization", "team"])
    assert [one["survey"]["id"] for one in found["waves"]] == [first, second]
    for team in (None, "sales", "care"):
        points = group_of(found, team)["points"]
        for survey_id, point in zip((first, second), points, strict=True):
            frozen = group_of(await read(acme.client, survey_id=survey_id, by=["organization", "team"]), team)
            assert (point["survey"], point["n"], point["precision"]) == (
                survey_id,
                frozen["n"],
                frozen["precision"],
            )
            for dimension in ("satisfaction", "engagement"):
                told = {name: frozen[dimension][name] for name in ("score", "ci_low", "ci_high")}
                assert point[dimension] == told
            assert point["gap"]["score"] == frozen["gap"]["mean"]
            assert point["reasons"]["enps"] == "question_missing"
    whole = group_of(found, None)
    own = change_of(whole, "satisfaction")
    assert (own["from_survey"], own["to_survey"], own["verdict"]) == (first, second, "increased")
    scores = [point["satisfaction"]["score"] for point in whole["points"]]
    assert abs(own["difference"] - (scores[1] - scores[0])) < 1e-9
    assert change_of(group_of(found, "care"), "satisfaction")["difference"] == 0
    assert change_of(whole, "enps")["verdict"] == "not_comparable"
    (pair,) = whole["repeaters"]
    told = next(one for one in pair["measures"] if one["measure"] == "satisfaction")
    assert (pair["from_survey"], told["status"], told["n"]) == (first, "ok", 60)
    assert group_of(found, "sales")["repeaters"] == []
    until = await read(acme.client, "trends", survey_id=first)
    assert ([one["survey"]["id"] for one in until["waves"]], until["groups"][0]["changes"]) == ([first], [])


@pytest.mark.nightly
async def test_groups_are_those_of_the_newest_wave_wherever_they_were(acme: Tenant) -> None:
    api = acme.client
    await staff(api, {"sales": 30, "care": 6})
    first = await released(acme, names_of("sales", 30) + names_of("care", 6), series="q")
    await staff(api, {"new": 6})
    await api.patch("/v1/teams/sales", json={"name": "Trade", "parent": "new"})
    for name in names_of("care", 6):
        await api.patch(f"/v1/people/{name}", json={"team": "sales"})
    await released(acme, names_of("sales", 30) + names_of("care", 6) + names_of("new", 6), series="q")
    found = await read(api, "trends", by="team")
    told = {
        group["group"]["name"]: [point["status"] for point in group["points"]] for group in found["groups"]
    }
    assert told == {"New": ["undefined", "ok"], "Trade": ["ok", "ok"]}
    assert group_of(found, "new")["points"][0]["reason"] == "group_missing"
    assert group_of(found, "new")["changes"] == []
    assert change_of(group_of(found, "sales"), "gap")["from_survey"] == first
    narrowed = await read(api, "trends", team="sales")
    assert [group["group"]["id"] for group in narrowed["groups"]] == ["sales"]


@pytest.mark.nightly
async def test_a_group_hidden_in_a_wave_has_a_point_that_says_so(acme: Tenant) -> None:
    await staff(acme.client, {"sales": 30, "care": 6})
    await released(acme, names_of("sales", 30) + names_of("care", 3), series="q")
    await released(acme, names_of("sales", 30) + names_of("care", 6), series="q")
    found = group_of(await read(acme.client, "trends", by="team"), "care")
    assert [(point["status"], point.get("reason")) for point in found["points"]] == [
        ("suppressed", "below_minimum"),
        ("ok", None),
    ]
    assert {(one["status"], one["reason"]) for one in found["changes"] if one["measure"] != "enps"} == {
        ("suppressed", "below_minimum")
    }


@pytest.mark.nightly
async def test_a_question_in_other_words_is_not_comparable(acme: Tenant) -> None:
    await staff(acme.client, {"sales": 30, "care": 30})
    await wave(acme, sales=3, care=3)
    pay, bond = CONTENT["questions"]
    await acme.client.put(
        "/v1/questionnaires/two", json=CONTENT | {"questions": [pay | {"text": {"en": "?"}}, bond]}
    )
    survey_id = await start_as_it_is(acme.client)
    await answer(acme.client, survey_id, names_of("sales", 30))
    await finish(acme, survey_id)
    (group,) = (await read(acme.client, "trends"))["groups"]
    verdicts = {one["measure"]: one["verdict"] for one in group["changes"]}
    assert verdicts["satisfaction"] == verdicts["gap"] == "not_comparable"
    assert verdicts["engagement"] != "not_comparable"


async def start_as_it_is(api: ContractClient) -> str:
    body = {"name": "Again", "questionnaire": "two", "mode": "confidential", "access": "invited"}
    survey_id: str = (await api.post("/v1/surveys", json=body)).json()["id"]
    await api.post(f"/v1/surveys/{survey_id}/open")
    return survey_id


@pytest.mark.nightly
async def test_no_more_than_the_newest_waves_are_read(acme: Tenant, monkeypatch: Any) -> None:
    monkeypatch.setattr(app_names, "MOST_WAVES", 2)
    await staff(acme.client, {"sales": 6})
    waves = [await released(acme, names_of("sales", 6)) for _ in range(3)]
    found = await read(acme.client, "trends")
    assert [one["survey"]["id"] for one in found["waves"]] == waves[1:]
    assert len(found["groups"][0]["points"]) == 2


@pytest.mark.nightly
async def test_reading_a_series_takes_as_many_queries_for_one_wave_as_for_three(
    acme: Tenant, queries: list[str]
) -> None:
    await staff(acme.client, {"sales": 6, "care": 6})
    counts = []
    for _ in range(3):
        await released(acme, names_of("sales", 6) + names_of("care", 6))
        queries.clear()
        await read(acme.client, "trends", by=["organization", "team"])
        counts.append(len(queries))
    assert counts[0] == counts[2]


@pytest.mark.nightly
async def test_every_number_of_a_series_has_a_definition(acme: Tenant) -> None:
    await staff(acme.client, {"sales": 30, "care": 30})
    await wave(acme, sales=3, care=3)
    await wave(acme, sales=4, care=3)
    defined = {metric["name"] for metric in (await definitions(acme.client, "en"))["metrics"]}
    labels = (await definitions(acme.client, "en"))["labels"]
    found = await read(acme.client, "trends", by=["organization", "team"])
    for group in found["groups"]:
        for point in group["points"]:
            for path in numbers(point):
                assert definition("satisfaction-engagement", path) or path == ("gap", "score"), path
            assert set(point["reasons"].values()) <= labels["reasons"].keys()
        for one in group["changes"]:
            if one["status"] == "suppressed":
                assert (one["measure"], one["reason"]) == ("gap", "crossing")
                continue
            for path in numbers(one):
                assert CHANGE[path[-1]] in defined
            assert one["verdict"] in labels["verdicts"]
    assert "repeaters.difference" in defined


def headline_of(group: Json) -> str:
    """In English, of changes of which different things can be said."""
    labels = document()["labels"]
    said = [
        f"{one['measure']} {labels['verdicts'][one['verdict']]['en'].lower()}"
        for one in group["changes"]
        if one["measure"] in ("satisfaction", "engagement")
    ]
    scores = [round(group[name]["score"]) for name in ("satisfaction", "engagement")]
    standing = f"Satisfaction {scores[0]}, engagement {scores[1]}"
    if group["position"] is not None:
        chance = f"{round(100 * group['position']['probability'])}%"
        standing = f"{labels['quadrants'][group['position']['quadrant']]['en']} (chance {chance})"
    return f"{standing}. Since the round before: {', '.join(said)}."


@pytest.mark.nightly
async def test_the_overview_is_put_together_of_what_the_metrics_say(acme: Tenant) -> None:
    await staff(acme.client, {"sales": 30, "care": 31, "few": 3})
    await wave(acme, sales=3, care=3)
    await wave(acme, sales=5, care=3)
    wanted: Json = {"by": ["organization", "team"]}
    found = await read(acme.client, "overview", **wanted)
    headline = await read(acme.client, **wanted)
    participation, trends = [
        await read(acme.client, metric, **wanted) for metric in ("participation", "trends")
    ]
    assert found["distinctness"] == headline["distinctness"]
    for group, own in zip(found["groups"], headline["groups"], strict=True):
        team = group["group"]["id"]
        assert {name: group[name] for name in own} == own
        if own["status"] != "ok":
            assert group == own
            continue
        assert group["enps"] == {"status": "undefined", "reason": "question_missing", "n": group["n"]}
        told = group_of(participation, team)
        for name in ("responded", "invited", "response_rate"):
            assert group["participation"][name] == told[name]
        newest = [
            one for one in group_of(trends, team)["changes"] if one["to_survey"] == found["survey"]["id"]
        ]
        assert group["changes"] == newest
    assert found["levers"] == (await read(acme.client, "levers"))["groups"][0]
    assert found["headline"] == headline_of(found["groups"][0])
    placed = deepcopy(found["groups"][0]) | {"position": POSITION}
    group = schemas.OverviewGroupOk.model_validate(placed)
    assert of_overview([group], "en") == headline_of(placed)
    assert "Vooral tevreden (kans 93%)" in str(of_overview([group], "nl"))
    assert of_overview([], "nl") is None
    flat = await read(acme.client, "overview", depth=1, **wanted)
    assert flat["groups"] == found["groups"]
    narrowed = await read(acme.client, "overview", team="care")
    assert [group["group"]["id"] for group in narrowed["groups"]] == ["care"]
    assert narrowed["levers"]["group"]["kind"] == "organization"
    assert narrowed["headline"].startswith("Care: ")
    assert (await read(acme.client, "overview", team="few"))["headline"] is None


@pytest.mark.nightly
async def test_the_columns_of_the_heatmap_are_named_in_the_language_asked_for(acme: Tenant) -> None:
    await staff(acme.client, {"sales": 30, "care": 30})
    await wave(acme, sales=5, care=3)
    for language, satisfaction in (("en", "Satisfaction"), ("nl", "Tevredenheid")):
        headers = {"Accept-Language": language}
        got = await acme.client.get("/v1/metrics/heatmap", params={"by": "team"}, headers=headers)
        columns, groups = got.json()["columns"], got.json()["groups"]
        assert [(one["key"], one["title"]) for one in columns[::2]] == [
            ("satisfaction", satisfaction),
            ("facet:pay", "pay"),
        ]
        states = {group["group"]["id"]: group["cells"][0]["state"] for group in groups}
        assert states == {"sales": "higher", "care": "lower"}
        assert {len(group["cells"]) for group in groups} == {len(columns)}
