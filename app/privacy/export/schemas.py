from datetime import date
from typing import Any, Literal
from uuid import UUID

from app.calendar.cards.schemas import Status
from app.calendar.cards.templates import CardKind
from app.calendar.feeds.schemas import CalendarFeed
from app.calendar.reminders.schemas import Reminder
from app.calendar.schemas import Celebrations, Occasion
from app.core.schema import Instant, Schema
from app.people.persons.schemas import Person
from app.privacy.audit_log.schemas import AuditEntry
from app.privacy.schemas import Missing
from app.recognition.schemas import Recognition
from app.surveys.schemas import Mode


class ExportedPast(Schema):
    until: date
    team: str | None
    manager: str | None
    segments: dict[str, str]


class ExportedScimUser(Schema):
    user_name: str
    attributes: dict[str, Any]
    hidden_at: Instant | None
    created_at: Instant
    updated_at: Instant


class ExportedGroup(Schema):
    name: str
    since: Instant


class ExportedApiKey(Schema):
    id: UUID
    name: str
    scopes: list[str]
    created_at: Instant


class ExportedImportLine(Schema):
    import_id: UUID
    sent_at: Instant
    line: int | None
    pointer: str | None
    column: str | None
    code: str
    detail: str


class ExportedNewsletterMail(Schema):
    issue: str
    status: Status
    sent_at: Instant | None
    failure: str | None


class ExportedNewsletter(Schema):
    email: str | None
    language: str | None
    status: Literal["pending", "confirmed", "unsubscribed"]
    created_at: Instant
    confirmed_at: Instant | None
    mails: list[ExportedNewsletterMail]


class ExportedWish(Schema):
    author: str
    text: str
    created_at: Instant


class ExportedCard(Schema):
    kind: CardKind
    label: str | None
    kept_on: date
    status: Status
    sent_at: Instant | None
    wishes: list[ExportedWish]


class WrittenWish(Schema):
    person: str
    text: str
    created_at: Instant


class ExportedDigest(Schema):
    day: date
    status: Status
    sent_at: Instant | None


class ChatName(Schema):
    product: str
    chat_id: str
    email: str
    created_at: Instant
    updated_at: Instant


class ExportedReaction(Schema):
    recognition: UUID
    kind: str
    created_at: Instant


class ExportedSurvey(Schema):
    id: UUID
    name: str
    mode: Mode
    opened_at: Instant
    closed_at: Instant | None
    team: str | None
    segments: dict[str, str]
    invitation_issued: bool


class OwnAnswer(Schema):
    question: str
    text: str
    answer: int | str | list[str] | None
    label: str | None
    """What it means, where its scale has words for it."""


class ExportedResponse(Schema):
    survey: UUID
    name: str
    mode: Mode
    questionnaire: str
    questionnaire_version: int
    submitted_at: Instant
    locale: str | None
    answers: list[OwnAnswer]


class OwnWords(Schema):
    """`question` is None for the comment."""

    survey: UUID
    name: str
    question: str | None
    words: str


class PersonExport(Schema):
    exported_at: Instant
    person: Person
    history: list[ExportedPast]
    scim: list[ExportedScimUser]
    scim_groups: list[ExportedGroup]
    manages: list[str]
    leads: list[str]
    occasions: list[Occasion]
    celebrations: Celebrations | None
    cards: list[ExportedCard]
    wishes: list[WrittenWish]
    reminders: list[Reminder]
    digests: list[ExportedDigest]
    unsubscribed_at: Instant | None
    newsletters: list[ExportedNewsletter]
    feeds: list[CalendarFeed]
    api_keys: list[ExportedApiKey]
    chat_identities: list[ChatName]
    recognitions_given: list[Recognition]
    recognitions_received: list[Recognition]
    reactions: list[ExportedReaction]
    surveys: list[ExportedSurvey]
    responses: list[ExportedResponse]
    import_lines: list[ExportedImportLine]
    audit: list[AuditEntry]
    not_included: list[Missing]


class AnswersLinkAsked(Schema):
    status: Literal["queued"]


class OwnAnswers(Schema):
    exported_at: Instant
    person: str
    responses: list[ExportedResponse]
    written: list[OwnWords]
    not_included: list[Missing]
