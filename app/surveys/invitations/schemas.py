from collections.abc import Mapping
from typing import Annotated, Literal

from pydantic import Field

from app.core.schema import Flag, Input, Instant, Schema

Language = Literal["en", "nl"]
Reason = Literal["already_issued", "duplicate_in_batch", "no_address", "not_invited", "too_few_at_once"]
MOST_PEOPLE = 100_000
Named = Annotated[str, Field(min_length=1, max_length=1000)]
"""One that is nobody's identifier is told of, and fails nobody else's invitation."""
Subject = Annotated[dict[Language, Annotated[str, Field(min_length=1, max_length=200)]], Field(min_length=1)]
Text = Annotated[dict[Language, Annotated[str, Field(min_length=1, max_length=10_000)]], Field(min_length=1)]


def by_language(texts: Mapping[Language, str] | None) -> dict[str, str] | None:
    return None if texts is None else {str(language): text for language, text in texts.items()}


class MailWords(Input):
    subject: Subject | None = None
    text: Text | None = None

    @property
    def own(self) -> tuple[dict[str, str] | None, dict[str, str] | None]:
        """Subject and text."""
        return by_language(self.subject), by_language(self.text)


class InvitationsWrite(MailWords):
    people: Annotated[list[Named], Field(min_length=1, max_length=MOST_PEOPLE)] | None = None
    send: Flag | None = None
    send_at: Instant | None = None


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


class MailPreview(Schema):
    kind: Literal["invitation"]
    language: Language
    subject: str
    text: str
    html: str


class MailPreviews(Schema):
    mails: list[MailPreview]
