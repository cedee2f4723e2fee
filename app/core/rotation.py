"""The secret of the installation is changed for another: what the old one sealed is sealed with the first.

Every batch is a transaction and finds what is still under another secret than the first: a rotation that was
cut off goes on where it was, and one that is repeated finds nothing to do.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy import TextClause, text

from app.core import audit
from app.core.database import Database, TenantSession
from app.core.secrets import ORGANIZATION_KEY, lost_secret, opens_anything, place_of_secret, wrong_secret

BATCH = 20
WITHOUT_KEY = text("""
SELECT id FROM organizations WHERE sealed_key IS NULL
""")
KEEP_KEY = text("""
UPDATE organizations SET sealed_key = :sealed WHERE id = :id AND sealed_key IS NULL
""")
MARKS = text("""
SELECT DISTINCT substr(sealed_key, 1, 5) FROM organizations WHERE sealed_key IS NOT NULL
""")
KEY_TO_RESEAL = text("""
SELECT id, sealed_key AS sealed FROM organizations
WHERE id = :organization_id AND substr(sealed_key, 1, 5) <> CAST(:mark AS bytea)
    AND (CAST(:id AS uuid) IS NULL OR id > CAST(:id AS uuid))
LIMIT :limit FOR NO KEY UPDATE
""")
RESEAL_KEY = text("""
UPDATE organizations SET sealed_key = :sealed WHERE id = :organization_id AND id = :id
""")


@dataclass(frozen=True)
class Sealed:
    """A column of seals. `to_reseal` finds those with another mark, of 5 bytes; `reseal` replaces one."""

    purpose: str
    to_reseal: TextClause
    reseal: TextClause
    key: tuple[str, ...] = ("id",)


KEYS = Sealed(ORGANIZATION_KEY, KEY_TO_RESEAL, RESEAL_KEY)


@dataclass
class Rotated:
    resealed: int = 0
    unreadable: int = 0
    """Seals that none of the secrets opens. They are left as they are."""


async def prepare_keys(database: Database) -> None:
    """Gives organisations of before there were keys theirs. Refuses secrets that do not open all keys."""
    async with database.system_session(reason="look at the keys of organisations") as session:
        keyless, found = [(await session.scalars(query)).all() for query in (WITHOUT_KEY, MARKS)]
        if (keyless or found) and not opens_anything(database.settings):
            raise lost_secret(database.settings)  # before one is made that opens nothing
        if not set(found) <= set(database.keyring.marks):
            raise wrong_secret(place_of_secret(database.settings))
        for organization_id in keyless:
            sealed = database.keyring.first_key(organization_id)
            await session.execute(KEEP_KEY, {"id": organization_id, "sealed": sealed})


async def rotate(
    database: Database,
    organization_ids: Iterable[UUID],
    columns: Sequence[Sealed],
    told: Callable[[], None] = lambda: None,
) -> Rotated:
    """`told` after each organisation."""
    rotated = Rotated()
    for organization_id in organization_ids:
        before = rotated.resealed
        for column in (KEYS, *columns):
            await _rotate_column(database, organization_id, column, rotated)
        if rotated.resealed > before:
            async with database.tenant_session(organization_id) as session:
                details = {"resealed": rotated.resealed - before}
                await audit.record(session, audit.COMMAND_LINE, "rotate_secrets", details=details)
        told()
    return rotated


async def _rotate_column(database: Database, organization_id: UUID, column: Sealed, rotated: Rotated) -> None:
    after: dict[str, Any] | None = dict.fromkeys(column.key)
    while after is not None:
        async with database.tenant_session(organization_id) as session:
            after = await _rotate_batch(database, session, column, after, rotated)


async def _rotate_batch(
    database: Database, session: TenantSession, column: Sealed, after: dict[str, Any], rotated: Rotated
) -> dict[str, Any] | None:
    """The key of the last one looked at; None after the last of all."""
    keyring = database.keyring
    page = {"mark": keyring.marks[0], "limit": BATCH, **after}
    rows = [dict(row) for row in (await session.execute(column.to_reseal, page)).mappings()]
    for row in rows:
        sealed = keyring.resealed(session.organization_id, column.purpose, row.pop("sealed"))
        if sealed is not None:
            await session.execute(column.reseal, {**row, "sealed": sealed})
            rotated.resealed += 1
        else:
            rotated.unreadable += 1
    return rows[-1] if rows else None
