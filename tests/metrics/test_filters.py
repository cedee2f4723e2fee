"""Answers to filters: of whole base cells, or none (disclosure.md R5b)."""

import asyncpg
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.metrics.blocks.filtered import Shared, cells_of, of_union
from app.metrics.blocks.headline import Census, told
from app.metrics.blocks.wave import Wave
from app.metrics.disclosure import Precision
from app.metrics.sample import Groups, Places, Rollup
from app.metrics.views.filters import BadFilter, Wanted, parsed, whole_cells
from tests.conftest import Tenant
from tests.examples import examples
from tests.metrics.test_release import answer, finish, read
from tests.metrics.test_rolling import roll
from tests.metrics.test_segments import spread
from tests.metrics.told import Body, as_json, headline
from tests.metrics.worlds import NO_LEVERS, answers_to, any_wave, with_categories, world


def as_kept(shared: Shared) -> Shared:
    """As it comes back from where it is kept."""
    return Shared.model_validate_json(shared.model_dump_json())


def close_to(one: Body, other: Body) -> bool:
    if isinstance(one, dict):
        return one.keys() == other.keys() and all(close_to(one[name], other[name]) for name in one)
    return bool(one == (pytest.approx(other, rel=1e-9, abs=1e-9) if isinstance(other, float) else other))


@settings(max_examples=examples(10))
@given(any_wave(), st.integers(0, 1000))
def test_cells_add_up_to_the_headline_of_their_persons(wave: Wave, seed: int) -> None:
    shared, cells = cells_of(wave)
    if not cells:
        assert shared.status in ("suppressed", "undefined")
        return
    assert isinstance(shared, Shared)
    chosen = np.random.default_rng(seed).random(len(cells)) < 0.5
    chosen[0] = True
    numbers = [cell.numbers for cell, wanted in zip(cells, chosen, strict=True) if wanted]
    said = as_json(of_union(as_kept(shared), numbers))
    persons = chosen[wave.plan.cells]
    rollup = Rollup(Groups([None, 0], ["all", "chosen"]), Places(persons.astype(np.int64), {}))
    precision: Precision = "banded" if persons.sum() < 20 else "integer"
    again = as_json(told(Census.take(wave, rollup), 1, precision, None, "of_filter"))
    assert said["n"] == persons.sum() >= wave.k
    assert close_to(said, again)


def test_all_cells_are_the_organisation_in_whole_numbers() -> None:
    wave = with_categories(world(NO_LEVERS, answers_to(NO_LEVERS, 300, 4)), [0, 1] * 150, ["x", "y"])
    shared, cells = cells_of(wave)
    assert isinstance(shared, Shared)
    whole, exact = as_json(of_union(shared, [cell.numbers for cell in cells])), headline(wave)[0]
    assert (whole["n"], whole["precision"], exact["precision"]) == (300, "integer", "exact")
    assert whole["satisfaction"]["score"] == round(exact["satisfaction"]["score"])
    assert whole["reasons"]["invited"] == "of_filter"


@pytest.mark.parametrize(
    ("sent", "values"),
    [
        ("location:Utrecht", {"location": {"Utrecht"}}),
        ("location:Utrecht,tenure:3-5", {"location": {"Utrecht"}, "tenure": {"3-5"}}),
        ("location:Utrecht,location:Delft", {"location": {"Utrecht", "Delft"}}),
        ("location:Utrecht, NL,tenure:3-5", {"location": {"Utrecht, NL"}, "tenure": {"3-5"}}),
        ("role:a:b", {"role": {"a:b"}}),
    ],
)
def test_the_form_of_a_filter(sent: str, values: dict[str, set[str]]) -> None:
    assert parsed(sent) == values


@pytest.mark.parametrize("sent", ["location", ":Utrecht", "location:", "1st:Utrecht", ",location:Utrecht"])
def test_another_form_is_refused(sent: str) -> None:
    with pytest.raises(BadFilter):
        parsed(sent)


@pytest.mark.parametrize(
    ("categories", "cells"),
    [({10}, [0]), ({10, 11}, None), ({11, 12}, [1]), ({10, 11, 12}, [0, 1]), ({13}, None)],
)
def test_a_cell_counts_whole_or_refuses_all(categories: set[int], cells: list[int] | None) -> None:
    places = {0: [[1, 10], [2, 10]], 1: [[1, 11], [2, 12]], 2: [[3, 10]]}
    assert whole_cells(places, Wanted(frozenset({1, 2}), [frozenset(categories)])) == cells


