"""The respondent's door: what is told, asked and answered. Only the invitation says who it is."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID, uuid4

from app.core.database import TenantSession, transaction_time
from app.core.errors import AppError, Conflict, NotFound
from app.core.idempotency import KeyReused
from app.core.languages import language_of
from app.core.secrets import Keyring
from app.organizations import queries as organizations
from app.surveys.errors import SurveyCancelled
from app.surveys.invitations import queries as invitation_queries
from app.surveys.invitations.errors import UnknownInvitation
from app.surveys.invitations.tokens import Invited
from app.surveys.questionnaires.queries import questionnaire_version
from app.surveys.questionnaires.service import frozen_questionnaire
from app.surveys.respond.errors import SurveyClosed, SurveyNotYetOpen
from app.surveys.respond.forms import Form
from app.surveys.respond.schemas import SurveyForm
from app.surveys.respond.words import in_language
from app.surveys.responses import service as submission
from app.surveys.responses.errors import AlreadyResponded
from app.surveys.responses.schemas import AnswersWrite, ResponseWrite
from app.surveys.schemas import Mode
from app.surveys.service import found, is_open
from app.tables import Survey

NOT_OPEN: Mapping[str, type[Conflict]] = {"draft": SurveyNotYetOpen, "cancelled": SurveyCancelled}


async def form(
    session: TenantSession, invited: Invited, accept_language: str | None, now: datetime
) -> SurveyForm:
    survey = await found_for(session, invited, now)
    if survey.access == "invited" and not await invitation_queries.is_unused(
        session, invited.survey_id, invited.token_hash
    ):
        raise await submission.worn_out(session, survey.id, invited.token_hash)
    organization = await organizations.organization(session)
    questionnaire = await frozen_questionnaire(session, survey)
    language = language_of(accept_language, organization.locale)
    return Form(survey, questionnaire.content, organization, language).represent()


async def preview(
    session: TenantSession, key: str, version: int | None, mode: Mode, accept_language: str | None
) -> SurveyForm:
    """Of a survey that is not there."""
    questionnaire = await questionnaire_version(session, key, version)
    if questionnaire is None:
        raise NotFound
    organization = await organizations.organization(session)
    language = language_of(accept_language, organization.locale)
    survey = Survey(
        organization_id=organization.id,
        id=uuid4(),
        status="draft",
        questionnaire=key,
        access="invited",
        name=in_language(questionnaire.content["title"], language, organization.locale, "en"),
        mode=mode,
        minimum_group_size=organization.minimum_group_size,
        report_by=[],
        release_policy="on_close",
    )
    return Form(survey, questionnaire.content, organization, language).represent()


@dataclass(frozen=True)
class Sent:
    """Answers in a request of their own."""

    invited: Invited
    answers: AnswersWrite


async def answer_each(
    session: TenantSession, survey_id: UUID, sent: Sequence[Sent], keyring: Keyring
) -> Sequence[submission.Accepted | AppError]:
    """What becomes of each."""
    now = await transaction_time(session)
    survey = await open_survey(session, survey_id, now, lock="read")
    if survey.access == "open":
        return await answers_of_anybody(session, survey, sent, keyring, now)
    opened = await submission.to_survey(session, survey, keyring, submission.of_a_batch(None))
    return await submission.submit_invited(
        opened, [(one.invited.token_hash, one.answers) for one in sent], now
    )


async def answers_of_anybody(
    session: TenantSession, survey: Survey, sent: Sequence[Sent], keyring: Keyring, now: datetime
) -> list[submission.Accepted | AppError]:
    """At the address that everybody has: it counts for the organisation as a whole, and once an attempt."""
    attempts = [one.answers.attempt for one in sent]
    retries = submission.each_alone([attempt and f"respond {attempt}" for attempt in attempts])
    opened = await submission.to_survey(session, survey, keyring, retries)
    outcomes = await opened.store([response_of_anybody(survey, one) for one in sent], now)
    return [
        submission.accepted(one)
        if isinstance(one, submission.Stored)
        else AlreadyResponded()
        if isinstance(one, KeyReused)
        else one
        for one in outcomes
    ]


def response_of_anybody(survey: Survey, sent: Sent) -> ResponseWrite | AppError:
    if survey.address_hash != sent.invited.token_hash:
        return UnknownInvitation()
    given = sent.answers
    return ResponseWrite(answers=given.answers, locale=given.locale, comment=given.comment)


async def found_for(session: TenantSession, invited: Invited, now: datetime) -> Survey:
    """The open survey that this invitation leads to."""
    survey = await open_survey(session, invited.survey_id, now)
    if survey.access == "open" and survey.address_hash != invited.token_hash:
        raise UnknownInvitation
    return survey


async def open_survey(
    session: TenantSession, survey_id: UUID, now: datetime, *, lock: str | None = None
) -> Survey:
    """Who comes at another time is told which, and whom they may ask: that is the same to everybody."""
    try:
        survey = await found(session, survey_id, lock=lock)
    except NotFound:
        raise UnknownInvitation from None
    if is_open(survey, now):
        return survey
    organization = await organizations.organization(session)
    told = {"organization": organization.name, "contact": organization.survey_contact}
    raise NOT_OPEN.get(survey.status, SurveyClosed)(more=told)
