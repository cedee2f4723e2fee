"""The metrics that a release keeps: under which name, what is kept of one group, and what is told of it."""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final, Generic, TypeVar

from pydantic import TypeAdapter

from app.core.schema import Schema, adapter, joined
from app.metrics import schemas
from app.metrics.blocks.filtered import FilterNumbers
from app.metrics.blocks.upcasts import (
    StoredBody,
    cells_that_matter,
    changes_that_matter,
    choices_of_enough,
    drivers_with_gate,
    enps_with_reasons,
    facets_of_enough,
    fixed_cuts,
    levers_of_all,
    levers_with_shrunken,
    participation_of_complete,
    ratio_of_questions,
    recognition_with_reliability,
    why_undivided,
    without_moments,
)

if TYPE_CHECKING:
    from typing_extensions import TypeForm

Numbers = TypeVar("Numbers", bound=Schema)
Told = TypeVar("Told", bound=schemas.OfGroup)

MOST_WAVES: Final = 20
"""Of a series, the newest are looked at."""
AS_SENT: Final = '{"status":"'
Bodies = Mapping[int, Schema]
"""What a metric says of each group, by ordinal."""
NamedBodies = tuple[str, Bodies]
Upcast = Callable[[StoredBody], StoredBody]


@dataclass(frozen=True)
class Metric(Generic[Numbers]):
    """`numbers` is what a block says of one group.

    A release keeps the body that was written then. Where `numbers` comes to ask for another member, `upcasts`
    gets one more function, from the version before to the new one, and tests/metrics/bodies a fixture.
    """

    name: str
    numbers: TypeAdapter[Numbers]
    upcasts: Sequence[Upcast] = ()

    def said(self, bodies: Mapping[int, Numbers]) -> NamedBodies:
        return self.name, bodies

    @property
    def version(self) -> int:
        return 1 + len(self.upcasts)

    def parsed(self, kept: str, version: int) -> Numbers:
        if version == self.version:
            return self.numbers.validate_json(kept)
        return self.read(json.loads(kept), version)

    def sent(self, kept: str, version: int) -> str:
        """As it goes out: what was kept, unless an older version kept it, or wrote it in another way."""
        is_as_sent = version == self.version and kept.startswith(AS_SENT)
        return kept if is_as_sent else self.parsed(kept, version).model_dump_json()

    def read(self, body: StoredBody, version: int) -> Numbers:
        for upcast in self.upcasts[version - 1 :]:
            body = upcast(body)
        return self.numbers.validate_python(body)


@dataclass(frozen=True)
class MetricOfGroups(Metric[Numbers], Generic[Numbers, Told]):
    """`told` is what a block says as it is answered: the same, with its group."""

    told: TypeAdapter[Told] = field(kw_only=True)

    def placed(self, group: schemas.GroupRef, numbers: Numbers) -> Told:
        """That the two make what is told, mypy sees where the metric is named."""
        return joined(self.told, schemas.OfGroup(group=group), numbers)


def metric(name: str, numbers: "TypeForm[Numbers]", *upcasts: Upcast) -> Metric[Numbers]:
    return Metric(name, adapter(numbers), upcasts)


def told_of_groups(
    name: str, numbers: "TypeForm[Numbers]", told: "TypeForm[Told]", *upcasts: Upcast
) -> MetricOfGroups[Numbers, Told]:
    return MetricOfGroups(name, adapter(numbers), upcasts, told=adapter(told))


HEADLINE: Final = told_of_groups("satisfaction_engagement", schemas.HeadlineNumbers, schemas.Group)
DISCLOSURE: Final = told_of_groups("disclosure", schemas.Disclosed, schemas.GroupDisclosure)
PARTICIPATION: Final = told_of_groups(
    "participation", schemas.ParticipationNumbers, schemas.ParticipationGroup, participation_of_complete
)
FACETS: Final = metric("facets", schemas.FacetsNumbers, facets_of_enough)
ENPS: Final = told_of_groups("enps", schemas.EnpsNumbers, schemas.EnpsGroup, enps_with_reasons)
RELIABILITY: Final = metric("reliability", schemas.ReliabilityNumbers)
HEATMAP: Final = told_of_groups("heatmap", schemas.HeatmapNumbers, schemas.HeatmapGroup, cells_that_matter)
DRIVERS: Final = metric("drivers", schemas.DriversNumbers, drivers_with_gate)
LEVERS: Final = metric("levers", schemas.LeversNumbers, levers_of_all, levers_with_shrunken)
COMMENTS: Final = metric("comments", schemas.CommentsNumbers)
TEXTS: Final = metric("texts", schemas.Written)
CHOICES: Final = metric("choices", schemas.ChoicesNumbers, choices_of_enough)
TRENDS: Final = metric("trends", schemas.Followed, without_moments, changes_that_matter)
RECOGNITION: Final = metric(
    "recognition_engagement", schemas.RecognitionEngagementNumbers, recognition_with_reliability
)
TURNOVER: Final = told_of_groups("turnover", schemas.TurnoverNumbers, schemas.TurnoverGroup)
DISTINCTNESS: Final = metric("distinctness", schemas.DistinctnessNumbers, ratio_of_questions)
BENCHMARK: Final = metric("benchmark", schemas.NoisyScores)
LEAVING: Final = metric("leaving", schemas.LeavingNumbers)

FILTER: Final = metric("filter", FilterNumbers, why_undivided, fixed_cuts)
METRICS: Final[Mapping[str, Metric[Any]]] = {
    one.name: one
    for one in (
        HEADLINE,
        DISCLOSURE,
        PARTICIPATION,
        DISTINCTNESS,
        FACETS,
        ENPS,
        RELIABILITY,
        HEATMAP,
        DRIVERS,
        LEVERS,
        COMMENTS,
        TEXTS,
        CHOICES,
        TRENDS,
        RECOGNITION,
        TURNOVER,
        LEAVING,
        BENCHMARK,
        FILTER,
    )
}
"""All that a release keeps."""
