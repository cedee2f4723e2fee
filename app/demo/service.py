"""The demo organisation: made once, found again by every later start."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any
from uuid import UUID

from pydantic import Field
from rich.progress import Progress

from app.auth import queries as auth
from app.auth.principal import Scope
from app.core.database import Database
from app.core.secrets import token_hash
from app.core.settings import Settings
from app.demo import asking, queries
from app.demo.company import found_company
from app.demo.filling import Filling
from app.demo.waves import LANGUAGE, OPEN, SERIES
from app.mail.transport import MAILS, has_server
from app.metrics import names
from app.metrics.releases import builder as releasing
from app.metrics.schemas import SatisfactionEngagement
from app.metrics.views import groups as metrics
from app.organizations import queries as organizations
from app.organizations import service as organizations_service
from app.organizations.schemas import ApiKeyWrite
from app.organizations.setup.queries import end_links
from app.people.teams import queries as teams_queries
from app.surveys import queries as surveys
from app.surveys.service import local_date
from app.tables import Survey

ORGANIZATION_ID = UUID("de300000-0000-4000-8000-000000000033")
NAME = "Betrokken Demo"
KEY_FILE = "demo-key"
EARLIER_WAVE = "demo-wave-1"
"""What the first survey was called before the demo had comments, KPIs and connections."""


class DemoSettings(Settings):
    mails_are_files = True
    access_log: float = Field(0.0, ge=0, le=1)


@dataclass(frozen=True)
class Demo:
    key: str
    key_file: Path
    numbers: SatisfactionEngagement
    link: str | None
    """The page of somebody who is asked, while the survey is open."""
    mails: Path | None
    """Where mails are files, as no server takes them."""
    is_older: bool
    """Filled by a version that did not show everything this one does, and left as it was."""


async def prepare(database: Database, settings: Settings, now: datetime, progress: Progress) -> Demo:
    await fill_once(database, settings, now, progress)
    key_file = settings.data_dir / KEY_FILE
    key = await working_key(database, key_file)
    numbers, link = await newest_numbers(database), await ask(database, settings, now)
    mails = None if has_server(settings) else settings.data_dir / MAILS
    return Demo(key, key_file, numbers, link, mails, await is_older(database))


async def fill_once(database: Database, settings: Settings, now: datetime, progress: Progress) -> None:
    """One transaction fills all but the releases: a start that was cut off left everything or nothing.

    The releases are made one by one, oldest first, each once, as the job that closing asked for would.
    """
    await create_organization(database)
    async with database.tenant_session(ORGANIZATION_ID) as session:
        organization = await organizations.organization(session, lock=True)
        if not await teams_queries.team_tree(session):
            company = found_company(local_date(organization, now))
            with progress:
                filling = Filling(session, company, database.keyring, settings, now, progress)
                await filling.fill()
    async with database.tenant_session(ORGANIZATION_ID) as session:
        closed = await surveys.surveys_before(session, "closed", None, None, limit=100)
    if closed:
        for filled in progress.task_ids:
            progress.remove_task(filled)
        with progress:
            await release_each(database, closed[::-1], now, progress)


async def release_each(
    database: Database, closed: Sequence[Survey], now: datetime, progress: Progress
) -> None:
    bar = progress.add_task("Results", total=len(closed))
    for place, survey in enumerate(closed):

        def tell(share: float, place: int = place) -> None:
            progress.update(bar, completed=place + share)

        made_at = survey.closed_at or now
        await releasing.release_survey(database, ORGANIZATION_ID, survey.id, database.keyring, made_at, tell)


async def create_organization(database: Database) -> None:
    own: dict[str, Any] = {"id": ORGANIZATION_ID, "name": NAME, "locale": LANGUAGE, "default_series": SERIES}
    own["sealed_key"] = database.keyring.new_key(ORGANIZATION_ID)
    async with database.system_session(reason="create the demo organisation") as session:
        await end_links(session)
        await queries.keep_organization(session, organizations_service.DEFAULTS | own)


async def is_older(database: Database) -> bool:
    async with database.tenant_session(ORGANIZATION_ID) as session:
        return await surveys.survey_with_external_id(session, EARLIER_WAVE) is not None


async def ask(database: Database, settings: Settings, now: datetime) -> str | None:
    """Mails what waits to be mailed. Says where somebody else can answer."""
    async with database.tenant_session(ORGANIZATION_ID) as session:
        survey_id = await surveys.survey_with_external_id(session, OPEN)
    if survey_id is None:
        return None
    await asking.write_mails(database, ORGANIZATION_ID, survey_id)
    async with database.tenant_session(ORGANIZATION_ID) as session:
        return await asking.link_of_another(session, survey_id, database.keyring, settings, now)


async def newest_numbers(database: Database) -> SatisfactionEngagement:
    """Satisfaction versus engagement by team, as GET /v1/metrics/satisfaction-engagement answers."""
    async with database.tenant_session(ORGANIZATION_ID) as session:
        survey, release = await metrics.release_to_show(session, None, None)
        groups = await metrics.read(session, release, names.HEADLINE, ["organization", "team"], None)
        return SatisfactionEngagement(
            **metrics.header(survey, release), distinctness=None, reasons={}, groups=groups
        )


async def working_key(database: Database, file: Path) -> str:
    """The key of an earlier start, or a new one where that opens nothing in this database."""
    key = kept_key(file)
    if not await opens_everything(database, key):
        wanted = ApiKeyWrite(name="demo", scopes=list(Scope), environment="test")
        async with database.tenant_session(ORGANIZATION_ID) as session:
            key = (await organizations_service.issue_api_key(session, wanted)).key
        keep_key(file, key)
    return key


def kept_key(file: Path) -> str:
    return file.read_text() if file.exists() else ""


def keep_key(file: Path, key: str) -> None:
    """Where only its owner may read it."""
    file.parent.mkdir(parents=True, exist_ok=True)
    file.touch(mode=0o600)
    file.write_text(key)


async def opens_everything(database: Database, key: str) -> bool:
    async with database.system_session(reason="find the organisation of a token") as session:
        credential = await auth.credential_of(session, token_hash(key))
    if credential is None or credential.organization_id != ORGANIZATION_ID:
        return False
    async with database.tenant_session(ORGANIZATION_ID) as session:
        row = await auth.api_key(session, credential.credential_id)
    return row is not None and set(row.scopes) == set(Scope)
