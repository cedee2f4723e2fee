"""The secret is changed for another, with data of every kind in place."""

import asyncio
import json
import os
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import asyncpg
import pytest
from pydantic import SecretStr
from sqlalchemy import text

from app.core.audit import person_mark
from app.core.database import Database
from app.core.rotation import BATCH, Rotated, prepare_keys, rotate
from app.core.secrets import SecretMissing
from app.core.settings import Settings
from app.main import SEALED, create_app
from app.newsletter.service import UNSUBSCRIBE
from app.surveys.invitations.queries import remember_deliveries
from app.surveys.invitations.tokens import new_nonce, opened_person, sealed_person
from tests.conftest import SECRET, Tenant, client_for, database_like, new_tenant
from tests.waiting import until_blocked
from tests.webhooks.hooks import deliver, happens, log_of, subscribed
from tests.webhooks.receiver import receiving
from tests.world import MARK, furnish, made, tenant_tables

NEW = "the secret of next year, of forty characters"
REPOSITORY = Path(__file__).parents[2]


@pytest.fixture
async def database_url(server_url: str, template: str) -> AsyncIterator[str]:
    """A database of its own: a rotation is of all that is in one."""
    async with database_like(server_url, "rotation", template) as url:
        yield url


@pytest.fixture
async def owner(database_url: str) -> AsyncIterator[asyncpg.Connection]:
    connection = await asyncpg.connect(database_url)
    yield connection
    await connection.close()


def given(settings: Settings, first: str, *previous: str) -> Settings:
    return settings.model_copy(
        update={
            "pseudonym_secret": SecretStr(first),
            "pseudonym_secret_previous": tuple(map(SecretStr, previous)),
            "webhooks_private": True,
        }
    )


@asynccontextmanager
async def served(settings: Settings, url: str, tenant: Tenant | None = None) -> AsyncIterator[Tenant]:
    """The service with those secrets; the tenant as it was, or a new one."""
    app = create_app(settings, url)
    async with app.router.lifespan_context(app):
        found = await new_tenant(app, MARK)
        if tenant is not None:
            found = Tenant(tenant.id, client_for(app, None), app, app.state.database)
            found.client.headers["Authorization"] = tenant.client.headers["Authorization"]
        yield found


async def rotated(tenant: Tenant) -> Rotated:
    async with tenant.database.system_session(reason="test") as session:
        ids = (await session.scalars(text("SELECT id FROM organizations ORDER BY id"))).all()
    return await rotate(tenant.database, ids, SEALED)


async def seals(owner: asyncpg.Connection) -> dict[str, list[bytes]]:
    """All that is sealed, by where it is; every column of bytes that is not listed here is no seal."""
    found = await owner.fetch(
        "SELECT 'webhooks.sealed_secret' AS place, sealed_secret AS sealed FROM webhooks"
        " UNION ALL SELECT 'webhooks.earlier_secret', earlier_secret FROM webhooks"
        "  WHERE earlier_secret IS NOT NULL"
        " UNION ALL SELECT 'chat_connections.sealed_secret', sealed_secret FROM chat_connections"
        " UNION ALL SELECT 'import_chunks.data', data FROM import_chunks"
        " UNION ALL SELECT 'invitation_deliveries.person_seal', person_seal FROM invitation_deliveries"
        "  WHERE person_seal IS NOT NULL"
        " UNION ALL SELECT 'invitation_reminder_mails.person_seal', person_seal"
        "  FROM invitation_reminder_mails"
        "  WHERE person_seal IS NOT NULL"
        " UNION ALL SELECT 'organizations.sealed_key', sealed_key FROM organizations"
    )
    places: dict[str, list[bytes]] = {}
    for row in found:
        places.setdefault(row["place"], []).append(row["sealed"])
    return places


