from collections.abc import Mapping
from typing import Annotated, Literal
from uuid import UUID

from pydantic import Field

from app.core.languages import Language
from app.core.schema import Flag, Identifier, Input, Instant, InstantSent, Integer, Schema, Visible

Reason = Literal[
    "address_changed", "already_issued", "duplicate_in_batch", "no_address", "not_invited", "too_few_at_once"
]
MOST_PEOPLE = 100_000
Named = Annotated[str, Field(min_length=1, max_length=1000)]
"""One that is nobody's identifier is told of, and fails nobody else's invitation."""
Line = Annotated[str, Field(min_length=1, max_length=200), Visible]
Subject = Annotated[dict[Language, Line], Field(min_length=1)]
LetterText = Annotated[str, Field(min_length=1, max_length=10_000), Visible]
Text = Annotated[dict[Language, LetterText], Field(min_length=1)]


def by_language(texts: Mapping[Language, str] | None) -> dict[str, str] | None:
    return None if texts is None else {str(language): text for language, text in texts.items()}


class ReminderWords(Input):
    subject: Subject | None = None
    text: Text | None = None

    @property
    def own(self) -> tuple[dict[str, str] | None, dict[str, str] | None]:
        """Subject and text."""
        return by_language(self.subject), by_language(self.text)


class MailWords(ReminderWords):
    """Of an invitation, and of its reminders."""

    reminder: ReminderWords | None = None

    @property
    def own_of_reminders(self) -> tuple[dict[str, str] | None, dict[str, str] | None]:
        return (self.reminder or ReminderWords()).own


Days = Annotated[Integer, Field(ge=0, le=365)]


class ReminderRule(Input):
    days_before_close: Days | None = None
    days_after_invitation: Days | None = None


class InvitationsWrite(MailWords):
    people: Annotated[list[Named], Field(min_length=1, max_length=MOST_PEOPLE)] | None = None
    team: Identifier | None = None
    with_codes: Flag = False
    form: Literal["links", "codes"] = "links"
    send: Flag | None = None
    send_at: InstantSent | None = None
    reminders: Annotated[list[ReminderRule], Field(max_length=5)] | None = None
    dry_run: Flag = False


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


class SurveyAddress(Schema):
    token: str
    url: str | None
    repeats_can_be_told: Literal[False]
    notice: str


class MailPreview(Schema):
    kind: Literal["invitation", "reminder"]
    language: Language
    subject: str
    text: str
    html: str


class MailPreviews(Schema):
    mails: list[MailPreview]


class Reminder(Schema):
    id: UUID
    days_before_close: int | None
    days_after_invitation: int | None
    send_at: Instant
    status: Literal["planned", "sent"]


class MailCounts(Schema):
    planned: int
    mailed: int
    refused: int
    bounced: int


class FailedMail(Schema):
    person: str
    address: str | None
    failure: Literal["refused", "bounced"]
    failed_at: Instant


class InvitationsStatus(Schema):
    is_mail_set_up: bool
    counts: MailCounts
    next_mailing_at: Instant | None
    reminders: list[Reminder]
    failed: list[FailedMail] | None
