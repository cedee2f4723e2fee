from typing import Annotated, Literal

from pydantic import ConfigDict, Field

from app.core.schema import Schema
from app.metrics.schemas.common import MetricsSurvey, OfGroup, Release
from app.metrics.words import Precision, Suppression


class SegmentDisclosure(Schema):
    segment: str
    status: Literal["shown", "withheld"]


class Shown(Schema):
    status: Literal["shown"]
    precision: Precision
    shows_invited: bool
    hidden: dict[str, Suppression]


class Hidden(Schema):
    model_config = ConfigDict(frozen=True, extra="forbid")

    status: Literal["suppressed"]
    reason: Suppression
    rule: Literal["R1", "R2", "R4", "R5a"]


Disclosed = Annotated[Shown | Hidden, Field(discriminator="status")]
"""What a release keeps of one group."""


class GroupShown(Shown, OfGroup):
    pass


class GroupHidden(Hidden, OfGroup):
    pass


GroupDisclosure = Annotated[GroupShown | GroupHidden, Field(discriminator="status")]


class Disclosure(Schema):
    survey: MetricsSurvey
    release: Release
    minimum_group_size: int
    rules: dict[str, str]
    segments: list[SegmentDisclosure]
    groups: list[GroupDisclosure]
