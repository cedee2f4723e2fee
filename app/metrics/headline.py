"""Satisfaction versus engagement of one survey: answers in, what may be shown of each group out."""

from collections.abc import Sequence
from dataclasses import dataclass, fields
from typing import Any, Final, Literal

import numpy as np
from numpy.typing import NDArray

from app.metrics.disclosure import (
    Decision,
    Node,
    Precision,
    Suppression,
    decide,
    shown_dz,
    shown_gap,
    shown_score,
    shown_sd,
    shown_share,
)
from app.metrics.formulas import (
    CUT,
    QUADRANTS,
    Interval,
    Moments,
    Subtrees,
    gap_from,
    is_favourable,
    is_unfavourable,
    manski_bounds,
    pomp,
    quadrant_of,
    response_rate,
    scale_scores,
    shares_from,
    t_interval,
)

FrameReason = Literal["no_frame", "few_silent"]

DIMENSIONS: Final = ("satisfaction", "engagement")
LEAST_BANDED_SD = 5.0

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Instrument:
    """The questions in the order of the answer columns; 0 <= low < high. Only DIMENSIONS are scored."""

    low: Sequence[int]
    high: Sequence[int]
    is_reversed: Sequence[bool]
    dimension: Sequence[str]
    facet: Sequence[str]

    def facets_of(self, dimension: str) -> list[list[int]]:
        """The columns of each facet, in order of first appearance."""
        columns: dict[str, list[int]] = {}
        for column, (own, facet) in enumerate(zip(self.dimension, self.facet, strict=True)):
            if own == dimension:
                columns.setdefault(facet, []).append(column)
        return list(columns.values())


@dataclass(frozen=True, slots=True)
class Tree:
    """Groups by ordinal; the organisation has no parent. `invited` counts direct members (None: no frame)."""

    parents: Sequence[int | None]
    keys: Sequence[str]
    invited: Sequence[int] | None


@dataclass(frozen=True, slots=True)
class Score:
    score: float
    ci_low: float | None
    ci_high: float | None
    sd: float | None
    favourable: float
    neutral: float
    unfavourable: float


@dataclass(frozen=True, slots=True)
class GapScore:
    mean: float
    ci_low: float | None
    ci_high: float | None
    dz: float | None


@dataclass(frozen=True, slots=True)
class Cut:
    satisfaction: float
    engagement: float


@dataclass(frozen=True, slots=True)
class Share:
    share: float
    ci_low: float
    ci_high: float


@dataclass(frozen=True, slots=True)
class Shares:
    thriving: Share
    content: Share
    stretched: Share
    detached: Share


@dataclass(frozen=True, slots=True)
class Quadrants:
    shares: Shares
    mode: Literal["fixed"] = "fixed"
    cut: Cut = Cut(CUT, CUT)
    near_cut: None = None


@dataclass(frozen=True, slots=True)
class ParticipationScore:
    """The interval holds for the invited of today; the bounds allow any answer of those who gave none."""

    score: float
    ci_low: float | None
    ci_high: float | None
    bound_low: float | None
    bound_high: float | None


@dataclass(frozen=True, slots=True)
class Participation:
    responded: int
    invited: int | None
    response_rate: float | None
    satisfaction: ParticipationScore
    engagement: ParticipationScore
    reasons: dict[str, str]


@dataclass(frozen=True, slots=True)
class ShownGroup:
    """`reasons` has an entry for every member that is None, by its dotted path."""

    ordinal: int
    precision: Precision
    n: int
    invited: int | None
    responded: int
    satisfaction: Score
    engagement: Score
    gap: GapScore
    quadrants: Quadrants
    participation: Participation
    reasons: dict[str, str]
    position: None = None
    status: Literal["ok"] = "ok"


@dataclass(frozen=True, slots=True)
class SuppressedGroup:
    ordinal: int
    reason: Suppression
    status: Literal["suppressed"] = "suppressed"


@dataclass(frozen=True, slots=True)
class UndefinedGroup:
    ordinal: int
    n: int = 0
    reason: Literal["dimension_missing"] = "dimension_missing"
    status: Literal["undefined"] = "undefined"


GroupResult = ShownGroup | SuppressedGroup | UndefinedGroup


def headline(
    answers: NDArray[np.int16], members: Integers, instrument: Instrument, tree: Tree, k: int
) -> tuple[GroupResult, ...]:
    """One result a group, by ordinal.

    `answers` is persons x questions: the answer, -1 for not applicable or don't know, -2 for not answered.
    `members` has the ordinal of the group each person is a direct member of; a group stands for its subtree.
    """
    if not all(instrument.facets_of(dimension) for dimension in DIMENSIONS):
        return tuple(UndefinedGroup(ordinal) for ordinal in range(len(tree.parents)))
    census = _Census.take(answers, members, instrument, tree)
    decisions = decide(census.nodes(tree), k)
    return tuple(_result(census, ordinal, decisions[ordinal]) for ordinal in range(len(tree.parents)))