async def asked(tenant: Tenant, survey_id: str, wanted: str, **params: str) -> Body:
    said = await read(tenant.client, survey_id=survey_id, filter=wanted, **params)
    (group,) = said["groups"]
    return dict(group)


async def test_a_filter_of_whole_cells_is_answered(acme: Tenant) -> None:
    crossed: dict[str | None, int] = {"Utrecht": 24, "Delft": 21}
    survey_id, names = await spread(acme.client, {"sales": crossed, "care": {"Utrecht": 20, "Delft": 10}})
    await answer(acme.client, survey_id, [name for name in names if "Utrecht" in name], pay=2)
    await answer(acme.client, survey_id, [name for name in names if "Delft" in name], pay=5)
    await finish(acme, survey_id)
    of_sales = await asked(acme, survey_id, "location:Delft", team="sales")
    place = {
        "kind": "filter",
        "id": "location:Delft",
        "name": "location:Delft",
        "parent": "sales",
        "depth": 0,
    }
    assert of_sales["group"] == place
    assert (of_sales["status"], of_sales["n"], of_sales["precision"]) == ("ok", 21, "integer")
    assert of_sales["satisfaction"]["score"] == 100
    assert (await asked(acme, survey_id, "location:Utrecht", team="sales"))["satisfaction"]["score"] == 25
    in_delft = await asked(acme, survey_id, "location:Delft")
    assert (in_delft["n"], in_delft["invited"]) == (31, None)
    few = await asked(acme, survey_id, "location:Delft", team="care")
    assert (few["n"], few["precision"], few["satisfaction"]["score"]) == (10, "banded", 95)
    assert (await asked(acme, survey_id, "location:Utrecht,location:Delft"))["n"] == 75


async def test_a_filter_that_parts_a_cell_or_finds_nobody_is_refused(acme: Tenant) -> None:
    teams: dict[str, dict[str | None, int]] = {
        "sales": {"Utrecht": 12, "Delft": 1},
        "care": {"Utrecht": 1, "Delft": 12},
    }
    survey_id, names = await spread(acme.client, teams)
    await answer(acme.client, survey_id, names)
    await finish(acme, survey_id)
    for parted in ("location:Delft", "location:Utrecht", "location:Nowhere"):
        refused = await asked(acme, survey_id, parted)
        place = {"kind": "filter", "id": parted, "name": parted, "parent": None, "depth": 0}
        assert refused == {"group": place, "status": "suppressed", "reason": "crossing"}
    assert (await asked(acme, survey_id, "location:Utrecht,location:Delft", team="sales"))["n"] == 13


async def test_filters_that_cannot_be_understood(acme: Tenant) -> None:
    mixed: dict[str | None, int] = {"Utrecht": 15, "Delft": 12}
    survey_id, names = await spread(acme.client, {"sales": mixed})
    await answer(acme.client, survey_id, names)
    await finish(acme, survey_id)
    path = "/v1/metrics/satisfaction-engagement"
    for wanted, said in {
        "location": "bad_filter",
        "tenure:3-5": "unknown_segment",
        "location:Utrecht,tenure:3-5": "unknown_segment",
    }.items():
        got = await acme.client.get(path, params={"survey_id": survey_id, "filter": wanted})
        assert (got.status_code, got.json()["code"]) == (422, said)
    got = await acme.client.get(path, params={"filter": "location:Delft", "team": "nobody"})
    assert (got.status_code, got.json()["code"]) == (422, "unknown_team")


async def test_what_was_erased_since_changes_no_filter(acme: Tenant, owner: asyncpg.Connection) -> None:
    mixed: dict[str | None, int] = {"Utrecht": 15, "Delft": 12}
    survey_id, names = await spread(acme.client, {"sales": mixed, "care": mixed})
    await answer(acme.client, survey_id, names)
    await finish(acme, survey_id)
    before = await read(acme.client, survey_id=survey_id, filter="location:Delft")
    assert before["groups"][0]["status"] == "ok"
    await owner.execute("DELETE FROM responses WHERE organization_id = $1", acme.id)
    assert await read(acme.client, survey_id=survey_id, filter="location:Delft") == before


async def test_a_release_while_open_answers_no_filter(acme: Tenant) -> None:
    mixed: dict[str | None, int] = {"Utrecht": 15, "Delft": 12}
    survey_id, names = await spread(acme.client, {"sales": mixed}, release_policy="rolling")
    await answer(acme.client, survey_id, names)
    assert await roll(acme, survey_id) is not None
    (group,) = (await read(acme.client, survey_id=survey_id, filter="location:Delft"))["groups"]
    assert (group["status"], group["reason"]) == ("undefined", "awaits_final_release")
