"""Releases of small random organisations as planned, everything shown of them attacked together.

The controls show that the attacker finds what each rule is there for.
"""

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from random import Random

import numpy as np
import pytest

from app.metrics.disclosure import (
    Plan,
    admit,
    base_regions,
    filter_cells,
    may_contrast,
    may_link,
    plan_release,
)
from app.metrics.sample import DIMENSIONS, Flags, Integers, Rollup, Sample
from tests.metrics.attacker import PRIME, Knowledge
from tests.metrics.companies import Company, random_company, sample_of

SAMPLES = [
    pytest.param(range(40), id="dozens"),
    pytest.param(range(40, 8000), id="thousands", marks=pytest.mark.nightly),
]
LARGER = [
    # of the last two, one leaks where a lot is drawn and not looked at again, one how many skipped an outcome
    pytest.param([*range(8), 210], id="few"),
    pytest.param(range(8, 1000), id="hundreds", marks=pytest.mark.nightly),
]
STEPS = [
    pytest.param(range(15), id="dozens"),
    pytest.param(range(15, 3000), id="thousands", marks=pytest.mark.nightly),
]
CONTROLS = range(60)
REPEATS = range(25)


def planned(company: Company, filters: bool = True) -> Plan:
    return plan_release(company.sample, company.invited, company.k, filters)


def shown(plan: Plan) -> list[int]:
    return [ordinal for ordinal, decision in plan.decisions.items() if decision.status == "ok"]


def learn_all(knowledge: Knowledge, plan: Plan, released: Flags) -> None:
    """All that the plan shows exactly of those released; `test_coarse.py` attacks the rest."""
    rollup = Rollup(knowledge.sample.groups, knowledge.sample.places)
    for ordinal in shown(plan):
        persons = rollup.persons(ordinal) & released
        knowledge.learn_headline(persons)
        for measure in plan.hidden:
            if plan.why_not(measure, ordinal) is None and not plan.is_coarse(measure, ordinal):
                who = counted(knowledge.sample, plan, measure, released)
                knowledge.learn_measure(measure, persons, who)
    for cell in cells_of(knowledge.sample, plan, released):
        knowledge.learn_headline(cell)


def counted(sample: Sample, plan: Plan, measure: str, released: Flags) -> Flags:
    """Who counts in the measure; without a lot, everybody."""
    found = np.ones(len(released), dtype=np.bool_)
    if measure in plan.counted:
        found[sample.both & released] = plan.counted[measure]
    return found


def cells_of(sample: Sample, plan: Plan, released: Flags) -> Iterator[Flags]:
    if plan.cells is not None:
        persons = np.flatnonzero(sample.both & released)
        for cell in range(plan.cells.max() + 1):
            yield np.isin(np.arange(len(released)), persons[plan.cells == cell])


def everybody(sample: Sample) -> Flags:
    return np.ones(len(sample.places), dtype=np.bool_)


def attack(company: Company, plan: Plan) -> bool:
    knowledge = Knowledge(company.sample)
    learn_all(knowledge, plan, everybody(company.sample))
    return bool(knowledge.sums) and knowledge.exposed(company.k)


def count_shown(company: Company, plan: Plan) -> Counter[str]:
    groups = company.sample.groups
    found = Counter({"cells": 0 if plan.cells is None else int(plan.cells.max()) + 1})
    for ordinal in shown(plan):
        kind = "team" if groups.is_team(ordinal) else "category"
        found[kind] += 1
        for measure in plan.hidden:
            found[f"{measure.partition(':')[0]} of {kind}"] += plan.why_not(measure, ordinal) is None
    return found


@pytest.mark.parametrize("seeds", SAMPLES)
def test_nothing_planned_leaks_anybody(seeds: range) -> None:
    counts = Counter[str]()
    for seed in seeds:
        company = random_company(seed)
        plan = planned(company, filters=seed % 2 == 0)
        assert not attack(company, plan), seed
        counts += count_shown(company, plan)
    for kind in ("team", "category", "cells", "question of category", "lever of team", "outcome of category"):
        assert counts[kind] > len(seeds) / 10, kind
    for kind in ("facet of team", "question of team", "outcome of team", "facet of category"):
        assert counts[kind] > len(seeds), kind


