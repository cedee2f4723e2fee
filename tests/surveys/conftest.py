from collections.abc import AsyncIterator

import asyncpg
import pytest

from app.core.settings import Settings
from tests.conftest import Tenant
from tests.sink import Sink
from tests.surveys.inviting import with_mail


@pytest.fixture
def sink() -> Sink:
    return Sink()


@pytest.fixture
async def mailer(
    settings: Settings, database_url: str, sink: Sink, owner: asyncpg.Connection
) -> AsyncIterator[Tenant]:
    """Whose mails reach the sink, and nobody else's: what other tests left to be done is forgotten."""
    await owner.execute("DELETE FROM pgqueuer")
    async with with_mail(settings, database_url, sink) as tenant:
        yield tenant
