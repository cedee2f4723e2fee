"""Small random organisations with surveys that were answered in part, to plan the release of and attack."""

from dataclasses import dataclass
from random import Random

import numpy as np

from app.metrics.sample import Groups, Instrument, Integers, Places, Rollup, Sample, Scores

NO_ANSWER = -2


@dataclass(frozen=True)
class Company:
    """`sample` has those who responded; `invited` one number a group."""

    sample: Sample
    invited: Integers
    k: int


def random_company(seed: int, sizes_of: tuple[int, int] = (8, 26)) -> Company:
    """Up to 9 groups with direct members at all levels, 0-3 dimensions of 2-4 categories, k from 3 to 5."""
    random = Random(seed)
    parents = _tree(random)
    sizes = [random.choice([0.1, 1, 6]), *(random.choice([0, 1, 2, 4, 6, 9]) for _ in parents[1:])]
    persons = random.randint(*sizes_of)
    team = np.array(random.choices(range(len(parents)), weights=sizes, k=persons))
    names = [f"dimension-{number}" for number in range(random.randrange(4))]
    counts = [random.randint(2, 4) for _ in names]
    categories = [
        (name, f"c{own}") for name, count in zip(names, counts, strict=True) for own in range(count)
    ]
    groups = Groups(parents, [f"team-{number}" for number in range(len(parents))], categories)
    places = Places(team, {name: _categories(random, own, team) for name, own in groups.dimensions().items()})
    instrument = random_instrument(random)
    missing = random.choice([0, 0.02, 0.1, 0.25])
    answers = np.array(
        [
            [NO_ANSWER if random.random() < missing else random.randint(1, 5) for _ in instrument.key]
            for _ in range(persons)
        ],
        dtype=np.int16,
    )
    came = np.array([random.random() < 0.93 for _ in range(persons)])
    invited = _counts(groups, places)
    return Company(sample_of(instrument, groups, places.of(came), answers[came]), invited, 3 + seed % 3)


def _tree(random: Random) -> list[int | None]:
    """Each team is below the one before it or one of those above that."""
    parents: list[int | None] = [None]
    for team in range(1, random.randint(1, 9)):
        above: int | None = team - 1
        while above and random.random() < 0.6:
            above = parents[above]
        parents.append(above)
    return parents


def _categories(random: Random, own: range, team: Integers) -> Integers:
    """Skewed, and often the same for all of a team."""
    weights = [random.choice([1, 3, 9]) for _ in own]
    by_team = {int(one): random.choices(own, weights)[0] for one in sorted(set(team.tolist()))}
    mixes = random.random()
    return np.array(
        [random.choices(own, weights)[0] if random.random() < mixes else by_team[int(one)] for one in team]
    )


def random_instrument(random: Random) -> Instrument:
    """One to three facets a dimension, of one to three questions each; now and then levers."""
    dimension: list[str] = []
    facet: list[str] = []
    for name, prefix in (("satisfaction", "s"), ("engagement", "e"), ("outcome", "o")):
        for number in range(random.randint(1, 2 if prefix == "o" else 3)):
            for _ in range(random.choice([1, 1, 1, 2] if prefix == "o" else [1, 2, 2, 3])):
                dimension.append(name)
                facet.append(f"{prefix}{number}")
    levers = ["clarity", "growth"]
    with_levers = random.random() < 0.4
    lever = [
        random.choice([None, *levers]) if with_levers and name != "outcome" else None for name in dimension
    ]
    count = len(dimension)
    return Instrument(
        key=[f"q{number}" for number in range(count)],
        low=[1] * count,
        high=[5] * count,
        is_reversed=[False] * count,
        dimension=dimension,
        facet=facet,
        role=["core" if name == "engagement" else "basic" for name in dimension],
        lever=lever,
    )


def sample_of(
    instrument: Instrument,
    groups: Groups,
    places: Places,
    answers: np.ndarray,
    included: Integers | None = None,
) -> Sample:
    number = np.ones(len(places), dtype=np.int64) if included is None else included
    return Sample(instrument, groups, places, answers, Scores.take(answers, instrument), number, None)


def _counts(groups: Groups, places: Places) -> Integers:
    return Rollup(groups, places).counts()
