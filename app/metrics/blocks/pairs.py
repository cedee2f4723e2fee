"""Two waves side by side: which questions, groups and persons of the one are those of the other."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from app.metrics.blocks.measure import Measure
from app.metrics.blocks.wave import ORGANIZATION, Wave
from app.metrics.disclosure import coarse_enps
from app.metrics.sample import DIMENSIONS, Flags, Floats, Integers
from app.metrics.schemas.trends import Incomparable, MeasureName
from app.surveys.questionnaires.rules import KeptScale, ScoredQuestion

MEASURES: Final[tuple[MeasureName, ...]] = (*DIMENSIONS, "gap", "enps")

ENPS: Final = "outcome:enps"
"""What the plan calls it."""


def incomparable(
    now: Sequence[ScoredQuestion], then: Sequence[ScoredQuestion]
) -> dict[MeasureName, Incomparable]:
    """Why a measure is not compared; those whose questions are the same, in the same words, are not in it."""
    why: dict[MeasureName, Incomparable] = {
        name: "questions_changed"
        for name in DIMENSIONS
        if not _are_same(_of_dimension(now, name), _of_dimension(then, name))
    }
    if why:
        why["gap"] = "questions_changed"
    reason = _why_no_enps(now, then)
    return why if reason is None else why | {"enps": reason}


def _why_no_enps(now: Sequence[ScoredQuestion], then: Sequence[ScoredQuestion]) -> Incomparable | None:
    asked, earlier = ([one for one in questions if one["facet"] == "enps"] for questions in (now, then))
    if len(asked) != 1:
        return "several_questions" if asked else "question_missing"
    return None if _are_same(asked, earlier) else "questions_changed"


def _of_dimension(questions: Sequence[ScoredQuestion], name: str) -> Sequence[ScoredQuestion]:
    return [question for question in questions if question["dimension"] == name]


def _are_same(now: Sequence[ScoredQuestion], then: Sequence[ScoredQuestion]) -> bool:
    one, other = ({question["key"]: question for question in questions} for questions in (now, then))
    return bool(one) and one.keys() == other.keys() and all(_is_same(one[key], other[key]) for key in one)


def _is_same(now: ScoredQuestion, then: ScoredQuestion) -> bool:
    """A translation or a label added or dropped makes no other question."""
    languages = now["text"].keys() & then["text"].keys()
    same_words = bool(languages) and _agree(now["text"], then["text"])
    return (
        same_words
        and _is_same_scale(now["scale"], then["scale"])
        and all(now[name] == then[name] for name in ("facet", "reversed"))
    )


def _is_same_scale(now: KeptScale, then: KeptScale) -> bool:
    own, other = now.get("labels") or {}, then.get("labels") or {}
    same_labels = all(_agree(own[language], other[language]) for language in own.keys() & other.keys())
    return same_labels and all(now[end] == then[end] for end in ("low", "high"))


def _agree(one: Mapping[str, str], other: Mapping[str, str]) -> bool:
    """Whether what both say is the same."""
    return all(one[name] == other[name] for name in one.keys() & other.keys())


@dataclass(frozen=True, slots=True)
class Pairs:
    """`before` has the group of the previous wave that each group was.

    `then_of` has the row in the previous headline set of each person of this one, -1 for none.
    """

    wave: Wave
    previous: Wave
    before: Mapping[int, int]
    then_of: Integers
    is_linked: bool

    @classmethod
    def take(cls, wave: Wave, previous: Wave, may_link: bool) -> "Pairs":
        now, then = _keys(wave), _keys(previous)
        if not may_link or now is None or then is None:
            nobody = np.full(len(wave.both.core), -1, dtype=np.int64)
            return cls(wave, previous, dict(_same_groups(wave, previous)), nobody, False)
        row = {key: index for index, key in enumerate(then)}
        then_of = np.array([row.get(key, -1) for key in now], dtype=np.int64)
        return cls(wave, previous, dict(_same_groups(wave, previous)), then_of, True)

    @property
    def k(self) -> int:
        return max(self.wave.k, self.previous.k)

    @property
    def may_be_paired(self) -> bool:
        return self.wave.asks_enough and self.previous.asks_enough

    def rows(self, now: Flags, then: Flags) -> tuple[Integers, Integers]:
        """The rows, now and then, of the persons of both."""
        rows = np.flatnonzero(now & (self.then_of >= 0))
        rows = rows[then[self.then_of[rows]]]
        return rows, self.then_of[rows]


def _keys(wave: Wave) -> list[bytes] | None:
    linked = wave.sample.linked
    return None if linked is None else [linked[row] for row in np.flatnonzero(wave.sample.both).tolist()]


def _same_groups(wave: Wave, previous: Wave) -> Iterable[tuple[int, int]]:
    """By the team's own identifier or the category; the organisation is the organisation."""
    now, then = wave.sample.groups, previous.sample.groups
    yield ORGANIZATION, ORGANIZATION
    teams = {key: ordinal for ordinal, key in enumerate(then.keys) if ordinal != ORGANIZATION}
    for ordinal, key in enumerate(now.keys):
        if ordinal != ORGANIZATION and key in teams:
            yield ordinal, teams[key]
    categories = {category: place for place, category in enumerate(then.categories, len(then.parents))}
    for ordinal, category in enumerate(now.categories, len(now.parents)):
        if category in categories:
            yield ordinal, categories[category]


@dataclass(frozen=True, slots=True)
class Compared:
    """One measure in both waves, of every person and of every group."""

    measure: MeasureName
    now: Floats
    then: Floats
    of_now: Measure
    of_then: Measure

    @classmethod
    def take(cls, measure: MeasureName, pairs: Pairs) -> "Compared":
        now, then = values_of(pairs.wave, measure), values_of(pairs.previous, measure)
        return cls(measure, now, then, measure_of(pairs.wave, measure), measure_of(pairs.previous, measure))


def values_of(wave: Wave, measure: str) -> Floats:
    """One a person of the headline set; of eNPS, of those who count in it (R6)."""
    scores = wave.both
    if measure == "gap":
        return scores.dimensions["engagement"] - scores.dimensions["satisfaction"]
    if measure == "enps":
        return wave.counted(ENPS, recommending(scores.outcomes["enps"]))
    return scores.dimensions[measure]


def measure_of(wave: Wave, measure: str) -> Measure:
    if measure == "enps":
        return Measure.of_some(wave, ENPS, recommending(wave.both.outcomes["enps"]), coarse_enps)
    return Measure.take(wave.rollup, values_of(wave, measure))


def recommending(scores: Floats) -> Floats:
    """100 for a promoter and -100 for a detractor, so that the mean is the eNPS."""
    points = np.where(scores >= 90, 100.0, np.where(scores <= 60, -100.0, 0.0))
    return np.where(np.isnan(scores), np.nan, points)
