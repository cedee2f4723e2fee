"""The metrics that a release keeps: under which name, what is kept of one group, and what is told of it."""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, Generic, TypeVar

from pydantic import TypeAdapter

from app.core.schema import Schema
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

Numbers = TypeVar("Numbers", bound=Schema)
Told = TypeVar("Told", bound=Schema)


FORMULA_VERSION: Final = "5"
"""Of every number there is; stored with it, and told as it was stored."""
MOST_WAVES: Final = 20
"""Of a series, the newest are looked at."""
AS_SENT: Final = '{"status":"'
Upcast = Callable[[StoredBody], StoredBody]


@dataclass(frozen=True)
class Metric(Generic[Numbers, Told]):
    """`numbers` is what a block says of one group; `told` is the same as it is answered, with its group.

    A release keeps the body that was written then. Where `numbers` comes to ask for another member, `upcasts`
    gets one more function, from the version before to the new one, and tests/metrics/bodies a fixture.
    """

    name: str
    numbers: TypeAdapter[Numbers]
    told: TypeAdapter[Told]
    upcasts: Sequence[Upcast] = ()

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


def metric(name: str, numbers: Any, told: Any, *upcasts: Upcast) -> Metric[Any, Any]:
    return Metric(name, TypeAdapter(numbers), TypeAdapter(told), upcasts)


HEADLINE: Final[Metric[schemas.HeadlineNumbers, schemas.Group]] = metric(
    "satisfaction_engagement", schemas.HeadlineNumbers, schemas.Group
)
DISCLOSURE: Final[Metric[schemas.Disclosed, schemas.GroupDisclosure]] = metric(
    "disclosure", schemas.Disclosed, schemas.GroupDisclosure
)
PARTICIPATION: Final[Metric[schemas.ParticipationNumbers, schemas.ParticipationGroup]] = metric(
    "participation", schemas.ParticipationNumbers, schemas.ParticipationGroup, participation_of_complete
)
FACETS: Final[Metric[schemas.FacetsNumbers, schemas.FacetsGroup]] = metric(
    "facets", schemas.FacetsNumbers, schemas.FacetsGroup, facets_of_enough
)
ENPS: Final[Metric[schemas.EnpsNumbers, schemas.EnpsGroup]] = metric(
    "enps", schemas.EnpsNumbers, schemas.EnpsGroup, enps_with_reasons
)
RELIABILITY: Final[Metric[schemas.ReliabilityNumbers, schemas.ReliabilityGroup]] = metric(
    "reliability", schemas.ReliabilityNumbers, schemas.ReliabilityGroup
)
HEATMAP: Final[Metric[schemas.HeatmapNumbers, schemas.HeatmapGroup]] = metric(
    "heatmap", schemas.HeatmapNumbers, schemas.HeatmapGroup, cells_that_matter
)
DRIVERS: Final[Metric[schemas.DriversNumbers, schemas.DriversGroup]] = metric(
    "drivers", schemas.DriversNumbers, schemas.DriversGroup, drivers_with_gate
)
LEVERS: Final[Metric[schemas.LeversNumbers, schemas.LeversGroup]] = metric(
    "levers", schemas.LeversNumbers, schemas.LeversGroup, levers_of_all, levers_with_shrunken
)
COMMENTS: Final[Metric[schemas.CommentsNumbers, schemas.CommentsGroup]] = metric(
    "comments", schemas.CommentsNumbers, schemas.CommentsGroup
)
TEXTS: Final[Metric[schemas.Written, schemas.Written]] = metric("texts", schemas.Written, schemas.Written)
CHOICES: Final[Metric[schemas.ChoicesNumbers, schemas.ChoicesGroup]] = metric(
    "choices", schemas.ChoicesNumbers, schemas.ChoicesGroup, choices_of_enough
)
TRENDS: Final[Metric[schemas.Followed, schemas.TrendGroup]] = metric(
    "trends", schemas.Followed, schemas.TrendGroup, without_moments, changes_that_matter
)
RECOGNITION: Final[Metric[schemas.RecognitionEngagementNumbers, schemas.RecognitionEngagementGroup]] = metric(
    "recognition_engagement",
    schemas.RecognitionEngagementNumbers,
    schemas.RecognitionEngagementGroup,
    recognition_with_reliability,
)
TURNOVER: Final[Metric[schemas.TurnoverNumbers, schemas.TurnoverGroup]] = metric(
    "turnover", schemas.TurnoverNumbers, schemas.TurnoverGroup
)
DISTINCTNESS: Final[Metric[schemas.DistinctnessNumbers, schemas.Distinctness]] = metric(
    "distinctness", schemas.DistinctnessNumbers, schemas.Distinctness, ratio_of_questions
)
BENCHMARK: Final[Metric[schemas.NoisyScores, schemas.NoisyScores]] = metric(
    "benchmark", schemas.NoisyScores, schemas.NoisyScores
)
LEAVING: Final[Metric[schemas.LeavingNumbers, schemas.Leaving]] = metric(
    "leaving", schemas.LeavingNumbers, schemas.Leaving
)

FILTER: Final[Metric[FilterNumbers, FilterNumbers]] = metric(
    "filter", FilterNumbers, FilterNumbers, why_undivided, fixed_cuts
)
METRICS: Final[Mapping[str, Metric[Any, Any]]] = {
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


def joined(told: TypeAdapter[Told], *parts: Schema) -> Told:
    """As one object, which has the members of all parts and whose type is made of theirs."""
    return told.validate_python({name: member for part in parts for name, member in part})
