"""The numbers of a group, reckoned from the definitions in plain Python: exact fractions, scipy's quantiles.

Shares nothing with the product's own arithmetic, which is arrays and subtree sums.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from itertools import groupby
from math import ceil, sqrt
from typing import Any

import pytest
from scipy import stats

Json = dict[str, Any]
Answers = Mapping[str, int | None]
CUT = Fraction(125, 2)
LOW_CUT = Fraction(75, 2)
Z_GOODMAN = stats.chi2.ppf(1 - 0.05 / 4, 1)


def percent(question: Json, answer: int) -> Fraction:
    low, high = question["scale"]["low"], question["scale"]["high"]
    share = Fraction(answer - low, high - low)
    return 100 * (1 - share if question["reversed"] else share)


def mean(values: Sequence[Fraction]) -> Fraction:
    return sum(values, Fraction()) / len(values)


def half_rule(values: Sequence[Fraction | None]) -> Fraction | None:
    given = [value for value in values if value is not None]
    return mean(given) if len(given) >= ceil(len(values) / 2) else None


@dataclass(frozen=True)
class Instrument:
    questions: Sequence[Json]

    def percents(self, dimension: str, answers: Answers) -> list[tuple[str, Fraction | None]]:
        """Facet and score of each question of the dimension."""
        own = [question for question in self.questions if question["dimension"] == dimension]
        given = [(question, answers.get(question["key"])) for question in own]
        return [(q["facet"], None if value is None else percent(q, value)) for q, value in given]

    def score(self, dimension: str, answers: Answers) -> Fraction | None:
        scored = sorted(self.percents(dimension, answers), key=lambda pair: pair[0])
        facets = groupby(scored, key=lambda pair: pair[0])
        return half_rule([half_rule([value for _, value in pairs]) for _, pairs in facets])

    def has_both(self, answers: Answers) -> bool:
        return all(self.score(dimension, answers) is not None for dimension in ("satisfaction", "engagement"))


@dataclass(frozen=True)
class Spread:
    """Mean and sum of squared deviations, exactly."""

    n: int
    mean: Fraction
    squares: Fraction

    @classmethod
    def of(cls, values: Sequence[Fraction]) -> "Spread":
        centre = mean(values)
        return cls(len(values), centre, sum(((value - centre) ** 2 for value in values), Fraction()))

    @property
    def sd(self) -> float:
        return sqrt(self.squares / (self.n - 1))

    def interval(self, sd: float, invited: int | None = None) -> tuple[float, float]:
        unsampled = 1 if invited is None else 1 - self.n / invited
        half = stats.t(self.n - 1).ppf(0.975) * sd * sqrt(unsampled / self.n)
        return float(self.mean) - half, float(self.mean) + half


def goodman(count: int, n: int) -> tuple[float, float]:
    root = sqrt(Z_GOODMAN * (Z_GOODMAN + 4 * count * (n - count) / n))
    ends = [(Z_GOODMAN + 2 * count + sign * root) / (2 * (n + Z_GOODMAN)) for sign in (-1, 1)]
    return max(0.0, ends[0]), min(1.0, ends[1])


@dataclass(frozen=True)
class Display:
    """How a group's numbers are shown (metrics.md R7)."""

    precision: str

    def score(self, value: Fraction | float) -> float:
        return self._whole(value, 5, 95)

    def gap(self, value: Fraction | float) -> float:
        return self._whole(value, -90, 90)

    def _whole(self, value: Fraction | float, low: int, high: int) -> float:
        if self.precision == "exact":
            return float(value)
        return round(value) if self.precision == "integer" else min(max(round(value), low), high)

    def share(self, value: Fraction | float) -> float:
        if self.precision == "banded":
            return min(max(round(value * 20), 1), 19) / 20
        return float(value) if self.precision == "exact" else round(value * 100) / 100

    def sd(self, value: float) -> float | None:
        return {"exact": value, "integer": round(value), "banded": None}[self.precision]

    def dz(self, value: float) -> float | None:
        return {"exact": value, "integer": round(value, 2), "banded": None}[self.precision]


