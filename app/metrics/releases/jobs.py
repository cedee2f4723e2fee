from uuid import UUID

from app.core.database import Database
from app.metrics.releases import builder as releasing
from app.metrics.releases import turnover


async def release_survey(database: Database, organization_id: UUID, survey_id: UUID) -> None:
    await releasing.release_survey(database, organization_id, survey_id, database.keyring)


async def freeze_turnover(database: Database, organization_id: UUID, survey_id: UUID) -> None:
    await turnover.freeze(database, organization_id, survey_id, database.keyring)
