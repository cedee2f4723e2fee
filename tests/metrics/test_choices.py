"""Shares of options: what is told, and that nobody is found in it."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import combinations
from typing import Any
from uuid import UUID

import numpy as np
import pytest

from app.metrics.blocks.choices import choices
from app.metrics.blocks.wave import Wave
from app.metrics.disclosure import left_out_by_lot, tellable, told_where
from app.metrics.formulas.intervals import score_interval
from app.metrics.releases import jobs
from app.metrics.sample import Choice, Groups
from tests.conftest import Tenant
from tests.metrics.test_release import (
    CONTENT,
    definition,
    definitions,
    finish,
    names_of,
    numbers,
    read,
    staff,
)
from tests.metrics.waves import instrument_of, wave_of
from tests.surveys.test_surveys import opened

TWO = instrument_of(("satisfaction", "pay"), ("engagement", "bond"))
OPTIONS = ["a", "b", "c", "d"]
Json = dict[str, Any]


def asked(
    values: Sequence[int],
    kind: Any = "choice",
    members: Sequence[int] | None = None,
    parents: Sequence[int | None] = (None,),
    k: int = 5,
) -> Wave:
    answers = np.random.default_rng(3).integers(1, 6, (len(values), 2))
    wave = wave_of(TWO, answers, members, parents, k=k)
    choice = Choice("q", kind, OPTIONS, np.array(values, dtype=np.int64))
    return replace(wave, sample=replace(wave.sample, choices=[choice]))


def question(wave: Wave, ordinal: int = 0) -> Json:
    body = choices(wave)[ordinal].model_dump(mode="json")
    assert body["status"] == "ok", body
    found: Json = body["questions"][0]
    return found


def shares(told: Json) -> list[float | None]:
    return [option["share"] for option in told["options"]]


def of(*counts: int) -> list[int]:
    """So many persons of each option."""
    return [option for option, count in enumerate(counts) for _ in range(count)]


# ------------------------------------------------------------------ what is told


def test_shares_are_of_those_who_answered_with_wilsons_interval() -> None:
    told = question(asked(of(20, 10, 5, 5)))
    assert (told["n"], told["precision"], told["dont_know"]) == (40, "exact", None)
    assert shares(told) == [0.5, 0.25, 0.125, 0.125]
    ci = score_interval(0.25, 40)
    assert (told["options"][1]["ci_low"], told["options"][1]["ci_high"]) == (ci.low, ci.high)


def test_of_several_options_each_has_its_own_share() -> None:
    told = question(asked([0b0001] * 10 + [0b0011] * 10 + [0b0111] * 20, "choices"))
    assert shares(told) == [None, 0.75, 0.5, None]
    assert [option["reason"] for option in told["options"]] == ["few", None, None, "few"]


def test_an_option_of_few_is_not_told_nor_what_would_tell_it() -> None:
    """Alone it would be 1 less the others: the next larger one goes with it."""
    assert shares(question(asked(of(20, 10, 10, 4)))) == [20 / 44, 10 / 44, None, None]
    assert shares(question(asked(of(20, 16, 3, 2)))) == [20 / 41, 16 / 41, None, None]
    assert shares(question(asked(of(20, 20, 0, 0)))) == [20 / 40, None, None, None]


def test_where_nearly_all_chose_one_nothing_is_told() -> None:
    assert question(asked(of(37, 3, 0, 0)))["reason"] == "few"
    assert question(asked([1] * 38 + [2] * 2, "choices"))["reason"] == "few"


def test_nothing_is_told_of_a_small_group() -> None:
    assert question(asked(of(10, 9, 0, 0)))["reason"] == "banded"
    assert question(asked([*of(10, 9, 0, 0), *[-2] * 10]))["reason"] == "banded"
    assert question(asked([*of(2, 1, 0, 0), *[-2] * 20]))["reason"] == "below_minimum"


def test_a_questionnaire_without_choices_has_none() -> None:
    wave = asked(of(20, 10, 5, 5))
    bare = replace(wave, sample=replace(wave.sample, choices=[]))
    assert choices(bare)[0].model_dump() == {"status": "undefined", "reason": "question_missing", "n": 40}


def test_those_who_do_not_know_are_counted_where_they_are_enough() -> None:
    for several, told_of in ((0, None), (4, None), (5, 5)):
        told = question(asked([*of(20, 10, 5, 5), *[-1] * several]))
        assert told["dont_know"] == told_of
        assert told["reasons"] == ({} if told_of is not None else {"dont_know": "few"})


def test_where_a_few_skipped_it_as_many_more_are_left_out() -> None:
    assert question(asked([*of(20, 10, 10, 10), -2]))["n"] == 50 - 4
    assert question(asked([*of(20, 10, 10, 10), *[-2] * 5]))["n"] == 50


def test_the_lot_is_drawn_in_one_order_and_by_region() -> None:
    answered = np.array([True] * 9 + [False] + [True] * 5 + [False])
    regions, order = np.array([0] * 10 + [1] * 6), np.arange(16)[::-1]
    counted = left_out_by_lot(answered, regions, order, 3)
    assert np.flatnonzero(counted).tolist() == [*range(7), 10, 11, 12]
    assert not left_out_by_lot(answered, regions, order, 4)[10:].any()


def test_a_team_tells_the_same_options_as_all_or_none() -> None:
    values = [*of(20, 10, 10, 4), *of(10, 10, 10, 10), *of(30, 3, 3, 4)]
    members = [1] * 44 + [2] * 40 + [3] * 40
    wave = asked(values, members=members, parents=(None, 0, 0, 0))
    assert all(share is not None for share in shares(question(wave)))
    assert question(wave, 1)["reason"] == question(wave, 3)["reason"] == "few"
    assert shares(question(wave, 2)) == [0.25] * 4


def test_which_options_can_be_told() -> None:
    assert tellable(np.array([9, 8, 7]), 5) == [0, 1, 2]
    assert tellable(np.array([9, 8, 4]), 5) == [0]
    assert tellable(np.array([9, 8, 4, 3]), 5) == [0, 1]
    assert tellable(np.array([9, 0, 0]), 5) == []
    assert tellable(np.array([4, 4, 4]), 5) == []


# ------------------------------------------------------------------ nobody is found in it


def random_wave(seed: int) -> Wave:
    random = np.random.default_rng(seed)
    teams = range(1, int(random.integers(2, 6)))
    parents = [None, *(int(random.integers(ordinal)) for ordinal in teams)]
    in_order = sorted(range(len(parents)), key=lambda node: path(parents, node))
    places = {node: place for place, node in enumerate(in_order)}
    ordered = [None if parents[node] is None else places[parents[node] or 0] for node in in_order]
    weights = random.dirichlet(np.full(4, 0.7))
    persons = int(random.integers(60, 200))
    members = random.integers(0, len(parents), persons)
    values = random.choice(4, persons, p=weights)
    values[random.random(persons) < random.choice([0.0, 0.04, 0.2])] = -2
    return asked(values.tolist(), members=members.tolist(), parents=ordered, k=int(random.integers(3, 6)))


def path(parents: Sequence[int | None], node: int) -> tuple[int, ...]:
    parent = parents[node]
    return (node,) if parent is None else (*path(parents, parent), node)


def told_sums(wave: Wave) -> Iterator[tuple[list[int], int | None, int]]:
    """Everything that is told: the nodes of the tree under a group, the option or None for all, how many."""
    for ordinal, body in choices(wave).items():
        if body.status != "ok" or body.questions[0].status != "ok":
            continue
        of_group, below = body.questions[0], nodes_below(wave, ordinal)
        yield below, None, of_group.n
        for place, option in enumerate(of_group.options):
            if option.share is not None:
                yield below, place, round(option.share * of_group.n)


def nodes_below(wave: Wave, top: int) -> list[int]:
    found = {top}
    for ordinal, parent in enumerate(wave.sample.groups.parents):
        if parent in found:
            found.add(ordinal)
    return sorted(found)


@pytest.mark.parametrize("seed", range(60))
def test_no_number_of_a_few_can_be_derived(seed: int) -> None:
    """An attacker who adds and subtracts all that is told, over every set of up to three kinds of people."""
    wave = random_wave(seed)
    nodes, told = len(wave.sample.groups.parents), list(told_sums(wave))
    if not told:
        return
    rows = [
        [node in below and option in (None, own) for node in range(nodes) for own in range(4)]
        for below, option, _ in told
    ]
    matrix = np.array(rows, dtype=np.float64)
    atoms, which = np.unique(matrix.T, axis=0, return_inverse=True)
    counts = np.bincount(which.ravel(), weights=real_counts(wave), minlength=len(atoms))
    known = atoms.T
    rank, inside = np.linalg.matrix_rank(known), np.flatnonzero(atoms.any(axis=1))
    for size in (1, 2, 3):
        for chosen in combinations(inside.tolist(), size):
            wanted = np.zeros(len(atoms))
            wanted[list(chosen)] = 1
            if np.linalg.matrix_rank(np.vstack([known, wanted])) == rank:
                assert counts[list(chosen)].sum() >= wave.k, (seed, chosen)


def test_the_attacker_has_something_to_go_by() -> None:
    tellers = [{tuple(below) for below, *_ in told_sums(random_wave(seed))} for seed in range(60)]
    assert sum(len(groups) > 0 for groups in tellers) > 30
    assert sum(len(groups) > 1 for groups in tellers) > 10


def real_counts(wave: Wave) -> np.ndarray[Any, Any]:
    """By node and option, of the persons that count."""
    choice = wave.sample.choices[0].of(wave.sample.both)
    team = wave.rollup.places.team
    counted = left_out_by_lot(
        choice.answered, wave.plan.regions[team], wave.sample.lot[wave.sample.both], wave.k
    )
    found = np.zeros((len(wave.sample.groups.parents), 4))
    np.add.at(found, (team[counted], choice.values[counted]), 1)
    return found.ravel()


def test_the_attacker_finds_a_few_where_a_rule_is_missing() -> None:
    """Between a group and one inside it four people would be left: it is not told."""
    groups = Groups([None, 0, 0], ["", "one", "two"])
    parts = np.array([[30, 20], [26, 10], [30 - 26, 10]])
    assert told_where(parts, groups, {0, 1, 2}, 5) == {0}
    assert told_where(parts, groups, {0, 1, 2}, 4) == {0, 1, 2}


# ------------------------------------------------------------------ as it is asked for

WHERE = [{"key": key, "text": {"en": key.title(), "nl": f"{key} nl"}} for key in ("home", "site")]
KINDS: Json = CONTENT | {
    "questions": [
        *CONTENT["questions"],
        {"key": "where", "text": {"en": "Where?", "nl": "Waar?"}, "kind": "choice", "options": WHERE},
        {"key": "which", "text": {"en": "Which?"}, "kind": "choices", "options": WHERE},
        {"key": "why", "text": {"en": "Why?"}, "kind": "text"},
    ]
}


async def held(acme: Tenant) -> str:
    await staff(acme.client, {"sales": 30, "care": 30})
    put = await acme.client.put("/v1/questionnaires/kinds", json=KINDS)
    assert put.status_code == 201, put.text
    survey_id = await opened(acme.client, questionnaire="kinds", report_by=["site"])
    items = [
        {
            "respondent": name,
            "answers": {
                "pay": 1 + number % 5,
                "bond": 1 + number % 4,
                "where": "home" if number % 3 else "site",
                "which": ["home", "site"] if number % 2 else ["home"],
                **({"why": f"Because {number}"} if number < wrote else {}),
            },
        }
        for team, wrote in (("sales", 12), ("care", 3))
        for number, name in enumerate(names_of(team, 30))
    ]
    stored = await acme.client.post(f"/v1/surveys/{survey_id}/responses/batch", json={"items": items})
    assert stored.json()["summary"]["created"] == 60, stored.text
    return await finish(acme, survey_id)


async def test_a_release_tells_choices_and_texts(acme: Tenant) -> None:
    survey_id = await held(acme)
    query = {"survey_id": survey_id, "by": ["organization", "team", "segment:site"]}
    found = await acme.client.get("/v1/metrics/choices", params=query, headers={"Accept-Language": "nl"})
    groups = found.json()["groups"]
    by_kind = {(one["group"]["kind"], one["group"]["id"]): one for one in groups}
    where, which = by_kind["organization", None]["questions"]
    assert (where["title"], which["title"], where["n"]) == ("Waar?", "Which?", 60)
    assert [(option["key"], option["title"], option["share"]) for option in where["options"]] == [
        ("home", "home nl", 40 / 60),
        ("site", "site nl", 20 / 60),
    ]
    assert [option["share"] for option in which["options"]] == [None, 0.5]
    assert by_kind["team", "sales"]["questions"][0]["options"][0]["share"] == 20 / 30


@pytest.mark.nightly
async def test_a_category_tells_no_choice(acme: Tenant) -> None:
    """Together with teams it could take a few of them out."""
    await staff(acme.client, {"sales": 60})
    for number, name in enumerate(names_of("sales", 60)):
        await acme.client.patch(f"/v1/people/{name}", json={"segments": {"site": "AB"[number % 2]}})
    await acme.client.put("/v1/questionnaires/kinds", json=KINDS)
    survey_id = await opened(acme.client, questionnaire="kinds", report_by=["site"])
    items = [
        {
            "respondent": name,
            "answers": {
                "pay": 1 + number % 5,
                "bond": 1 + number % 4,
                "where": "home" if number % 3 else "site",
            },
        }
        for number, name in enumerate(names_of("sales", 60))
    ]
    await acme.client.post(f"/v1/surveys/{survey_id}/responses/batch", json={"items": items})
    await finish(acme, survey_id)
    groups = (await read(acme.client, "choices", survey_id=survey_id, by=["segment:site"]))["groups"]
    assert {(one["status"], one["questions"][0]["reason"]) for one in groups} == {("ok", "crossing")}
    assert len(groups) == 2


@pytest.mark.nightly
async def test_every_number_of_choices_has_a_definition(acme: Tenant) -> None:
    await held(acme)
    defined = {metric["name"] for metric in (await definitions(acme.client, "en"))["metrics"]}
    groups = (await read(acme.client, "choices", by=["organization", "team"]))["groups"]
    paths = [path for group in groups for path in numbers({**group, "group": None})]
    assert len(paths) > 10
    for path in paths:
        assert definition("choices", path) in defined, path


@pytest.mark.nightly
async def test_what_was_written_to_a_question_is_read_where_enough_wrote(acme: Tenant) -> None:
    survey_id = await held(acme)
    by = ["organization", "team"]
    written = await read(acme.client, "comments", survey_id=survey_id, by=by, question="why")
    of_all, care, sales = (
        next(one for one in written["groups"] if one["group"]["id"] == key) for key in (None, "care", "sales")
    )
    assert (of_all["status"], of_all["n"], len(of_all["comments"])) == ("ok", 15, 15)
    assert {care["status"], sales["status"]} == {"suppressed"}, "the three of care would be the rest"
    assert of_all["comments"] != sorted(of_all["comments"])
    besides = await read(acme.client, "comments", survey_id=survey_id, by=by)
    assert {one["status"] for one in besides["groups"]} == {"suppressed"}
    for unknown in ("pay", "nothing"):
        refused = await acme.client.get(
            "/v1/metrics/comments", params={"survey_id": survey_id, "question": unknown}
        )
        assert (refused.status_code, refused.json()["code"]) == (422, "unknown_question")


async def test_a_question_in_words_is_known_where_nothing_of_it_is_told(acme: Tenant) -> None:
    """While the survey is open, and by a segment: that it is asked does not depend on what was answered."""
    await staff(acme.client, {"sales": 12})
    await acme.client.put("/v1/questionnaires/kinds", json=KINDS)
    survey_id = await opened(
        acme.client, questionnaire="kinds", report_by=["site"], mode="confidential", release_policy="rolling"
    )
    items = [
        {"respondent": name, "answers": {"pay": 4, "bond": 3, "why": "Because"}}
        for name in names_of("sales", 12)[:6]
    ]
    await acme.client.post(f"/v1/surveys/{survey_id}/responses/batch", json={"items": items})
    await jobs.release_survey(acme.database, acme.id, UUID(survey_id))
    for by, reasons in (("organization", ["awaits_final_release"]), ("segment:site", [])):
        query = {"survey_id": survey_id, "by": by}
        told = (await read(acme.client, "comments", **query, question="why"))["groups"]
        assert [group["reason"] for group in told] == reasons
        for unknown in ("pay", "where", "nothing"):
            refused = await acme.client.get("/v1/metrics/comments", params={**query, "question": unknown})
            assert (refused.status_code, refused.json()["code"]) == (422, "unknown_question")
