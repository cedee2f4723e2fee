"""What a survey does by itself, at its times."""

from datetime import UTC, datetime
from uuid import UUID

from app.core import audit
from app.core.database import Database
from app.organizations import queries as organizations
from app.surveys import queries, service
from app.surveys.invitations import service as invitations


async def open_on_time(database: Database, organization_id: UUID, survey_id: UUID) -> None:
    """Opens the survey if its time has come; it may have been moved, opened or deleted since."""
    now = datetime.now(UTC)
    async with database.tenant_session(organization_id) as session:
        survey = await queries.survey(session, survey_id, lock="write")
        if survey and survey.status == "draft" and survey.opens_at and survey.opens_at <= now:
            await service.open_survey(session, survey_id, now)
            await audit.record(session, audit.SYSTEM, "open_survey", str(survey_id))


async def close_on_time(database: Database, organization_id: UUID, survey_id: UUID) -> None:
    now = datetime.now(UTC)
    async with database.tenant_session(organization_id) as session:
        survey = await queries.survey(session, survey_id, lock="write")
        if survey and survey.status == "open" and survey.closes_at and survey.closes_at <= now:
            await service.close_survey(session, survey_id, now)
            await audit.record(session, audit.SYSTEM, "close_survey", str(survey_id))


async def tend_surveys(database: Database) -> None:
    """Counts open surveys on each organisation's new day, and asks again for what did not come."""
    async with database.system_session(reason="list the organisations") as session:
        everyone = await organizations.organization_ids(session)
    for organization_id in everyone:
        async with database.tenant_session(organization_id) as session:
            await service.count_participation(session, datetime.now(UTC))
            await service.ask_again_for_releases(session, datetime.now(UTC))
            await invitations.ask_again_for_mails(session)
