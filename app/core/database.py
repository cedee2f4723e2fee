"""Engine, sessions and the one door to raw asyncpg.

`tenant_session` acts as the restricted role and sees one organisation; `system_session` keeps the
login's own role, reads what belongs to no organisation, and says why it was needed.

What a service has to name of SQLAlchemy, a row or an error, it gets here: so SQL stays in queries.
"""

import logging
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Collection, Iterable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from copy import copy
from datetime import datetime
from functools import cached_property, partial
from typing import Any
from uuid import UUID

import asyncpg
from pydantic import SecretStr
from sqlalchemy import Executable as Executable
from sqlalchemy import Row as Row
from sqlalchemy import RowMapping as RowMapping
from sqlalchemy import TextClause, TextualSelect, UpdateBase, event, text
from sqlalchemy.exc import DBAPIError as DBAPIError
from sqlalchemy.exc import IntegrityError as IntegrityError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine
from sqlalchemy.ext.asyncio import AsyncSession as AsyncSession
from sqlalchemy.orm import ORMExecuteState, Session

from app.core import logging as app_logging
from app.core.errors import OUT_OF_REACH
from app.core.inserting import without_copy
from app.core.lines import CountedPool, dial, ping_soon
from app.core.memory import ANSWER_TABLES, CHANGED, TOLD_OF, Memory, changed_by
from app.core.secrets import Keyring, address_parts, load_secrets
from app.core.settings import Settings

log = logging.getLogger("betrokken.database")

ENTER_TENANT = text("""
SELECT set_config('role', :role, true), set_config('app.organization_id', :organization_id, true), now(),
    set_config('idle_in_transaction_session_timeout', :longest_pause, true),
    set_config('statement_timeout', :longest_statement, true), set_config('jit', 'off', true),
    CASE WHEN to_regclass('pg_dist_partition') IS NOT NULL
        THEN set_config('citus.propagate_set_commands', 'local', true) END
""")
"""The last is of Citus: what is set by SET LOCAL from then on is set on its machines too."""
ENTER_SYSTEM = text("""
SELECT set_config('idle_in_transaction_session_timeout', :longest_pause, true),
    set_config('statement_timeout', :longest_statement, true), set_config('jit', 'off', true)
""")
"""Of the transaction, not of the session: behind PgBouncer each transaction may have another session."""
LONGEST_PAUSE = "10min"
"""Between two statements: whoever is gone lets go of what their transaction holds."""
AWAY_SECONDS = 10
"""After which a replica that did not answer is tried again."""

COUNTED = "counted"
TIME = "transaction_time"
SPREAD = "spread"
Clock = Callable[[AsyncSession], Awaitable[datetime]]
"""`transaction_time`, except in tests."""


SEALED_KEY = text("""
SELECT sealed_key FROM organizations WHERE id = :organization_id
""")


def url_of(given: SecretStr | None) -> str | None:
    return None if given is None else given.get_secret_value()


class TenantTransaction(Session):
    """The synchronous half of a `TenantSession`, whose statements are given their organisation."""


class TenantSession(AsyncSession):
    """One transaction of one organisation: `:organization_id` in a statement is bound to it."""

    sync_session_class = TenantTransaction

    def __init__(self, bind: AsyncEngine | AsyncConnection, organization_id: UUID) -> None:
        super().__init__(
            bind,
            expire_on_commit=False,
            info={"organization_id": organization_id},
            join_transaction_mode="create_savepoint",
        )
        self.organization_id = organization_id


@event.listens_for(TenantTransaction, "do_orm_execute")
def bind_organization(state: ORMExecuteState) -> None:
    if isinstance(state.statement, TextClause | TextualSelect):
        bound = {"organization_id": state.session.info["organization_id"]}
        given: Any = state.parameters or {}
        state.parameters = [bound | each for each in given] if isinstance(given, list) else bound | given


@event.listens_for(TenantTransaction, "do_orm_execute")
def insert_without_copy(state: ORMExecuteState) -> None:
    if SPREAD in state.session.info and isinstance(state.statement, TextClause):
        statement = copy(state.statement)
        statement.text = without_copy(statement.text)
        state.statement = statement


@event.listens_for(TenantTransaction, "do_orm_execute")
def note_what_changes(state: ORMExecuteState) -> None:
    if isinstance(state.statement, TextClause):
        note_changes(state.session, changed_by(state.statement.text))
    elif isinstance(state.statement, UpdateBase):
        note_changes(state.session, changed_by(str(state.statement)))