NO_SEALS = {
    "answers_links.token_hash",
    "audit_entries.person",
    "calendar_feeds.token_hash",
    "credentials.token_hash",
    "erased_people.mark",
    "idempotency_records.answer",
    "idempotency_records.body_mac",
    "idempotency_records.key_mac",
    "invitation_deliveries.kept_nonce",
    "invitation_deliveries.nonce",
    "invitations.token_hash",
    "pgqueuer.payload",
    "recognition_told_months.pairs",
    "recognition_told_months.people",
    "replaced_invitations.token_hash",
    "setup_links.token_hash",
    "surveys.address_hash",
    "surveys.address_nonce",
}
"""Bytes that are counts, hashes, or derived from the key of the organisation, and stay as they are."""
BYTES = """
SELECT c.table_name || '.' || c.column_name FROM information_schema.columns c
JOIN information_schema.tables t USING (table_schema, table_name)
WHERE c.table_schema = 'public' AND c.data_type = 'bytea' AND t.table_type = 'BASE TABLE'
"""


async def everything_but_seals(owner: asyncpg.Connection) -> dict[str, list[Any]]:
    """The log aside, to which a rotation adds."""
    tables = [*await tenant_tables(owner), "organizations", "credentials"]
    left_out = "'sealed_secret', 'earlier_secret', 'data', 'sealed_key', 'person_seal'"
    return {
        table: await owner.fetchval(
            f"SELECT array_agg(told::text ORDER BY told) FROM {table} t"
            f" CROSS JOIN LATERAL (SELECT to_jsonb(t) - ARRAY[{left_out}] AS told) AS all_else"
        )
        for table in tables
        if table != "audit_entries"
    }


async def test_every_column_of_bytes_is_sealed_anew_or_known_to_be_no_seal(
    database_url: str, owner: asyncpg.Connection, settings: Settings
) -> None:
    """Who adds a column of seals adds it to SEALED in app/main.py too."""
    async with served(given(settings, SECRET), database_url) as acme:
        await filled(acme)
    places = set(await seals(owner))
    assert {row[0] for row in await owner.fetch(BYTES)} == places | NO_SEALS
    assert len(places) == len(SEALED) + 1


INVITED = UUID(int=7)


async def filled(acme: Tenant) -> dict[str, Any]:
    """A world with a row in every table, and of each kind of seal one that is used again."""
    things: dict[str, Any] = await furnish(acme)
    await made(acme.client.post(f"/v1/webhooks/{things['webhook_id']}/secret"))
    sealed = sealed_person(acme.database.keyring, acme.id, INVITED)
    delivery = (uuid4(), new_nonce(), sealed)
    async with acme.database.tenant_session(acme.id) as session:
        await remember_deliveries(session, UUID(things["survey_id"]), None, [delivery])
    return things


