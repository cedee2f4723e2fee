"""The respondent's door: what is told, asked and answered. Only the invitation says who it is."""

from datetime import datetime

from app.core.database import TenantSession
from app.core.errors import NotFound
from app.core.languages import language_of
from app.core.secrets import Keyring, token_hash
from app.organizations import queries as organizations
from app.surveys.invitations import queries as invitation_queries
from app.surveys.invitations.errors import UnknownInvitation
from app.surveys.invitations.tokens import Invited
from app.surveys.questionnaires.schemas import Scale
from app.surveys.questionnaires.service import frozen_questionnaire
from app.surveys.respond import words
from app.surveys.respond.schemas import FormQuestion, SurveyForm
from app.surveys.responses import service as submission
from app.surveys.responses.errors import InvitationUsed
from app.surveys.responses.schemas import AnswersWrite, ResponseAccepted
from app.surveys.service import found_open


async def form(
    session: TenantSession, invited: Invited, accept_language: str | None, now: datetime
) -> SurveyForm:
    try:
        survey = await found_open(session, invited.survey_id, now)
    except NotFound:
        raise UnknownInvitation from None
    if not await invitation_queries.is_unused(session, invited.survey_id, token_hash(invited.token)):
        raise InvitationUsed
    organization = await organizations.organization(session)
    questionnaire = await frozen_questionnaire(session, survey)
    language = language_of(accept_language, organization.locale)
    return SurveyForm.model_validate(
        {
            "organization": organization.name,
            "name": survey.name,
            "mode": survey.mode,
            "closes_at": survey.closes_at,
            "language": language,
            "what_is_stored": words.what_is_stored(survey, organization, language),
            "takes_locale": survey.mode != "anonymous",
            "questions": [
                FormQuestion(
                    key=question["key"],
                    text=words.in_language(question["text"], language, organization.locale, "en"),
                    scale=Scale(**question["scale"]),
                )
                for question in questionnaire.content["questions"]
            ],
        }
    )


async def answer(
    session: TenantSession,
    invited: Invited,
    given: AnswersWrite,
    keyring: Keyring,
    now: datetime,
) -> ResponseAccepted:
    try:
        opened = await submission.hold_open(session, invited.survey_id, keyring, None, now)
    except NotFound:
        raise UnknownInvitation from None
    return await submission.submit_invited(opened, given, token_hash(invited.token), now)