@pytest.mark.parametrize("seeds", LARGER)
def test_nothing_planned_leaks_anybody_where_more_is_shown(seeds: Sequence[int]) -> None:
    for seed in seeds:
        company = random_company(seed, (30, 150))
        assert not attack(company, planned(company, filters=seed % 2 == 0)), seed


def released_in_steps(company: Company, seed: int, holds_back: bool) -> Sample:
    """Everybody with the number of their release; 0 for those held back."""
    sample, random = company.sample, Random(seed)
    steps = random.randint(1, 4)
    arrived = np.array([random.randint(1, steps) for _ in range(len(sample.places))])
    included = np.zeros(len(arrived), dtype=np.int64)
    regions = base_regions(sample.groups, company.invited, company.k)[sample.places.team]
    for step in range(1, steps + 1):
        waiting = np.flatnonzero((arrived <= step) & (included == 0))
        joins = admit(regions[waiting], sample.both[waiting], company.k)
        included[waiting[joins if holds_back else np.ones_like(joins)]] = step
    return replace(sample, included=included)


def attack_steps(company: Company, sample: Sample) -> tuple[bool, int]:
    knowledge, last = Knowledge(sample), int(sample.included.max(initial=0))
    for number in range(1, last + 1):
        released = (sample.included > 0) & (sample.included <= number)
        so_far = of(sample, released)
        plan = plan_release(so_far, company.invited, company.k, step="final" if number == last else "interim")
        learn_all(knowledge, plan, released)
    return bool(knowledge.sums) and knowledge.exposed(company.k), last


def of(sample: Sample, persons: Flags) -> Sample:
    return replace(
        sample,
        places=sample.places.of(persons),
        answers=sample.answers[persons],
        scores=sample.scores.of(persons),
        included=sample.included[persons],
    )


@pytest.mark.parametrize("seeds", STEPS)
def test_releases_while_a_survey_is_open_leak_nobody_together(seeds: range) -> None:
    several = 0
    for seed in seeds:
        company = random_company(seed, (12, 60))
        found, last = attack_steps(company, released_in_steps(company, seed, holds_back=True))
        assert not found, seed
        several += last > 1
    assert several > len(seeds) / 10


@pytest.mark.nightly
def test_the_attacker_catches_releases_that_hold_nobody_back() -> None:
    caught = 0
    for seed in CONTROLS:
        company = random_company(seed, (12, 60))
        caught += attack_steps(company, released_in_steps(company, seed, holds_back=False))[0]
    assert caught > 15


def some_who_came_back(company: Company, seed: int) -> Flags:
    """Most of some teams, half or few of others."""
    random = Random(seed)
    share = [random.choice([0.05, 0.5, 0.95]) for _ in company.sample.groups.parents]
    return np.array([random.random() < share[team] for team in company.sample.places.team])


@pytest.mark.parametrize("seeds", STEPS)
def test_those_who_came_back_leak_nobody(seeds: range) -> None:
    linked = 0
    for seed in seeds:
        company = random_company(seed, (12, 60))
        plan, repeaters = planned(company, filters=seed % 2 == 0), some_who_came_back(company, seed)
        if may_link(company.sample, plan, repeaters, company.k):
            knowledge = Knowledge(company.sample)
            learn_all(knowledge, plan, everybody(company.sample))
            knowledge.learn_headline(repeaters)
            assert not knowledge.exposed(company.k), seed
            linked += 1
    assert len(seeds) / 10 < linked < len(seeds) * 0.9


@pytest.mark.nightly
def test_the_attacker_catches_repeaters_shown_by_number_alone() -> None:
    caught = 0
    for seed in CONTROLS:
        company = random_company(seed, (12, 60))
        knowledge, repeaters = Knowledge(company.sample), some_who_came_back(company, seed)
        learn_all(knowledge, planned(company), everybody(company.sample))
        if min(np.bincount(repeaters[company.sample.both], minlength=2)) >= company.k:
            knowledge.learn_headline(repeaters)
            caught += knowledge.exposed(company.k)
    assert caught > 4


