"""Who left after a wave: frozen once the next wave of its series is released.

Followed leaver by leaver, the association with the scores would give each one's score away by subtraction.
"""

import asyncio
from datetime import date, datetime, timedelta
from uuid import UUID
from zoneinfo import ZoneInfo

import numpy as np

from app.core.database import AsyncSession, Database, TenantSession
from app.core.secrets import Keyring
from app.metrics import names
from app.metrics.blocks import outcomes
from app.metrics.blocks.outcomes import Exposure
from app.metrics.blocks.wave import ORGANIZATION
from app.metrics.releases import queries
from app.metrics.releases.between_waves import queries as between_waves
from app.metrics.releases.builder import frozen
from app.metrics.releases.linkage import linked_keys
from app.metrics.releases.previous_wave import Earlier, earlier_of
from app.metrics.releases.response_matrix import Loaded, load
from app.metrics.schemas.trends import PlaceOk
from app.organizations import queries as organizations
from app.surveys import queries as surveys
from app.tables import Release, Survey


async def freeze(database: Database, organization_id: UUID, survey_id: UUID, keyring: Keyring) -> None:
    """After a release: what came after the wave before it; after itself, if its own release was late."""
    async with database.tenant_session(organization_id) as session:
        survey = await surveys.survey(session, survey_id)
        if survey is None or survey.series is None or survey.closed_at is None:
            return
        waves = await queries.closed_until(session, survey, survey.closed_at, 2)
    for wave in waves:
        await freeze_of(database, wave, keyring)


async def freeze_of(database: Database, survey: Survey, keyring: Keyring) -> None:
    """Once, and only when this wave and the next one have their releases; repeats harmlessly."""
    async with database.tenant_session(survey.organization_id) as session:
        following = await queries.next_wave(session, survey)
        if not is_released(survey) or following is None or not is_released(following):
            return
        release = await queries.newest_release(session, survey.id)
        if survey.access == "open" or release is None or await is_frozen(session, release):
            return
        loaded = await load(session, survey)
        earlier = await earlier_of(session, release, loaded)
        exposure = await exposure_of(session, loaded, following, keyring)
    wave = await asyncio.to_thread(earlier.wave)
    bodies = await asyncio.to_thread(outcomes.turnover, wave, exposure, sizes_told(earlier))
    association = await asyncio.to_thread(outcomes.leaving, wave, exposure, earlier.is_anybody_erased)
    said = [names.LEAVING.said({ORGANIZATION: association}), names.TURNOVER.said(bodies)]
    async with database.tenant_session(survey.organization_id) as session:
        await queries.add_results(session, release.survey_id, release.number, list(frozen(said)))


def sizes_told(earlier: Earlier) -> dict[int, int]:
    """n of each group as it was released; without those erased since it would say how many had answered."""
    points = {ordinal: own.point for ordinal, own in earlier.followed.items()}
    return {ordinal: place.n for ordinal, place in points.items() if isinstance(place, PlaceOk)}


def is_released(survey: Survey) -> bool:
    return survey.status == "released"


async def is_frozen(session: AsyncSession, release: Release) -> bool:
    return bool(await queries.bodies(session, release, names.LEAVING, [0]))


async def exposure_of(
    session: TenantSession, loaded: Loaded, following: Survey, keyring: Keyring
) -> Exposure:
    survey = loaded.survey
    organization = await organizations.organization(session)
    zone = ZoneInfo(organization.time_zone)
    starts_on, ends_on = (day_of(wave.closed_at, zone) for wave in (survey, following))
    rows = await between_waves.employed_until(session, survey.id, starts_on)
    return Exposure(
        starts_on=starts_on,
        ends_on=ends_on,
        team=loaded.places_of(np.array([row.cell_ordinal for row in rows], dtype=np.int64)).team,
        days=np.array([days_employed(row.last_day, starts_on, ends_on) for row in rows], dtype=np.int64),
        left=np.array([row.last_day is not None and row.last_day < ends_on for row in rows], dtype=np.bool_),
        linked=linked_keys(survey, [row.person_id for row in rows], keyring),
    )


def day_of(instant: datetime | None, zone: ZoneInfo) -> date:
    assert instant is not None, "the survey has closed"
    return instant.astimezone(zone).date()


def days_employed(last_day: date | None, starts_on: date, ends_on: date) -> int:
    """From the first day on until the day before the last, or until leaving."""
    if last_day is None:
        return 0
    return (min(last_day, ends_on - timedelta(days=1)) - starts_on).days + 1