@dataclass(frozen=True, slots=True)
class _Measure:
    """One quantity of the headline set by ordinal; banded intervals use the spread of all (R7)."""

    n: Integers
    mean: Floats
    sd: Floats
    banded_sd: float

    @classmethod
    def take(cls, subtrees: Subtrees, members: Integers, values: Floats) -> "_Measure":
        mean, sd = subtrees.mean_and_sd(members, values)
        organisation = int(subtrees.levels[0][0])
        return cls(subtrees.counts(members), mean, sd, max(float(sd[organisation]), LEAST_BANDED_SD))

    def moments(self, ordinal: int) -> Moments:
        return Moments(int(self.n[ordinal]), float(self.mean[ordinal]), float(self.sd[ordinal]))

    def interval(self, ordinal: int, precision: Precision, population: int | None = None) -> Interval | None:
        of = self.moments(ordinal)
        return t_interval(Moments(of.n, of.mean, self.banded_sd) if precision == "banded" else of, population)


@dataclass(frozen=True, slots=True)
class _Dimension:
    """A person a row: score 0-100, NaN where there is none; answers favourable, neutral, unfavourable."""

    scores: Floats
    answered: Integers


@dataclass(frozen=True, slots=True)
class _Census:
    """What is known of every group, shown or not."""

    subtrees: Subtrees
    responded: Integers
    invited: Integers | None
    satisfaction: _Measure
    engagement: _Measure
    gap: _Measure
    answered: dict[str, Integers]
    quadrants: Integers

    @classmethod
    def take(
        cls, answers: NDArray[np.int16], members: Integers, instrument: Instrument, tree: Tree
    ) -> "_Census":
        subtrees = Subtrees(np.array([-1 if parent is None else parent for parent in tree.parents]))
        satisfaction, engagement = (_dimension(answers, instrument, dimension) for dimension in DIMENSIONS)
        both = ~np.isnan(satisfaction.scores + engagement.scores)
        within, s, e = members[both], satisfaction.scores[both], engagement.scores[both]
        return cls(
            subtrees=subtrees,
            responded=subtrees.counts(members),
            invited=None if tree.invited is None else subtrees.totals(np.array(tree.invited, dtype=np.int64)),
            satisfaction=_Measure.take(subtrees, within, s),
            engagement=_Measure.take(subtrees, within, e),
            gap=_Measure.take(subtrees, within, e - s),
            answered={
                name: _columns(subtrees, within, of.answered[both])
                for name, of in zip(DIMENSIONS, (satisfaction, engagement), strict=True)
            },
            quadrants=_columns(subtrees, within, quadrant_of(s, e)[:, None] == np.arange(len(QUADRANTS))),
        )

    def nodes(self, tree: Tree) -> list[Node]:
        depths, counts = self.subtrees.depths(), self.satisfaction.n
        return [
            Node(
                ordinal=ordinal,
                parent=parent,
                depth=int(depths[ordinal]),
                key=tree.keys[ordinal],
                n=int(counts[ordinal]),
                invited=self.invited_in(ordinal),
                responded=int(self.responded[ordinal]),
            )
            for ordinal, parent in enumerate(tree.parents)
        ]

    def invited_in(self, ordinal: int) -> int | None:
        return None if self.invited is None else int(self.invited[ordinal])


def _dimension(answers: NDArray[np.int16], instrument: Instrument, dimension: str) -> _Dimension:
    facets = [_pomp_columns(answers, instrument, columns) for columns in instrument.facets_of(dimension)]
    scores = scale_scores(np.column_stack([scale_scores(facet) for facet in facets]))
    values = np.column_stack(facets)
    high, low = is_favourable(values).sum(axis=1), is_unfavourable(values).sum(axis=1)
    middle = (~np.isnan(values)).sum(axis=1) - high - low
    return _Dimension(scores, np.column_stack([high, middle, low]))


def _pomp_columns(answers: NDArray[np.int16], instrument: Instrument, columns: list[int]) -> Floats:
    given = answers[:, columns].astype(np.float64)
    given[given < 0] = np.nan
    low, high = np.array(instrument.low)[columns], np.array(instrument.high)[columns]
    return pomp(given, low, high, np.array(instrument.is_reversed)[columns])


def _columns(subtrees: Subtrees, members: Integers, counts: Integers | NDArray[np.bool_]) -> Integers:
    """Subtree sums (groups x columns) of counts (persons x columns)."""
    sums = [subtrees.sums(members, column.astype(np.float64)) for column in counts.T]
    return np.column_stack(sums).astype(np.int64)