async def test_what_there_is_goes_on_under_another_secret(
    database_url: str, owner: asyncpg.Connection, settings: Settings
) -> None:
    old, both, new = given(settings, SECRET), given(settings, NEW, SECRET), given(settings, NEW)
    async with served(old, database_url) as acme, receiving() as receiver:
        things = await filled(acme)
        hook = await subscribed(acme, receiver.url)
        survey, invitation = things["survey_id"], things["invitation"]
        keyring = acme.database.keyring
        address = keyring.address_token(acme.id, UNSUBSCRIBE, UUID(things["subscription_id"]))
        marks = [person_mark(keyring, acme.id, name) for name in ("E-9999", "E-1042")]
        before = await everything_but_seals(owner)
        async with served(both, database_url, acme) as bridge:
            assert all(
                not seal.startswith(bridge.database.keyring.marks[0])
                for place in (await seals(owner)).values()
                for seal in place[:1]
            )
            done = await rotated(bridge)
            assert done.resealed >= len(SEALED) + 1
            assert done.unreadable == 0
            assert await rotated(bridge) == Rotated()
        assert {
            **await everything_but_seals(owner),
            "organizations": None,
            "api_keys": None,
            "credentials": None,
        } == {**before, "organizations": None, "api_keys": None, "credentials": None}
        async with served(new, database_url, acme) as after:
            await prepare_keys(after.database)
            mark = after.database.keyring.marks[0]
            assert all(seal.startswith(mark) for place in (await seals(owner)).values() for seal in place)
            own = after.database.keyring
            (invited,) = (await seals(owner))["invitation_deliveries.person_seal"]
            assert opened_person(own, acme.id, invited) == INVITED
            async with after.database.tenant_session(acme.id):
                assert [person_mark(own, acme.id, name) for name in ("E-9999", "E-1042")] == marks
            again = await after.client.put("/v1/people/E-9999", json={"name": MARK})
            assert again.status_code == 409, "erased people are known still"
            answer = {"answers": {"pay_fair": 4}}
            respondent = client_for(after.app, invitation)
            assert (await respondent.post("/v1/respond", json=answer)).status_code == 201
            twice = {"respondent": "E-0007", **answer}
            refused = await after.client.post(f"/v1/surveys/{survey}/responses", json=twice)
            assert refused.json()["code"] == "already_responded"
            anonymous = client_for(after.app, None)
            assert (await anonymous.post(f"/v1/newsletter/unsubscribe/{address}")).status_code == 200
            await happens(after)
            await deliver(after, hook)
            assert [one["status"] for one in await log_of(after, hook)] == ["delivered"]
            await after.work()
            waiting = await made(after.client.get(f"/v1/imports/{things['import_id']}"))
            assert waiting["status"] == "finished", waiting


async def test_a_database_of_before_there_were_keys_goes_on(
    database_url: str, owner: asyncpg.Connection, settings: Settings
) -> None:
    async with served(given(settings, SECRET), database_url) as acme:
        await owner.execute("UPDATE organizations SET sealed_key = NULL")
        async with served(given(settings, SECRET), database_url, acme) as same:
            async with same.database.tenant_session(acme.id):
                derived = same.database.keyring.uuid(acme.id, "pseudonym", b"x")
            await prepare_keys(same.database)
            assert await owner.fetchval("SELECT count(*) FROM organizations WHERE sealed_key IS NULL") == 0
        async with served(given(settings, NEW, SECRET), database_url, acme) as bridge:
            await rotated(bridge)
        async with served(given(settings, NEW), database_url, acme) as after:
            async with after.database.tenant_session(acme.id):
                assert after.database.keyring.uuid(acme.id, "pseudonym", b"x") == derived


async def test_a_service_with_another_secret_does_not_start(database_url: str, settings: Settings) -> None:
    async with served(given(settings, SECRET), database_url):
        pass
    other = Database(database_url, given(settings, NEW))
    with pytest.raises(SecretMissing, match="sealed with another secret"):
        await prepare_keys(other)
    await other.close()


async def test_a_data_folder_without_its_secret_gets_no_other(
    database_url: str, settings: Settings, tmp_path: Path
) -> None:
    """As after a restore: one that is made anew opens nothing, and hides that the file is missing."""
    async with served(given(settings, SECRET), database_url):
        pass
    own = settings.model_copy(update={"database_url": None, "pseudonym_secret": None, "data_dir": tmp_path})
    file = tmp_path / "pseudonym-secret"
    for said in ("is missing: put back the file", "another secret than the secret in"):
        folder = Database(database_url, own)
        with pytest.raises(SecretMissing, match=said) as refused:
            await prepare_keys(folder)
        await folder.close()
        assert str(file) in str(refused.value)
        assert file.exists() is ("another" in said)
        file.write_text(NEW)
    file.write_text(SECRET)
    folder = Database(database_url, own)
    await prepare_keys(folder)
    await folder.close()


