from datetime import UTC, datetime
from uuid import UUID

from app.core.database import Database
from app.metrics import releasing


async def release_survey(database: Database, organization_id: UUID, survey_id: UUID) -> None:
    await releasing.release_survey(database, organization_id, survey_id, datetime.now(UTC))
