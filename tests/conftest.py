"""A real PostgreSQL, migrated once and cloned for each test process; two organisations in each test.

Tests commit for real: what keeps them apart is that each has organisations of its own. The rest is in
CONTRIBUTING.md, "How a test is built".
"""

import asyncio
import os
import re
import shutil
import tempfile
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import UUID

import asyncpg
import httpx
import hypothesis
import pytest
from fastapi import FastAPI
from pgqueuer.core.qm import QueueManager
from pydantic import SecretStr
from sqlalchemy import TextClause, TextualSelect, event, text
from sqlalchemy.orm import ORMExecuteState

from app.auth import dependencies
from app.auth.principal import Scope
from app.core import migrations
from app.core.database import Database, TenantTransaction
from app.core.jobs import Worker
from app.core.secrets import Keyring
from app.core.settings import Settings
from app.embedded.server import embedded_postgres
from app.main import JOBS, create_app
from app.organizations import service as organizations
from app.organizations.schemas import ApiKeyWrite
from tests import contract, secrecy
from tests.examples import SEARCHING, STEADY
from tests.statements import unbound, written
from tests.waiting import until

hypothesis.settings.register_profile("steady", derandomize=True, deadline=None, max_examples=STEADY)
hypothesis.settings.register_profile("searching", deadline=None, max_examples=SEARCHING)
hypothesis.settings.load_profile("steady")
"""The same examples in every run; new ones with --hypothesis-profile=searching."""

SECRET = "a secret that only tests have, forty characters"
DUE_JOBS = text(
    "SELECT EXISTS (SELECT FROM pgqueuer WHERE status = 'picked'"
    " OR (status = 'queued' AND execute_after <= now()))"
)


class Everyone(dict[UUID, bytes | None]):
    """No organisation has a key of its own."""

    def __contains__(self, _: object) -> bool:
        return True

    def __missing__(self, _: UUID) -> None:
        return None


def stranger(secret: str = "another secret of forty characters......") -> Keyring:
    """The keyring of a service with that secret, whose organisations are of before there were keys."""
    return Keyring([secret], Everyone())


UNSEEN = pytest.StashKey[list[str]]()
OWN_FOLDER = pytest.StashKey[Path]()
HAS_PASSED = pytest.StashKey[bool]()
BETRAYED: set[str] = set()
"""Where anything of a person was told: see secrecy.py."""
BOUND: set[tuple[Any, ...]] = set()
"""Statements seen before."""
GIVEN_DATABASE = os.environ.get("DATABASE_URL")


@pytest.hookimpl(tryfirst=True)
def pytest_configure(config: pytest.Config) -> None:
    """A run has a folder for temporary files that is its own.

    pytest's usual one lies in a folder of all runs, which each run closes to other OS users as it starts:
    under the feet of the PostgreSQL of another run, which as root is such a user.
    """
    secrecy.listen()
    if config.option.basetemp is None and not hasattr(config, "workerinput"):
        config.option.basetemp = tempfile.mkdtemp(prefix="pytest-")
        config.stash[OWN_FOLDER] = Path(config.option.basetemp)


def pytest_unconfigure(config: pytest.Config) -> None:
    """What a run that passed wrote is of no use; after another it is left to be looked at."""
    if config.stash.get(HAS_PASSED, False):
        shutil.rmtree(config.stash[OWN_FOLDER], ignore_errors=True)


def pytest_testnodedown(node: Any) -> None:
    """A worker of xdist has ended: what it met counts for the whole run."""
    output = getattr(node, "workeroutput", {})
    contract.seen.update(map(tuple, output.get("seen", [])))
    BETRAYED.update(output.get("betrayed", []))


@pytest.hookimpl(trylast=True)
def pytest_sessionfinish(session: pytest.Session, exitstatus: int) -> None:
    """A full run that passed has met everything the contract promises; else it fails after all."""
    config = session.config
    if hasattr(config, "workeroutput"):
        config.workeroutput["seen"] = [list(one) for one in contract.seen]
        config.workeroutput["betrayed"] = secrecy.overheard()
    elif exitstatus == pytest.ExitCode.OK and is_full_run(config) and contract.unseen():
        config.stash[UNSEEN] = contract.unseen()
        session.exitstatus = pytest.ExitCode.TESTS_FAILED
    if not hasattr(config, "workeroutput"):
        BETRAYED.update(secrecy.overheard())
        if BETRAYED and session.exitstatus == pytest.ExitCode.OK:
            session.exitstatus = pytest.ExitCode.TESTS_FAILED
    config.stash[HAS_PASSED] = OWN_FOLDER in config.stash and session.exitstatus == pytest.ExitCode.OK


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    if missing := config.stash.get(UNSEEN, []):
        terminalreporter.section("in openapi.yaml, and met by no test")
        terminalreporter.write_line("\n".join(missing))
    if BETRAYED:
        terminalreporter.section("of a person, and told in a line, label or attribute")
        terminalreporter.write_line("\n".join(sorted(BETRAYED)))