async def test_what_no_secret_opens_is_counted_and_left(
    database_url: str, owner: asyncpg.Connection, settings: Settings
) -> None:
    async with served(given(settings, NEW, SECRET), database_url) as acme, receiving() as receiver:
        hook = await subscribed(acme, receiver.url)
        await owner.execute("UPDATE webhooks SET sealed_secret = 'lost'")
        assert await rotated(acme) == Rotated(unreadable=1)
        assert await owner.fetchval("SELECT sealed_secret FROM webhooks") == b"lost"
        await happens(acme)
        await deliver(acme, hook)
        assert [(one["status"], one["error"]) for one in await log_of(acme, hook)] == [
            ("pending", "unreadable_secret")
        ]
        assert receiver.received == [], "nothing is sent unsigned"


@pytest.mark.nightly  # kills
async def test_a_rotation_that_is_killed_loses_nothing_and_goes_on(
    database_url: str, owner: asyncpg.Connection, settings: Settings
) -> None:
    """It waits for a row that the test holds, in a later batch than its first; there it is killed."""
    async with served(given(settings, SECRET), database_url) as acme:
        keyring = acme.database.keyring
        plains = {uuid4(): f"secret {number}".encode() for number in range(2 * BATCH + 1)}
        rows = [
            (acme.id, one, keyring.seal(acme.id, "chat connection", plain)) for one, plain in plains.items()
        ]
        await owner.executemany(
            "INSERT INTO chat_connections (organization_id, id, product, name, sealed_secret)"
            " VALUES ($1, $2, 'slack', 'x', $3)",
            rows,
        )
        async with holding(database_url, max(plains)):
            command = await begun(database_url, settings)
            await until_blocked(owner)
            command.send_signal(signal.SIGKILL)
            await command.wait()
        marks = await counted(owner)
        assert sorted(marks.values()) == [1, 2 * BATCH]
        both = given(settings, NEW, SECRET)
        async with served(both, database_url, acme) as bridge:
            assert await opened(bridge, owner, plains) == plains
        command = await begun(database_url, settings)
        output, errors = await command.communicate()
        assert command.returncode == 0, errors
        assert output.splitlines()[-1].startswith(b"1 sealed anew"), output
        assert list((await counted(owner)).values()) == [2 * BATCH + 1]
        async with served(given(settings, NEW), database_url, acme) as after:
            assert await opened(after, owner, plains) == plains


@asynccontextmanager
async def holding(url: str, connection_id: UUID) -> AsyncIterator[None]:
    connection = await asyncpg.connect(url)
    await connection.execute("BEGIN")
    await connection.execute("SELECT FROM chat_connections WHERE id = $1 FOR UPDATE", connection_id)
    yield
    await connection.close()


async def begun(url: str, settings: Settings) -> asyncio.subprocess.Process:
    own = {
        "DATABASE_URL": url,
        "BETROKKEN_PSEUDONYM_SECRET": NEW,
        "BETROKKEN_PSEUDONYM_SECRET_PREVIOUS": json.dumps([SECRET]),
        "BETROKKEN_DATA_DIR": str(settings.data_dir),
    }
    return await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "app", "secrets", "rotate"),
        cwd=REPOSITORY,
        env=os.environ | own,
        stdout=-1,
        stderr=-1,
    )


async def counted(owner: asyncpg.Connection) -> dict[bytes, int]:
    """Chat connections by the secret that their own is sealed with."""
    found = await owner.fetch(
        "SELECT substr(sealed_secret, 1, 5) AS mark, count(*) FROM chat_connections GROUP BY 1"
    )
    return {row["mark"]: row["count"] for row in found}


async def opened(
    tenant: Tenant, owner: asyncpg.Connection, wanted: dict[UUID, bytes]
) -> dict[UUID, bytes | None]:
    found = await owner.fetch("SELECT id, sealed_secret FROM chat_connections")
    unseal = tenant.database.keyring.unseal
    return {row["id"]: unseal(tenant.id, "chat connection", row["sealed_secret"]) for row in found}
