from uuid import UUID

from app.core.database import Database
from app.core.secrets import Keyring, load_secret
from app.metrics.releases import builder as releasing
from app.metrics.releases import turnover


async def release_survey(database: Database, organization_id: UUID, survey_id: UUID) -> None:
    keyring = Keyring(load_secret(database.settings))
    await releasing.release_survey(database, organization_id, survey_id, keyring)


async def freeze_turnover(database: Database, organization_id: UUID, survey_id: UUID) -> None:
    keyring = Keyring(load_secret(database.settings))
    await turnover.freeze(database, organization_id, survey_id, keyring)
