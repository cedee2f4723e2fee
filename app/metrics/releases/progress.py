"""How far a release is computed, told while another thread computes it."""

import asyncio
import logging
from collections.abc import Callable, Coroutine
from typing import Any, TypeVar
from uuid import UUID

from app.core import logging as app_logging
from app.core.database import Database
from app.core.errors import OUT_OF_REACH
from app.metrics.releases import queries

log = logging.getLogger("betrokken.releases")

T = TypeVar("T")
Tell = Callable[[float], object]
SECONDS_BETWEEN = 1.0


class Steps:
    """Counts the steps of a computation as each gives what it found, from whatever thread."""

    def __init__(self, of: int, tell: Tell | None = None) -> None:
        self.of, self.tell, self.done = of, tell, 0

    @property
    def share(self) -> float:
        return round(min(self.done / self.of, 1.0), 2)

    def __call__(self, found: T) -> T:
        self.done += 1
        if self.tell is not None:
            self.tell(self.share)
        return found


async def noted(
    database: Database, organization_id: UUID, survey_id: UUID, steps: Steps, work: Coroutine[Any, Any, T]
) -> T:
    """What `work` gives. Meanwhile its steps are noted, in transactions of their own that others see."""
    doing, share = asyncio.create_task(work), None
    try:
        while not doing.done():
            if steps.share != share:
                share = steps.share
                await note(database, organization_id, survey_id, share)
            await asyncio.wait({doing}, timeout=SECONDS_BETWEEN)
        return await doing
    except Exception:
        await note(database, organization_id, survey_id, None)
        raise
    finally:
        doing.cancel()


async def note(database: Database, organization_id: UUID, survey_id: UUID, share: float | None) -> None:
    """Not worth a release: where it cannot be written it is left."""
    try:
        async with database.tenant_session(organization_id) as session:
            await queries.note_progress(session, survey_id, share)
    except OUT_OF_REACH as error:
        log.warning("progress_not_noted", extra=app_logging.describe(error))
