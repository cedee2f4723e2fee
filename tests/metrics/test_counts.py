"""How many answered a question, and how many did not know: nobody is found by adding and subtracting (R8).

Each number told is a sum over kinds of persons in places of the tree. Whatever sum of kinds follows from all
of them together is of nobody or of k, and that nobody did not know follows of no place with persons.
"""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import combinations

import numpy as np
import pytest

from app.metrics.blocks.choices import choices
from app.metrics.blocks.wave import Wave
from app.metrics.disclosure import left_out_by_lot
from app.metrics.sample import Choice, Flags, Integers
from tests.metrics.test_choices import nodes_below, path
from tests.metrics.told import Body, as_json, facets, reliability
from tests.metrics.waves import instrument_of, wave_of

INSTRUMENT = instrument_of(
    *[("satisfaction", facet) for facet in ("pay", "hours")],
    *[("engagement", facet) for facet in ("bond", "effort")],
)
DONT_KNOW, SKIPPED = -1, -2
UNKNOWING, SILENT, LEFT_OUT, COUNTED = range(4)
EVERYBODY = (UNKNOWING, SILENT, LEFT_OUT, COUNTED)
ASKED = "q1"
SEEDS = [
    pytest.param(range(60), id="dozens"),
    pytest.param(range(60, 3000), id="thousands", marks=pytest.mark.nightly),
]
Told = tuple[int, tuple[int, ...], int]
"""Of a group and all below it, so many persons of these kinds."""


def wave_with(
    given: Sequence[int], members: Sequence[int], parents: Sequence[int | None], k: int = 5
) -> Wave:
    """`given` answers one question on a scale and one with two options."""
    answers = np.random.default_rng(7).integers(1, 6, (len(given), len(INSTRUMENT.key)))
    answers[:, 1] = given
    wave = wave_of(INSTRUMENT, answers, members, parents, k=k)
    chosen = np.where(answers[:, 1] > 0, answers[:, 1] % 2, answers[:, 1])
    choice = Choice("where", "choice", ["home", "site"], chosen.astype(np.int64))
    return replace(wave, sample=replace(wave.sample, choices=[choice]))


def random_wave(seed: int) -> Wave:
    random = np.random.default_rng(seed)
    parents = [None, *(int(random.integers(ordinal)) for ordinal in range(1, int(random.integers(2, 6))))]
    in_order = sorted(range(len(parents)), key=lambda node: path(parents, node))
    places = {node: place for place, node in enumerate(in_order)}
    ordered = [None if parents[node] is None else places[parents[node] or 0] for node in in_order]
    persons = int(random.integers(40, 220))
    given = random.integers(1, 6, persons)
    given[random.random(persons) < random.choice([0.0, 0.02, 0.1])] = SKIPPED
    given[random.random(persons) < random.choice([0.02, 0.06, 0.12, 0.3])] = DONT_KNOW
    weights = random.dirichlet(np.full(len(parents), 2.0))
    members = random.choice(len(parents), persons, p=weights)
    return wave_with(given.tolist(), members.tolist(), ordered, k=int(random.integers(3, 6)))


def of_the_scale(wave: Wave) -> tuple[Flags, Integers, dict[int, Body]]:
    """Who counts, what everybody gave, and what each group is told."""
    found = {
        ordinal: entry
        for ordinal, body in facets(wave).items()
        for entry in body.get("questions", [])
        if entry["key"] == ASKED
    }
    given = wave.sample.answers[wave.sample.both, 1].astype(np.int64)
    return np.asarray(wave.plan.counted[f"question:{ASKED}"]), given, found


def of_the_choice(wave: Wave) -> tuple[Flags, Integers, dict[int, Body]]:
    choice = wave.sample.choices[0].of(wave.sample.both)
    regions, order = wave.plan.regions[wave.rollup.places.team], wave.sample.lot[wave.sample.both]
    found = {
        ordinal: body["questions"][0]
        for ordinal, body in ((ordinal, as_json(body)) for ordinal, body in choices(wave).items())
        if body["status"] == "ok"
    }
    return left_out_by_lot(choice.answered, regions, order, wave.k), choice.values, found


QUESTIONS = {"scale": of_the_scale, "choice": of_the_choice}


def told_of(wave: Wave, found: dict[int, Body]) -> Iterator[Told]:
    for ordinal, decision in wave.plan.decisions.items():
        if decision.precision is not None:
            yield ordinal, EVERYBODY, wave.n(ordinal)
    for ordinal, entry in found.items():
        if entry["status"] != "ok":
            continue
        is_coarse = wave.plan.is_coarse(f"question:{entry['key']}", ordinal)
        yield ordinal, EVERYBODY if is_coarse else (COUNTED,), entry["n"]
        if entry["dont_know"] is not None:
            yield ordinal, (UNKNOWING,), entry["dont_know"]


def kinds_of(counted: Flags, given: Integers) -> Integers:
    kinds = np.full(len(given), LEFT_OUT)
    for kind, persons in ((UNKNOWING, given == DONT_KNOW), (SILENT, given == SKIPPED), (COUNTED, counted)):
        kinds[persons] = kind
    return kinds


