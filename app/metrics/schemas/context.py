from typing import Literal
from uuid import UUID

from app.core.schema import Instant, Schema
from app.metrics.schemas.common import MetricsSurvey, Release
from app.metrics.schemas.definitions import Labels


class ContextOrganization(Schema):
    id: UUID
    name: str
    locale: str
    time_zone: str
    default_series: str | None


class ContextWave(Schema):
    label: str
    survey: MetricsSurvey
    release: Release


class ContextOpen(Schema):
    id: UUID
    name: str
    series: str | None
    mode: Literal["anonymous", "confidential", "attributed"]
    label: str
    opened_at: Instant
    closes_at: Instant | None
    days_left: int | None


class ContextSegment(Schema):
    segment: str
    by: str


class ContextTeam(Schema):
    id: str
    name: str
    parent: str | None
    depth: int
    parts: int


class Colours(Schema):
    light: str
    dark: str


class ContextQuadrant(Schema):
    quadrant: Literal["thriving", "content", "stretched", "detached", "undetermined"]
    satisfaction_is_high: bool | None
    engagement_is_high: bool | None
    colours: Colours


class MetricsContext(Schema):
    organization: ContextOrganization
    formula_version: str
    survey_id: UUID | None
    waves: list[ContextWave]
    open: list[ContextOpen]
    segments: list[ContextSegment]
    teams: list[ContextTeam]
    quadrants: list[ContextQuadrant]
    labels: Labels