def is_full_run(config: pytest.Config) -> bool:
    options = config.option
    is_selected = (
        options.keyword or options.markexpr not in ("", "not nightly") or getattr(options, "lf", False)
    )
    everything = config.args_source is pytest.Config.ArgsSource.TESTPATHS
    return everything and not is_selected and not options.collectonly


def on_database(url: str, name: str) -> str:
    """The URL with another database name."""
    return re.sub(r"(://[^/]*/)[^?]*", rf"\g<1>{name}", url, count=1)


async def run_sql(url: str, *statements: str) -> None:
    connection = await asyncpg.connect(url)
    try:
        for statement in statements:
            await connection.execute(statement)
    finally:
        await connection.close()


@pytest.fixture(scope="session")
def server_url() -> Iterator[str]:
    """DATABASE_URL, or one embedded server shared by all test processes of this run."""
    if GIVEN_DATABASE:
        yield GIVEN_DATABASE
        return
    run = os.environ.get("PYTEST_XDIST_TESTRUNUID", str(os.getpid()))
    folder = Path(tempfile.gettempdir()) / f"betrokken-tests-{run[:12]}"
    with embedded_postgres(folder, durable=False) as url:
        yield url
    if not (folder / "postgres" / "postmaster.pid").exists():
        shutil.rmtree(folder)


@pytest.fixture(scope="session")
def settings(tmp_path_factory: pytest.TempPathFactory) -> Settings:
    data_dir = tmp_path_factory.mktemp("data")
    return Settings(
        pseudonym_secret=SecretStr(SECRET),
        worker_enabled=False,
        data_dir=data_dir,
        unknown_key_limit=None,  # all tests come from one address
        unknown_code_limit=None,
    )


def own_name(purpose: str) -> str:
    """The name of a database that no other test process uses."""
    return f"betrokken_{purpose}_{os.environ.get('PYTEST_XDIST_WORKER', 'main')}_{os.getpid()}"


@asynccontextmanager
async def database_like(server_url: str, purpose: str, template: str = "template0") -> AsyncIterator[str]:
    """The URL of a database that is gone afterwards."""
    name = own_name(purpose)
    await run_sql(server_url, f"CREATE DATABASE {name} TEMPLATE {template}")
    try:
        yield on_database(server_url, name)
    finally:
        await run_sql(server_url, f"DROP DATABASE {name} WITH (FORCE)")


@pytest.fixture(scope="session")
async def template(server_url: str, settings: Settings) -> AsyncIterator[str]:
    """The name of a database with this version's schema and nothing in it."""
    async with database_like(server_url, "template") as url:
        database = Database(url, settings)
        await migrations.migrate(database)
        await database.close()
        yield own_name("template")


@pytest.fixture(scope="session", autouse=True)
def queue_is_there() -> Iterator[None]:
    """Workers need not ask, in seventeen statements each, for tables that the template has."""

    async def believe(_: QueueManager) -> None: ...

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(QueueManager, "verify_structure", believe)
        yield


@pytest.fixture(scope="session")
async def database_url(server_url: str, template: str) -> AsyncIterator[str]:
    """The database of this test process."""
    async with database_like(server_url, "test", template) as url:
        yield url


@pytest.fixture(scope="session")
async def app(settings: Settings, database_url: str) -> AsyncIterator[FastAPI]:
    app = create_app(settings, database_url)
    async with app.router.lifespan_context(app):
        yield app


@pytest.fixture(scope="session")
def database(app: FastAPI) -> Database:
    found: Database = app.state.database
    return found


