"""Backup and restore with the login that managed services give: owner of tables of which it sees no row."""

import json
import os
import zipfile
from collections.abc import AsyncIterator, Callable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any
from uuid import uuid4

import asyncpg
import pytest
from pydantic import SecretStr

from app.core import backup, migrations
from app.core.archive import MANIFEST, BackupRefused, Manifest, new_archive, opened_archive
from app.core.backup import back_up
from app.core.database import AsyncSession, Database
from app.core.restore import restore
from app.core.settings import Settings
from app.main import create_app
from app.organizations import service as organizations
from tests.conftest import Tenant, client_for, new_tenant, on_database, run_sql
from tests.test_demo_metrics import ADDRESSES
from tests.test_migrations import acting_as, may_make_roles
from tests.world import furnish

TABLES = """
SELECT format('%I', relname) FROM pg_class
WHERE relnamespace = 'public'::regnamespace AND relkind IN ('r', 'p') ORDER BY relname
"""
SHAPE = """
SELECT relname || '|' || relrowsecurity || relforcerowsecurity || relowner::regrole::text FROM pg_class
WHERE relnamespace = 'public'::regnamespace
UNION ALL SELECT conrelid::regclass || '|' || conname || '|' || convalidated || pg_get_constraintdef(oid)
FROM pg_constraint WHERE connamespace = 'public'::regnamespace
UNION ALL SELECT tgrelid::regclass || '|' || tgname || '|' || tgenabled::text
FROM pg_trigger WHERE NOT tgisinternal
ORDER BY 1
"""

Change = Callable[[dict[str, Any]], Any]


@dataclass
class Site:
    """Databases of a login that owns them and is nothing more."""

    login: str
    settings: Settings
    new: Callable[[], Any]
    admin_url: Callable[[Database], str]


@pytest.fixture
async def site(server_url: str, settings: Settings, owner: asyncpg.Connection) -> AsyncIterator[Site]:
    await may_make_roles(owner)
    login = f"managed_{uuid4().hex[:12]}"
    await owner.execute(f"CREATE ROLE {login} LOGIN; GRANT {settings.database_role} TO {login}")
    made: list[Database] = []

    async def new() -> Database:
        name = f"betrokken_backup_{os.getpid()}_{login}_{len(made)}"
        await run_sql(server_url, f"CREATE DATABASE {name} OWNER {login}")
        made.append(Database(acting_as(on_database(server_url, name), login), settings))
        return made[-1]

    yield Site(login, settings, new, lambda database: database.url.partition("options=")[0].rstrip("?&"))
    for database in made:
        await database.close()
        await run_sql(server_url, f"DROP DATABASE {name_of(database)} WITH (FORCE)")
    await run_sql(server_url, f"DROP ROLE {login}")


def name_of(database: Database) -> str:
    return database.url.partition("?")[0].rpartition("/")[2]


async def content(url: str) -> dict[str, list[str]]:
    """Every row of every table, as an administrator sees them."""
    connection = await asyncpg.connect(url)
    try:
        found = {}
        for (table,) in await connection.fetch(TABLES):
            rows = await connection.fetch(f"SELECT t::text AS row FROM {table} t")
            found[table] = sorted(row["row"] for row in rows)
        return found | {"shape": [row[0] for row in await connection.fetch(SHAPE)]}
    finally:
        await connection.close()


@pytest.mark.nightly
async def test_everything_comes_back_elsewhere_and_every_metric_says_the_same(
    site: Site, tmp_path: Path
) -> None:
    here, elsewhere = await site.new(), await site.new()
    await migrations.migrate(here)
    app = create_app(site.settings, here.url)
    async with app.router.lifespan_context(app):
        acme = await new_tenant(app, "Acme")
        made = await furnish(acme)
        await new_tenant(app, "Globex")
        key = acme.client.headers["Authorization"].removeprefix("Bearer ")
        manifest = await back_up(here, tmp_path / "backup")
        before = await content(site.admin_url(here))
        said = await answers(acme, made["released_survey_id"])
    assert sum(map(len, before.values())) - len(before["shape"]) - 1 == manifest.rows
    assert all(before[table] for table in ("people", "responses", "releases", "audit_entries"))
    assert (tmp_path / "backup").stat().st_mode & 0o077 == 0
    assert await restore(elsewhere, tmp_path / "backup") == manifest
    assert await content(site.admin_url(elsewhere)) == before
    app = create_app(site.settings, elsewhere.url)
    async with app.router.lifespan_context(app):
        there = Tenant(acme.id, client_for(app, key), app, elsewhere)
        assert await answers(there, made["released_survey_id"]) == said


