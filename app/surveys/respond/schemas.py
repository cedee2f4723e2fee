from typing import Annotated, Literal

from pydantic import Field

from app.core.schema import Distinct, Flag, Identifier, Input, Instant, Schema
from app.surveys.questionnaires.schemas import Scale
from app.surveys.schemas import Mode

Reason = Literal["already_issued", "no_address", "too_few_at_once"]
MOST_PEOPLE = 100_000


class InvitationsWrite(Input):
    people: Annotated[Distinct[Identifier], Field(min_length=1, max_length=MOST_PEOPLE)] | None = None
    send: Flag | None = None


class Invitation(Schema):
    token: str
    respondent: str | None
    team: str | None
    segments: dict[str, str] | None


class NotIssued(Schema):
    respondent: str
    reason: Reason


class InvitationsIssued(Schema):
    issued: int
    mailed: int
    invitations: list[Invitation]
    not_issued: list[NotIssued]


class FormQuestion(Schema):
    key: str
    text: str
    scale: Scale


class SurveyForm(Schema):
    organization: str
    name: str
    mode: Mode
    closes_at: Instant | None
    language: Literal["en", "nl"]
    what_is_stored: list[str]
    takes_locale: bool
    questions: list[FormQuestion]
