from typing import Annotated, Literal
from uuid import UUID

from pydantic import Field

from app.auth.principal import Scope
from app.core.schema import (
    ABSENT,
    Distinct,
    Flag,
    Identifier,
    Input,
    Instant,
    Integer,
    Locale,
    Name,
    ReadOnly,
    Schema,
    Sender,
    TimeZone,
    Visible,
)
from app.core.shapes import Shaped
from app.organizations.rules import LeapDayRule, WeekendRule

Environment = Literal["live", "test"]

Division = Literal["fixed", "benchmark"]

Months = Annotated[Integer, Field(ge=1, le=600)]
Weekday = Annotated[Integer, Field(ge=1, le=7)]
TimeOfDay = Annotated[
    str, Shaped(r"^([01][0-9]|2[0-3]):[0-5][0-9]$", "Write a time of day from 00:00 to 23:59, as 08:30.")
]
Milestone = Annotated[float, Field(ge=0.5, le=100, multiple_of=0.5, strict=True)]
NormScore = Annotated[float, Field(ge=20, le=90, strict=True)]
Series = Annotated[str, Field(min_length=1, max_length=100), Visible]
RecognitionValue = Annotated[str, Field(min_length=1, max_length=100), Visible]


TeamGroups = Annotated[
    str,
    Shaped(
        r"^(all|none|(name|external_id):.{1,200})$",
        "Write all, none, or name: or external_id: with what is to fit, as name:Team *.",
    ),
]
AttributePath = Annotated[
    str,
    Shaped(
        r"^[A-Za-z][A-Za-z0-9_.:$-]{0,199}$",
        "Write the path of an attribute, as department or addresses.work.locality.",
    ),
]
AttributeTarget = Annotated[
    str,
    Shaped(
        r"^(team|segment:[A-Za-z][A-Za-z0-9_.-]{0,49})$",
        "Write team, or segment: and the name of a segment, as segment:location.",
    ),
]


class OrganizationRef(Schema):
    id: UUID
    name: str


class Me(Schema):
    organization: OrganizationRef
    subject: str
    kind: Literal["api_key", "oidc"]
    scopes: list[str]
    teams: list[str] | None


class Retention(Schema):
    answers_months: int | None
    leavers_months: int | None


class Cards(Schema):
    enabled: bool
    approval: bool
    time: str


class Benchmark(Schema):
    epsilon: float | None
    budget: float


class Norm(Schema):
    satisfaction: float
    engagement: float


class MetricsChoices(Schema):
    target: float
    smallest_change: float
    quadrants: Division
    norm: Norm | None


class Scim(Schema):
    team_groups: str
    attributes: dict[str, str]


class Organization(Schema):
    id: UUID
    name: str
    locale: str
    time_zone: str
    minimum_group_size: int
    minimum_comment_group_size: int
    leap_day_rule: LeapDayRule
    working_days: list[int]
    milestones: list[float]
    weekend_rule: WeekendRule
    cards: Cards
    card_sender: str | None
    survey_contact: str | None
    newsletter_day: int | None
    retention: Retention
    default_series: str | None
    recognition_values: list[str] | None
    recognition_daily_limit: int | None
    recognition_edit_minutes: int
    benchmark: Benchmark
    metrics: MetricsChoices
    scim: Scim
    created_at: Instant
    updated_at: Instant


class RetentionPatch(Input):
    answers_months: Months | None = None
    leavers_months: Months | None = None


class CardsPatch(Input):
    enabled: Flag = ABSENT
    approval: Flag = ABSENT
    time: TimeOfDay = ABSENT


class BenchmarkPatch(Input):
    epsilon: Annotated[float, Field(ge=0.01, le=10)] | None = None
    budget: Annotated[float, Field(ge=0, le=1000)] = ABSENT


class NormWrite(Input):
    satisfaction: NormScore
    engagement: NormScore


class MetricsChoicesPatch(Input):
    target: Annotated[float, Field(ge=1, le=100)] = ABSENT
    smallest_change: Annotated[float, Field(ge=1, le=50)] = ABSENT
    quadrants: Division = ABSENT
    norm: NormWrite | None = None


class ScimPatch(Input):
    team_groups: TeamGroups = ABSENT
    attributes: Annotated[dict[AttributePath, AttributeTarget | None], Field(max_length=20)] = ABSENT


class OrganizationPatch(Input):
    id: ReadOnly = None
    name: Name = ABSENT
    locale: Locale = ABSENT
    time_zone: TimeZone = ABSENT
    minimum_group_size: Annotated[Integer, Field(ge=3, le=100)] = ABSENT
    minimum_comment_group_size: Annotated[Integer, Field(ge=10, le=1000)] = ABSENT
    leap_day_rule: LeapDayRule = ABSENT
    working_days: Annotated[Distinct[Weekday], Field(min_length=1, max_length=7)] = ABSENT
    milestones: Annotated[Distinct[Milestone], Field(max_length=50)] = ABSENT
    weekend_rule: WeekendRule = ABSENT
    cards: CardsPatch = ABSENT
    card_sender: Sender | None = None
    survey_contact: Annotated[str, Field(min_length=1, max_length=200), Visible] | None = None
    newsletter_day: Annotated[Integer, Field(ge=1, le=28)] | None = None
    retention: RetentionPatch = ABSENT
    default_series: Series | None = None
    recognition_values: Annotated[Distinct[RecognitionValue], Field(min_length=1, max_length=100)] | None = (
        None
    )
    recognition_daily_limit: Annotated[Integer, Field(ge=1, le=1000)] | None = None
    recognition_edit_minutes: Annotated[Integer, Field(ge=0, le=10_080)] = ABSENT
    benchmark: BenchmarkPatch = ABSENT
    metrics: MetricsChoicesPatch = ABSENT
    scim: ScimPatch = ABSENT
    created_at: ReadOnly = None
    updated_at: ReadOnly = None


class ApiKeyWrite(Input):
    name: Name
    scopes: Annotated[Distinct[Scope], Field(min_length=1)]
    teams: Annotated[Distinct[Identifier], Field(min_length=1)] | None = None
    person: Identifier | None = None
    environment: Environment = "live"


class ApiKey(Schema):
    id: UUID
    name: str
    scopes: list[Scope]
    teams: list[str] | None
    person: str | None
    environment: Environment
    created_at: Instant


class ApiKeyCreated(ApiKey):
    key: str


class ApiKeyPage(Schema):
    items: list[ApiKey]
    next_cursor: str | None
    as_of: Instant