async def answers(tenant: Tenant, survey: str) -> dict[str, bytes]:
    """Of every metrics address of the contract."""
    said = {}
    for operation in ADDRESSES:
        path = operation.url(survey_id=survey).partition("?")[0]
        names = {one["name"] for one in operation.parameters if one["in"] == "query"}
        answer = await tenant.client.get(path, params={"survey_id": survey} if "survey_id" in names else {})
        assert answer.status_code == 200, answer.text
        said[operation.id] = answer.content
    assert len(said) >= 18
    return said


async def refusal(work: Any) -> str:
    with pytest.raises(BackupRefused) as refused:
        await work
    said = str(refused.value)
    assert "\n" not in said
    return said


async def test_what_would_be_incomplete_or_in_the_wrong_place_is_refused(site: Site, tmp_path: Path) -> None:
    here, elsewhere = await site.new(), await site.new()
    file = tmp_path / "backup"
    with pytest.raises(migrations.MigrationRefused, match="holds no tables of Betrokken"):
        await back_up(here, file)
    await migrations.migrate(here)
    async with here.system_session(reason="test") as session:
        connection = await (await session.connection()).get_raw_connection()
        await connection.driver_connection.execute(f"REVOKE SELECT ON credentials FROM {site.login}")
    said = await refusal(back_up(here, file))
    assert said.endswith(f"an administrator runs: GRANT SELECT ON credentials TO {site.login};")
    await run_sql(site.admin_url(here), said.partition("runs: ")[2])
    await run_sql(site.admin_url(here), "ALTER POLICY tenant ON people USING (name <> 'Anna')")
    assert (await refusal(back_up(here, file))).endswith(f"ALTER ROLE {site.login} BYPASSRLS;")
    await run_sql(site.admin_url(here), f"ALTER ROLE {site.login} BYPASSRLS")
    await back_up(here, file)
    assert os.listdir(tmp_path) == ["backup"]
    assert "there already" in await refusal(back_up(here, file))
    await run_sql(site.admin_url(elsewhere), "CREATE TABLE of_others (a int)")
    assert "not empty (of_others)" in await refusal(restore(elsewhere, file))


@pytest.mark.nightly
async def test_a_file_that_is_not_whole_or_of_another_version_leaves_nothing(
    site: Site, tmp_path: Path, settings: Settings
) -> None:
    here, elsewhere = await site.new(), await site.new()
    file, planted = tmp_path / "backup", tmp_path / "planted"
    await migrations.migrate(here)
    async with here.system_session(reason="test") as session:
        await organizations.create_organization(session, "Acme", here.keyring)
    await back_up(here, file)
    planted.write_bytes(file.read_bytes()[:-400])
    assert "no whole backup" in await refusal(restore(elsewhere, planted))
    rewrite(file, planted, lambda manifest: manifest | {"revision": "f" * 12})
    assert "newer than this one" in await refusal(restore(elsewhere, planted))
    rewrite(file, planted, lambda manifest: manifest | {"format": 99})
    assert "restore it with that one" in await refusal(restore(elsewhere, planted))
    other_secret = settings.model_copy(update={"pseudonym_secret": SecretStr("of another day, " * 3)})
    stranger = Database(elsewhere.url, other_secret)
    assert "another secret" in await refusal(restore(stranger, file))
    await stranger.close()
    rewrite(file, planted, one_more)
    assert "has 1 rows, and the backup 2" in await refusal(restore(elsewhere, planted))
    rewrite(file, planted, without("people"))
    assert "has nothing of people" in await refusal(restore(elsewhere, planted))
    assert "organizations" not in {
        table for table, rows in (await content(site.admin_url(elsewhere))).items() if rows
    }
    await restore(elsewhere, file)
    assert "not empty (" in await refusal(restore(elsewhere, file))