def _result(census: _Census, ordinal: int, decision: Decision) -> ShownGroup | SuppressedGroup:
    if decision.reason is not None:
        return SuppressedGroup(ordinal, decision.reason)
    assert decision.precision is not None
    return _shown(census, ordinal, decision.precision, decision.shows_invited)


def _shown(census: _Census, ordinal: int, precision: Precision, shows_invited: bool) -> ShownGroup:
    invited = census.invited_in(ordinal) if shows_invited else None
    frame_reason: FrameReason = "no_frame" if census.invited is None else "few_silent"
    satisfaction = _score(census.satisfaction, census.answered["satisfaction"], ordinal, precision)
    engagement = _score(census.engagement, census.answered["engagement"], ordinal, precision)
    gap = _gap(census.gap, ordinal, precision)
    undefined = "banded" if precision == "banded" else "zero_variance"
    reasons = {"position": "not_computed", "quadrants.near_cut": "not_computed"}
    if invited is None:
        reasons["invited"] = frame_reason
    for name, block in {"satisfaction": satisfaction, "engagement": engagement, "gap": gap}.items():
        reasons |= dict.fromkeys(_empty(name, block), undefined)
    return ShownGroup(
        ordinal=ordinal,
        precision=precision,
        n=int(census.satisfaction.n[ordinal]),
        invited=invited,
        responded=int(census.responded[ordinal]),
        satisfaction=satisfaction,
        engagement=engagement,
        gap=gap,
        quadrants=_quadrants(census.quadrants[ordinal], precision),
        participation=_participation(census, ordinal, precision, invited, frame_reason),
        reasons=reasons,
    )


def _score(measure: _Measure, answered: Integers, ordinal: int, precision: Precision) -> Score:
    of, ci = measure.moments(ordinal), measure.interval(ordinal, precision)
    favourable, neutral, unfavourable = (
        shown_share(int(count) / int(answered[ordinal].sum()), precision) for count in answered[ordinal]
    )
    return Score(
        score=shown_score(of.mean, precision),
        ci_low=None if ci is None else shown_score(ci.low, precision),
        ci_high=None if ci is None else shown_score(ci.high, precision),
        sd=None if of.sd is None else shown_sd(of.sd, precision),
        favourable=favourable,
        neutral=neutral,
        unfavourable=unfavourable,
    )


def _gap(measure: _Measure, ordinal: int, precision: Precision) -> GapScore:
    of, ci = gap_from(measure.moments(ordinal)), measure.interval(ordinal, precision)
    return GapScore(
        mean=shown_gap(of.mean, precision),
        ci_low=None if ci is None else shown_gap(ci.low, precision),
        ci_high=None if ci is None else shown_gap(ci.high, precision),
        dz=None if of.dz is None else shown_dz(of.dz, precision),
    )


def _quadrants(counts: Integers, precision: Precision) -> Quadrants:
    shares = {
        name: Share(*(shown_share(value, precision) for value in (of.share, of.ci.low, of.ci.high)))
        for name, of in shares_from(counts).items()
    }
    return Quadrants(Shares(**shares))


def _participation(
    census: _Census, ordinal: int, precision: Precision, invited: int | None, frame_reason: FrameReason
) -> Participation:
    responded = int(census.responded[ordinal])
    satisfaction, engagement = (
        _participation_score(measure, ordinal, precision, invited)
        for measure in (census.satisfaction, census.engagement)
    )
    reasons = dict.fromkeys(
        [*_empty("satisfaction", satisfaction), *_empty("engagement", engagement)],
        "zero_variance" if invited else frame_reason,
    )
    if invited is None:
        reasons |= {"invited": frame_reason, "response_rate": frame_reason}
    rate = None if invited is None else response_rate(responded, invited)
    return Participation(responded, invited, rate, satisfaction, engagement, reasons)


def _participation_score(
    measure: _Measure, ordinal: int, precision: Precision, invited: int | None
) -> ParticipationScore:
    of = measure.moments(ordinal)
    score = shown_score(of.mean, precision)
    if invited is None:
        return ParticipationScore(score, None, None, None, None)
    ci, bounds = measure.interval(ordinal, precision, invited), manski_bounds(of.mean, of.n, invited)
    return ParticipationScore(
        score=score,
        ci_low=None if ci is None else shown_score(ci.low, precision),
        ci_high=None if ci is None else shown_score(ci.high, precision),
        bound_low=shown_score(bounds.low, precision),
        bound_high=shown_score(bounds.high, precision),
    )


def _empty(path: str, block: Any) -> list[str]:
    return [f"{path}.{field.name}" for field in fields(block) if getattr(block, field.name) is None]
