from typing import Annotated, Literal

from pydantic import ConfigDict, Field

from app.core.schema import Schema
from app.metrics.schemas.common import GroupRef, MetricsSurvey, Precision, Release, Suppression


class SegmentDisclosure(Schema):
    segment: str
    status: Literal["shown", "withheld"]


class GroupShown(Schema):
    group: GroupRef
    status: Literal["shown"]
    precision: Precision
    shows_invited: bool
    hidden: dict[str, str]


class GroupHidden(Schema):
    model_config = ConfigDict(frozen=True, extra="forbid")

    group: GroupRef
    status: Literal["suppressed"]
    reason: Suppression
    rule: str


GroupDisclosure = Annotated[GroupShown | GroupHidden, Field(discriminator="status")]


class Disclosure(Schema):
    survey: MetricsSurvey
    release: Release
    minimum_group_size: int
    rules: dict[str, str]
    segments: list[SegmentDisclosure]
    groups: list[GroupDisclosure]