def without(table: str) -> Change:
    def change(manifest: dict[str, Any]) -> dict[str, Any]:
        del manifest["tables"][table]
        return manifest

    return change


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda manifest: [], "manifest of the backup is not as Betrokken writes it"),
        (lambda manifest: manifest | {"tables": {"people": 7}}, "tables.people"),
        (lambda manifest: manifest | {"secret_marks": "ab"}, "secret_marks"),
        (lambda manifest: {"format": 1}, "version"),
        (lambda manifest: manifest | {"sequences": {"a": "b"}}, "sequences.a"),
    ],
)
async def test_a_manifest_that_is_none_is_refused_in_a_line(
    database: Database, tmp_path: Path, change: Change, said: str
) -> None:
    whole = Manifest("1", "f" * 12, "2026-11-30T00:00:00+00:00", 150000, [])
    with zipfile.ZipFile(tmp_path / "backup", "w") as archive:
        archive.writestr(MANIFEST, json.dumps(change(asdict(whole))))
    assert said in await refusal(restore(database, tmp_path / "backup"))


async def test_rows_that_do_not_fit_are_refused_without_their_values(site: Site, tmp_path: Path) -> None:
    here, elsewhere = await site.new(), await site.new()
    file, planted = tmp_path / "backup", tmp_path / "planted"
    await migrations.migrate(here)
    async with here.system_session(reason="test") as session:
        await organizations.create_organization(session, "Acme", here.keyring)
    await back_up(here, file)
    rewrite(file, planted, lambda manifest: manifest, {"tables/organizations.copy": b"Anna de Vries\n"})
    said = await refusal(restore(elsewhere, planted))
    assert "SQLSTATE 22" in said
    assert "Anna" not in said
    await restore(elsewhere, file)


async def test_two_backups_of_one_name_and_what_stands_in_their_way(tmp_path: Path) -> None:
    """The second is refused and takes nothing of the first away; no name that can be guessed is used."""
    elsewhere, file = tmp_path / "elsewhere", tmp_path / "backup"
    elsewhere.write_text("kept")
    (tmp_path / "backup.unfinished").symlink_to(elsewhere)

    def write(version: str, meanwhile: Callable[[], object] = lambda: None) -> None:
        with new_archive(file) as archive:
            meanwhile()
            archive.finish(Manifest(version, "", "", 150000, []))

    with pytest.raises(BackupRefused, match="there already"):
        write("1", lambda: write("2"))
    with opened_archive(file) as archive:
        assert archive.manifest.version == "2"
    assert elsewhere.read_text() == "kept"
    assert sorted(os.listdir(tmp_path)) == ["backup", "backup.unfinished", "elsewhere"]


def one_more(manifest: dict[str, Any]) -> dict[str, Any]:
    manifest["tables"]["organizations"]["rows"] += 1
    return manifest


def rewrite(
    file: Path, to: Path, change: Change, members: Mapping[str, bytes] = MappingProxyType({})
) -> None:
    with zipfile.ZipFile(file) as old, zipfile.ZipFile(to, "w") as new:
        for name in old.namelist():
            read = members.get(name) or old.read(name)
            new.writestr(name, json.dumps(change(json.loads(read))) if name == MANIFEST else read)


@pytest.mark.nightly
async def test_it_is_of_one_moment(site: Site, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What is committed while it is being written is not in it, nor in half of its tables."""
    here, elsewhere = await site.new(), await site.new()
    await migrations.migrate(here)
    usual = backup.tables_of

    async def tables_of(session: AsyncSession) -> Any:
        found = await usual(session)
        async with here.system_session(reason="test") as another:
            await organizations.create_organization(another, "Late", here.keyring)
        return found

    monkeypatch.setattr(backup, "tables_of", tables_of)
    manifest = await back_up(here, tmp_path / "backup")
    assert manifest.tables["organizations"].rows == 1
    monkeypatch.undo()
    await restore(elsewhere, tmp_path / "backup")