def found_out(wave: Wave, counted: Flags, given: Integers, told: Sequence[Told]) -> list[list[int]]:
    """The sums of kinds of places that follow from what is told and are of a few; by place and kind."""
    nodes, kinds = len(wave.sample.groups.parents), len(EVERYBODY)
    real = np.zeros((nodes, kinds), dtype=np.int64)
    np.add.at(real, (wave.rollup.places.team, kinds_of(counted, given)), 1)
    rows = np.zeros((len(told), nodes, kinds))
    for row, (ordinal, of, number) in zip(rows, told, strict=True):
        row[np.ix_(nodes_below(wave, ordinal), of)] = 1
        assert int((row * real).sum()) == number, "the attacker knows whom it counts"
    cells, which = np.unique(rows.reshape(len(told), -1).T, axis=0, return_inverse=True)
    known = [number for number, cell in enumerate(cells) if cell.any()]
    return [
        list(chosen)
        for size in (1, 2, 3)
        for chosen in combinations(known, size)
        if follows(cells, chosen) and is_few(real, np.isin(which.reshape(real.shape), chosen), wave.k)
    ]


def follows(cells: np.ndarray, chosen: Sequence[int]) -> bool:
    wanted = np.zeros(len(cells))
    wanted[list(chosen)] = 1
    return bool(np.linalg.matrix_rank(np.vstack([cells.T, wanted])) == np.linalg.matrix_rank(cells.T))


def is_few(real: Integers, wanted: Flags, k: int) -> bool:
    count = int(real[wanted].sum())
    are_unknowing = not wanted[:, UNKNOWING + 1 :].any()
    somebody = int(real[wanted.any(axis=1)].sum()) > 0
    return 0 < count < k or (count == 0 and are_unknowing and somebody)


@pytest.mark.nightly
@pytest.mark.parametrize("kind", QUESTIONS)
@pytest.mark.parametrize("seeds", SEEDS)
def test_no_number_of_a_few_can_be_derived(seeds: range, kind: str) -> None:
    several = 0
    for seed in seeds:
        wave = random_wave(seed)
        counted, given, found = QUESTIONS[kind](wave)
        told = list(told_of(wave, found))
        assert not found_out(wave, counted, given, told), seed
        several += sum(of == (UNKNOWING,) for _, of, _ in told) > 1
    assert several > len(seeds) / 12


# ------------------------------------------------------------------ the leak there was


def three_teams() -> Wave:
    """Of 26 each: six, nobody and one who did not know."""
    given = [[DONT_KNOW] * few + [1 + person % 5 for person in range(26 - few)] for few in (6, 0, 1)]
    return wave_with([one for team in given for one in team], [1] * 26 + [2] * 26 + [3] * 26, [None, 0, 0, 0])


@pytest.mark.parametrize("kind", QUESTIONS)
def test_the_one_of_a_team_is_not_left_by_the_others(kind: str) -> None:
    """And that nobody did not know would be told of everybody there."""
    _, _, found = QUESTIONS[kind](three_teams())
    told = {ordinal: entry["dont_know"] for ordinal, entry in found.items()}
    assert told in ({0: 7, 1: None, 2: None, 3: None}, {0: None, 1: 6, 2: None, 3: None})
    assert {found[ordinal]["reasons"]["dont_know"] for ordinal in (2, 3)} == {"few"}


@pytest.mark.parametrize("kind", QUESTIONS)
def test_the_attacker_catches_each_group_looked_at_alone(kind: str) -> None:
    wave = three_teams()
    counted, given, found = QUESTIONS[kind](wave)
    alone = {
        ordinal: {**entry, "dont_know": count}
        for (ordinal, entry), count in zip(found.items(), (7, 6, 0, None), strict=True)
    }
    assert found_out(wave, counted, given, list(told_of(wave, alone)))
    only_zero = {ordinal: {**entry, "dont_know": 0} for ordinal, entry in found.items() if ordinal == 2}
    assert found_out(wave, counted, given, list(told_of(wave, only_zero)))


def test_agreement_of_those_who_answered_everything_leaves_nobody_between_teams() -> None:
    """Of three teams of 40, six, nobody and one skipped a question: the whole less the others was the one."""
    given = [[SKIPPED] * few + [1 + person % 5 for person in range(40 - few)] for few in (6, 0, 1)]
    members = [1] * 40 + [2] * 40 + [3] * 40
    wave = wave_with([one for team in given for one in team], members, [None, 0, 0, 0])
    told = {ordinal: body["agreement"]["satisfaction"] for ordinal, body in reliability(wave).items()}
    assert [told[ordinal].get("n") for ordinal in range(4)] == [113, None, 40, None]
    assert told[1] == {"status": "suppressed", "reason": "incomplete_cover"}
    dimension = {ordinal: body["scales"][0]["status"] for ordinal, body in reliability(wave).items()}
    assert dimension == {0: "ok", 1: "suppressed", 2: "ok", 3: "suppressed"}