@dataclass(frozen=True)
class Reckoning:
    """A group's numbers from the answers of its persons; those of `everybody` give banded groups their sd."""

    instrument: Instrument
    everybody: Sequence[Answers]

    def spread(self, name: str, persons: Sequence[Answers]) -> Spread:
        return Spread.of(
            [self.value(name, answers) for answers in persons if self.instrument.has_both(answers)]
        )

    def value(self, name: str, answers: Answers) -> Fraction:
        satisfaction, engagement = (
            self.instrument.score(dimension, answers) or Fraction()
            for dimension in ("satisfaction", "engagement")
        )
        return {"satisfaction": satisfaction, "engagement": engagement, "gap": engagement - satisfaction}[
            name
        ]

    def interval(
        self, name: str, persons: Sequence[Answers], display: Display, invited: int | None = None
    ) -> tuple[float, float]:
        spread = self.spread(name, persons)
        sd = max(5.0, self.spread(name, self.everybody).sd) if display.precision == "banded" else spread.sd
        return spread.interval(sd, invited)

    def headline(self, persons: Sequence[Answers], precision: str) -> Json:
        display = Display(precision)
        return {
            "precision": precision,
            "n": self.spread("gap", persons).n,
            "satisfaction": self.dimension("satisfaction", persons, display),
            "engagement": self.dimension("engagement", persons, display),
            "gap": self.gap(persons, display),
            "quadrants": {
                "mode": "fixed",
                "cut": {"satisfaction": 62.5, "engagement": 62.5},
                "near_cut": None,
                "shares": self.quadrants(persons, display),
            },
            "position": None,
        }

    def dimension(self, name: str, persons: Sequence[Answers], display: Display) -> Json:
        spread, (low, high) = self.spread(name, persons), self.interval(name, persons, display)
        counted = [answers for answers in persons if self.instrument.has_both(answers)]
        values = [
            value
            for answers in counted
            for _, value in self.instrument.percents(name, answers)
            if value is not None
        ]
        favourable = sum(value >= CUT for value in values)
        unfavourable = sum(value <= LOW_CUT for value in values)
        shares = (favourable, len(values) - favourable - unfavourable, unfavourable)
        named = zip(("favourable", "neutral", "unfavourable"), shares, strict=True)
        return {
            "score": display.score(spread.mean),
            "ci_low": display.score(low),
            "ci_high": display.score(high),
            "sd": display.sd(spread.sd),
            **{label: display.share(Fraction(count, len(values))) for label, count in named},
        }

    def gap(self, persons: Sequence[Answers], display: Display) -> Json:
        spread, (low, high) = self.spread("gap", persons), self.interval("gap", persons, display)
        return {
            "mean": display.gap(spread.mean),
            "ci_low": display.gap(low),
            "ci_high": display.gap(high),
            "dz": display.dz(float(spread.mean) / spread.sd),
        }

    def quadrants(self, persons: Sequence[Answers], display: Display) -> Json:
        counts = dict.fromkeys(("thriving", "content", "stretched", "detached"), 0)
        names = {(True, True): "thriving", (True, False): "content", (False, True): "stretched"}
        for answers in filter(self.instrument.has_both, persons):
            high = tuple(self.value(name, answers) >= CUT for name in ("satisfaction", "engagement"))
            counts[names.get((high[0], high[1]), "detached")] += 1
        n = sum(counts.values())
        return {name: self.quadrant(count, n, display) for name, count in counts.items()}

    def quadrant(self, count: int, n: int, display: Display) -> Json:
        low, high = goodman(count, n)
        return {
            "share": display.share(Fraction(count, n)),
            "ci_low": display.share(low),
            "ci_high": display.share(high),
        }

    def participation(self, persons: Sequence[Answers], invited: int, precision: str) -> Json:
        """Of a group whose number of invited is shown."""
        display = Display(precision)
        return {
            "precision": precision,
            "n": self.spread("gap", persons).n,
            "responded": len(persons),
            "invited": invited,
            "response_rate": len(persons) / invited,
            **{
                name: self.bounded(name, persons, invited, display) for name in ("satisfaction", "engagement")
            },
        }

    def bounded(self, name: str, persons: Sequence[Answers], invited: int, display: Display) -> Json:
        spread, (low, high) = self.spread(name, persons), self.interval(name, persons, display, invited)
        least = spread.mean * spread.n / invited
        return {
            "score": display.score(spread.mean),
            "ci_low": display.score(low),
            "ci_high": display.score(high),
            "bound_low": display.score(least),
            "bound_high": display.score(least + 100 * Fraction(invited - spread.n, invited)),
        }


def close(number: float | None) -> Any:
    return None if number is None else pytest.approx(number, rel=1e-9, abs=1e-9)


def assert_says(shown: Json, expected: Json) -> None:
    """Every member of `expected` is shown, numbers to 1e-9, and `shown` has no other number."""
    numbers = dict(numbers_in(shown))
    wanted = dict(numbers_in(expected))
    assert numbers.keys() == wanted.keys()
    for path, number in wanted.items():
        assert numbers[path] == close(number), path
    assert {name: shown[name] for name in expected if isinstance(expected[name], str)} == {
        name: value for name, value in expected.items() if isinstance(value, str)
    }


def numbers_in(value: Any, path: str = "") -> list[tuple[str, float | None]]:
    """Every number, and null where one could be, by its dotted path; the place in the tree is not one."""
    if isinstance(value, Mapping):
        return [
            found
            for name, member in value.items()
            if name not in ("group", "reasons")
            for found in numbers_in(member, f"{path}.{name}")
        ]
    return [(path, value)] if value is None or isinstance(value, int | float) else []