@event.listens_for(TenantTransaction, "before_flush")
def note_what_is_flushed(session: Session, *_: Any) -> None:
    changed = [one for one in (*session.new, *session.dirty) if one.__tablename__ in ANSWER_TABLES]
    gone = [one for one in session.deleted if one.__tablename__ in TOLD_OF]
    note_changes(session, {TOLD_OF[one.__tablename__] for one in (*changed, *gone)})


def note_changes(session: Session | TenantSession, changed: Collection[str]) -> None:
    """Its own process forgets at once, when it has committed, what others are told of."""
    if changed:
        own = session.info["organization_id"]
        session.info.setdefault(CHANGED, set()).update((one, own) for one in changed)


class Database:
    def __init__(self, url: str, settings: Settings) -> None:
        self.url = url
        self.direct_url = url_of(settings.database_direct_url) or url
        self.role = settings.database_role
        self.settings = settings
        self._replica_is_away_until = 0.0
        self._sealed_keys: dict[UUID, bytes | None] = {}
        self.memory = Memory(self.connect_directly)
        self.engine: AsyncEngine = create_async_engine(
            "postgresql+asyncpg://",
            creator=self._adapted,
            poolclass=CountedPool,
            pool_size=settings.database_pool_size,
            max_overflow=settings.database_pool_size,
            pool_timeout=10,
            pool_pre_ping=True,
            hide_parameters=True,
        )
        ping_soon(self.engine)

    @cached_property
    def keyring(self) -> Keyring:
        """Knows the key of every organisation that a session was opened of."""
        return Keyring(load_secrets(self.settings), self._sealed_keys)

    def _adapted(self) -> Any:
        """SQLAlchemy keeps prepared statements of its own; they too outlive a session of PgBouncer's."""
        return self.engine.dialect.dbapi.connect(  # type: ignore[union-attr]
            async_creator_fn=self.connect,
            prepared_statement_cache_size=self.settings.database_statement_cache_size,
        )

    async def connect(self, **_: Any) -> asyncpg.Connection:
        """A raw connection. asyncpg reads the URL, so libpq's parameters (sslmode, host=...) work.

        It may lead through PgBouncer, which takes no other parameters of a session than these.
        """
        return await self._dial(self.url, statement_cache_size=self.settings.database_statement_cache_size)

    async def connect_directly(self) -> asyncpg.Connection:
        """One with a session of its own, past any pooler: for whoever listens."""
        connection = await self._dial(self.direct_url)
        try:
            await connection.execute(f"SET statement_timeout = '{self._longest_statement}'; SET jit = off")
        except BaseException:
            connection.terminate()
            raise
        return connection

    async def _dial(self, url: str, **options: Any) -> asyncpg.Connection:
        own = {"application_name": "betrokken", "timezone": "UTC"}
        return await dial(url, self.settings.database_statement_timeout, server_settings=own, **options)

    @property
    def _longest_statement(self) -> str:
        return f"{self.settings.database_statement_timeout}s"

    @property
    def _limits(self) -> dict[str, str]:
        return {"longest_pause": LONGEST_PAUSE, "longest_statement": self._longest_statement}

    @asynccontextmanager
    async def tenant_session(self, organization_id: UUID) -> AsyncIterator[TenantSession]:
        """One transaction that sees one organisation; commits on leaving, rolls back on an error."""
        async with TenantSession(self.engine, organization_id) as session:
            async with session.begin():
                await self._enter(session)
                yield session
            tell_of_commit(session)
            if CHANGED in session.info:
                self.memory.forget(*session.info[CHANGED])

    @cached_property
    def replica(self) -> "Database | None":
        """Another server with the same content, some moments old."""
        url = self.settings.database_read_url
        if url is None:
            return None
        replica = Database(url.get_secret_value(), self.settings)
        replica._sealed_keys = self._sealed_keys
        return replica

    @asynccontextmanager
    async def reading_session(self, organization_id: UUID) -> AsyncIterator[TenantSession]:
        """For what may be some moments old: of the replica, while there is one that answers."""
        async with AsyncExitStack() as stack:
            session = await self._of_replica(stack, organization_id)
            if session is None:
                session = await stack.enter_async_context(self.tenant_session(organization_id))
            yield session

    async def _of_replica(self, stack: AsyncExitStack, organization_id: UUID) -> TenantSession | None:
        if self.replica is None or time.monotonic() < self._replica_is_away_until:
            return None
        try:
            return await stack.enter_async_context(self.replica.tenant_session(organization_id))
        except OUT_OF_REACH as error:
            self._replica_is_away_until = time.monotonic() + AWAY_SECONDS
            log.warning("replica_away", extra=app_logging.describe(error))
            return None

    @asynccontextmanager
    async def tenant_within(
        self, session: AsyncSession, organization_id: UUID
    ) -> AsyncIterator[TenantSession]:
        """The rest of a system session's transaction, for an organisation that was made in it."""
        async with TenantSession(await session.connection(), organization_id) as tenant, tenant.begin():
            await self._enter(tenant)
            yield tenant
        session.info.setdefault(COUNTED, []).extend(tenant.info.pop(COUNTED, []))

    async def _enter(self, session: TenantSession) -> None:
        own = str(session.organization_id)
        who = {"role": self.role, "organization_id": own} | self._limits
        entered = (await session.execute(ENTER_TENANT, who)).one()
        session.info[TIME] = entered[2]
        if entered[-1] is not None:
            session.info[SPREAD] = True
            await session.execute(text(f"""SET LOCAL app.organization_id = '{session.organization_id}'"""))
        app_logging.organization_id.set(own)
        await self._know(session)

    async def _know(self, session: TenantSession) -> None:
        """Keys do not change, so each is read once; a null is of before there were keys."""
        if session.organization_id not in self._sealed_keys:
            for sealed in await session.scalars(SEALED_KEY):
                self._sealed_keys[session.organization_id] = sealed

    async def meet(self, organization_id: UUID) -> Keyring:
        """The keyring, for what must be proved genuine before a session of its organisation is given."""
        if organization_id not in self._sealed_keys:
            async with self.tenant_session(organization_id):
                pass
        return self.keyring

    async def opened(self, purpose: str, token: str) -> tuple[UUID, UUID] | None:
        """`Keyring.opened`, whether or not this process has met the organisation."""
        try:
            organization_id, _, _ = address_parts(token)
        except ValueError:
            return None
        return (await self.meet(organization_id)).opened(purpose, token)

    @asynccontextmanager
    async def system_session(self, *, reason: str) -> AsyncIterator[AsyncSession]:
        """One transaction outside every organisation, for the tables that belong to none."""
        log.debug("system_session", extra={"reason": reason})
        async with AsyncSession(self.engine, expire_on_commit=False) as session:
            async with session.begin():
                await session.execute(ENTER_SYSTEM, self._limits)
                yield session
            tell_of_commit(session)

    def for_long_statements(self, seconds: int) -> "Database":
        """The same one, past any pooler, where a statement may take that long."""
        return Database(
            self.direct_url, self.settings.model_copy(update={"database_statement_timeout": seconds})
        )

    async def close(self) -> None:
        await self.engine.dispose()
        if "replica" in vars(self) and self.replica is not None:
            await self.replica.close()


