"""The numbers of a group, reckoned from the definitions in plain Python: exact fractions, scipy's quantiles.

Shares nothing with the product's own arithmetic, which is arrays and subtree sums.
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from itertools import groupby
from math import ceil, floor, sqrt
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy import integrate, optimize, stats

Json = dict[str, Any]
Answers = Mapping[str, int | None]
CUT = Fraction(125, 2)
LOW_CUT = Fraction(75, 2)
DIMENSIONS = ("satisfaction", "engagement")
QUADRANTS = {
    "thriving": (True, True),
    "content": (True, False),
    "stretched": (False, True),
    "detached": (False, False),
}
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
    scored: dict[Any, tuple[list[Fraction | None], Fraction | None]] = field(default_factory=dict)
    """Facets and score of answers seen before: fractions are slow, and a person is in many groups."""

    def percents(self, dimension: str, answers: Answers) -> list[tuple[str, Fraction | None]]:
        """Facet and score of each question of the dimension."""
        own = [question for question in self.questions if question["dimension"] == dimension]
        given = [(question, answers.get(question["key"])) for question in own]
        return [(q["facet"], None if value is None else percent(q, value)) for q, value in given]

    def facets(self, dimension: str, answers: Answers) -> list[Fraction | None]:
        return self._scored(dimension, answers)[0]

    def score(self, dimension: str, answers: Answers) -> Fraction | None:
        return self._scored(dimension, answers)[1]

    def _scored(self, dimension: str, answers: Answers) -> tuple[list[Fraction | None], Fraction | None]:
        mark = (dimension, frozenset(answers.items()))
        if mark not in self.scored:
            facets = self._facets(dimension, answers)
            self.scored[mark] = facets, half_rule(facets)
        return self.scored[mark]

    def _facets(self, dimension: str, answers: Answers) -> list[Fraction | None]:
        scored = sorted(self.percents(dimension, answers), key=lambda pair: pair[0])
        return [
            half_rule([value for _, value in pairs]) for _, pairs in groupby(scored, key=lambda pair: pair[0])
        ]

    def is_complete(self, answers: Answers) -> bool:
        return all(question["key"] in answers for question in self.questions)

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


def probability(off: NDArray[np.float64], covariance: NDArray[np.float64], signs: Sequence[int]) -> float:
    """That a bivariate normal with mean `off` has these signs, by one integral over its first part."""
    (s, e), sds, r = off, np.sqrt(np.diag(covariance)), covariance[0, 1] / sqrt(covariance.diagonal().prod())

    def given_first(z: float) -> float:
        centre = (e + r * sds[1] * z) / (sds[1] * sqrt(1 - r * r))
        return float(stats.norm.pdf(z) * stats.norm.cdf(signs[1] * centre))

    start = -s / sds[0]
    ends = (start, max(start, 0) + 12) if signs[0] > 0 else (min(start, 0) - 12, start)
    return float(integrate.quad(given_first, *ends, epsabs=1e-13, epsrel=1e-12, limit=500)[0])


LEAST_UNIQUENESS = 0.005


def omega(table: NDArray[np.float64]) -> float:
    """Of one factor by maximum likelihood: where the discrepancy has no slope (Joreskog 1967).

    Residual variances have a floor; one that lies on it keeps its slope.
    """
    r, sd = np.corrcoef(table, rowvar=False), table.std(axis=0, ddof=1)
    k = len(r)

    def implied(at: NDArray[np.float64]) -> NDArray[np.float64]:
        return np.asarray(np.outer(at[:k], at[:k]) + np.diag(at[k:]))

    def discrepancy(at: NDArray[np.float64]) -> float:
        return float(np.linalg.slogdet(implied(at))[1] + np.trace(np.linalg.solve(implied(at), r)))

    start = np.sqrt(abs(r).mean(axis=1))
    bounds = [(-2, 2)] * k + [(LEAST_UNIQUENESS, 2)] * k
    at = optimize.minimize(discrepancy, [*start, *(1 - start**2)], bounds=bounds, method="L-BFGS-B").x
    is_free = np.array([True] * k + list(at[k:] > LEAST_UNIQUENESS + 1e-6))

    def slopes(values: NDArray[np.float64]) -> NDArray[np.float64]:
        at[is_free] = values
        inverse = np.linalg.inv(implied(at))
        off = inverse @ (implied(at) - r) @ inverse
        return np.concatenate([off @ at[:k], np.diag(off)])[is_free]

    at[is_free] = optimize.root(slopes, at[is_free], tol=1e-13).x
    common = (at[:k] * sd).sum() ** 2
    return float(common / (common + (at[k:] * sd**2).sum()))


@dataclass(frozen=True)
class Display:
    """How a group's numbers are shown (disclosure.md R7)."""

    precision: str

    def score(self, value: Fraction | float) -> float:
        return self._whole(value, 5, 95)

    def gap(self, value: Fraction | float) -> float:
        return self._whole(value, -90, 90)

    def _whole(self, value: Fraction | float, low: int, high: int) -> float:
        if self.precision == "exact":
            return float(value)
        return round(value) if self.precision == "integer" else min(max(round(value), low), high)

    def bounds(self, mean: Fraction, responded: Fraction) -> tuple[float, float]:
        """Of the mean of all invited, from every mean that is shown as this one."""
        if self.precision == "exact":
            return float(mean * responded), float(mean * responded + 100 * (1 - responded))
        shown, half = self.score(mean), Fraction(1, 2)
        least = Fraction(0) if shown <= self.score(0) else Fraction(shown) - half
        most = Fraction(100) if shown >= self.score(100) else Fraction(shown) + half
        return floor(least * responded), ceil(most * responded + 100 * (1 - responded))

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
        is_divided = self.has_enough_questions() and not self.is_not_distinct()
        return {
            "precision": precision,
            "n": self.spread("gap", persons).n,
            "satisfaction": self.dimension("satisfaction", persons, display),
            "engagement": self.dimension("engagement", persons, display),
            "gap": self.gap(persons, display),
            "quadrants": self.quadrants(persons, display) if is_divided else None,
            "position": self.position(persons, display) if is_divided else None,
        }

    def counted(self, persons: Sequence[Answers]) -> list[Answers]:
        return [answers for answers in persons if self.instrument.has_both(answers)]

    def has_enough_questions(self) -> bool:
        """In each dimension two facets, or three questions."""
        asked = [self.instrument.percents(name, {}) for name in DIMENSIONS]
        return all(len({facet for facet, _ in own}) >= 2 or len(own) >= 3 for own in asked)

    def is_not_distinct(self) -> bool:
        """HTMT2, else HTMT, of facets, of the persons who answered every question."""
        columns = {
            name: np.array([self.instrument.facets(name, one) for one in self.everybody], float)
            for name in DIMENSIONS
        }
        split = columns["satisfaction"].shape[1]
        if min(split, columns["engagement"].shape[1]) < 2:
            return False
        r = np.corrcoef(np.hstack([columns[name] for name in DIMENSIONS]), rowvar=False)
        between, parts = r[:split, split:].ravel(), (r[:split, :split], r[split:, split:])
        within = [part[np.triu_indices(len(part), 1)] for part in parts]
        if all((values > 0).all() for values in (between, *within)):
            return bool(stats.gmean(between) / sqrt(stats.gmean(within[0]) * stats.gmean(within[1])) >= 0.9)
        return bool(abs(between).mean() / sqrt(abs(within[0]).mean() * abs(within[1]).mean()) >= 0.9)

    def errors(self) -> dict[str, float] | None:
        """Of measurement: of the questions, or where a facet has but one, from one factor behind the facets.

        None where a dimension has fewer than three.
        """
        found = {}
        for name in DIMENSIONS:
            facets = [self.instrument.facets(name, answers) for answers in self.counted(self.everybody)]
            table = np.array(facets, dtype=float)
            if table.shape[1] < 3:
                return None
            of_questions = self.error_of_questions(name)
            of_factor = self.spread(name, self.everybody).sd * sqrt(1 - omega(table))
            found[name] = of_factor if of_questions is None else of_questions
        return found

    def error_of_questions(self, name: str) -> float | None:
        """Of a mean of facets: in each, what its k questions vary beyond what two have in common, over k."""
        by_facet = defaultdict(list)
        for column, (facet, _) in enumerate(self.instrument.percents(name, {})):
            by_facet[facet].append(column)
        given = [self.instrument.percents(name, answers) for answers in self.counted(self.everybody)]
        table = np.array([[value for _, value in one] for one in given], dtype=float)
        squared = 0.0
        for columns in by_facet.values():
            k = len(columns)
            if k < 2:
                return None
            own = table[:, columns]
            covariances = np.cov(own[~np.isnan(own).any(axis=1)].T)
            shared = (covariances.sum() - np.trace(covariances)) / (k * (k - 1))
            squared += min((np.trace(covariances) / k - shared) / k, covariances.sum() / k**2)
        return float(sqrt(squared)) / len(by_facet)

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
            **self.favourable(name, persons, display),
        }

    def favourable(self, name: str, persons: Sequence[Answers], display: Display) -> Json:
        """Interval of the share pooled over answers: persons are clusters, in Taylor's approximation."""
        share, sd, n, questions = self.clusters(name, persons)
        t = stats.t(n - 1).ppf(0.975)
        if display.precision == "banded":
            half = t * max(0.05, self.clusters(name, self.everybody)[1]) / sqrt(n)
            low, high = share - half, share + half
        elif questions == 1:
            low, high = stats.binomtest(round(share * n), n).proportion_ci(method="wilson")
        else:
            answers = sum(
                value is not None
                for one in self.counted(persons)
                for _, value in self.instrument.percents(name, one)
            )
            worth = min(share * (1 - share) * n / sd**2, answers) if sd > 0 and 0 < share < 1 else n
            low, high = self.wilson(share, worth * (stats.norm.ppf(0.975) / t) ** 2)
        ends = {"low": max(0.0, low), "high": min(1.0, high)}
        return {f"favourable_ci_{end}": display.share(value) for end, value in ends.items()}

    @staticmethod
    def wilson(share: float, n: float) -> tuple[float, float]:
        """Where the distance of the share from a true value is z of its errors: both roots."""
        z2 = stats.norm.ppf(0.975) ** 2
        a, b, c = 1 + z2 / n, -(2 * share + z2 / n), share * share
        root = sqrt(max(0.0, b * b - 4 * a * c))
        return (-b - root) / (2 * a), (-b + root) / (2 * a)

    def clusters(self, name: str, persons: Sequence[Answers]) -> tuple[float, float, int, int]:
        """Share, spread of the persons about it, how many they are, and the number of questions."""
        answers = [self.instrument.percents(name, one) for one in self.counted(persons)]
        given = [[value for _, value in one if value is not None] for one in answers]
        share = Fraction(sum(value >= CUT for one in given for value in one), sum(map(len, given)))
        off = [sum(value >= CUT for value in one) - share * len(one) for one in given]
        per_person = Fraction(sum(map(len, given)), len(given))
        squares = sum((value * value for value in off), Fraction())
        return float(share), sqrt(squares / (len(given) - 1)) / float(per_person), len(given), len(answers[0])

    def gap(self, persons: Sequence[Answers], display: Display) -> Json:
        spread, (low, high) = self.spread("gap", persons), self.interval("gap", persons, display)
        if not self.has_enough_questions():
            crossed = dict.fromkeys(("reliability", "interpretable", "ci_low", "ci_high", "dz"))
            return {"mean": display.gap(spread.mean), **crossed}
        reliability = self.difference_reliability()
        return {
            "reliability": reliability,
            "interpretable": None if reliability is None else reliability >= 0.7,
            "mean": display.gap(spread.mean),
            "ci_low": display.gap(low),
            "ci_high": display.gap(high),
            "dz": display.dz(float(spread.mean) / spread.sd),
        }

    def difference_reliability(self) -> float | None:
        """What is left of the spread of the gaps when the errors of both scores are taken off."""
        errors = self.errors()
        if errors is None:
            return None
        return (
            1
            - (errors["satisfaction"] ** 2 + errors["engagement"] ** 2)
            / self.spread("gap", self.everybody).sd ** 2
        )

    def quadrants(self, persons: Sequence[Answers], display: Display) -> Json:
        errors = None if display.precision == "banded" else self.errors()
        return {
            "mode": "fixed",
            "cut": {"satisfaction": 62.5, "engagement": 62.5},
            "near_cut": None if errors is None else display.share(self.near_cut(persons, errors)),
            "expected": None if errors is None else self.expected(persons, errors, display),
            "shares": self.shares(persons, display),
        }

    def near_cut(self, persons: Sequence[Answers], errors: Mapping[str, float]) -> Fraction:
        near = [
            any(abs(self.value(name, one) - CUT) < errors[name] for name in DIMENSIONS)
            for one in self.counted(persons)
        ]
        return Fraction(sum(near), len(near))

    def expected(self, persons: Sequence[Answers], errors: Mapping[str, float], display: Display) -> Json:
        """Of the true scores, given the observed ones of everybody."""
        of_all = self.points(self.everybody)
        observed = np.cov(of_all.T)
        true = observed - np.diag([errors[name] ** 2 for name in DIMENSIONS])
        drawn = true @ np.linalg.inv(observed)
        spread = true - drawn @ true
        shares = np.zeros(4)
        for point in self.points(persons):
            mean = of_all.mean(axis=0) + drawn @ (point - of_all.mean(axis=0))
            low_s, low_e = stats.norm.cdf((float(CUT) - mean) / np.sqrt(np.diag(spread)))
            low = integrated(mean, spread)
            shares += [1 - low_s - low_e + low, low_e - low, low_s - low, low]
        return {
            name: display.share(share / len(self.counted(persons)))
            for name, share in zip(QUADRANTS, shares, strict=True)
        }

    def points(self, persons: Sequence[Answers]) -> NDArray[np.float64]:
        values = [[float(self.value(name, one)) for name in DIMENSIONS] for one in self.counted(persons)]
        return np.array(values)

    def position(self, persons: Sequence[Answers], display: Display) -> Json | None:
        if display.precision == "banded":
            return None
        rows = np.array(
            [[float(self.value(name, one)) for name in DIMENSIONS] for one in self.counted(persons)]
        )
        n, covariance = len(rows), np.cov(rows, rowvar=False) / len(rows)
        off = rows.mean(axis=0) - 62.5
        chances = {
            quadrant: probability(off, covariance, [1 if up else -1 for up in are_high])
            for quadrant, are_high in QUADRANTS.items()
        }
        best = max(chances, key=lambda quadrant: chances[quadrant])
        variances, axes = np.linalg.eigh(covariance)
        factor = 2 * (n - 1) / (n - 2) * stats.f(2, n - 2).ppf(0.95)
        minor, major = np.sqrt(variances * factor)
        slope = np.degrees(np.arctan(axes[1, 1] / axes[0, 1]))
        ellipse = {"semi_major": major, "semi_minor": minor, "angle": slope}
        return {
            "quadrant": best if chances[best] >= 0.8 else "undetermined",
            "probability": display.share(chances[best]),
            "probabilities": {quadrant: display.share(chance) for quadrant, chance in chances.items()},
            "ellipse": {name: display.gap(float(value)) for name, value in ellipse.items()},
        }

    def shares(self, persons: Sequence[Answers], display: Display) -> Json:
        counts = dict.fromkeys(QUADRANTS, 0)
        for answers in self.counted(persons):
            are_high = tuple(self.value(name, answers) >= CUT for name in DIMENSIONS)
            counts[next(quadrant for quadrant, wanted in QUADRANTS.items() if wanted == are_high)] += 1
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
        """Of a group whose number of invited is shown, without the weighting of the organisation's."""
        display = Display(precision)
        return {
            "precision": precision,
            "n": self.spread("gap", persons).n,
            "responded": len(persons),
            "invited": invited,
            "response_rate": len(persons) / invited,
            "complete_response_rate": sum(map(self.instrument.is_complete, persons)) / invited,
            **{
                name: self.bounded(name, persons, invited, display) for name in ("satisfaction", "engagement")
            },
        }

    def bounded(self, name: str, persons: Sequence[Answers], invited: int, display: Display) -> Json:
        spread, (low, high) = self.spread(name, persons), self.interval(name, persons, display, invited)
        least, most = display.bounds(spread.mean, Fraction(spread.n, invited))
        return {
            "score": display.score(spread.mean),
            "ci_low": display.score(low),
            "ci_high": display.score(high),
            "bound_low": least,
            "bound_high": most,
        }


def close(number: float | None) -> Any:
    return None if number is None else pytest.approx(number, rel=1e-9, abs=1e-9)


def integrated(mean: NDArray[np.float64], spread: NDArray[np.float64]) -> float:
    """Chance that both scores lie below the cut, by adding up over the first."""
    cut = float(CUT)
    sd, slope = sqrt(spread[0, 0]), spread[1, 0] / spread[0, 0]
    rest = sqrt(spread[1, 1] - slope * spread[1, 0])

    def density(x: float) -> float:
        below = stats.norm.cdf((cut - mean[1] - slope * (x - mean[0])) / rest)
        return float(stats.norm.pdf(x, mean[0], sd) * below)

    return float(integrate.quad(density, mean[0] - 12 * sd, cut, epsabs=1e-12, limit=200)[0])


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