def wanted_by(company: Company, random: Random) -> Flags:
    """A team and some categories of each dimension."""
    sample = company.sample
    found = Rollup(sample.groups, sample.places).persons(random.randrange(len(sample.groups.parents)))
    for name, own in sample.groups.dimensions().items():
        some = random.sample(list(own), random.randint(1, len(own)))
        found = found & np.isin(sample.places.category[name], some)
    return np.asarray(found & sample.both)


@pytest.mark.parametrize("seeds", LARGER)
def test_filters_are_answered_for_whole_cells_alone(seeds: Sequence[int]) -> None:
    answered = refused = 0
    for seed in seeds:
        company, random = random_company(seed, (30, 150)), Random(seed)
        plan, both = planned(company), company.sample.both
        if plan.cells is None:
            continue
        for wanted in (wanted_by(company, random) for _ in range(30)):
            cells = filter_cells(plan.cells, wanted[both])
            if cells is None:
                refused += 1
            else:
                assert np.array_equal(np.isin(plan.cells, cells), wanted[both]), seed
                answered += 1
    assert answered > len(seeds)
    assert refused > len(seeds)


def above_the_threshold(company: Company, wanted: Flags) -> bool:
    return np.count_nonzero(wanted) >= company.k


def with_its_complement(company: Company, wanted: Flags) -> bool:
    rest = np.count_nonzero(company.sample.both & ~wanted)
    return above_the_threshold(company, wanted) and (rest == 0 or rest >= company.k)


@pytest.mark.nightly
@pytest.mark.parametrize("rule", [above_the_threshold, with_its_complement])
def test_the_attacker_catches_filters_weighed_one_by_one(rule: Callable[[Company, Flags], bool]) -> None:
    caught = 0
    for seed in CONTROLS:
        company, random = random_company(seed), Random(seed)
        knowledge = Knowledge(company.sample)
        for wanted in (wanted_by(company, random) for _ in range(30)):
            if rule(company, wanted):
                knowledge.learn_headline(wanted)
        caught += bool(knowledge.sums) and knowledge.exposed(company.k)
    assert caught > 15


def test_the_attacker_catches_separate_sets_for_satisfaction_engagement_and_gap() -> None:
    caught = 0
    for seed in CONTROLS:
        company = random_company(seed)
        knowledge, rollup = Knowledge(company.sample), Rollup(company.sample.groups, company.sample.places)
        for ordinal in shown(planned(company, filters=False)):
            persons = rollup.persons(ordinal)
            knowledge.learn_headline(persons)
            for name in DIMENSIONS:
                knowledge.learn(knowledge.dimension(name), persons)
        caught += bool(knowledge.sums) and knowledge.exposed(company.k)
    assert caught > 4


def test_the_attacker_catches_facets_shown_wherever_k_have_them() -> None:
    caught = 0
    for seed in CONTROLS:
        company = random_company(seed)
        plan = planned(company, filters=False)
        few = {
            measure: {ordinal: reason for ordinal, reason in own.items() if reason == "below_minimum"}
            for measure, own in plan.hidden.items()
            if measure.startswith("facet:")
        }
        caught += attack(company, replace(plan, hidden=few, counted={}, coarse={}))
    assert caught > 8


@pytest.mark.nightly
def test_the_attacker_catches_how_many_have_a_score_where_nobody_is_left_out_by_lot() -> None:
    caught = 0
    for seed in CONTROLS:
        company = random_company(seed)
        plan, knowledge = planned(company, filters=False), Knowledge(company.sample)
        rollup = Rollup(company.sample.groups, company.sample.places)
        for ordinal in shown(plan):
            knowledge.learn_headline(rollup.persons(ordinal))
            for measure in (one for one in plan.hidden if plan.why_not(one, ordinal) is None):
                known = knowledge.measure(measure).any(axis=1)
                knowledge.learn_count(measure, rollup.persons(ordinal), known)
        caught += bool(knowledge.counted_few(company.k))
    assert caught > 30


@pytest.mark.nightly
def test_the_attacker_catches_categories_weighed_one_dimension_at_a_time() -> None:
    caught = 0
    for seed in CONTROLS:
        company = random_company(seed)
        plan = planned(company, filters=False)
        one_by_one = {
            ordinal: replace(own, status="ok") if own.reason == "crossing" else own
            for ordinal, own in plan.decisions.items()
        }
        caught += attack(company, replace(plan, decisions=one_by_one, hidden={}))
    assert caught > 8


