from typing import Annotated, Literal

from pydantic import Field

from app.core.schema import Schema
from app.metrics.schemas.common import (
    GroupInsufficient,
    GroupSuppressed,
    GroupUndefined,
    Insufficient,
    Metrics,
    OfGroup,
    Reasons,
    Suppressed,
    Undefined,
)
from app.metrics.schemas.enps import EnpsNumbers
from app.metrics.schemas.headline import Distinctness, HeadlineOk
from app.metrics.schemas.levers import LeversGroup
from app.metrics.schemas.trends import Change


class OverviewParticipationOk(Schema):
    status: Literal["ok"]
    responded: int
    invited: int | None
    response_rate: float | None
    reasons: Reasons


OverviewParticipation = Annotated[
    OverviewParticipationOk | Suppressed | Insufficient | Undefined, Field(discriminator="status")
]


class Glance(Schema):
    """What an overview says of a shown group beside its headline."""

    enps: EnpsNumbers
    participation: OverviewParticipation
    changes: list[Change]


class OverviewGroupOk(Glance, HeadlineOk, OfGroup):
    pass


OverviewGroup = Annotated[
    OverviewGroupOk | GroupSuppressed | GroupInsufficient | GroupUndefined, Field(discriminator="status")
]


class Overview(Metrics):
    headline: str | None
    distinctness: Distinctness | None
    reasons: Reasons
    levers: LeversGroup | None
    groups: list[OverviewGroup]
