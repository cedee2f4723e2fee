"""The mails of a survey as they would go out now: nothing is issued, and nothing kept."""

from datetime import datetime
from uuid import UUID

from app.core.database import TenantSession
from app.core.languages import LANGUAGES, language_of
from app.core.settings import Settings
from app.mail.letters import Letter, html_of, text_of
from app.organizations import queries as organizations
from app.surveys.invitations import letters
from app.surveys.invitations.letters import Occasion, OwnWords
from app.surveys.invitations.own_words import check_words
from app.surveys.invitations.schemas import MailPreview, MailPreviews, MailWords
from app.surveys.questionnaires.queries import questionnaire_version
from app.surveys.respond.words import in_language
from app.surveys.service import found
from app.tables import Organization, Survey

NOBODY = "Noor de Wit"
NO_TOKEN = "bti_example"  # noqa: S105 opens nothing


async def preview(
    session: TenantSession, survey_id: UUID, wanted: MailWords, settings: Settings, now: datetime
) -> MailPreviews:
    survey = await found(session, survey_id)
    check_words(survey, wanted)
    about = await occasion_of(session, survey)
    own, own_of_reminders = OwnWords(*wanted.own), OwnWords(*wanted.own_of_reminders)
    link = f"{settings.respond_page or settings.public_url}#{NO_TOKEN}"
    mails = []
    for language in LANGUAGES:
        reader = reader_of(own, language, about)
        mails.append(shown("invitation", language, letters.invitation(about, own, link, reader)))
    for language in LANGUAGES:
        reader = reader_of(own_of_reminders, language, about)
        mails.append(shown("reminder", language, reminder_in(about, own_of_reminders, link, reader, now)))
    return MailPreviews(mails=mails)


def reader_of(own: OwnWords, language: str, about: Occasion) -> letters.Reader:
    return letters.Reader(NOBODY, language_for(own, language, about.organization), None)


def reminder_in(about: Occasion, own: OwnWords, link: str, reader: letters.Reader, now: datetime) -> Letter:
    if about.survey.mode == "anonymous":
        return letters.reminder_of_everybody(about, own, now, reader)
    return letters.reminder(about, own, link, reader)


def shown(kind: str, language: str, letter: Letter) -> MailPreview:
    parts = {"subject": letter.subject, "text": text_of(letter), "html": html_of(letter)}
    return MailPreview.model_validate({"kind": kind, "language": language, **parts})


async def occasion_of(session: TenantSession, survey: Survey) -> Occasion:
    """Of a draft with the newest questions."""
    questionnaire = await questionnaire_version(session, survey.questionnaire, survey.questionnaire_version)
    questions = len(questionnaire.content["questions"]) if questionnaire else 0
    return Occasion(survey, await organizations.organization(session), questions)


def language_for(own: OwnWords, locale: str | None, organization: Organization) -> str:
    """That of their own text, where it has not the reader's: nobody reads a mail in two languages."""
    wanted = language_of(locale, organization.locale)
    languages = {one: one for one in own.text or {wanted: ""}}
    return in_language(languages, wanted, organization.locale, "en")