@dataclass
class Tenant:
    """An organisation with a client that may do everything, and the means to make lesser ones."""

    id: UUID
    client: contract.ContractClient
    app: FastAPI
    database: Database

    async def key(self, *scopes: str) -> str:
        wanted = ApiKeyWrite(name="test", scopes=list(scopes or Scope))
        async with self.database.tenant_session(self.id) as session:
            return (await organizations.issue_api_key(session, wanted)).key

    async def client_with(self, *scopes: str) -> contract.ContractClient:
        return client_for(self.app, await self.key(*scopes))

    async def work(self) -> None:
        """Does the jobs that are due, this organisation's and any other's; nothing that the clock starts."""
        if await self._is_done():
            return
        worker = asyncio.create_task(Worker(self.database, JOBS, schedules={}).run())
        try:
            await until(self._is_done)
        finally:
            worker.cancel()
            await asyncio.gather(worker, return_exceptions=True)

    async def work_later(self) -> None:
        """Does also what waits for a later try."""
        async with self.database.system_session(reason="test") as session:
            await session.execute(text("UPDATE pgqueuer SET execute_after = now() WHERE status = 'queued'"))
        await self.work()

    async def _is_done(self) -> bool:
        async with self.database.system_session(reason="test") as session:
            return not await session.scalar(DUE_JOBS)


def client_for(app: FastAPI, key: str | None) -> contract.ContractClient:
    headers = {"Authorization": f"Bearer {key}"} if key else {}
    transport = httpx.ASGITransport(app=app, raise_app_exceptions=False)
    return contract.ContractClient(transport=transport, base_url="http://test", headers=headers)


async def new_tenant(app: FastAPI, name: str) -> Tenant:
    database: Database = app.state.database
    async with database.system_session(reason="test") as session:
        organization_id = await organizations.create_organization(session, name, database.keyring)
    tenant = Tenant(organization_id, client_for(app, None), app, database)
    tenant.client.headers["Authorization"] = f"Bearer {await tenant.key()}"
    return tenant


@pytest.fixture
async def acme(app: FastAPI) -> Tenant:
    return await new_tenant(app, "Acme")


@pytest.fixture(scope="module")
async def module_database(server_url: str, template: str) -> AsyncIterator[str]:
    """The URL of a database that only this module uses."""
    async with database_like(server_url, "module", template) as url:
        yield url


@pytest.fixture
async def lone(server_url: str, template: str, settings: Settings) -> AsyncIterator[Tenant]:
    """Acme in a database of its own, for what is done or counted in every organisation."""
    async with database_like(server_url, "lone", template) as url:
        app = create_app(settings, url)
        async with app.router.lifespan_context(app):
            yield await new_tenant(app, "Acme")


@pytest.fixture
async def other(app: FastAPI) -> Tenant:
    """Another organisation: present in every test that names it, invisible to Acme."""
    return await new_tenant(app, "Globex")


@pytest.fixture
def api(acme: Tenant) -> contract.ContractClient:
    """Acme's client, with every scope."""
    return acme.client


@pytest.fixture
def anonymous(app: FastAPI) -> contract.ContractClient:
    return client_for(app, None)


@event.listens_for(TenantTransaction, "do_orm_execute")
def names_its_organization(state: ORMExecuteState) -> None:
    """What test_statements.py cannot read: statements that SQLModel makes while the service runs."""
    if isinstance(state.statement, TextClause | TextualSelect):
        return
    key = state.statement._generate_cache_key()  # that by which SQLAlchemy itself knows it again
    if key is None or key.key not in BOUND:
        sql = written(state.statement)
        assert not unbound(sql), sql
        BOUND.update({key.key} if key else ())


@pytest.fixture
def queries(database: Database, monkeypatch: pytest.MonkeyPatch) -> Iterator[list[str]]:
    """The SQL statements sent while the test runs; clear the list before what is counted.

    Without those that look a key up: that is done for the first of several requests, or for each.
    """
    statements: list[str] = []
    is_of_a_key = ContextVar("is_of_a_key", default=False)

    def remember(_: Any, __: Any, statement: str, *___: Any) -> None:
        if not is_of_a_key.get():
            statements.append(statement)

    def unheard(look_up: Any) -> Any:
        async def looked_up(*given: Any) -> Any:
            token = is_of_a_key.set(True)
            try:
                return await look_up(*given)
            finally:
                is_of_a_key.reset(token)

        return looked_up

    for name in ("proof_of_key", "principal_of_key"):
        monkeypatch.setattr(dependencies, name, unheard(getattr(dependencies, name)))
    event.listen(database.engine.sync_engine, "before_cursor_execute", remember)
    yield statements
    event.remove(database.engine.sync_engine, "before_cursor_execute", remember)


@pytest.fixture
async def owner(database_url: str, acme: Tenant) -> AsyncIterator[asyncpg.Connection]:
    """A connection as the login itself. Where that is no superuser, row-level security lets it see Acme."""
    connection = await asyncpg.connect(database_url)
    await connection.execute("SELECT set_config('app.organization_id', $1, false)", str(acme.id))
    yield connection
    await connection.close()
