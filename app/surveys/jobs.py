"""What a survey does by itself, at its times."""

from collections.abc import Awaitable, Callable, Sequence
from functools import partial
from uuid import UUID

from app.core import audit
from app.core.database import Database, TenantSession, transaction_time
from app.core.errors import Unprocessable
from app.core.jobs import JobFunction, for_each, wait_for
from app.organizations.jobs import in_every_organization
from app.surveys import queries, service
from app.surveys.audience import queries as audience_queries
from app.surveys.invitations import service as invitations
from app.surveys.invitations.reminders import service as reminders

Find = Callable[[TenantSession], Awaitable[Sequence[UUID]]]


async def open_on_time(database: Database, organization_id: UUID, survey_id: UUID) -> None:
    """Opens the survey at its time; or it stays a draft, and says why."""
    try:
        await open_when_due(database, organization_id, survey_id)
    except Unprocessable as refusal:
        async with database.tenant_session(organization_id) as session:
            await service.note_refusal(session, survey_id, refusal.code)
            told = {"refused": refusal.code}
            await audit.record(session, audit.SYSTEM, "open_survey", str(survey_id), told)


async def open_when_due(database: Database, organization_id: UUID, survey_id: UUID) -> None:
    """It may have been moved, opened, refused or deleted since."""
    async with database.tenant_session(organization_id) as session:
        survey = await queries.survey(session, survey_id, lock="write")
        if survey and survey.status == "draft" and survey.opens_at and survey.opening_refused is None:
            await wait_for(session, survey.opens_at)
            await service.open_survey(session, survey_id, await transaction_time(session))
            is_framed = survey.access == "invited"
            told = await audience_queries.size_of_audience(session, survey_id) if is_framed else {}
            await audit.record(session, audit.SYSTEM, "open_survey", str(survey_id), told)


async def close_on_time(database: Database, organization_id: UUID, survey_id: UUID) -> None:
    async with database.tenant_session(organization_id) as session:
        survey = await queries.survey(session, survey_id, lock="write")
        if survey and survey.status == "open" and survey.closes_at:
            await wait_for(session, survey.closes_at)
            await service.close_survey(session, survey_id, await transaction_time(session))
            await audit.record(session, audit.SYSTEM, "close_survey", str(survey_id))


async def tend_surveys(database: Database) -> None:
    """Opens and closes what is due and was missed, counts, and asks again for what did not come."""
    await in_every_organization(database, "tend_surveys", tend)


async def tend(database: Database, organization_id: UUID) -> None:
    await each_that(queries.surveys_to_open, open_on_time, database, organization_id)
    await each_that(queries.surveys_to_close, close_on_time, database, organization_id)
    async with database.tenant_session(organization_id) as session:
        await service.count_participation(session, await transaction_time(session))
        await service.ask_again_for_releases(session, await transaction_time(session))
        await invitations.ask_again_for_mails(session)
        await reminders.ask_again(session)


async def each_that(due: Find, act: JobFunction, database: Database, organization_id: UUID) -> None:
    async with database.tenant_session(organization_id) as session:
        found = await due(session)
    await for_each(found, act.__name__, partial(act, database, organization_id))
