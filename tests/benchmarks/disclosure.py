"""A release of many, and its plan: python -m tests.benchmarks.disclosure"""

import tracemalloc
from collections import Counter
from resource import RUSAGE_SELF, getrusage
from uuid import uuid4

import numpy as np

from app.metrics.blocks.drivers import analyse, drivers
from app.metrics.blocks.filtered import cells_of
from app.metrics.blocks.levers import levers
from app.metrics.blocks.wave import Wave
from app.metrics.disclosure import Plan, plan_release
from app.metrics.releases.builder import BLOCKS
from app.metrics.sample import Groups, Instrument, Integers, Places, Rollup, Sample, Scores
from tests.benchmarks.bench import QUESTIONS, RESPONSES, seconds, show

DEPARTMENTS, TEAMS_EACH = 20, 99
CATEGORIES = (2, 5, 8, 12)
SKIPPED = 0.03
K = 5


def random_sample(count: int) -> Sample:
    """Everybody in a team of a department, and in any category of four dimensions."""
    random = np.random.default_rng(33)
    parents: list[int | None] = [None]
    for _ in range(DEPARTMENTS):
        parents += [0, *[len(parents)] * TEAMS_EACH]
    categories = [
        (f"dimension-{number}", f"{own:02}") for number, size in enumerate(CATEGORIES) for own in range(size)
    ]
    groups = Groups(parents, [f"team-{ordinal}" for ordinal in range(len(parents))], categories)
    places = Places(
        team=random.integers(1, len(parents), count),
        category={
            name: random.integers(own.start, own.stop, count) for name, own in groups.dimensions().items()
        },
    )
    low, high = np.array([[q["scale"]["low"], q["scale"]["high"]] for q in QUESTIONS]).T
    given = random.integers(low, high + 1, (count, len(QUESTIONS)))
    answers = np.where(random.random(given.shape) < SKIPPED, -2, given).astype(np.int16)
    instrument = Instrument(
        key=[q["key"] for q in QUESTIONS],
        low=low.tolist(),
        high=high.tolist(),
        is_reversed=[q["reversed"] for q in QUESTIONS],
        dimension=[q["dimension"] for q in QUESTIONS],
        facet=[q["facet"] for q in QUESTIONS],
        role=[q["role"] for q in QUESTIONS],
        lever=[q["lever"] for q in QUESTIONS],
    )
    included = np.ones(count, dtype=np.int64)
    return Sample(instrument, groups, places, answers, Scores.take(answers, instrument), included, None)


def withheld(sample: Sample, plan: Plan) -> list[tuple[str, str]]:
    """How many of the shown groups go without a measure, by kind of both."""
    of, hidden = Counter[str](), Counter[str]()
    for ordinal, decision in plan.decisions.items():
        for measure in plan.hidden if decision.status == "ok" else ():
            kind = (
                f"{measure.partition(':')[0]} by {'team' if sample.groups.is_team(ordinal) else 'category'}"
            )
            of[kind] += 1
            hidden[kind] += plan.why_not(measure, ordinal) is not None
    return [(f"{kind}, hidden", f"{hidden[kind] / of[kind]:.0%}") for kind in sorted(of)]


def compute(sample: Sample, invited: Integers, plan: Plan) -> None:
    """Everything that is computed of one wave."""
    wave = Wave.take(uuid4(), K, sample, invited, plan)
    for block in BLOCKS.values():
        block(wave)
    analyses = analyse(wave)
    drivers(wave, analyses)
    levers(wave, analyses)
    cells_of(wave)


def main(count: int = RESPONSES) -> None:
    sample = random_sample(count)
    invited = Rollup(sample.groups, sample.places).counts()
    plans: list[Plan] = []
    taken = seconds(lambda: plans.append(plan_release(sample, invited, K)))
    computing = seconds(lambda: compute(sample, invited, plans[0]))
    largest = getrusage(RUSAGE_SELF).ru_maxrss / 1024
    tracemalloc.start()
    plan_release(sample, invited, K)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    cells = plans[0].cells
    rows = [
        ("the plan, seconds", f"{taken:.1f}"),
        ("the plan's peak memory, MB", f"{peak / 2**20:.0f}"),
        ("all numbers of all groups, seconds", f"{computing:.1f}"),
        ("largest memory of the process, MB", f"{largest:.0f}"),
        ("dimensions shown", f"{len(plans[0].dimensions)} of {len(CATEGORIES)}"),
        ("base cells", "none" if cells is None else f"{cells.max() + 1:,}"),
        *withheld(sample, plans[0]),
    ]
    groups = len(sample.groups.parents)
    show(
        f"Plan of a release: {count:,} respondents, {groups:,} groups, {len(QUESTIONS)} questions",
        ("", ""),
        *rows,
    )


if __name__ == "__main__":
    main()
