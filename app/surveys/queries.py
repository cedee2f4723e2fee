from collections.abc import Sequence
from datetime import date, datetime
from uuid import UUID

from sqlalchemy import ColumnElement, func, text
from sqlalchemy.orm import Mapped
from sqlmodel import col, select, tuple_

from app.core.database import TenantSession
from app.tables import Survey


async def survey(session: TenantSession, survey_id: UUID, *, lock: str | None = None) -> Survey | None:
    """`lock` "write" holds the survey alone, "read" together with others who read it."""
    query = select(Survey).where(
        col(Survey.organization_id) == session.organization_id, col(Survey.id) == survey_id
    )
    if lock is not None:
        query = query.with_for_update(read=lock == "read", key_share=lock == "write")
    return (await session.scalars(query.execution_options(populate_existing=True))).first()


async def surveys_before(
    session: TenantSession,
    status: str | None,
    archived: bool | None,
    after: tuple[datetime, UUID] | None,
    limit: int,
) -> Sequence[Survey]:
    """Newest first, from the survey after `after` on."""
    query = select(Survey).where(col(Survey.organization_id) == session.organization_id)
    if status is not None:
        query = query.where(col(Survey.status) == status)
    if archived is not None:
        query = query.where(col(Survey.archived).is_(archived))
    if after is not None:
        query = query.where(tuple_(col(Survey.created_at), col(Survey.id)) < after)
    newest_first = query.order_by(col(Survey.created_at).desc(), col(Survey.id).desc())
    return (await session.scalars(newest_first.limit(limit))).all()


async def survey_with_external_id(session: TenantSession, external_id: str) -> UUID | None:
    return await session.scalar(
        select(col(Survey.id)).where(
            col(Survey.organization_id) == session.organization_id, col(Survey.external_id) == external_id
        )
    )


DELETE_SURVEY = text("""DELETE FROM surveys WHERE organization_id = :organization_id AND id = :survey_id""")


async def delete_survey(session: TenantSession, survey_id: UUID) -> None:
    await session.execute(DELETE_SURVEY, {"survey_id": survey_id})


DESTROY = [
    text(f"""DELETE FROM {table} WHERE organization_id = :organization_id AND survey_id = :survey_id""")  # noqa: S608
    for table in (
        "responses",
        "comments",
        "invitations",
        "replaced_invitations",
        "invitation_deliveries",
        "invitation_reminders",
        "invitation_mailings",
        "releases",
        "survey_members",
        "survey_cells",
        "survey_groups",
    )
]


async def destroy_answers(session: TenantSession, survey_id: UUID) -> None:
    """With all that was asked, counted and told: the survey itself is left."""
    for statement in DESTROY:
        await session.execute(statement, {"survey_id": survey_id})


async def open_surveys_not_counted_since(session: TenantSession, today: date) -> Sequence[Survey]:
    query = select(Survey).where(
        col(Survey.organization_id) == session.organization_id,
        col(Survey.status) == "open",
        col(Survey.participation_on) < today,
    )
    return (await session.scalars(query.with_for_update(key_share=True))).all()


async def surveys_to_open(session: TenantSession) -> Sequence[UUID]:
    """Drafts whose time has come; one that was refused then waits for another."""
    return await _surveys_due(session, "draft", col(Survey.opens_at), col(Survey.opening_refused).is_(None))


async def surveys_to_close(session: TenantSession) -> Sequence[UUID]:
    return await _surveys_due(session, "open", col(Survey.closes_at))


async def _surveys_due(
    session: TenantSession, status: str, moment: Mapped[datetime | None], *more: ColumnElement[bool]
) -> Sequence[UUID]:
    query = select(col(Survey.id)).where(
        col(Survey.organization_id) == session.organization_id,
        col(Survey.status) == status,
        moment <= func.now(),
        *more,
    )
    return (await session.scalars(query.order_by(moment))).all()


async def surveys_closed_before(session: TenantSession, moment: datetime) -> Sequence[UUID]:
    """Those still waiting for their release."""
    query = select(col(Survey.id)).where(
        col(Survey.organization_id) == session.organization_id,
        col(Survey.status) == "closed",
        col(Survey.closed_at) < moment,
    )
    return (await session.scalars(query)).all()