def once_committed(session: AsyncSession, count: Callable[..., object], *given: object) -> None:
    """What is counted lasts: if the transaction falls, it has not happened."""
    session.info.setdefault(COUNTED, []).append(partial(count, *given))


def tell_of_commit(session: AsyncSession) -> None:
    for count in session.info.pop(COUNTED, []):
        count()


async def raw_connection(session: AsyncSession) -> asyncpg.Connection:
    """The session's own asyncpg connection, inside its transaction."""
    connection = await session.connection()
    return (await connection.get_raw_connection()).driver_connection


async def bulk_copy(
    session: AsyncSession, table: str, columns: Sequence[str], rows: Iterable[Sequence[Any]]
) -> None:
    """COPY rows into a temporary table `table` of the current transaction.

    COPY cannot write into a table under row-level security: copy here, then INSERT ... SELECT.
    """
    connection = await raw_connection(session)
    await connection.copy_records_to_table(table, columns=list(columns), records=rows)


AS_OF = text("""SELECT oldest_transaction_started_at()""")


async def as_of(session: AsyncSession) -> datetime:
    """An instant before every transaction in flight; ask before reading a list.

    A change the list does not show yet happened after it, so the next delta read finds it.
    """
    started: datetime = await session.scalar(AS_OF)
    return started


TRANSACTION_TIME = text("""SELECT now()""")


async def transaction_time(session: AsyncSession) -> datetime:
    """now() of the database: the instant every change of this transaction bears.

    The one clock by which anything is scheduled, found due or out of date.
    """
    if TIME not in session.info:
        session.info[TIME] = await session.scalar(TRANSACTION_TIME)
    moment: datetime = session.info[TIME]
    return moment
