from datetime import UTC, datetime
from uuid import UUID

from app.core.database import Database
from app.core.secrets import Keyring, load_secret
from app.metrics import outcomes, service


async def release_survey(database: Database, organization_id: UUID, survey_id: UUID) -> None:
    await service.release_survey(database, organization_id, survey_id, datetime.now(UTC))


async def freeze_outcomes(database: Database, organization_id: UUID, survey_id: UUID) -> None:
    keyring = Keyring(load_secret(database.settings))
    await outcomes.freeze_outcomes(database, organization_id, survey_id, keyring)