def test_what_was_answered_decides_nothing() -> None:
    for seed in REPEATS:
        company = random_company(seed)
        sample, random = company.sample, np.random.default_rng(seed)
        others = np.where(sample.answers > 0, random.integers(1, 6, sample.answers.shape), sample.answers)
        other = sample_of(sample.instrument, sample.groups, sample.places, others.astype(np.int16))
        assert_alike(planned(company), planned(replace(company, sample=other)))


def test_the_order_of_the_persons_decides_nothing() -> None:
    for seed in REPEATS:
        company = random_company(seed)
        sample = company.sample
        order = np.random.default_rng(seed).permutation(len(sample.places))
        shuffled = sample_of(sample.instrument, sample.groups, sample.places.of(order), sample.answers[order])
        plan, other = planned(company), planned(replace(company, sample=shuffled))
        cells = None
        if plan.cells is not None:
            by_person = np.full(len(order), -1)
            by_person[sample.both] = plan.cells
            cells = by_person[order][shuffled.both]
        assert_alike(replace(plan, cells=cells), other)


def assert_alike(plan: Plan, other: Plan) -> None:
    assert plan.decisions == other.decisions
    assert plan.hidden == other.hidden
    assert plan.dimensions == other.dimensions
    assert np.array_equal(plan.regions, other.regions)
    assert (plan.cells is None) == (other.cells is None)
    assert plan.cells is None or np.array_equal(plan.cells, other.cells)


def doses(company: Company, seed: int) -> Integers:
    """0 for who did not come back, else what was received: mixed in some teams, alike in others."""
    random, back = Random(seed), some_who_came_back(company, seed)
    mixes = [random.random() for _ in company.sample.groups.parents]
    usual = [random.randint(1, 3) for _ in mixes]
    received = [
        random.randint(1, 3) if random.random() < mixes[team] else usual[team]
        for team in company.sample.places.team
    ]
    return np.where(back, received, 0)


def learn_contrasts(knowledge: Knowledge, parts: Integers) -> None:
    """What a regression with teams held equal fixes: for each dose, the scores of those in it less what as
    many of their team's linked persons have on average.
    """
    team, linked = knowledge.sample.places.team, (parts > 0) & knowledge.sample.both
    persons = np.bincount(team[linked], minlength=team.max() + 1)[team]
    for part in np.unique(parts[linked]):
        own = linked & (parts == part)
        mates = np.bincount(team[own], minlength=team.max() + 1)[team]
        share = [int(m) * pow(int(n), PRIME - 2, PRIME) for m, n in zip(mates, persons, strict=True)]
        weights = (own - np.array([one % PRIME for one in share])) % PRIME
        for name in DIMENSIONS:
            knowledge.learn(knowledge.dimension(name) * weights[:, None] % PRIME, linked)


def attacked(company: Company, plan: Plan, parts: Integers) -> bool:
    knowledge = Knowledge(company.sample)
    learn_all(knowledge, plan, everybody(company.sample))
    learn_contrasts(knowledge, parts)
    knowledge.learn_headline(parts > 0)
    return knowledge.exposed(company.k)


@pytest.mark.parametrize("seeds", STEPS)
def test_doses_of_those_who_came_back_leak_nobody(seeds: range) -> None:
    told = 0
    for seed in seeds:
        company = random_company(seed, (40, 120))
        plan, parts = planned(company, filters=seed % 2 == 0), doses(company, seed)
        asked = (company.sample, plan)
        if may_link(*asked, parts > 0, company.k) and may_contrast(*asked, parts, company.k):
            assert not attacked(company, plan, parts), seed
            told += 1
    assert len(seeds) / 20 < told < len(seeds) * 0.9


@pytest.mark.nightly
def test_the_attacker_catches_doses_shown_by_number_alone() -> None:
    caught = 0
    for seed in CONTROLS:
        company = random_company(seed, (40, 120))
        parts = doses(company, seed)
        sizes = np.bincount(parts[company.sample.both])
        if min(sizes[sizes > 0]) >= company.k:
            caught += attacked(company, planned(company, filters=False), parts)
    assert caught > 2
