from collections.abc import Sequence
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col, func, select, update

from app.core.database import TenantSession
from app.tables import Organization

TOMBSTONE_DAYS = 30
UNKNOWN_TEAMS = text("""
SELECT name FROM unnest(CAST(:teams AS text[])) AS wanted (name)
WHERE NOT EXISTS (
    SELECT FROM teams t WHERE t.organization_id = :organization_id AND t.external_id = wanted.name
)
""")


async def organization(session: TenantSession, *, lock: bool = False) -> Organization:
    query = select(Organization).where(col(Organization.id) == session.organization_id)
    query = query.with_for_update(key_share=True) if lock else query
    return (await session.scalars(query.execution_options(populate_existing=True))).one()


async def name_of(session: TenantSession) -> str | None:
    """None where it is gone, as who comes by an old mail may find."""
    query = select(col(Organization.name)).where(col(Organization.id) == session.organization_id)
    return (await session.scalars(query)).one_or_none()


async def unknown_teams(session: TenantSession, teams: Sequence[str]) -> Sequence[str]:
    where = {"teams": list(teams)}
    return (await session.scalars(UNKNOWN_TEAMS, where)).all()


async def organization_ids(session: AsyncSession) -> Sequence[UUID]:
    return (await session.scalars(select(col(Organization.id)))).all()


async def names_of_organizations(session: AsyncSession) -> Sequence[tuple[UUID, str]]:
    rows = await session.execute(
        select(col(Organization.id), col(Organization.name)).order_by(
            col(Organization.name), col(Organization.id)
        )
    )
    return [(row.id, row.name) for row in rows]


async def change_organization(session: TenantSession, values: dict[str, object]) -> None:
    await session.execute(
        update(Organization)
        .where(col(Organization.id) == session.organization_id)
        .values(**values, updated_at=func.now())
    )


HOLD_CARDS = text("""
UPDATE cards SET status = CASE WHEN :is_held THEN 'held' ELSE 'planned' END
WHERE organization_id = :organization_id AND visibility <> 'private'
    AND status = CASE WHEN :is_held THEN 'planned' ELSE 'held' END
""")


async def hold_cards(session: TenantSession, *, is_held: bool) -> None:
    """Those that are to go wait for approval from now on, or no longer wait."""
    await session.execute(HOLD_CARDS, {"is_held": is_held})


HAS_OPENED_A_SURVEY = text("""
SELECT EXISTS (SELECT FROM surveys
WHERE organization_id = :organization_id AND opened_at IS NOT NULL)
""")


async def has_opened_a_survey(session: TenantSession) -> bool:
    return bool(await session.scalar(HAS_OPENED_A_SURVEY))


FORGET_OLD_TOMBSTONES = text("""
DELETE FROM tombstones
WHERE organization_id = :organization_id AND deleted_at < now() - make_interval(days => :days)
""")


async def forget_old_tombstones(session: TenantSession) -> None:
    """Drop the current organisation's tombstones of more than 30 days ago."""
    await session.execute(FORGET_OLD_TOMBSTONES, {"days": TOMBSTONE_DAYS})
